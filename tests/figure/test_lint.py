from __future__ import annotations

from dataclasses import replace

import pytest

from archviz.figure import draw_overview
from archviz.figure.display import Circle, DisplayList, Group, Item, Path, Rect, Run, Text
from archviz.figure.lint import lint
from tests.figure.zoo import ZOO


def page(*items: Item, width: float = 400, height: float = 300) -> DisplayList:
    return DisplayList(width, height, items=items)


def words(text: str, x: float, y: float, size: float = 13.0) -> Text:
    return Text(x, y, (Run(text, 400, "#000000", size),), "middle")


def node(name: str, x: float, y: float, *more: Item, width: float = 100) -> Group:
    return Group(name, "node", (Rect(x, y, width, 40), *more))


BOX = node("a", 50, 50, words("fits", 100, 75))
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
}  # fmt: skip


@pytest.mark.parametrize("rule", FAULTS)
def test_a_seeded_fault_is_found_by_its_rule(rule: str) -> None:
    assert rule.strip() in {finding.rule for finding in lint(FAULTS[rule])}


def test_a_clean_page_has_no_finding() -> None:
    wire = Group("e", "edge", (Path(((100, 90), (100, 140)), "#000", arrow_end=True),))
    assert lint(page(BOX, wire, node("b", 50, 140, words("also", 100, 165)))) == []


def test_hard_findings_come_first_and_name_their_groups() -> None:
    findings = lint(page(words("注意", 300, 250), BOX, node("b", 120, 70)))
    assert [finding.severity for finding in findings] == ["hard", "soft"]
    assert findings[0].ids == ("a", "b")


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
