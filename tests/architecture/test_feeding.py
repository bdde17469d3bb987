"""Towers of images: what runs before what, which layer is read, and where the text model takes it up."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.architecture.model import Architecture, Tower
from archviz.settings import Settings

OFFLINE = Settings(offline=True)
LLAVA = "llava-hf/llava-1.5-7b-hf"
MLLAMA = "meta-llama/Llama-3.2-11B-Vision-Instruct"


def described(model: str) -> Architecture:
    return pipeline.describe(model, settings=OFFLINE)


def names(tower: Tower, *, drawn: bool = True) -> list[str]:
    """Code names of a column's boxes, and the paths of its layers, bottom-up."""
    return [
        item.stack or (item.node.code_name or item.node.label if item.node else "")
        for item in tower.column
        if item.taps is not drawn
    ]


def tower(architecture: Architecture, name: str) -> Tower:
    return next(each for each in architecture.towers if each.id == name)


def test_the_projector_reads_the_layer_before_the_last_and_the_last_norm_stands_aside() -> None:
    vision = tower(described(LLAVA), "vision")
    assert names(vision)[-2:] == ["model.vision_tower.encoder.layers", "multi_modal_projector"]
    projector = vision.column[-1].node
    assert projector is not None
    assert "reads the output of layer 23 of 24" in projector.details
    assert names(vision, drawn=False) == ["post_layernorm"]
    aside = next(item for item in vision.column if item.taps)
    assert aside.note == "the text decoder does not read its output"
    assert vision.feeds == "text"
    assert "post_layernorm" not in " ".join(names(vision))


def test_layers_that_carry_on_others_stand_above_them_in_one_column() -> None:
    architecture = described(MLLAMA)
    vision = tower(architecture, "vision")
    assert [each.id for each in architecture.towers] == ["text", "vision"]
    assert names(vision)[-5:] == [
        "model.vision_model.transformer.layers",
        "layernorm_post",
        "post_tile_positional_embedding",
        "model.vision_model.global_transformer.layers",
        "multi_modal_projector",
    ]
    assert "multi_modal_projector" not in names(tower(architecture, "text"))


def test_a_mask_that_is_given_is_no_second_stream() -> None:
    architecture = described(MLLAMA)
    layers = [stack for stack in architecture.layers if stack.path.startswith("model.vision_model")]
    assert len(layers) == 2
    for stack in layers:
        for kind in stack.kinds:
            graph = architecture.block(kind.block)
            assert graph is not None
            assert sum(node.role == "input" for node in graph.nodes) == 1


@pytest.mark.parametrize("model", ["transformers:internvl", "transformers:idefics3", "transformers:gemma3"])
def test_a_projector_comes_after_the_layers_also_where_no_pass_reached_it(model: str) -> None:
    vision = tower(described(model), "vision")
    order = names(vision)
    last = next(place for place, name in enumerate(order) if "layer" in name and "." in name)
    assert order[-1] in ("multi_modal_projector", "connector")
    assert last < len(order) - 1


def test_what_forward_never_calls_stands_aside() -> None:
    architecture = described("transformers:janus")
    asides = {
        item.node.code_name: item.note
        for each in architecture.towers
        for item in each.column
        if item.node and item.taps
    }
    assert asides["vqmodel"] == asides["generation_embeddings"] == "not called in the pass that was read"


def test_a_router_shows_its_groups_and_unscaled_scores_are_told() -> None:
    router = [
        node for graph in described("deepseek-ai/DeepSeek-V3").blocks for node in graph.nodes if node.role == "router"
    ]
    assert all("4 of 8 groups" in node.details for node in router)
    assert router
    cores = [
        node for graph in described("transformers:t5").blocks for node in graph.nodes if node.role == "attention_core"
    ]
    assert {node.label for node in cores} == {"Dot-product attention"}
    assert all("scores not scaled" in node.details for node in cores)


def test_of_a_tower_that_was_not_understood_nothing_follows_about_who_reads_it() -> None:
    architecture = described("stepfun-ai/Step-3.7-Flash")  # its configuration lacks what the class asks for
    assert [gap.module for gap in architecture.gaps] == [""]  # the text decoder was not followed
    assert [each.title for each in architecture.towers] == ["Text decoder", "Vision encoder"]
    assert tower(architecture, "vision").feeds == "text"
    clip = described("openai/clip-vit-base-patch32")
    assert [each.title for each in clip.towers] == ["Text encoder", "Vision encoder"]


def test_a_table_that_only_the_encoder_reads_stands_in_it_though_it_lies_outside_of_both_halves() -> None:
    funnel = described("transformers:funnel")
    assert names(tower(funnel, "encoder"))[:3] == ["Token ids", "word_embeddings", "layer_norm"]
    assert names(tower(funnel, "decoder")) == ["Features", "decoder.layers"]
    bart = described("facebook/bart-large-cnn")  # each half looks ids up
    assert [names(tower(bart, half))[:2] for half in ("encoder", "decoder")] == [["Token ids", "embed_tokens"]] * 2
