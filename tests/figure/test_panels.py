from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archviz.figure.display import DisplayList, Text
from archviz.figure.fonts import measure
from archviz.figure.lint import lint
from archviz.figure.model import Arrow, Box, Diagram, Inset
from archviz.figure.paint import Frame, Style, box_size, paint_box
from archviz.figure.panels import InsetArt, StripArt
from archviz.figure.strips import make_strip
from archviz.figure.theme import LIGHT
from archviz.records import replace
from tests.figure.zoo import ZOO

LABELS = ("q_proj", "Scaled dot-product attention", "x", "RMSNorm", "4096 → 2 × 32 × 256", "σ")


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    """Flows as code has them: every box reads boxes before it."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for number in range(draw(st.integers(2, 16))):
        role = draw(st.sampled_from(["projection", "norm", "add", "split", "attention_core"]))
        details = tuple(draw(st.lists(st.sampled_from(LABELS), max_size=2)))
        shape = "round" if role == "add" else "box"
        label = "+" if role == "add" else draw(st.sampled_from(LABELS))
        boxes.append(Box(f"n{number}", role, label, () if role == "add" else details, shape, apart=role == "split"))
        if number:
            for source in draw(st.sets(st.integers(max(0, number - 5), number - 1), min_size=1, max_size=3)):
                label = draw(st.sampled_from(["", "", "gate", "k"]))
                arrows.append(Arrow(f"n{source}~n{number}", f"n{source}", f"n{number}", label=label))
    return Diagram(tuple(boxes), tuple(arrows))


@settings(max_examples=150)
@given(diagrams())
def test_an_inset_of_any_flow_is_clean(diagram: Diagram) -> None:
    art = InsetArt(Inset("i", "A", "Any module", "other", diagram), LIGHT)
    group = art.draw(Frame(10, 10, art.width, art.height + 60))
    display = DisplayList(art.width + 20, art.height + 80, items=(group,))
    assert [finding for finding in lint(display) if finding.rule != "aspect-ratio"] == []


@settings(max_examples=40)
@given(st.floats(400, 1600))
def test_a_strip_of_any_width_holds_all_its_cells(width: float) -> None:
    for name in ("qwen35", "nemotron", "gemma3", "deepseek"):
        stack = ZOO[name]().layers[0]
        strip = StripArt(make_strip(stack, list(range(len(stack.kinds)))), LIGHT)
        height = strip.height_at(width)
        group = strip.draw(Frame(0, 0, width, height))
        display = DisplayList(width, height, items=(group,))
        assert [finding for finding in lint(display) if finding.rule != "aspect-ratio"] == []
        cells = [inner for inner in display.groups() if inner.role == "cell"]
        assert len(cells) == stack.count


@pytest.mark.parametrize(
    ("width", "more", "rows"), [(915.0, "", 1), (915.0, " with a feed-forward of experts", 2), (300.0, "", 3)]
)
def test_entries_of_a_key_stand_side_by_side_where_each_fits_on_a_line(width: float, more: str, rows: int) -> None:
    made = make_strip(ZOO["nemotron"]().layers[0], [0, 1, 2])
    keys = tuple(replace(key, title=f"{key.title}{more}") for key in made.keys)
    strip = StripArt(replace(made, keys=keys), LIGHT)
    group = strip.draw(Frame(0, 0, width, strip.height_at(width)))
    texts = [item for item in DisplayList(width, 900, items=(group,)).shapes() if isinstance(item, Text)]
    words = [f"{key.count} × {key.title}" for key in keys]
    assert len({text.y for text in texts if text.content in words}) == rows


def test_a_long_label_is_broken_between_words_not_cut() -> None:
    style = Style()
    box = Box(
        "box",
        "attention",
        "Attention (with relative attention bias of many buckets)",
        ("YaRN × 16 from 65,536 positions to many more",),
    )
    width, height = box_size(box, style)
    short = box_size(Box("box", "attention", "Attention", ("8 heads",)), style)
    assert height > short[1]
    group = paint_box(box, Frame(0, 0, width, height), style, LIGHT)
    words = " ".join(run.text for item in group.items if isinstance(item, Text) for run in item.runs)
    assert words == f"{box.label} {box.details[0]}"


def test_the_label_of_a_box_leaves_room_for_the_letter_on_its_corner() -> None:
    style = Style()
    for label in ("Kimi Delta Attention", "Attention (with relative attention bias of many buckets)"):
        box = Box("box", "attention", label, ("kernel 4",), zoom="inset")
        width, height = box_size(box, style)
        group = paint_box(box, Frame(0, 0, width, height), style, LIGHT)
        lines = [item.runs[0] for item in group.items if isinstance(item, Text) and item.runs[0].weight == 600]
        assert all(measure(run.text, run.size, run.weight) <= width - 2 * 12 for run in lines)


def test_a_pattern_too_long_for_its_lines_says_so() -> None:
    stack = ZOO["nemotron"]().layers[0]
    made = replace(make_strip(stack, list(range(len(stack.kinds)))), text="3 × one, 2 × other, " * 25)
    strip = StripArt(made, LIGHT)
    group = strip.draw(Frame(0, 0, strip.width, strip.height_at(strip.width)))
    lines = [item.content for item in group.items if isinstance(item, Text)]
    assert [line.endswith("…") for line in lines[1:7]] == [False] * 5 + [True]


@pytest.mark.parametrize("name", ["nemotron", "gemma3", "qwen35"])
def test_a_brief_pattern_is_no_higher_where_it_is_wider(name: str) -> None:
    """A page is laid out for the height at its natural width; words that a wider one has room for come on no line of their own."""
    stack = ZOO[name]().layers[0]
    made = make_strip(stack, list(range(len(stack.kinds))))
    short = replace(made, cells=made.cells[:2], keys=tuple(replace(key, count=1) for key in made.keys[:2]), unit=())
    for strip in (StripArt(made, LIGHT, brief=True), StripArt(short, LIGHT, brief=True)):
        natural = strip.height_at(strip.width)
        assert all(strip.height_at(width) <= natural for width in (strip.width + 60, 420.0, 541.6, 700.0, 915.0))
