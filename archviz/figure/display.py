"""The display list: the figure after layout, as a few primitive shapes that every emitter can write.

All lengths are CSS pixels (1/96 inch), the origin is the top left corner, y grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, TypeAlias

from archviz.records import field, record, replace

Anchor = Literal["start", "middle", "end"]
Point: TypeAlias = tuple[float, float]


@record(frozen=True)
class Rect:
    """A rectangle; `fill` and `stroke` are `#rrggbb` or None for nothing, `dash` lengths in px."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 1.2
    radius: float = 0.0
    dash: tuple[float, ...] = ()


@record(frozen=True)
class Circle:
    """A circle around (`cx`, `cy`)."""

    cx: float
    cy: float
    r: float
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 1.2
    dash: tuple[float, ...] = ()


@record(frozen=True)
class Path:
    """A polyline whose corners are rounded by `radius`; arrow heads are filled triangles with their tip on the end point."""

    points: tuple[Point, ...]
    stroke: str | None
    stroke_width: float = 1.2
    radius: float = 0.0
    arrow_start: bool = False
    arrow_end: bool = False
    dash: tuple[float, ...] = ()
    closed: bool = False
    fill: str | None = None
    arrow_size: float = 6.0


@record(frozen=True)
class Run:
    """A piece of a line of text in one style; `weight` is 400, 500, 600 or 700."""

    text: str
    weight: int = 400
    colour: str = "#000000"
    size: float = 13.0


@record(frozen=True)
class Text:
    """One line of text: `x` is where `anchor` says, `y` is the baseline."""

    x: float
    y: float
    runs: tuple[Run, ...]
    anchor: Anchor = "start"

    @property
    def content(self) -> str:
        return "".join(run.text for run in self.runs)


@record(frozen=True)
class Group:
    """Shapes that are one thing for a reader: a node with its text, an edge, a panel.

    Args:
        id: Unique in the display list.
        role: What it is: `node`, `edge`, `panel`, `note`, `layer`, `tower`, `legend`, …
        title: Short accessible name (a tooltip in SVG).
        description: Longer accessible text: shapes, parameters, evidence.
    """

    id: str
    role: str
    items: tuple[Item, ...] = ()
    title: str = ""
    description: str = ""


Shape: TypeAlias = Rect | Circle | Path | Text
Item: TypeAlias = "Shape | Group"


@record(frozen=True)
class DisplayList:
    """A whole drawing of `width` × `height` px, painted in the order of `items`.

    Args:
        breaks: Where a further page of the same width begins, px from the top; none in a drawing of one page.
    """

    width: float
    height: float
    background: str = "#ffffff"
    title: str = ""
    description: str = ""
    items: tuple[Item, ...] = field(default_factory=tuple)
    breaks: tuple[float, ...] = ()

    @property
    def pages(self) -> list[tuple[float, float]]:
        """The top of each page and its height, px."""
        ends = (0.0, *self.breaks, self.height)
        return [(top, bottom - top) for top, bottom in pairwise(ends)]

    def page(self, number: int) -> DisplayList:
        """One page as a drawing of its own, from 0; its top edge is where y begins."""
        top, tall = self.pages[number]
        items = tuple(_raised(item, top) for item in self.items_between(top, top + tall))
        return replace(self, height=tall, items=items, breaks=())

    def items_between(self, top: float, bottom: float) -> tuple[Item, ...]:
        """The items of one page: those whose first shape stands between two heights, px."""
        first = ((item, next(_shapes((item,)), None)) for item in self.items)  # a group may be empty
        return tuple(item for item, shape in first if shape and top <= _height_of(shape) < bottom)

    def groups(self) -> Iterator[Group]:
        """All groups, outer before inner, in painting order."""
        return _groups(self.items)

    def shapes(self) -> Iterator[Shape]:
        """All primitive shapes in painting order."""
        return _shapes(self.items)


def _groups(items: tuple[Item, ...]) -> Iterator[Group]:
    for item in items:
        if isinstance(item, Group):
            yield item
            yield from _groups(item.items)


def _shapes(items: tuple[Item, ...]) -> Iterator[Shape]:
    for item in items:
        if isinstance(item, Group):
            yield from _shapes(item.items)
        else:
            yield item


def _raised(item: Item, by: float) -> Item:
    if isinstance(item, Group):
        return replace(item, items=tuple(_raised(inner, by) for inner in item.items))
    if isinstance(item, Circle):
        return replace(item, cy=item.cy - by)
    if isinstance(item, Path):
        return replace(item, points=tuple((x, y - by) for x, y in item.points))
    return replace(item, y=item.y - by)


def _height_of(shape: Shape) -> float:
    if isinstance(shape, Circle):
        return shape.cy
    return shape.points[0][1] if isinstance(shape, Path) else shape.y
