from __future__ import annotations

from archviz.architecture.model import Architecture, BlockNode, Fact
from archviz.figure import captions
from archviz.figure.model import column_boxes
from archviz.figure.overview import build_overview
from archviz.figure.quantities import plain
from archviz.figure.savings import Savings
from archviz.records import replace
from tests.figure.samples import node
from tests.figure.zoo import ZOO


def notes(architecture: Architecture) -> list[str]:
    return [plain(line) for note in build_overview(architecture).notes for line in note.lines]


def facts(architecture: Architecture) -> dict[str, str]:
    return {cell.label: cell.value for cell in captions.facts(architecture)}


def test_the_title_is_the_exact_model_and_the_subtitle_its_sizes() -> None:
    qwen = ZOO["qwen35"]()
    assert captions.title(qwen) == "Qwen3.5-397B-A17B"
    assert captions.subtitle(qwen) == "Qwen3_5MoeForConditionalGeneration · 397B parameters · 17B active per token"


def test_notes_tell_what_the_facts_state_and_nothing_else() -> None:
    llama = ZOO["llama"]()
    assert notes(llama) == [
        "Embedding dim. 4,096", "Context 131,072 tokens", "Vocabulary of 128,256",
    ]  # fmt: skip
    llama.facts = []
    assert notes(llama) == []


def test_only_numbers_of_a_note_are_accented() -> None:
    accented = [
        words.text
        for note in build_overview(ZOO["llama"]()).notes
        for line in note.lines
        for words in line
        if words.accent
    ]
    assert accented == ["4,096", "131,072", "128,256"]


def test_a_norm_of_the_stream_says_what_it_is_and_a_mixer_its_numbers() -> None:
    boxes = {box.label: box.details for box in column_boxes(build_overview(ZOO["llama"]()).columns[0].steps)}
    assert boxes["Grouped-query attention"] == ("32 Q / 8 KV heads", "head dim 128")
    assert boxes["RMSNorm"] == ()


def test_what_is_saved_is_named() -> None:
    qwen = ZOO["qwen35"]()
    figure = build_overview(qwen, Savings(feeds=True, folded=True, margins=True))
    assert [plain(line) for line in figure.footers if plain(line).startswith("Not opened")] == [
        (
            "Not opened here: layers of the vision encoder (model.visual.blocks.0); "
            "drawn by --view module --module PATH, and in the detailed view."
        )
    ]
    assert [box.label for box in figure.columns[-1].feeders] == ["Vision encoder"]
    assert figure.sides == ()


def test_a_head_for_further_tokens_is_dashed_where_the_class_does_not_build_it() -> None:
    llama = ZOO["llama"]()
    llama.facts.append(Fact(key="mtp_layers", value=2, unit="not built by the class", status="config"))
    llama.facts.append(Fact(key="mtp", value="not built by the class, which ignores its weights"))
    box = build_overview(llama).columns[0].beyond
    assert box is not None
    assert (box.label, box.status) == ("MTP × 2", "config")
    assert "not built by the class" in box.description
    assert build_overview(ZOO["llama"]()).columns[0].beyond is None


def test_a_tied_head_says_so_once() -> None:
    llama = ZOO["llama"]()
    llama.facts.append(Fact(key="tied_embeddings", value=True))
    llama.parameters.tied = {"lm_head.weight": "model.embed_tokens.weight"}
    llama.towers[0].column[-1].node = node("lm_head:head:LM head|4,096 → 128,256|tied to model.embed_tokens.weight")
    assert "tied with the embedding" in notes(llama)
    head = next(box for box in column_boxes(build_overview(llama).columns[0].steps) if box.role == "head")
    assert head.details == ("4096 → 128,256",)
    low, high = build_overview(llama).columns[0].tied or ("", "")
    assert high == head.id
    assert low != high


def test_the_fact_strip_gives_counts_in_full_with_their_units() -> None:
    cells = facts(ZOO["qwen35"]())
    assert cells["Parameters"] == "396,802,360,816"
    assert cells["Active per token"] == "16,954,000,000"
    assert cells["Heads"] == "32 Q, 2 KV"
    assert cells["Licence"] == "apache-2.0"
    assert "Licence" not in facts(ZOO["llama"]())


def test_savings_are_told_where_experts_are_routed() -> None:
    insets = {inset.title: [plain(note) for note in inset.notes] for inset in build_overview(ZOO["qwen35"]()).insets}
    told = "Resource savings: of 397B parameters only 17B (4.27\u00a0%) are active per token"
    assert told in insets["Mixture of experts"]
    assert told not in insets["Gated attention"]


def test_a_note_of_several_insets_is_told_once_with_their_letters() -> None:
    llama = ZOO["llama"]()
    for block in llama.blocks[1:]:
        block.notes = ["Not traced."]
    figure = build_overview(llama)
    assert [inset.notes for inset in figure.insets] == [(), ()]
    assert plain(figure.footers[0]) == "A, B: Not traced."


def test_side_boxes_follow_the_inside_of_the_mixer() -> None:
    sides = {side.box.label: side for side in build_overview(ZOO["qwen35"]()).sides}
    assert sides.keys() == {"RoPE", "QK-norm"}
    assert sides["RoPE"].box.details == ("64 of 256 dims", "θ = 10,000,000")
    assert [target.rsplit("/", 1)[-1] for target in sides["RoPE"].targets] == ["self_attn"]
    assert build_overview(ZOO["bert"]()).sides == ()


def test_attention_that_is_given_no_positions_says_so_beside_its_column() -> None:
    qwen = ZOO["qwen35"]()
    for graph in qwen.blocks:
        graph.nodes[:] = [replace(each, role="other") if each.role == "rope" else each for each in graph.nodes]
    assert "NoPE" not in {side.box.label for side in build_overview(qwen).sides}
    qwen.facts.append(Fact(key="position_encoding", value="none (NoPE)"))
    side = next(side for side in build_overview(qwen).sides if side.box.label == "NoPE")
    assert [target.rsplit("/", 1)[-1] for target in side.targets] == ["self_attn"]  # no linear attention


def test_qk_norms_of_different_sizes_are_both_told() -> None:
    qwen = ZOO["qwen35"]()
    for graph in qwen.blocks:
        graph.nodes[:] = [replace(each, details=["128"]) if each.id == "k_norm" else each for each in graph.nodes]
    side = next(side for side in build_overview(qwen).sides if side.box.label == "QK-norm")
    assert side.box.details == ("RMSNorm(256) and 128",)


def test_norms_that_are_not_on_queries_and_keys_are_no_qk_norm() -> None:
    qwen = ZOO["qwen35"]()
    qwen.facts.append(Fact(key="qk_norm", value="none"))
    assert [side.box.label for side in build_overview(qwen).sides] == ["RoPE"]


def test_an_encoder_s_output_is_named_after_its_tower() -> None:
    t5 = ZOO["t5"]()
    for block in t5.blocks:
        block.nodes = [_renamed(box) for box in block.nodes]
    sides = build_overview(t5).sides
    assert [side.box.label for side in sides] == ["Encoder output"]


def _renamed(box: BlockNode) -> BlockNode:
    return replace(box, label="Second input") if box.id == "encoder" else box


def test_the_footer_names_source_and_gaps() -> None:
    lines = [plain(line) for line in captions.footers(ZOO["nemotron"]())]
    assert lines[0].startswith(
        "Source: nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16, catalog of 2026-11-01, transformers 5.23.0"
    )
    assert lines[1] == "Gaps (1): backbone.layers.0.mixer: kernel mamba_chunk_scan is not interpreted."
