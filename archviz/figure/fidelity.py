"""Whether a drawing shows what it has to: nothing is missing, added or changed between what was to be drawn and the display list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archviz.figure.contents import Contents, Ends
from archviz.figure.display import Circle, DisplayList, Group, Item, Path, Point, Rect, Text
from archviz.figure.lint import Finding, hard
from archviz.figure.model import Box

_REACH = 3.0  # px by which the end of a wire may miss its box
_FAR = 26.0  # px from where the stream enters a repeat to its border
_CUT = "…"

_Bounds = tuple[float, float, float, float]


def check_contents(display: DisplayList, contents: Contents) -> list[Finding]:
    """What a drawing shows otherwise than it has to; every finding is hard, for the figure is wrong."""
    drawn = _Drawn(display)
    return [
        *_boxes(drawn, contents),
        *_wires(drawn, contents),
        *_labels(drawn, contents),
        *_words(drawn, contents),
        *_badges(drawn, contents),
    ]


class _Drawn:
    """A drawing by the ids of its groups."""

    def __init__(self, display: DisplayList) -> None:
        self.groups: dict[str, Group] = {group.id: group for group in display.groups()}
        self.page = Group("", "page", display.items)
        self.badges = Counter(_text(group) for group in display.groups() if group.role == "badge")

    def of_role(self, role: str) -> set[str]:
        return {name for name, group in self.groups.items() if group.role == role}

    def bounds(self, name: str) -> _Bounds | None:
        """Left, top, right and bottom of the first shape of a group; None where that is only a wire, or nothing."""
        group = self.groups.get(name)
        return _bounds(group.items[0]) if group and group.items else None


def _bounds(shape: Item) -> _Bounds | None:
    if isinstance(shape, Rect):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    if isinstance(shape, Circle):
        return shape.cx - shape.r, shape.cy - shape.r, shape.cx + shape.r, shape.cy + shape.r
    return None


def _boxes(drawn: _Drawn, contents: Contents) -> Iterator[Finding]:
    there = drawn.of_role("node")
    for name in sorted(contents.boxes.keys() - there):
        yield hard("box-missing", f"the box {contents.boxes[name].label[:40]!r} is not drawn", name)
    for name in sorted(there - contents.boxes.keys()):
        yield hard("box-added", f"a box is drawn that nothing asks for: {_text(drawn.groups[name])[:40]!r}", name)
    for name in there & contents.boxes.keys():
        box, group = contents.boxes[name], drawn.groups[name]
        if not _says_box(group, box):
            told = " ".join((box.label, *box.details))
            yield hard("box-changed", f"the box {told[:60]!r} says {_text(group)[:60]!r}", name)


def _says_box(group: Group, box: Box) -> bool:
    """Whether a box says what it has to: its sign where it is round, else its label, details and numbered copies."""
    if box.shape == "point":
        return not group.items
    if box.shape == "round":
        return box.label == _sign([item for item in group.items if isinstance(item, Path)])
    return says(_text(group), (*box.cells, box.label, *box.details))


def _sign(strokes: list[Path]) -> str:
    """The sign that two strokes in a circle make."""
    ways = [_way(path) for path in strokes]
    return {("-",): "−", ("-", "|"): "+", ("|", "|"): "‖", ("/", "/"): "×"}.get(tuple(ways), "?")


def _way(path: Path) -> str:
    (x, y), (to_x, to_y) = path.points[0], path.points[-1]
    return "-" if abs(y - to_y) < 0.1 else "|" if abs(x - to_x) < 0.1 else "/"


def _wires(drawn: _Drawn, contents: Contents) -> Iterator[Finding]:
    there = drawn.of_role("edge")
    for name in sorted(contents.wires.keys() - there):
        yield hard("wire-missing", f"the wire {name[:80]!r} is not drawn", name)
    for name in sorted(there - contents.wires.keys() - contents.spare):
        yield hard("wire-added", f"a wire is drawn that nothing asks for: {name[:80]!r}", name)
    for name in there & contents.wires.keys():
        yield from _wire(drawn, name, contents.wires[name])


def _wire(drawn: _Drawn, name: str, ends: Ends) -> Iterator[Finding]:
    """The ends, the head and the lanes of one wire."""
    group = drawn.groups[name]
    paths = [item for item in group.items if isinstance(item, Path)]
    tips = [path for inner in group.items if isinstance(inner, Group) for path in inner.items if isinstance(path, Path)]
    if not paths:
        yield hard("wire-missing", f"the wire {name[:80]!r} has no line", name)
        return
    lanes = sum(path.stroke == paths[0].stroke for path in paths) if ends.lanes > 1 else 1
    if ends.lanes > 1 and _streams(paths) != ends.lanes:
        yield hard("wire-changed", f"a wire of {ends.lanes} streams is drawn as {lanes}", name)
    on = drawn.groups.get(ends.on)
    last = [item for item in on.items if isinstance(item, Path)] if on else [*paths, *tips]
    if any(path.arrow_start for path in (*paths, *tips, *last)) or any(path.arrow_end for path in last) != ends.head:
        wrong = "lacks" if ends.head else "has"
        yield hard("arrow-head", f"a wire {wrong} an arrow head at its end, or points backwards", name)
    for box, point in ((ends.source, paths[0].points[0]), (ends.target, paths[0].points[-1])):
        bounds = drawn.bounds(box) if box else None
        if bounds and not _near(bounds, point):
            yield hard(
                "wire-end", f"a wire from {ends.source[:60]!r} to {ends.target[:60]!r} does not join them", name, box
            )


def _streams(paths: list[Path]) -> int:
    """How many lines side by side wide strokes with narrower ones of the ground on them leave."""
    lines = [path for path in paths if path.stroke == paths[0].stroke]
    return 2 * len(lines) - (len(paths) % 2 if len(paths) > 1 else 1)


def _near(bounds: _Bounds, point: Point) -> bool:
    left, top, right, bottom = bounds
    return left - _REACH <= point[0] <= right + _REACH and top - _REACH <= point[1] <= bottom + _REACH


def _labels(drawn: _Drawn, contents: Contents) -> Iterator[Finding]:
    """What stands beside a wire is its label; one without a free place is left out, as the unit of a brief pattern is."""
    for name in drawn.of_role("label") | drawn.groups.keys() & contents.labels.keys():
        told = contents.labels.get(name, "")
        if not says(_text(drawn.groups[name]), (told,)):
            message = f"a label is {_text(drawn.groups[name])[:40]!r} instead of {told[:40]!r}"
            yield hard("label-changed", message, name)


def _words(drawn: _Drawn, contents: Contents) -> Iterator[Finding]:
    for name, ways in contents.words.items():
        group = drawn.groups.get(name) if name else drawn.page
        if group is None:
            yield hard("words-missing", f"{' '.join(ways[0])[:60]!r} is not drawn", name)
        elif not any(says(_text(group), way) for way in ways):
            yield hard("words-changed", f"{_text(group)[:80]!r} is not {' '.join(ways[0])[:80]!r}", name)
    for name, pieces in contents.held.items():
        text = _bare(_text(drawn.groups[name])) if name in drawn.groups else ""
        for piece in pieces:
            bare = _bare(piece)
            if bare not in text and not (_CUT in text and bare[:8] in text):
                yield hard("words-missing", f"a panel does not say {piece[:80]!r}", name)


def _badges(drawn: _Drawn, contents: Contents) -> Iterator[Finding]:
    """Letters of insets: on each once, and on every box that it shows."""
    for letter in sorted(contents.badges.keys() | drawn.badges.keys()):
        if contents.badges[letter] != drawn.badges[letter]:
            times = f"{drawn.badges[letter]} instead of {contents.badges[letter]} times"
            yield hard("badges", f"the letter {letter[:4]!r} is drawn {times}")


def says(drawn: str, pieces: tuple[str, ...]) -> bool:
    """Whether a text is these pieces, wherever its lines are broken; what is cut ends with `…`.

    >>> says("Multi-head latentattention128 heads", ("Multi-head latent attention", "128 heads"))
    True
    >>> says("Multi-head lat…128 heads", ("Multi-head latent attention", "128 heads"))
    True
    >>> says("Multi-head latent attention 64 heads", ("Multi-head latent attention", "128 heads"))
    False
    """
    shown, told = _bare(drawn), _bare("".join(pieces))
    if shown == told:
        return True
    start = 0
    parts = shown.split(_CUT)
    for part in parts:
        at = told.find(part, start)
        if at < 0 or (start == 0 and at > 0):
            return False
        start = at + len(part)
    return len(parts) > 1


def _bare(text: str) -> str:
    return "".join(text.split())


def _text(group: Group) -> str:
    """What a group says itself, line after line."""
    return " ".join(item.content for item in group.items if isinstance(item, Text))
