from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from archviz.descriptions import describe
from archviz.figure import draw_overview, draw_view
from archviz.figure.display import Circle, DisplayList, Group, Item, Path, Rect, Run, Text
from archviz.figure.lint import lint
from archviz.settings import Settings
from tests.figure.zoo import ZOO


def page(*items: Item, width: float = 400, height: float = 300) -> DisplayList:
    return DisplayList(width, height, items=items)


def words(text: str, x: float, y: float, size: float = 13.0) -> Text:
    return Text(x, y, (Run(text, 400, "#000000", size),), "middle")


def node(name: str, x: float, y: float, *more: Item, width: float = 100) -> Group:
    return Group(name, "node", (Rect(x, y, width, 40), *more))


BOX = node("a", 50, 50, words("fits", 100, 75))
MARK = Group("mark/a", "mark", (Rect(47, 47, 106, 46), Circle(153, 47, 8)))
FAULTS: dict[str, DisplayList] = {
    "text-outside-box": page(node("a", 50, 50, words("far too long for this box", 100, 75))),
    "text-overlap": page(words("one label", 100, 100), words("other label", 110, 104)),
    "node-overlap": page(BOX, node("b", 120, 70)),
    "off-canvas": page(BOX, Group("c", "node", (Circle(395, 100, 20),))),
    "text-over-node": page(BOX, words("stray words", 100, 95)),
    "line-through-text": page(words("in the way", 200, 100), Group("e", "edge", (Path(((200, 50), (200, 200)), "#000"),))),
    "line-through-node": page(BOX, Group("e", "edge", (Path(((20, 60), (390, 60)), "#000"),))),
    "line-through-node ": page(BOX, Group("n", "note", (Path(((20, 60), (390, 60)), "#000"), words("note", 393, 64, 1)))),
    "line-through-node  ": page(BOX, Group("z", "zoom", (Path(((20, 60), (390, 60)), "#000"),))),
    "missing-glyph": page(words("注意", 100, 100)),
    "tiny-text": page(words("too small", 100, 100, size=7)),
    "aspect-ratio": page(BOX, width=1600),
    "small-print": page(BOX, words("small in print", 700, 200, size=11), width=960, height=600),
    "contrast": page(Group("a", "node", (Rect(50, 50, 100, 40, "#ffffff"), Text(100, 75, (Run("pale", 400, "#dddddd"),), "middle")))),
    "contrast ": page(Group("a", "node", (Rect(50, 50, 100, 40, "#33415c"), Text(100, 75, (Run("dark", 400, "#1b2432"),), "middle")))),
    "slanted-line": page(Group("e", "edge", (Path(((20, 20), (60, 90)), "#000"),))),
    "drawn-twice": page(BOX, node("a", 200, 200, words("again", 250, 225))),
    "drawn-twice ": page(Group("e", "edge", (Path(((20, 20), (60, 20)), "#000"),)), Group("e", "edge", (Path(((20, 90), (60, 90)), "#000"),))),
    "shared-line ": page(Group("tie/a", "edge", (Path(((20, 50), (90, 50), (90, 80)), "#000"),)), Group("note/a", "note", (Path(((10, 50), (120, 50)), "#000"),))),
    "shared-line  ": page(Group("a~b", "edge", (Path(((20, 50), (90, 50), (90, 80)), "#000"),)), Group("feed/vision", "edge", (Path(((120, 50), (70, 50), (70, 20)), "#000"),))),
    "shared-line": page(Group("a~b", "edge", (Path(((20, 50), (90, 50), (90, 80)), "#000"),)), Group("c~d", "edge", (Path(((120, 50), (70, 50), (70, 20)), "#000"),))),
    "missing-box": page(BOX, Group("a~b", "edge", (Path(((100, 90), (100, 140)), "#000"),))),
    "missing-box ": page(BOX, Group("b~a", "edge", (Path(((100, 140), (100, 90)), "#000"),))),
    "no-place": page(node("a", float("nan"), 50)),
    "no-place ": page(Group("e", "edge", (Path(((20, 20), (float("inf"), 20)), "#000"),))),
    "cut-text": page(words("cut in the mid…", 100, 100)),
    "panel-overlap": page(Group("p", "panel", (Rect(20, 20, 100, 100),)), Group("q", "panel", (Rect(90, 40, 100, 100),))),
    "panel-overlap ": page(Group("p", "panel", (Rect(20, 20, 100, 100),)), BOX, node("b", 90, 100)),
    "mark-overlap": page(BOX, node("b", 50, 100), MARK, Group("mark/b", "mark", (Rect(47, 97, 106, 46), Circle(153, 97, 8)))),
    "mark-overlap ": page(BOX, node("b", 145, 20), MARK),
    "mark-overlap  ": page(BOX, MARK, Group("mark/b", "mark", (Rect(100, 70, 200, 60),))),
    "outside-panel": page(Group("p", "panel", (Rect(20, 20, 100, 100), node("b", 90, 150)))),
}  # fmt: skip


