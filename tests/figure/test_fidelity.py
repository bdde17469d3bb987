"""Faults between the Figure and the display list: what is dropped, added or changed there is told when a model is drawn."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from archviz.architecture.model import Fact
from archviz.descriptions import describe
from archviz.figure.contents import Contents, contents_of_bars, contents_of_figure, contents_of_ledgers
from archviz.figure.detailed import build_detailed
from archviz.figure.display import DisplayList, Group, Item, Path, Rect, Text
from archviz.figure.fidelity import check_contents, says
from archviz.figure.fitting import fitted_page
from archviz.figure.params import build_sizes
from archviz.figure.theme import LIGHT
from archviz.figure.views import VIEWS
from archviz.records import replace
from archviz.settings import Settings
from tests.figure.zoo import ZOO

Change = Callable[[Group], list[Group]]


@cache
def overview(name: str = "qwen35") -> tuple[DisplayList, Contents]:
    page = fitted_page(ZOO[name](), LIGHT)
    return page.display(), contents_of_figure(page.figure)


def changed(display: DisplayList, name: str, change: Change) -> DisplayList:
    """A drawing with the first group changed whose id ends like that."""
    done: list[str] = []

    def walk(items: tuple[Item, ...]) -> tuple[Item, ...]:
        out: list[Item] = []
        for item in items:
            if isinstance(item, Group) and item.id.endswith(name) and not done:
                done.append(item.id)
                out += change(item)
            else:
                out.append(replace(item, items=walk(item.items)) if isinstance(item, Group) else item)
        return tuple(out)

    result = replace(display, items=walk(display.items))
    assert done, name
    return result


def gone(group: Group) -> list[Group]:
    return []


def hollow(group: Group) -> list[Group]:
    return [replace(group, items=())]


def twice(group: Group) -> list[Group]:
    return [group, replace(group, id=f"{group.id}/again")]


def _paths(group: Group, change: Callable[[Path], Path]) -> list[Group]:
    return [replace(group, items=tuple(change(item) if isinstance(item, Path) else item for item in group.items))]


def turned(group: Group) -> list[Group]:
    return _paths(group, lambda path: replace(path, points=path.points[::-1]))


def headless(group: Group) -> list[Group]:
    return _paths(group, lambda path: replace(path, arrow_end=False))


def backwards(group: Group) -> list[Group]:
    return _paths(group, lambda path: replace(path, arrow_start=True, arrow_end=False))


def first(count: int) -> Change:
    return lambda group: [replace(group, items=group.items[:count])]


def upright(group: Group) -> list[Group]:
    return _paths(group, lambda path: replace(path, points=((0.0, path.points[0][1]), (0.0, path.points[0][1] + 5))))


def shifted(by: float) -> Change:
    def move(item: Item) -> Item:
        if isinstance(item, Rect | Text):
            return replace(item, y=item.y + by)
        if isinstance(item, Path):
            return replace(item, points=tuple((x, y + by) for x, y in item.points))
        return (
            replace(item, items=tuple(map(move, item.items)))
            if isinstance(item, Group)
            else replace(item, cy=item.cy + by)
        )

    return lambda group: [replace(group, items=tuple(map(move, group.items)))]


def rewritten(old: str, new: str) -> Change:
    """A word of the group itself, changed."""

    def change(item: Item) -> Item:
        if not isinstance(item, Text):
            return item
        return replace(item, runs=tuple(replace(run, text=run.text.replace(old, new)) for run in item.runs))

    def apply(group: Group) -> list[Group]:
        items = tuple(map(change, group.items))
        assert items != group.items, old
        return [replace(group, items=items)]

    return apply


FAULTS: dict[str, tuple[str, Change, str]] = {
    "a wire of a layer dropped": ("/input_layernorm~linear_attn", gone, "wire-missing"),
    "a residual dropped": ("/x~add1", gone, "wire-missing"),
    "a wire of an inset dropped": ("moe/gate~softmax", gone, "wire-missing"),
    "the stream between two kinds of layers dropped": ("layers/0/flow-1", gone, "wire-missing"),
    "the way into the column dropped": ("text/in", gone, "wire-missing"),
    "the output of the column dropped": ("text/out", gone, "wire-missing"),
    "the line of a feeding tower dropped": ("feed/tower/vision", gone, "wire-missing"),
    "a wire without its line": ("moe/gate~softmax", hollow, "wire-missing"),
    "a wire drawn twice": ("moe/gate~softmax", twice, "wire-added"),
    "a wire turned around": ("moe/gate~softmax", turned, "wire-end"),
    "a residual turned around": ("/x~add1", turned, "wire-end"),
    "the stream turned around": ("text/flow-2", turned, "wire-end"),
    "a wire without its arrow head": ("moe/gate~softmax", headless, "arrow-head"),
    "an arrow head at the wrong end": ("moe/gate~softmax", backwards, "arrow-head"),
    "a ⊕ moved along its stream": ("/add1", shifted(-30), "wire-end"),
    "a ⊕ that became a minus": ("/add1", first(2), "box-changed"),
    "a ⊕ that lost its sign": ("/add1", first(1), "box-changed"),
    "a ⊕ with strokes of another sign": ("/add1", upright, "box-changed"),
    "a box moved away from its wires": ("moe/softmax", shifted(20), "wire-end"),
    "a box dropped": ("moe/softmax", gone, "box-missing"),
    "a box without its words": ("moe/softmax", hollow, "box-changed"),
    "a box drawn twice": ("moe/softmax", twice, "box-added"),
    "a number changed in a box": ("moe/shared_expert", rewritten("4096", "4097"), "box-changed"),
    "a number added to a box": ("moe/softmax", rewritten("softmax", "softmax 7"), "box-changed"),
    "the number of experts changed": ("moe/experts", rewritten("512", "511"), "box-changed"),
    "the label of a wire changed": ("in_proj_z~norm/label", rewritten("z", "q"), "label-changed"),
    "a number changed in the facts": ("fact/Context", rewritten("262", "263"), "words-changed"),
    "a fact dropped": ("fact/Vocabulary", gone, "words-missing"),
    "an inset dropped": ("inset/deltanet", gone, "box-missing"),
    "the title of an inset changed": ("inset/deltanet", rewritten("Gated", "Great"), "words-changed"),
    "a number in the note of an inset changed": ("inset/moe", rewritten("397B", "398B"), "words-changed"),
    "the letter of an inset dropped": ("badge/A", gone, "badges"),
    "a letter changed": ("badge/A", rewritten("A", "B"), "badges"),
    "a side box dropped": ("side/rope/layer/model.layers/0.1/self_attn", gone, "box-missing"),
    "the arrow of a side box dropped": ("0.1/self_attn~layer/model.layers/0.1/self_attn", gone, "wire-missing"),
    "a layer of the pattern dropped": ("strip/model.layers/7", gone, "words-missing"),
    "a layer of the pattern of another kind": ("strip/model.layers/7", rewritten("b", "a"), "words-changed"),
    "a layer of its unit of another kind": ("model.layers/unit/3", rewritten("b", "a"), "label-changed"),
    "how often the layers are repeated": ("tower/text", rewritten("15", "16"), "words-changed"),
    "how often a layer is in its repeat": ("layer/model.layers/0.0", rewritten("3", "2"), "words-changed"),
}  # fmt: skip


def test_a_drawing_shows_all_that_it_has_to() -> None:
    assert [finding for name in ZOO for finding in check_contents(*overview(name))] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_between_figure_and_drawing_is_found(fault: str) -> None:
    name, change, rule = FAULTS[fault]
    display, contents = overview()
    assert rule in {finding.rule for finding in check_contents(changed(display, name, change), contents)}


def test_two_boxes_that_changed_places_are_found() -> None:
    display, contents = overview()
    one, other = (
        next(group for group in display.groups() if group.id == f"moe/{name}") for name in ("shared_gate", "gate")
    )
    swapped = changed(display, one.id, lambda group: [replace(other, id=one.id)])
    swapped = changed(swapped, f"/{other.id}"[1:], lambda group: [replace(one, id=other.id)])
    assert {"wire-end", "box-changed"} <= {finding.rule for finding in check_contents(swapped, contents)}


def test_a_note_and_a_tie_that_are_missing_are_found() -> None:
    model = ZOO["llama"]()
    tied = replace(model, facts=[*model.facts, Fact(key="tied_embeddings", value=True)])
    page = fitted_page(tied, LIGHT)
    display, contents = page.display(), contents_of_figure(page.figure)
    for name, rule in (("note/text/1/embed_tokens", "words-missing"), ("tie/text", "wire-missing")):
        assert [finding.rule for finding in check_contents(changed(display, name, gone), contents)] == [rule]


def test_the_heading_and_the_source_are_held_too() -> None:
    display, contents = overview()
    without = replace(display, items=tuple(item for item in display.items if not isinstance(item, Text)))
    assert [finding.rule for finding in check_contents(without, contents)] == ["words-changed"]


def test_every_wire_of_every_sample_is_missed_and_its_direction_seen() -> None:
    for name in ("qwen35", "llama", "t5"):
        display, contents = overview(name)
        for wire in contents.wires:
            assert any(wire in finding.ids for finding in check_contents(changed(display, wire, gone), contents)), wire
            ends = contents.wires[wire]
            if ends.source or ends.target:
                assert check_contents(changed(display, wire, turned), contents), wire


def test_a_detailed_view_is_held_against_its_ledgers() -> None:
    model = ZOO["qwen35"]()
    display, contents = VIEWS["detailed"](model, LIGHT, None).display, contents_of_ledgers(build_detailed(model))
    assert check_contents(display, contents) == []
    for name, change, rule in (
        ("/self_attn~add1", gone, "wire-missing"),
        ("/self_attn", gone, "box-missing"),
        ("column/text", rewritten("396", "397"), "words-missing"),
        ("ledger/column/text/repeat/0", rewritten("15", "14"), "words-changed"),
    ):
        assert rule in {finding.rule for finding in check_contents(changed(display, name, change), contents)}, name


def test_bars_are_held_against_their_numbers() -> None:
    model = describe("openai/whisper-tiny", settings=Settings(offline=True))
    display, sizes = VIEWS["params"](model, LIGHT, None).display, build_sizes(model)
    contents = contents_of_bars(sizes.groups)
    assert check_contents(display, contents) == []
    bar = next(bar for group in sizes.groups for bar in group.bars if not bar.tied)
    spoiled = changed(display, bar.id, rewritten(f"{bar.count:,}", f"{bar.count + 1:,}"))
    assert [finding.rule for finding in check_contents(spoiled, contents)] == ["words-changed"]


def test_cut_words_are_part_of_what_was_to_be_said() -> None:
    assert says("Multi-head lat…128 heads", ("Multi-head latent attention", "128 heads"))
    assert not says("Multi-head lat…64 heads", ("Multi-head latent attention", "128 heads"))
    assert not says("latent…", ("Multi-head latent attention",))
