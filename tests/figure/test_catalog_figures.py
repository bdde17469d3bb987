"""Figures of models of the catalog that once said too little or something untrue."""

from __future__ import annotations

from functools import lru_cache

import pytest

from archviz.architecture.model import Architecture, BlockGraph
from archviz.descriptions import describe
from archviz.figure import draw_view
from archviz.figure.columns import MAX_BOXES
from archviz.figure.detailed import build_detailed
from archviz.figure.display import Text
from archviz.figure.fitting import fitted_page
from archviz.figure.ledger import Ledger
from archviz.figure.model import Figure, bars, column_boxes, step_diagrams
from archviz.figure.overview import build_overview, count_boxes
from archviz.figure.quantities import plain
from archviz.figure.savings import LADDER
from archviz.figure.theme import LIGHT
from archviz.settings import Settings

GEMMA = "google/gemma-3-27b-it"
LLAMA, QWEN, V4 = (
    "meta-llama/Llama-3.2-11B-Vision-Instruct",
    "Qwen/Qwen3.5-397B-A17B",
    "deepseek-ai/DeepSeek-V4-Flash",
)


@lru_cache(maxsize=4)
def model(name: str) -> Architecture:
    return describe(name, settings=Settings(offline=True))


@lru_cache(maxsize=4)
def overview(name: str) -> Figure:
    return fitted_page(model(name), LIGHT).figure


def block(name: str, block_id: str) -> BlockGraph:
    found = model(name).block(block_id)
    assert found is not None
    return found


def ledger(name: str, title: str) -> Ledger:
    return next(each for each in build_detailed(model(name)) if each.title == title)


def test_the_gates_of_cross_attention_are_boxes_with_their_parameters() -> None:
    layer = block(LLAMA, "text/layer/cross_attention+swiglu")
    gates = [node for node in layer.nodes if node.role == "scale"]
    assert [(gate.label, gate.parameters) for gate in gates] == [("× tanh(gate)", 1)] * 2
    adds = [node.id for node in layer.nodes if node.role == "residual_add"]
    assert [(edge.source, edge.target) for edge in layer.edges if edge.source in {gate.id for gate in gates}] == [
        (gate.id, add) for gate, add in zip(gates, adds, strict=True)
    ]
    assert sum(node.parameters for node in layer.nodes) == layer.parameters


def test_a_tower_that_layers_read_is_drawn_though_their_input_stands_beside_them() -> None:
    figure = overview(LLAMA)
    assert [column.title for column in figure.columns] == ["Vision encoder", "Text decoder"]
    assert [side.box.label for side in figure.sides if side.box.role == "input"] == ["Vision encoder output"]


@pytest.mark.parametrize("name", [QWEN, V4])
def test_the_experts_are_opened_and_say_what_routing_saves(name: str) -> None:
    figure = overview(name)
    moe = next(inset for inset in figure.insets if inset.role == "moe")
    assert any(plain(note).startswith("Resource savings: of ") for note in moe.notes)
    assert count_boxes(figure) <= MAX_BOXES


@pytest.mark.parametrize("name", [LLAMA, QWEN, V4])
def test_every_letter_of_an_inset_stands_on_a_box_and_what_is_closed_names_its_module(name: str) -> None:
    figure = overview(name)
    zooms = {box.zoom for column in figure.columns for box in column_boxes(column.steps)}
    zooms |= {bar.zoom for column in figure.columns for bar in bars(column.steps)}
    zooms |= {box.zoom for inset in figure.insets for box in inset.diagram.boxes}
    assert {inset.id for inset in figure.insets} <= zooms
    closed = [plain(line) for line in figure.footers if plain(line).startswith("Not opened")]
    assert all("(model." in line and "--view module" in line for line in closed)


def test_bars_show_the_mixers_of_their_layers_dark() -> None:
    shown = [bar for column in overview(V4).columns for bar in bars(column.steps)]
    assert [[mixer.label for mixer in bar.mixers] for bar in shown] == [
        ["Sliding attention"],
        ["Compressed sparse attention"],
        ["Heavily compressed attention"],
        ["Compressed sparse attention"],
    ]
    assert "128 positions → 1" in shown[2].mixers[0].details
    assert shown[1].mixers[0].kind == shown[3].mixers[0].kind  # the same mixer has one colour


def test_residual_streams_are_lines_side_by_side_and_the_strip_has_their_ratios() -> None:
    figure = overview(V4)
    layer = next(inset for inset in figure.insets if inset.role == "layer")
    assert {arrow.lanes for arrow in layer.diagram.arrows} == {1, 4}
    strip = figure.strips[0]
    assert strip.values[:5] == ("–", "–", "4", "128", "4")
    assert len(strip.values) == len(strip.cells) == 43