@pytest.mark.parametrize("rule", FAULTS)
def test_a_seeded_fault_is_found_by_its_rule(rule: str) -> None:
    assert rule.strip() in {finding.rule for finding in lint(FAULTS[rule], printed=True)}


def test_two_wires_from_the_side_do_not_lie_on_each_other() -> None:
    """RWKV's channel mixing: two sums side by side that read two of four factors each, crosswise."""
    display, _ = draw_view(describe("transformers:rwkv", settings=Settings(offline=True)))
    assert [finding for finding in lint(display) if finding.severity == "hard"] == []


def test_the_ends_of_a_wire_are_found_where_a_module_has_the_sign_between_them_in_its_name() -> None:
    """T5 has two attentions of one name, `attention` and `attention~2`."""
    wire = Group("attention~2/a~b", "edge", (Path(((100, 90), (100, 140)), "#000", arrow_end=True),))
    boxes = (node("attention~2/a", 50, 50), node("attention~2/b", 50, 140))
    assert lint(page(*boxes, wire)) == []
    assert {finding.rule for finding in lint(page(boxes[0], wire))} == {"missing-box"}
    assert {finding.rule for finding in lint(page(boxes[1], wire))} == {"missing-box"}


def test_a_clean_page_has_no_finding() -> None:
    wire = Group("e", "edge", (Path(((100, 90), (100, 140)), "#000", arrow_end=True),))
    assert lint(page(BOX, wire, node("b", 50, 140, words("also", 100, 165)))) == []


def test_hard_findings_come_first_and_name_their_groups() -> None:
    findings = lint(page(words("注意", 300, 250), BOX, node("b", 120, 70)))
    assert [finding.severity for finding in findings] == ["hard", "soft"]
    assert findings[0].ids == ("a", "b")


def _changed(name: str, change: Callable[[Item], Item]) -> DisplayList:
    """A real figure with the shapes of the first group changed whose id ends like that."""
    display, _ = draw_overview(ZOO["llama"]())
    done = []

    def walk(items: tuple[Item, ...]) -> tuple[Item, ...]:
        out: list[Item] = []
        for item in items:
            if isinstance(item, Group) and item.id.endswith(name) and not done:
                done.append(item.id)
                out.append(replace(item, items=tuple(map(change, item.items))))
            else:
                out.append(replace(item, items=walk(item.items)) if isinstance(item, Group) else item)
        return tuple(out)

    changed = replace(display, items=walk(display.items))
    assert done, name
    return changed


def _moved(x: float, y: float) -> Callable[[Item], Item]:
    def move(item: Item) -> Item:
        if isinstance(item, Rect | Text):
            return replace(item, x=item.x + x, y=item.y + y)
        if isinstance(item, Path):
            return replace(item, points=tuple((px + x, py + y) for px, py in item.points))
        if isinstance(item, Circle):
            return replace(item, cx=item.cx + x, cy=item.cy + y)
        return replace(item, items=tuple(map(move, item.items)))

    return move


