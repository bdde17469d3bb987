from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path as FilePath

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from archviz.architecture.model import Architecture, BlockGraph, Fact, PatternItem
from archviz.descriptions import describe
from archviz.figure import draw_overview, draw_view
from archviz.figure.display import DisplayList, Group, Path, Rect, Text
from archviz.figure.fitting import fitted_page
from archviz.figure.fonts import measure
from archviz.figure.furniture import paint_footers
from archviz.figure.lint import lint
from archviz.figure.model import Words, column_boxes
from archviz.figure.overview import build_overview
from archviz.figure.page import place_page
from archviz.figure.panels import InsetArt
from archviz.figure.print_size import RATIO, smallest_in_print
from archviz.figure.theme import LIGHT
from archviz.formats import THEMES
from archviz.settings import Settings
from tests.figure.samples import architecture, attention, kind, layer_graph, mlp, swiglu, tower
from tests.figure.zoo import ZOO, stack

MIXERS = (
    "self_attn:attention:Attention|32 heads",
    "mixer:state_space:Mamba-2|64 heads|state 128|head dim 64",
    "linear:linear_attention:Gated DeltaNet with a long name|16 QK heads|64 V heads",
)
FEEDS = ("mlp:feed_forward:SwiGLU|4096 → 14336", "mlp:moe:MoE|8 of 256 experts|+ shared expert", None)


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """One to three towers of one to four kinds of layers in any nesting of repeats."""
    towers, layers = [], []
    blocks: list[BlockGraph] = [attention("attn", 4096, 32, 8, 128), swiglu("swiglu", 4096, 14336), mlp("mlp", 64, 128)]
    count = draw(st.integers(1, 3))
    for number in range(count):
        names = [f"t{number}k{index}" for index in range(draw(st.integers(1, 4)))]
        pattern = draw(st.lists(_items(names), min_size=1, max_size=4))
        order = _flat(pattern)
        kinds = []
        for name in names:
            indices = [index for index, other in enumerate(order) if other == name]
            feed = draw(st.sampled_from(FEEDS))
            blocks.append(layer_graph(f"block/{name}", draw(st.sampled_from(MIXERS)), feed))
            if indices:
                kinds.append(
                    kind(
                        name,
                        f"Layer {name} + something",
                        indices,
                        "attn",
                        draw(st.sampled_from(["swiglu", "mlp", None])),
                    )
                )
        layers.append(stack(f"s{number}", kinds, pattern, "a pattern"))
        column = [
            "ids:input:Tokens",
            "emb:embedding:Embedding|32,000 × 4,096",
            f"@s{number}",
            "norm:norm:Final norm",
            "head:head:Head",
        ]
        towers.append(
            tower(
                f"t{number}",
                f"Tower {number}",
                draw(st.integers(1, 10**10)),
                column,
                f"t{count - 1}" if number < count - 1 else None,
            )
        )
    return architecture(
        "org/any-model", "AnyModel", 10**10, towers, layers, blocks, {"hidden_size": 4096, "vocabulary_size": 32000}
    )


def _items(names: list[str]) -> st.SearchStrategy[PatternItem]:
    single = st.builds(PatternItem, times=st.integers(1, 9), kind=st.sampled_from(names))
    return st.recursive(
        single,
        lambda inner: st.builds(PatternItem, times=st.integers(2, 9), items=st.lists(inner, min_size=1, max_size=3)),
        max_leaves=4,
    )


def _flat(items: list[PatternItem]) -> list[str]:
    return [name for item in items for name in ([item.kind] if item.kind else _flat(item.items)) * item.times]


@settings(max_examples=150, phases=(Phase.explicit, Phase.generate))  # shrinking a page takes minutes
@given(architectures(), st.sampled_from(THEMES))
def test_any_architecture_gives_clean_pages(drawn: Architecture, theme: str) -> None:
    for view in ("overview", "detailed", "params"):
        display, findings = draw_view(drawn, view, theme=theme)
        assert [finding for finding in findings if finding.severity == "hard"] == []
        if view == "overview":
            told = any(
                finding.rule == "small-print" for finding in lint(display, printed=True)
            )  # towers may be very wide
            assert told or smallest_in_print(display) >= 6.495  # as lint rounds


