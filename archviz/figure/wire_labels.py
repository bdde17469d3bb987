"""Names on wires (`q`, `gate`), each where nothing else is; one without a free place stays in the description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from archviz.figure.display import Anchor, Group, Point, Run, Text
from archviz.figure.fonts import measure
from archviz.figure.model import Arrow
from archviz.figure.paint import Frame
from archviz.figure.theme import Theme
from archviz.records import replace

SIZE = 13.0
_LONGEST = 112.0
_ROOM = 1.5
_APART = 6.0  # px between two labels beside each other, which would else read as one


def paint_wire_labels(
    arrows: Sequence[Arrow], routes: Sequence[Sequence[Point]], boxes: Sequence[Frame], bounds: Frame, theme: Theme
) -> list[Group]:
    """The labels that have a free place beside their wire, inside of `bounds`."""
    segments = [segment for route in routes for segment in pairwise(route)]
    taken = list(boxes)
    labels: list[Frame] = []
    painted: list[Group] = []
    for arrow, route in zip(arrows, routes, strict=True):
        width = measure(arrow.label, SIZE, 500)
        if not arrow.label or width > _LONGEST:
            continue
        for frame, anchor in _places(route, width):
            inside = frame.x > bounds.x + 4 and frame.right < bounds.right - 4
            if inside and not _blocked(frame, [*taken, *labels], segments):
                labels.append(replace(frame, x=frame.x - _APART, width=width + 2 * _APART))
                x = frame.x if anchor == "start" else frame.right
                text = Text(x, frame.bottom - 3.2, (Run(arrow.label, 500, theme.muted, SIZE),), anchor)
                painted.append(Group(f"{arrow.id}/label", "label", (text,)))
                break
    return painted


def _places(route: Sequence[Point], width: float) -> Iterator[tuple[Frame, Anchor]]:
    """Places beside the upright parts of a wire, the longest part first."""
    upright = [pair for pair in pairwise(route) if abs(pair[0][0] - pair[1][0]) < 0.5]
    for start, end in sorted(upright, key=lambda pair: -abs(pair[0][1] - pair[1][1])):
        for share in (0.5, 0.3, 0.7, 0.0, 1.0):
            middle = start[1] + (end[1] - start[1]) * share
            yield Frame(start[0] + 4, middle - 7, width, 14), "start"
            yield Frame(start[0] - 4 - width, middle - 7, width, 14), "end"


def _blocked(frame: Frame, taken: Sequence[Frame], segments: Sequence[tuple[Point, Point]]) -> bool:
    left, right, top, bottom = frame.x - _ROOM, frame.right + _ROOM, frame.y - _ROOM, frame.bottom + _ROOM
    if any(left < other.right and other.x < right and top < other.bottom and other.y < bottom for other in taken):
        return True
    return any(
        min(a[0], b[0]) < right and max(a[0], b[0]) > left and min(a[1], b[1]) < bottom and max(a[1], b[1]) > top
        for a, b in segments
    )