def _rect(**given: float) -> Callable[[Item], Item]:
    return lambda item: replace(item, **given) if isinstance(item, Rect) else item


def _runs(**given: object) -> Callable[[Item], Item]:
    def change(item: Item) -> Item:
        return replace(item, runs=tuple(replace(run, **given) for run in item.runs)) if isinstance(item, Text) else item

    return change


SPOILED: dict[str, tuple[str, Callable[[Item], Item], set[str]]] = {
    "a box of a layer moved down": ("/mlp", _moved(0, 60), {"node-overlap", "text-overlap", "line-through-node"}),
    "a box moved off the page": ("/mlp", _moved(-2000, 0), {"off-canvas"}),
    "a box above the page": ("/mlp", _moved(0, -3000), {"off-canvas"}),
    "a box in an inset moved out of it": ("attn/o_proj", _moved(-400, 0), {"outside-panel", "loose-end"}),
    "a box in an inset on another": ("attn/k_proj", _moved(-60, 0), {"node-overlap"}),
    "a box too narrow for its words": ("attn/q_proj", _rect(width=30.0), {"text-outside-box"}),
    "a box too low for its words": ("attn/q_proj", _rect(height=12.0), {"text-outside-box"}),
    "a box so wide that it covers others": ("attn/q_proj", _rect(width=500.0), {"node-overlap", "outside-panel"}),
    "words too large": ("attn/q_proj", _runs(size=40.0), {"text-outside-box"}),
    "words too long": ("attn/q_proj", _runs(text="a label that goes on and on and on"), {"text-outside-box"}),
    "words too small": ("attn/q_proj", _runs(size=6.0), {"tiny-text"}),
    "words that the fonts lack": ("attn/q_proj", _runs(text="注意力"), {"missing-glyph"}),
    "words in the colour of their box": ("attn/sdpa", _runs(colour="#33415c"), {"contrast"}),
    "a wire moved through boxes": ("attn/q_proj~rope_q", _moved(60, 60), {"line-through-node", "line-through-text", "loose-end"}),
    "an inset on another panel": ("inset/attn", _moved(0, 200), {"panel-overlap", "node-overlap", "text-overlap", "text-over-node"}),
    "an inset on the column": ("inset/mlp", _moved(-300, 0), {"panel-overlap", "node-overlap", "text-over-node"}),
    "an inset off the page": ("inset/attn", _moved(3000, 0), {"off-canvas"}),
    "a side box on the column": ("side/rope/model.layers/0/block/attention+swiglu/self_attn", _moved(160, 0), {"panel-overlap", "node-overlap", "line-through-node"}),
    "a note on the column": ("note/text/1/embed_tokens", _moved(220, 0), {"text-over-node", "line-through-node", "text-overlap"}),
    "facts on each other": ("fact/Context", _moved(-90, 0), {"text-overlap"}),
    "a fact off the page": ("fact/Context", _moved(0, 400), {"off-canvas"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", SPOILED)
def test_a_fault_seeded_in_a_real_figure_is_found(fault: str) -> None:
    name, change, rules = SPOILED[fault]
    found = {finding.rule for finding in lint(_changed(name, change))}
    assert found & rules, found


def test_thirty_kinds_of_faults_are_seeded() -> None:
    assert len(FAULTS) + len(SPOILED) >= 30


def test_a_box_moved_in_a_real_figure_is_found() -> None:
    display, findings = draw_overview(ZOO["llama"]())
    assert findings == []

    def moved(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(_shifted(item) if isinstance(item, Group) else item for item in items)

    def _shifted(group: Group) -> Group:
        if group.id.endswith("/mlp"):
            shapes = (replace(i, y=i.y + 70) if isinstance(i, Rect | Text) else i for i in group.items)
            return replace(group, items=tuple(shapes))
        return replace(group, items=moved(group.items))

    rules = {finding.rule for finding in lint(replace(display, items=moved(display.items)))}
    assert rules & {"node-overlap", "text-overlap"}