def _frame(display: DisplayList, group_id: str) -> Rect:
    group = next(group for group in display.groups() if group.id == group_id)
    return next(item for item in group.items if isinstance(item, Rect))


def test_the_page_is_whole_pixels_and_everything_is_on_it() -> None:
    display, findings = draw_overview(ZOO["qwen35"]())
    assert (display.width, display.height) == (int(display.width), int(display.height))
    assert not any(finding.rule == "off-canvas" for finding in findings)


def test_a_tower_that_feeds_another_stands_left_of_it_on_the_same_ground() -> None:
    display = place_page(build_overview(ZOO["qwen35"]()), LIGHT)
    vision, text = (_frame(display, f"tower/{name}") for name in ("vision", "text"))
    assert vision.x + vision.width < text.x
    assert vision.width < text.width
    assert abs((vision.y + vision.height) - (text.y + text.height)) < 10


def test_notes_keep_clear_of_a_small_tower_that_feeds_none_below_the_side_boxes() -> None:
    drawn = ZOO["gemma3"]()
    small = tower(
        "vision",
        "Vision encoder",
        9,
        ["image:input:Image", "conv:projection:Conv2d|3 → 768, 16 × 16", "norm:norm:Norm"],
    )
    display, findings = draw_overview(replace(drawn, towers=[small, *drawn.towers]))
    assert _of(display, "note")
    assert not [finding for finding in findings if finding.severity == "hard"]


def test_towers_as_one_box_keep_clear_of_a_small_tower_that_stands_below_the_side_boxes() -> None:
    """Nemo's speech model: one small tower is drawn, two are a box at the foot of the decoder, and NoPE stands beside it."""
    _, findings = draw_overview(describe("transformers:nemo_speechlm", settings=Settings(offline=True)))
    assert not [finding for finding in findings if finding.severity == "hard"]


@pytest.mark.parametrize("model", ["transformers:shieldgemma2", "transformers:rt_detr"])
def test_wires_of_side_boxes_keep_apart_and_lead_to_each_box_once(model: str) -> None:
    display, findings = draw_overview(describe(model, settings=Settings(offline=True)))
    assert [group for group in _of(display, "edge") if group.id.startswith("side/")]
    assert not [finding for finding in findings if finding.severity == "hard"]