def test_the_compressor_and_its_indexer_are_opened_with_sizes_in_s() -> None:
    attention = block(V4, "text/compressed_sparse_attention")
    box = next(node for node in attention.nodes if node.label == "compressor")
    assert box.zoom is not None
    assert box.shape_out == ["B", 1, "S/4", 512]
    inside = block(V4, box.zoom)
    indexer = next(node for node in inside.nodes if node.label == "indexer")
    assert indexer.zoom is not None
    assert block(V4, indexer.zoom).parameters == indexer.parameters
    assert all(node.shape_out.count("S/4") <= 1 for node in inside.nodes if node.shape_out)


def test_formulas_and_shapes_of_the_detailed_view_are_in_symbols() -> None:
    shown = ledger(V4, "Compressed sparse attention")
    formulas = {name.rpartition("/")[2]: formula.text for name, formula in shown.formulas.items()}
    shapes = {name.rpartition("/")[2]: text for name, text in shown.shapes.items()}
    assert formulas["q_b_proj"] == "H·d_h·r_q"
    assert (shapes["q_b_proj"], shapes["o_a_proj"]) == ("[B, S, H·d_h]", "[B, S, G_o, r_o]")
    assert shapes["cat"] == "[B, 1, S + S/4, d_h]"


def test_the_column_of_the_detailed_view_keeps_the_repeat() -> None:
    column = ledger(LLAMA, "Text decoder")
    assert [(times, len(names)) for times, names in column.frames] == [("8 ×", 3)]
    labels = [box.label for box in column.diagram.boxes if " × " in box.label]
    assert labels == ["3 × Attention + SwiGLU", "1 × Cross attention + SwiGLU", "1 × Attention + SwiGLU"]


@pytest.mark.parametrize("view", ["overview", "detailed"])
@pytest.mark.parametrize("name", [LLAMA, QWEN, V4, "Qwen/Qwen3-VL-4B-Instruct"])
def test_they_are_drawn_without_a_hard_finding(name: str, view: str) -> None:
    _, findings = draw_view(model(name), view)
    assert [finding for finding in findings if finding.severity == "hard"] == []


def test_scaling_of_some_layers_names_them_and_an_inset_tells_another_base() -> None:
    figure = overview("google/gemma-3-27b-it")
    facts = {cell.label: cell.value for cell in figure.facts}
    assert facts["RoPE scaling"] == "linear scaling × 8 (full attention)"
    notes = [plain(note) for inset in figure.insets for note in inset.notes]
    assert any("RoPE θ = 10,000" in note and "window 1024" in note for note in notes)


def test_facts_that_are_framed_are_explained() -> None:
    display, _ = draw_view(model("google/gemma-3-27b-it"))
    legend = next(group for group in display.groups() if group.id == "legend")
    assert "not verified" in [shape.content for shape in legend.items if isinstance(shape, Text)]


def test_rope_and_qk_norm_stand_beside_the_columns_of_the_flagship_figures() -> None:
    for name in (QWEN, V4):
        sides = {side.box.label.replace(" ", "-"): side for side in overview(name).sides}
        assert {"RoPE", "QK-norm"} <= set(sides)
    assert len(next(side for side in overview(V4).sides if side.box.label == "RoPE").targets) == 4


@pytest.mark.parametrize("name", [QWEN, V4, "Qwen/Qwen3-Next-80B-A3B-Instruct", "google/gemma-4-26B-A4B"])
def test_a_dense_page_keeps_its_leaders_and_the_dimensions_that_rope_turns(name: str) -> None:
    page = fitted_page(model(name), LIGHT)
    rope = [side.box.details for side in page.figure.sides if side.box.role == "rope"]
    assert len(page.figure.notes) == 2
    assert all(len(lines) == 1 and lines[0].endswith("dims") for lines in rope)
    assert page.badness <= 0
    if name == QWEN:
        assert rope == [("64 of 256 dims",)]


def test_patterns_of_layers_are_told_in_words_and_not_in_names_of_code() -> None:
    assert (
        overview("HuggingFaceTB/SmolLM3-3B").strips[0].text
        == "9 × (3 × RoPE attention + SwiGLU, 1 × NoPE attention + SwiGLU)"
    )
    assert "_" not in overview("meta-models/Muse-Glimmer-30B").strips[0].text


def test_a_further_head_says_what_the_checkpoint_holds_of_it() -> None:
    box = overview(V4).columns[-1].beyond
    assert box is not None
    assert (box.label, box.details, box.status) == ("MTP", ("6.61B",), "config")


def test_patterns_and_facts_of_several_towers_name_theirs() -> None:
    assert [strip.title for strip in overview("google-t5/t5-small").strips] == [
        "Layer pattern: Encoder",
        "Layer pattern: Decoder",
    ]
    facts = {cell.label: cell.value for cell in overview("openai/clip-vit-base-patch32").facts}
    assert facts["The following of the"] == "text encoder"
    assert "The following of the" not in {cell.label for cell in overview(LLAMA).facts}


def test_variants_of_an_inset_that_differ_alike_are_told_once() -> None:
    notes = [plain(note) for inset in overview("google-t5/t5-small").insets for note in inset.notes]
    assert len([note for note in notes if note.endswith("32 × 8")]) == 1


