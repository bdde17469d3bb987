"""Towers stand in the order of the data flow, with everything that they hold."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from archviz.architecture.model import Architecture, ParameterRow, Tower
from archviz.architecture.text import describe_text
from archviz.descriptions import describe
from archviz.figure.captions import facts, footers
from archviz.settings import Settings
from archviz.verify.known import tables


@cache
def of_catalog(name: str) -> Architecture:
    return describe(name, settings=Settings(offline=True))


def column(name: str, tower: str) -> list[str]:
    """What stands in a tower, its layers as `layers`."""
    found = next(each for each in of_catalog(name).towers if each.id == tower)
    return [item.node.label if item.node else "layers" for item in found.column]


def rows(name: str, tower: str) -> dict[str, ParameterRow]:
    found = of_catalog(name).parameters.breakdown
    return {row.key.removeprefix(f"{tower}/"): row for row in found if row.key.startswith(tower)}


def size(name: str, tower: str) -> int:
    found: Tower = next(each for each in of_catalog(name).towers if each.id == tower)
    return found.parameters


def test_a_table_of_positions_stands_where_it_is_added_though_it_is_never_called() -> None:
    assert column("Qwen/Qwen2-Audio-7B-Instruct", "audio") == [
        "Audio features", "Conv1d", "Conv1d", "Position embedding", "layers", "Average pool", "Final LayerNorm", "multi_modal_projector",
    ]  # fmt: skip
    assert column("zai-org/GLM-4.1V-9B-Thinking", "vision")[:5] == [
        "Image", "Patch embedding", "RMSNorm", "Position embedding", "layers",
    ]  # fmt: skip
    assert column("transformers:voxtral", "audio")[1:4] == ["Conv1d", "Conv1d", "Position embedding"]


def test_a_convolution_says_its_widths_and_the_activation_behind_it() -> None:
    found = next(each for each in of_catalog("openai/whisper-tiny").towers if each.id == "encoder")
    nodes = [item.node for item in found.column if item.node and item.node.label == "Conv1d"]
    assert [node.details for node in nodes] == [
        ["80 → 384, kernel 3", "GELU"],
        ["384 → 384, kernel 3, stride 2", "GELU"],
    ]


def test_tensors_of_a_towers_own_module_are_steps_of_it() -> None:
    name = "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic"
    assert column(name, "vision")[:6] == [
        "Image", "Patch embedding", "class_embedding", "Position embedding", "LayerNorm", "layers",
    ]  # fmt: skip
    assert column("meta-llama/Llama-3.2-11B-Vision-Instruct", "vision")[1:5] == [
        "Conv2d", "pre_tile_positional_embedding", "class_embedding", "gated_positional_embedding",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic", "meta-llama/Llama-3.2-11B-Vision-Instruct"]
)
def test_the_breakdown_of_a_tower_is_what_the_structure_says(name: str) -> None:
    assert rows(name, "vision")["vision"].count == size(name, "vision")
    assert all(row.key != "other" for row in of_catalog(name).parameters.breakdown)


def test_a_norm_before_the_layers_is_no_embedding() -> None:
    found = rows("openai/clip-vit-base-patch32", "vision")
    assert (found["embedding"].count, found["pre_norm"].count) == (768 * 3 * 32 * 32 + 50 * 768 + 768, 2 * 768)
    assert found["around"].label == "Around the layers (visual_projection)"


def test_what_stands_in_no_tower_is_named() -> None:
    found = of_catalog("openai/clip-vit-base-patch32").parameters.breakdown
    assert [row.label for row in found if row.key == "other"] == ["Other (logit_scale)"]


def test_all_that_stands_around_the_layers_is_named() -> None:
    found = rows("meta-llama/Llama-3.2-11B-Vision-Instruct", "vision")["around"]
    assert found.label == "Around the layers (post_tile_positional_embedding, multi_modal_projector)"


def value(name: str, key: str) -> object:
    found = of_catalog(name).fact(key)
    return found.value if found else None


def test_the_vocabulary_is_what_the_head_writes() -> None:
    name = "meta-llama/Llama-3.2-11B-Vision-Instruct"
    assert (value(name, "vocabulary_size"), value(name, "embedding_rows")) == (128_256, 128_264)
    assert (value("openai/whisper-tiny", "vocabulary_size"), value("openai/whisper-tiny", "embedding_rows")) == (
        51_865,
        None,
    )


def test_norms_of_cross_attentions_are_told_apart() -> None:
    name = "meta-llama/Llama-3.2-11B-Vision-Instruct"
    assert (value(name, "qk_norm"), value(name, "cross_attention_qk_norm")) == ("none", "per head")
    assert value("openai/whisper-tiny", "cross_attention_qk_norm") is None


def test_a_learned_table_is_told_where_a_module_holds_it_itself() -> None:
    key = "vision_position_encoding"
    assert value("RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic", key) == "RoPE and table of positions"
    assert value("meta-llama/Llama-3.2-11B-Vision-Instruct", key) == "table of positions"
    assert value("google/vit-base-patch16-224-in21k", "position_encoding") == "table of positions"


def test_a_size_stated_under_another_name_is_no_default() -> None:
    found = of_catalog("LiquidAI/LFM2-1.2B").fact("intermediate_size")
    assert found is not None
    assert (found.value, found.status) == (8192, "verified")
    assert all("default" not in (each.text or "") for each in found.evidence)


def test_the_head_line_of_what_was_not_understood_is_marked() -> None:
    found = of_catalog("stepfun-ai/Step-3.7-Flash")
    if found.gaps:
        assert describe_text(found).splitlines()[1].endswith("[unverified]")
        layers = next(cell for cell in facts(found) if cell.label == "Layers")
        assert layers.status == "unverified"
        assert all(": :" not in "".join(words.text for words in line) for line in footers(found))


def test_a_figure_that_tells_a_towers_own_table_agrees_with_the_code() -> None:
    root = of_catalog("RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic").modules
    assert "577 × 1408" in tables("table", root).values


def _towers(name: str) -> dict[str, Tower]:
    return {tower.title: tower for tower in describe(f"transformers:{name}", settings=Settings(offline=True)).towers}


def _notes(tower: Tower) -> dict[str, str | None]:
    return {item.node.label: item.note for item in tower.column if item.node and item.taps}


def test_what_no_data_flows_through_is_no_step_of_a_tower() -> None:
    towers = _towers("sam")
    assert _notes(towers["Vision encoder"]) == {
        "shared_image_embedding": "no layer reads the output",
        "prompt_encoder": "fed by something else than the steps below",
    }
    assert _notes(_towers("wav2vec2")["Audio encoder"]) == {"masked_spec_embed": "no step of forward reads it"}
    assert _notes(_towers("vits")["Text encoder"])["posterior_encoder"] == "not called in the pass that was read"


def test_a_tower_that_reads_no_ids_has_its_name_in_the_code_and_features_for_input() -> None:
    architecture = describe("transformers:sam", settings=Settings(offline=True))
    tower = next(tower for tower in architecture.towers if tower.title == "Mask decoder")
    assert architecture.fact("vocabulary_size") is None  # four rows for masks are no words
    assert tower.column[0].node is not None
    assert tower.column[0].node.label == "Features"


def test_modules_between_two_halves_stand_in_the_order_of_the_pass() -> None:
    towers = _towers("dac")
    labels = [item.node.label for item in towers["Encoder"].column if item.node]
    assert labels[-1].startswith("quantizer")  # between the encoder and the decoder, registered behind both
    assert towers["Encoder"].feeds == "decoder"


def test_the_halves_of_a_model_of_text_beside_others_are_encoder_and_decoder() -> None:
    towers = _towers("seamless_m4t_v2")
    assert towers["Encoder"].feeds == "decoder"
    heads = {
        title for title, tower in towers.items() for item in tower.column if item.node and item.node.role == "head"
    }
    assert heads == {"Decoder"}


def test_a_text_decoder_that_holds_the_tower_of_images_is_no_vision_encoder() -> None:
    towers = {tower.id: tower for tower in of_catalog("transformers:idefics").towers}
    assert {name: (tower.title, tower.feeds) for name, tower in towers.items()} == {
        "text": ("Text decoder", None),
        "vision": ("Vision encoder", "text"),
    }
    assert column("transformers:idefics", "text")[0] == "Token ids"
    assert next(fact.value for fact in of_catalog("transformers:idefics").facts if fact.key == "hidden_size") == 4096


def test_norms_without_weights_stand_where_they_are_called() -> None:
    def norms(name: str) -> list[tuple[str, list[str], str | None, int]]:
        column = of_catalog(name).towers[0].column
        at = [place for place, item in enumerate(column) if item.stacks]
        return [
            (node.label, node.details, item.note, sum(place > each for each in at))
            for place, item in enumerate(column) if (node := item.node) and node.role == "norm"
        ]  # fmt: skip

    told = ["without weights"]
    assert norms("transformers:nanochat") == [("RMSNorm", told, None, 0), ("Final RMSNorm", told, None, 1)]
    assert norms("transformers:hrm_text") == [
        ("RMSNorm", told, "after layers of L_module, 6 times", 1),
        ("Final RMSNorm", [*told, "after layers of H_module, 2 times"], None, 1),
    ]
    assert [each[:2] for each in norms("Qwen/Qwen3-0.6B")] == [("Final RMSNorm", [])]


def test_a_tower_between_the_images_and_the_text_is_one_of_its_own_and_the_text_decoder_is_the_main_one() -> None:
    towers = {tower.id: tower for tower in of_catalog("transformers:idefics2").towers}
    assert {name: (tower.title, tower.feeds) for name, tower in towers.items()} == {
        "text": ("Text decoder", None),
        "text_2": ("Connector", "text"),
        "vision": ("Vision encoder", "text_2"),
    }
    assert column("transformers:idefics2", "text") == [
        "Token ids",
        "Token embedding",
        "layers",
        "Final RMSNorm",
        "LM head",
    ]
    assert "modality_projection" in column("transformers:idefics2", "text_2")
    found = {fact.key: fact.value for fact in of_catalog("transformers:idefics2").facts}
    assert (found["layers"], found["vocabulary_size"], found["vision_layers"]) == (32, 32000, 12)


def test_a_q_former_stands_between_the_images_and_the_text_and_crosses_to_the_images(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "blip-2", "image_token_id": 50265}))
    read = describe(str(tmp_path), settings=Settings(offline=True))
    assert [(tower.title, tower.feeds) for tower in read.towers] == [
        ("Text decoder", None), ("Qformer", "text"), ("Vision encoder", "text_2"),
    ]  # fmt: skip
    assert [kind.title for kind in read.layers[1].kinds] == [
        "Attention + Cross attention + MLP (GELU)", "Attention + MLP (GELU)",
    ]  # fmt: skip
    last = [item.node.label for item in read.towers[1].column if item.node][-1]
    assert last == "language_projection"
    context = read.fact("context_length")
    assert context is not None
    assert context.value == 2048  # the language model's, not the Q-Former's


def _read(folder: Path, **configuration: object) -> list[tuple[str, str | None]]:
    """The last steps of the first tower of a configuration, each with what it says of its place."""
    (folder / "config.json").write_text(json.dumps(configuration))
    found = describe(str(folder / "config.json"), settings=Settings(offline=True)).towers[0].column
    return [(item.node.label, item.note) for item in found if item.node]


@pytest.mark.parametrize(
    ("model_type", "class_name", "head"),
    [
        ("vit", "ViTForImageClassification", "classifier"),
        ("bert", "BertForQuestionAnswering", "qa_outputs"),
        ("bert", "BertForTokenClassification", "classifier"),  # two classes, as there are two types of tokens
        ("llama", "LlamaForSequenceClassification", "score"),
        ("gpt2", "GPT2LMHeadModel", "LM head"),
        ("gpt_neox", "GPTNeoXForCausalLM", "LM head"),
    ],
)
def test_only_a_head_that_scores_the_vocabulary_is_an_lm_head(
    tmp_path: Path, model_type: str, class_name: str, head: str
) -> None:
    assert _read(tmp_path, model_type=model_type, architectures=[class_name])[-1] == (head, None)


def test_an_output_projection_over_the_vocabulary_is_an_lm_head_under_any_name() -> None:
    assert column("openai/whisper-tiny", "decoder")[-1] == "LM head"  # proj_out
    assert column("EleutherAI/gpt-j-6b", "text")[-1] == "LM head"


def test_a_head_that_branches_off_further_below_says_where(tmp_path: Path) -> None:
    second = _read(tmp_path, model_type="gpt2", architectures=["GPT2DoubleHeadsModel"])[-2:]
    assert second == [("LM head", None), ("multiple_choice_head", "reads the output of ln_f")]
    assert _notes(_towers("big_bird")["Text encoder"]) == {"pooler": "nothing reads the output"}
    decoder = _notes(_towers("sam")["Mask decoder"])
    assert decoder["iou_prediction_head"] == "reads the output of layer_norm_final_attn"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("longformer", "Text model"),  # its bands of scores do not say which way they look
        ("fnet", "Text model"),  # no attention at all
        ("xlnet", "Text model"),
        ("mamba", "Text decoder"),
        ("bert", "Text encoder"),
    ],
)
def test_a_text_tower_is_a_decoder_only_where_something_shows_it(name: str, title: str) -> None:
    assert of_catalog(f"transformers:{name}").towers[0].title == title


def _steps(tower: Tower) -> dict[str, tuple[str, str]]:
    """The boxes of a column that are drawn, by label, each with how it joins the stream and its status."""
    return {i.node.label: (i.joins or "", i.node.status) for i in tower.column if i.node and not i.taps}


def test_a_pass_that_ends_early_leaves_a_q_former_between_its_towers(tmp_path: Path) -> None:
    config = {"model_type": "blip-2", "architectures": ["Blip2ForConditionalGeneration"]}
    for name, more in (("refused", {}), ("whole", {"image_token_index": 50265})):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({**config, **more}))
        found = describe(str(folder), settings=Settings(offline=True)).towers
        feeds = {tower.module: tower.feeds for tower in found}
        assert feeds == {"language_model": None, "qformer": "text", "vision_model": "text_2"}
        assert next(tower.title for tower in found if tower.module == "language_model") == "Text decoder"


def test_a_models_own_method_shows_what_a_projector_reads() -> None:
    kimi = next(tower for tower in of_catalog("moonshotai/Kimi-K2.5").towers if tower.id == "vision")
    assert _steps(kimi)["mm_projector"] == ("", "verified")
    vision = _towers("deepseek_vl")["Vision encoder"]
    assert _notes(vision) == {"head": "aligner does not read its output"}
    assert _steps(vision)["aligner"] == ("", "verified")


def test_a_step_that_no_pass_shows_to_read_the_step_below_is_derived() -> None:
    steps = _steps(_towers("idefics3")["Vision encoder"])
    assert (steps["Conv2d"], steps["connector"]) == (("", "verified"), ("", "derived"))


def test_steps_beside_each_other_do_not_stand_on_each_other() -> None:
    steps = _steps(_towers("fsmt")["Decoder"])
    assert (steps["Token embedding"][0], steps["Position embedding"][0]) == ("", "add")
    tower = _towers("gradium_phonon_tts")["Text decoder"]
    assert {name: join for name, (join, _) in _steps(tower).items() if name.endswith("proj")} == {
        "num_speakers_proj": "add", "duration_delta_proj": "add",
    }  # fmt: skip
    other = "enters the layers by another way than the steps below"
    assert {name for name, note in _notes(tower).items() if note == other} == {
        "audio_latent_proj", "Token embedding", "bos_latent",
    }  # fmt: skip


def test_what_a_pass_is_given_tells_sound_from_images() -> None:
    assert _towers("nemotron_asr_streaming").keys() == {"Audio encoder"}
    assert _towers("ibert").keys() == {"Text encoder"}  # whose embedding is a module of its own code
    assert _towers("gemma4_vision").keys() == {"Vision encoder"}  # which looks positions up
    assert _towers("lfm3_vl_vision").keys() == {"Vision encoder"}  # whose patches come as rows
    towers = describe("transformers:clvp", settings=Settings(offline=True)).towers
    found = {tower.module: (tower.title, tower.column[0].node.label) for tower in towers if tower.column[0].node}
    assert found["speech_decoder_model"] == ("Audio decoder", "Features")
    assert found["speech_encoder_model"] == ("Audio encoder", "Token ids")


def test_sound_that_is_called_a_mel_is_given_by_frames_and_read_to_the_end() -> None:
    read = of_catalog("transformers:gemma3n_audio")
    assert not read.gaps
    facts = {fact.key: fact.value for fact in read.facts}
    assert facts["norm_placement"] == "sandwich norm"  # numbers are kept within bounds before and behind
    bounded = of_catalog("transformers:gemma4_audio").fact("norm_placement")  # and again inside of each projection
    assert bounded is not None
    assert bounded.value == "sandwich norm"
    graph = read.block(read.layers[0].kinds[0].block)
    assert graph is not None
    assert [node.label for node in graph.nodes].count("MLP (SiLU)") == 2  # with a function between the projections
    assert not any("not called" in note for note in graph.notes)


def test_what_forward_calls_for_sound_alone_is_not_said_to_be_never_called() -> None:
    assert _notes(_towers("muse_spark")["Vision encoder"])["audio_tower"] == "not called in the pass that was read"


def test_a_list_of_stages_says_what_they_are_and_a_norm_before_them_is_not_final() -> None:
    labels = [(i.node.label, i.node.details) for i in _towers("mobilenet_v1")["Vision encoder"].column if i.node]
    assert ("BatchNorm", []) in labels
    assert ("layer", ["26 × MobileNetV1ConvLayer"]) in labels


@pytest.mark.parametrize(
    ("model", "head", "module"), [("t5gemma2", "lm_head", "model.decoder"), ("evolla", "LM head", "model")]
)
def test_a_head_stands_in_the_tower_whose_layers_it_reads_last(model: str, head: str, module: str) -> None:
    towers = of_catalog(f"transformers:{model}").towers
    assert [tower.module for tower in towers if head in _steps(tower)] == [module]


def test_what_a_class_is_given_as_its_stream_leaves_a_projection_of_its_context_beside_it() -> None:
    """Muse Glimmer's drafter: the layers run on `noise_embeds`, and read the context that `encoder` projects."""
    drafter = of_catalog("transformers:muse_glimmer_assistant")
    column = drafter.towers[0].column
    assert [item.node.label for item in column if item.node and not item.beside] == [
        "Features", "Final RMSNorm",
    ]  # fmt: skip
    assert [item.node.label for item in column if item.node and item.beside] == ["encoder"]


def test_a_transposed_convolution_has_no_patches_and_its_weight_the_other_way_round() -> None:
    upsampled = of_catalog("transformers:nemotron3_5_transcribe_word_timestamp")
    nodes = [item.node for tower in upsampled.towers for item in tower.column if item.node]
    assert next(node.details for node in nodes if node.label == "ConvTranspose1d") == [
        "1280 → 1280, kernel 2, stride 2"
    ]


def test_grouped_convolutions_have_the_inputs_of_all_groups() -> None:
    """Mimi's upsampling is depthwise: its weight [512, 1, 4] has one output of each group."""
    nodes = [item.node for tower in of_catalog("transformers:mimi").towers for item in tower.column if item.node]
    assert next(node.details for node in nodes if node.label == "upsample") == ["512 → 512, kernel 4, stride 2"]


def test_tensors_that_only_the_layers_read_are_no_steps_of_a_stream_that_is_given() -> None:
    deim = of_catalog("transformers:deimv2")
    column = next(tower for tower in deim.towers if tower.id == "decoder").column
    assert [item.node.label for item in column if item.node and not (item.taps or item.beside)] == ["Features"]