def test_wires_of_four_side_boxes_keep_apart(tmp_path: FilePath) -> None:
    """Two rotations, QK-norm, and what Gemma 4 gives to every layer all reach past each other."""
    config = {
        "architectures": ["Gemma4ForCausalLM"], "model_type": "gemma4_text", "hidden_size": 1536, "hidden_size_per_layer_input": 256,
        "num_attention_heads": 8, "num_hidden_layers": 35, "num_key_value_heads": 1, "num_kv_shared_layers": 20,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    _, findings = draw_overview(describe(str(tmp_path), settings=Settings(offline=True)))
    assert not [finding for finding in findings if finding.severity == "hard"]


def test_each_inset_and_strip_of_an_encoder_in_stages_tells_which_stage_it_is_of() -> None:
    """Swin's stages open into attentions of their own widths, and each has a list of layers of its own."""
    swin = describe("transformers:maskformer-swin", settings=Settings(offline=True))
    page = fitted_page(swin, LIGHT)
    opened = {box.zoom for column in page.figure.columns for box in column_boxes(column.steps)}
    assert {inset.id for inset in page.figure.insets} <= opened
    assert [strip.title for strip in page.figure.strips] == [
        f"Layer pattern: layers.{stage}.blocks" for stage in range(4)
    ]
    assert {cell.label: cell.value for cell in page.figure.facts}["Layers"] == "12 (in stages 2, 2, 6, 2)"
    assert not [finding for finding in lint(page.display()) if finding.severity == "hard"]


def test_panels_of_a_row_begin_on_one_line() -> None:
    display, _ = draw_overview(ZOO["t5"]())
    ground = max(_frame(display, group.id).y + _frame(display, group.id).height for group in _of(display, "tower"))
    below = [frame for group in _of(display, "panel") if (frame := _frame(display, group.id)).y > ground]
    first = {min(frame.y for frame in below if frame.x == x) for x in {frame.x for frame in below}}
    assert len(first) <= 1


def _of(display: DisplayList, role: str) -> list[Group]:
    return [group for group in display.groups() if group.role == role]


def test_a_line_joins_a_box_to_an_inset_beside_the_column() -> None:
    display, _ = draw_overview(ZOO["llama"]())
    zooms = _of(display, "zoom")
    assert zooms
    for group in zooms:
        path = group.items[0]
        assert isinstance(path, Path)
        assert path.points[-1][0] in {_frame(display, panel.id).x for panel in _of(display, "panel")}


def test_tied_weights_are_joined_by_a_line() -> None:
    llama = ZOO["llama"]()
    llama.facts.append(Fact(key="tied_embeddings", value=True))
    display, findings = draw_overview(llama)
    ties = [group for group in display.groups() if group.id.startswith("tie/")]
    assert [group.title for group in ties] == ["tied weights"]
    assert findings == []


def test_every_page_can_be_read_in_print() -> None:
    for make in ZOO.values():
        display, _ = draw_overview(make())
        assert smallest_in_print(display) >= 6.5
        assert RATIO[0] <= display.width / display.height <= RATIO[1]


def test_each_layer_is_a_cell_of_the_strip_with_its_kind() -> None:
    display, _ = draw_overview(ZOO["qwen35"]())
    cells = [group for group in display.groups() if group.role == "cell"]
    assert [cell.title for cell in cells[2:5]] == [
        "layer 2: Gated DeltaNet + MoE",
        "layer 3: Gated attention + MoE",
        "layer 4: Gated DeltaNet + MoE",
    ]
    unit = [group for group in display.groups() if "/unit/" in group.id]
    assert [group.title.partition(": ")[2] for group in unit] == ["Gated DeltaNet + MoE"] * 3 + [
        "Gated attention + MoE"
    ]


def test_themes_change_colours_and_nothing_else() -> None:
    light, _ = draw_overview(ZOO["gemma"]())
    dark, _ = draw_overview(ZOO["gemma"](), theme="dark")
    assert light.background != dark.background
    assert [group.id for group in light.groups()] == [group.id for group in dark.groups()]
    assert [_place(group) for group in light.groups()] == [_place(group) for group in dark.groups()]


def _place(group: Group) -> list[tuple[float, float]]:
    return [(item.x, item.y) for item in group.items if isinstance(item, Rect)]


def test_no_line_of_a_footer_is_a_single_word() -> None:
    words = (
        "Source: org/a-model, catalog of 2026-11-21, transformers 5.23.0 (modeling_a.py and 27 more). Drawn by archviz."
    )
    room = measure(words, 13.0) - 5
    items, _ = paint_footers([(Words(words),)], 0.0, 0.0, room, LIGHT)
    lines = [item.content for item in items if isinstance(item, Text)]
    assert len(lines) == 2
    assert min(map(len, lines)) > len(words) / 3


def test_beside_the_column_stands_what_its_boxes_open_rather_than_what_another_inset_opens() -> None:
    page = fitted_page(describe("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", settings=Settings(offline=True)), LIGHT)
    opened = set(page.arts[-1].zooms.values())
    beside = [panel.inset.id for place in page.plan.beside if isinstance(panel := page.panels[place], InsetArt)]
    assert len(beside) == 2
    assert set(beside) <= opened


def test_a_panel_alone_beside_others_ends_where_they_end() -> None:
    display, _ = draw_overview(describe("openai/whisper-tiny", settings=Settings(offline=True)))
    frames = [group.items[0] for group in display.groups() if group.role == "panel"]
    ends: dict[float, float] = {}
    for frame in frames:
        assert isinstance(frame, Rect)
        ends[frame.x] = max(ends.get(frame.x, 0.0), frame.y + frame.height)
    assert len(ends) == 2
    assert max(ends.values()) - min(ends.values()) < 1