def test_convolutions_and_embeddings_of_encoders_have_their_sizes() -> None:
    whisper = {box.label: box.details for box in column_boxes(overview("openai/whisper-tiny").columns[0].steps)}
    assert whisper["Conv1d"][0] == "384 → 384, kernel 3, stride 2"
    vit = {
        box.label: box.details for box in column_boxes(overview("google/vit-base-patch16-224-in21k").columns[0].steps)
    }
    assert vit["embeddings"] == ("3 → 768, 16 × 16 patches", "class token joined", "positions 197 × 768 added")


def test_a_dense_page_names_what_a_hyper_connection_gives_and_what_an_attention_reads() -> None:
    drawn = fitted_page(model(V4), LIGHT).display()
    words = [
        item.content
        for group in drawn.groups()
        if group.role == "label"
        for item in group.items
        if isinstance(item, Text)
    ]
    assert sorted(words) == sorted(["pre", "post", "comb"] * 2 + ["q", "k, v"])


def test_towers_are_spread_over_a_page_on_which_nothing_stands_beside_them() -> None:
    page = fitted_page(model("openai/clip-vit-base-patch32"), LIGHT)
    drawn = page.display()
    first, last = page.arts[0].frame, page.arts[-1].frame
    assert abs(first.x - (drawn.width - last.right)) < 4
    assert last.x - first.right > first.x > 60


def test_the_detailed_view_shows_where_towers_meet() -> None:
    labels = {
        box.label for ledger in build_detailed(model("openai/clip-vit-base-patch32")) for box in ledger.diagram.boxes
    }
    assert {"L2 norm", "Matrix product", "× exp(logit_scale)"} <= labels


def test_a_mixer_that_is_drawn_once_has_one_colour_in_all_layers() -> None:
    """T5's first layer alone holds the table of relative positions that all its attentions add."""
    figure = overview("google-t5/t5-small")
    for column in figure.columns:
        mixers = [box for box in column_boxes(column.steps) if box.role == "attention"]
        assert len({box.kind for box in mixers if "Cross" not in box.label}) == 1
        assert len(mixers) > 1
    sliding = [
        box for column in overview(GEMMA).columns for box in column_boxes(column.steps) if box.role == "attention"
    ]
    assert len({(box.label, box.kind) for box in sliding}) == 2  # sliding and full attention stay apart


def test_the_line_of_a_tie_does_not_lie_on_the_leader_of_a_note() -> None:
    display, findings = draw_view(model(GEMMA))
    assert {"tie/text"} <= {group.id for group in display.groups()}
    assert [finding for finding in findings if finding.severity == "hard"] == []


def test_of_layers_of_one_build_the_commonest_is_shown_and_its_mixer_has_the_colour_of_its_inset() -> None:
    few = next(savings for savings in LADDER if savings.layers and savings.insets == 3 and not savings.small)
    figure = build_overview(model("moonshotai/Kimi-Linear-48B-A3B-Instruct"), few)
    layer = next(inset for inset in figure.insets if inset.role == "layer")
    assert layer.title == "Kimi Delta Attention + MoE"  # 19 of 27 layers; the first has a dense feed-forward
    mixer = next(box for box in layer.diagram.boxes if box.role == "linear_attention")
    zoomed = next(inset for inset in figure.insets if inset.id == mixer.zoom)
    assert mixer.kind == zoomed.kind


def test_every_mixer_of_a_hybrid_is_opened_beside_one_layer_drawn_in_full() -> None:
    figure = overview("moonshotai/Kimi-Linear-48B-A3B-Instruct")
    zooms = {box.label: box.zoom for column in figure.columns for box in column_boxes(column.steps)}
    opened = {inset.id: inset.title for inset in figure.insets}
    for label in ("Kimi Delta Attention", "Multi-head latent attention", "MoE"):
        assert opened.get(zooms[label] or "") == label
    assert [len(list(step_diagrams(column.steps))) for column in figure.columns] == [1]
    assert any(plain(line).startswith("Not opened here: Expert (one of 256) (") for line in figure.footers)


def test_a_bar_of_layers_repeats_nothing_that_a_layer_drawn_in_full_says() -> None:
    figure = overview("moonshotai/Kimi-Linear-48B-A3B-Instruct")
    drawn = {line for c in figure.columns for d in step_diagrams(c.steps) for box in d.boxes for line in box.details}
    told = [line for c in figure.columns for bar in bars(c.steps) for box in bar.mixers for line in box.details]
    assert told
    assert drawn.isdisjoint(told)


def test_a_convolution_of_single_positions_reads_no_patches() -> None:
    labels = [item.node.details for tower in model("transformers:sam").towers for item in tower.column if item.node]
    sizes = [details[0] for details in labels if details and "→" in details[0]]
    assert "3 → 768, 16 × 16 patches" in sizes
    assert "768 → 256, kernel 1 × 1" in sizes
