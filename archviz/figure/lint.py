"""Faults that a reader would see in a drawing, found in the display list alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from itertools import pairwise
from math import isfinite
from typing import Literal

from archviz.figure.contrast import contrast
from archviz.figure.display import Circle, DisplayList, Group, Item, Path, Point, Rect, Text
from archviz.figure.fonts import measure, missing_glyphs
from archviz.figure.print_size import RATIO, SMALLEST_POINTS, smallest_in_print
from archviz.records import record

Severity = Literal["hard", "soft"]
SMALLEST_TEXT = 10.0
LEAST_CONTRAST = 4.5  # of words and what they stand on, after WCAG 2
_SLACK = 1.0
_SLANT = 0.6  # px
_SHARED = 8.0  # px that two wires may have in common
_REACH = 3.0  # px by which the end of a wire may miss its box


@record(frozen=True)
class Finding:
    """One fault: `hard` ones make the figure wrong or unreadable, `soft` ones less pleasant; `ids` are groups."""

    severity: Severity
    rule: str
    message: str
    ids: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        return {"severity": self.severity, "rule": self.rule, "message": self.message, "ids": list(self.ids)}


def hard(rule: str, message: str, *ids: str) -> Finding:
    """A fault that makes the figure wrong, in the groups of these ids; an empty id is none."""
    return Finding("hard", rule, message, tuple(filter(None, ids)))


@record(frozen=True)
class _Area:
    """A rectangle on the page, and the group that it belongs to."""

    owner: str
    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    def overlaps(self, other: _Area, slack: float = _SLACK) -> bool:
        return (
            self.left + slack < other.right
            and other.left + slack < self.right
            and self.top + slack < other.bottom
            and other.top + slack < self.bottom
        )

    def holds(self, other: _Area) -> bool:
        return (
            self.left <= other.left + _SLACK
            and self.top <= other.top + _SLACK
            and self.right >= other.right - _SLACK
            and self.bottom >= other.bottom - _SLACK
        )


@record(frozen=True)
class _Wire:
    owner: str
    role: str
    points: tuple[Point, ...]


def lint(display: DisplayList, *, printed: bool = False) -> list[Finding]:
    """All findings, hard ones first, otherwise in the order of the drawing.

    Args:
        printed: Whether its words should be legible at the text width of a page.
    """
    scene = _Scene(display)
    found = [
        *_finite(display),
        *_canvas(scene),
        *_inside(scene),
        *_strays(scene),
        *_contrasts(scene),
        *_repeated(display),
        *_text_overlaps(scene),
        *_node_overlaps(scene),
        *_panel_overlaps(scene),
        *_mark_overlaps(scene),
        *_wires(scene),
        *_shared_lines(scene),
        *_glyphs(scene),
        *_slanted(scene),
        *_loose_ends(scene),
        *_sizes(display),
        *(_print_sizes(display) if printed else ()),
        *_cut(scene),
    ]
    return sorted(found, key=lambda finding: finding.severity)


class _Scene:
    """The drawing sorted into what the rules look at."""

    def __init__(self, display: DisplayList) -> None:
        self.display = display
        self.texts: list[_Area] = []
        self.nodes: list[_Area] = []
        self.boxed: list[tuple[_Area, _Area]] = []  # a box and a text of the same group
        self.areas: list[_Area] = []
        self.painted: list[tuple[_Area, Text, str]] = []  # a filled box, a text on it, its fill
        self.panels: list[_Area] = []  # and towers: nothing of another one lies on them
        self.inner: dict[str, set[str]] = {}  # ids of the groups inside of each
        self.wires: list[_Wire] = []
        self.marks: list[Group] = []  # rings with a sign around what differs
        self._collect(display.items, Group("page", "page"))

    def _collect(self, items: Sequence[Item], owner: Group) -> None:
        box: _Area | None = None
        fill: str | None = None
        for item in items:
            if isinstance(item, Group):
                self.marks += [item] if item.role == "mark" else []
                self._collect(item.items, item)
            elif isinstance(item, Text):
                area = text_area(item, owner.id)
                self.texts.append(area)
                if box:
                    self.boxed.append((box, area))
                if box and fill and owner.role in ("node", "cell") and box.holds(area):
                    self.painted.append((box, item, fill))
            elif isinstance(item, Path):
                self._path(item, owner)
            else:
                area = _shape_area(item, owner.id)
                self.areas.append(area)
                if owner.role == "node":
                    self.nodes.append(area)
                if owner.role in ("node", "cell", "fact", "panel") and isinstance(item, Rect) and box is None:
                    box, fill = area, item.fill
                if owner.role in ("panel", "tower", "facts") and isinstance(item, Rect) and owner.id not in self.inner:
                    self.panels.append(area)
                    self.inner[owner.id] = {owner.id, *(group.id for group in _groups_of(owner.items))}

    def _path(self, path: Path, owner: Group) -> None:
        xs, ys = [x for x, _ in path.points], [y for _, y in path.points]
        self.areas.append(_Area(owner.id, min(xs), min(ys), max(xs), max(ys)))
        if owner.role in ("edge", "zoom", "note"):
            self.wires.append(_Wire(owner.id, owner.role, path.points))


def text_area(text: Text, owner: str) -> _Area:
    """The ink box of a line of text."""
    width = sum(measure(run.text, run.size, run.weight) for run in text.runs)
    size = max((run.size for run in text.runs), default=0.0)
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return _Area(owner, left, text.y - size * 0.76, left + width, text.y + size * 0.22, text.content)


def _shape_area(shape: Rect | Circle, owner: str) -> _Area:
    if isinstance(shape, Rect):
        return _Area(owner, shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
    return _Area(owner, shape.cx - shape.r, shape.cy - shape.r, shape.cx + shape.r, shape.cy + shape.r)


def _canvas(scene: _Scene) -> Iterator[Finding]:
    display = scene.display
    pages = [_Area("page", 0, top, display.width, top + tall) for top, tall in display.pages]
    for _, tall in display.pages:
        ratio = display.width / max(tall, 1.0)
        if not RATIO[0] <= ratio <= RATIO[1]:
            message = f"aspect ratio {ratio:.2f} is outside of {RATIO[0]}–{RATIO[1]}"
            yield Finding("soft", "aspect-ratio", message)
    for area in (*scene.areas, *scene.texts):
        if not any(page.holds(area) for page in pages):
            yield Finding("hard", "off-canvas", f"{area.text or 'a shape'!r:.60} leaves the canvas", (area.owner,))


def _inside(scene: _Scene) -> Iterator[Finding]:
    for box, text in scene.boxed:
        apart = text.top > box.bottom - _SLACK  # a caption under its box
        if not apart and not box.holds(text):
            yield Finding("hard", "text-outside-box", f"{text.text[:60]!r} is larger than its box", (box.owner,))


def _finite(display: DisplayList) -> Iterator[Finding]:
    """Places that are no numbers; no other rule can judge them."""
    for group in display.groups():
        for item in group.items:
            if not isinstance(item, Group) and not all(map(isfinite, _numbers(item))):
                yield Finding("hard", "no-place", "a shape has no place", (group.id,))


def _numbers(shape: Rect | Circle | Path | Text) -> Iterator[float]:
    if isinstance(shape, Path):
        yield from (value for point in shape.points for value in point)
    elif isinstance(shape, Rect):
        yield from (shape.x, shape.y, shape.width, shape.height)
    elif isinstance(shape, Circle):
        yield from (shape.cx, shape.cy, shape.r)
    else:
        yield from (shape.x, shape.y, *(run.size for run in shape.runs))


def _strays(scene: _Scene) -> Iterator[Finding]:
    """Boxes outside of the panel that they are part of."""
    nodes = {area.owner: area for area in scene.nodes}
    for panel in scene.panels:
        if panel.owner.startswith("tower/"):  # ends of a column stand below and above it
            continue
        for name in sorted(scene.inner[panel.owner]):
            if name in nodes and not panel.holds(nodes[name]):
                yield Finding("hard", "outside-panel", "a box is outside of its panel", (panel.owner, name))


def _contrasts(scene: _Scene) -> Iterator[Finding]:
    for box, text, fill in scene.painted:
        if any(contrast(run.colour, fill) < LEAST_CONTRAST for run in text.runs if run.text.strip()):
            yield Finding("hard", "contrast", f"{text.content[:40]!r} is hardly seen on its box", (box.owner,))


def _repeated(display: DisplayList) -> Iterator[Finding]:
    counted = Counter(group.id for group in display.groups() if group.role in ("node", "edge", "bar"))
    for name, times in counted.items():
        if times > 1:
            yield Finding("hard", "drawn-twice", f"{name[:60]!r} is drawn {times} times", (name,))


def _slanted(scene: _Scene) -> Iterator[Finding]:
    """Wires run upright and level."""
    for wire in scene.wires:
        if wire.role in ("edge", "zoom") and any(
            abs(a[0] - b[0]) > _SLANT and abs(a[1] - b[1]) > _SLANT for a, b in pairwise(wire.points)
        ):
            yield Finding("hard", "slanted-line", "a wire is slanted", (wire.owner,))


def _loose_ends(scene: _Scene) -> Iterator[Finding]:
    """Wires between two boxes, `scope/source~target`, that do not reach them or of which one is not drawn."""
    drawn = {group.id for group in scene.display.groups()}
    nodes = {area.owner: area for area in reversed(scene.nodes)}  # the first shape of a box is its outline
    for wire in scene.wires:
        if wire.role != "edge" or "~" not in wire.owner or wire.owner.endswith("/label"):
            continue
        source, rest = _parted(wire.owner, drawn)
        for names, point in (([source], wire.points[0]), (_targets(source, rest), wire.points[-1])):
            if drawn.isdisjoint(names):
                yield Finding(
                    "hard", "missing-box", f"the box of a wire is not drawn: {names[0][:60]!r}", (wire.owner,)
                )
            known = [nodes[name] for name in names if name in nodes]
            if known and not any(_near(area, point) for area in known):
                yield Finding("hard", "loose-end", "a wire does not reach its box", (wire.owner, known[0].owner))


def _parted(name: str, drawn: Container[str]) -> tuple[str, str]:
    """The ends that the id of a wire names: parted where the first is a box that is drawn, for ids may have the sign too."""
    cuts = [place for place, char in enumerate(name) if char == "~"]
    cut = next((cut for cut in cuts if name[:cut] in drawn), cuts[-1])
    return name[:cut], name[cut + 1 :]


def _targets(source: str, rest: str) -> list[str]:
    """What the box may be called that a wire leads to: whole, or within a scope of its source."""
    scopes = source.split("/")
    return [rest, *("/".join([*scopes[:count], rest]) for count in range(len(scopes) - 1, 0, -1))]


def _near(area: _Area, point: Point) -> bool:
    x, y = point
    return area.left - _REACH <= x <= area.right + _REACH and area.top - _REACH <= y <= area.bottom + _REACH


def _cut(scene: _Scene) -> Iterator[Finding]:
    for text in scene.texts:
        if len(text.text) > 1 and text.text.endswith("…"):
            yield Finding("soft", "cut-text", f"{text.text[:60]!r} is cut", (text.owner,))


def _text_overlaps(scene: _Scene) -> Iterator[Finding]:
    for one, other in _overlapping(scene.texts, 1.5):
        message = f"{one.text[:40]!r} and {other.text[:40]!r} overlap"
        yield Finding("hard", "text-overlap", message, (one.owner, other.owner))


def _node_overlaps(scene: _Scene) -> Iterator[Finding]:
    for one, other in _overlapping(scene.nodes, _SLACK):
        if one.owner != other.owner:
            yield Finding("hard", "node-overlap", "two boxes overlap", (one.owner, other.owner))
    foreign = sorted([*scene.nodes, *scene.texts], key=lambda area: area.top)
    nodes = set(map(id, scene.nodes))
    for one, other in _overlapping(foreign, 2.0):
        if one.owner != other.owner and (id(one) in nodes) != (id(other) in nodes):
            text = one.text or other.text
            if len(text) > 2:  # the letter of a badge sits on the corner of its box
                yield Finding("hard", "text-over-node", f"{text[:40]!r} lies on a box", (one.owner, other.owner))


def _groups_of(items: Sequence[Item]) -> Iterator[Group]:
    for item in items:
        if isinstance(item, Group):
            yield item
            yield from _groups_of(item.items)


def _panel_overlaps(scene: _Scene) -> Iterator[Finding]:
    """Panels and towers that lie across each other, and boxes across the border of a panel that they are no part of."""
    panels = {area.owner for area in scene.panels}
    for one, other in _overlapping([*scene.panels, *scene.nodes], _SLACK):
        for panel, thing in ((one, other), (other, one)):
            apart = not panel.holds(thing) and not thing.holds(panel)  # what lies wholly on it may be its own
            if apart and panel.owner in panels and thing.owner not in scene.inner[panel.owner]:
                yield Finding(
                    "hard", "panel-overlap", "something lies across the border of a panel", (panel.owner, thing.owner)
                )
                break


def _mark_overlaps(scene: _Scene) -> Iterator[Finding]:
    """Marks of what differs that lie on each other, and signs on words or on a box that they do not mark."""
    rings = [_shape_area(shape, mark.id) for mark in scene.marks for shape in mark.items if isinstance(shape, Rect)]
    signs = [_shape_area(shape, mark.id) for mark in scene.marks for shape in mark.items if isinstance(shape, Circle)]
    for sign in signs:
        beneath = [*scene.texts, *(node for node in scene.nodes if f"mark/{node.owner}" != sign.owner)]
        beneath += [ring for ring in rings if ring.owner != sign.owner and not ring.holds(sign)]
        for other in (*beneath, *(each for each in signs if each.owner != sign.owner)):
            if sign.overlaps(other, 0.0):
                yield Finding("hard", "mark-overlap", "a mark lies on what it does not mark", (sign.owner, other.owner))
    for one, other in _overlapping(rings, 0.0):
        if not one.holds(other) and not other.holds(one):
            yield Finding("hard", "mark-overlap", "two marks lie across each other", (one.owner, other.owner))


def _overlapping(areas: Sequence[_Area], slack: float) -> Iterator[tuple[_Area, _Area]]:
    """Pairs that overlap, found by a sweep from top to bottom."""
    active: list[_Area] = []
    for area in sorted(areas, key=lambda area: (area.top, area.left)):
        active = [other for other in active if other.bottom > area.top + slack]
        for other in active:
            if area.overlaps(other, slack):
                yield other, area
        active.append(area)


def _wires(scene: _Scene) -> Iterator[Finding]:
    """Lines through words or through boxes that they do not belong to."""
    for wire in scene.wires:
        near = _Area(wire.owner, *_bounds(wire.points))
        for text in scene.texts:
            if text.overlaps(near, 0.0) and text.owner != wire.owner and _runs_through(wire, text, 1.5):
                message = f"a line runs through {text.text[:40]!r}"
                yield Finding("hard", "line-through-text", message, (wire.owner, text.owner))
        for node in scene.nodes:
            if node.overlaps(near, 0.0) and not _touches(wire, node) and _runs_through(wire, node, 2.5):
                yield Finding("hard", "line-through-node", "a line runs through a box", (wire.owner, node.owner))


def _shared_lines(scene: _Scene) -> Iterator[Finding]:
    """Wires of different boxes or towers to different ones, or a wire and the leader of a note, that lie on each other for a while."""
    lines: dict[tuple[bool, int], list[tuple[float, float, str]]] = {}
    for wire in scene.wires:
        joins = wire.role == "edge" and ("~" in wire.owner or wire.owner.startswith("feed/"))
        if not joins and wire.role != "note" and not wire.owner.startswith("tie/"):
            continue
        for start, end in pairwise(wire.points):
            level = abs(start[1] - end[1]) <= _SLANT
            along = 0 if level else 1
            low, high = sorted((start[along], end[along]))
            lines.setdefault((level, round(start[1 - along])), []).append((low, high, wire.owner))
    told: set[tuple[str, str]] = set()
    for found in lines.values():
        for place, (first, last, one) in enumerate(found):
            for begin, stop, other in found[:place]:
                feeds = one.startswith("feed/") and other.startswith("feed/")  # which may go on as one
                ends = zip(one.split("~"), other.split("~"), strict=False)
                shared = min(last, stop) - max(first, begin)
                if (
                    shared > _SHARED
                    and one != other
                    and not feeds
                    and all(a != b for a, b in ends)
                    and (one, other) not in told
                ):
                    told.add((one, other))
                    yield Finding("hard", "shared-line", "two wires lie on each other", (other, one))


def _bounds(points: Sequence[Point]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom, a little wider than the line."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)


def _runs_through(wire: _Wire, area: _Area, slack: float) -> bool:
    return any(_cuts(start, end, area, slack) for start, end in pairwise(wire.points))


def _cuts(start: Point, end: Point, area: _Area, slack: float) -> bool:
    """Whether a segment passes the inside of an area (exact for upright and level ones, by sampling for others)."""
    low_x, high_x = sorted((start[0], end[0]))
    low_y, high_y = sorted((start[1], end[1]))
    left, right, top, bottom = area.left + slack, area.right - slack, area.top + slack, area.bottom - slack
    if high_x <= left or low_x >= right or high_y <= top or low_y >= bottom:
        return False
    if low_x == high_x or low_y == high_y:
        return True
    steps = ((start[0] + (end[0] - start[0]) * i / 40, start[1] + (end[1] - start[1]) * i / 40) for i in range(41))
    return any(left < x < right and top < y < bottom for x, y in steps)


def _touches(wire: _Wire, node: _Area) -> bool:
    """Whether a wire starts or ends on the border of a box."""
    return any(
        node.left - 4 <= x <= node.right + 4 and node.top - 4 <= y <= node.bottom + 4
        for x, y in (wire.points[0], wire.points[-1])
    )


def _glyphs(scene: _Scene) -> Iterator[Finding]:
    for text in scene.texts:
        missing = missing_glyphs(text.text)
        if missing:
            codes = ", ".join(f"U+{ord(char):04X}" for char in missing[:8])
            message = f"no bundled font has {codes}; PNG and PDF show the code points"
            yield Finding("soft", "missing-glyph", message, (text.owner,))


def _sizes(display: DisplayList) -> Iterator[Finding]:
    for shape in display.shapes():
        if isinstance(shape, Text) and any(run.size < SMALLEST_TEXT for run in shape.runs if len(run.text) > 2):
            yield Finding("soft", "tiny-text", f"{shape.content[:40]!r} is smaller than {SMALLEST_TEXT:g} px")


def _print_sizes(display: DisplayList) -> Iterator[Finding]:
    smallest = smallest_in_print(display)
    if smallest < SMALLEST_POINTS - 0.005:
        yield Finding("soft", "small-print", f"the smallest words are {smallest:.1f} pt at a width of 170 mm")
