"""Rings around the boxes that differ between two models, each with ≠ where nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archviz.figure.display import Circle, Group, Item, Path, Point, Rect
from archviz.figure.paint import Frame
from archviz.figure.theme import Theme

_SIGN = 8.0  # px: radius of ≠
_OUT = 5.0  # px by which a sign at the side of a ring stands out of it
_ROOM, _STROKE = 3.0, 2.0  # px between a box and its ring, and the width of that


def paint_marks(names: Sequence[str], boxes: Mapping[str, Frame], theme: Theme) -> Iterator[Group]:
    """A ring and a ≠ for each of the named boxes.

    Args:
        boxes: All boxes of the column, also those that are not named.
    """
    rings = _rings([name for name in names if name in boxes], boxes)
    signs: list[Frame] = []
    for name, ring in rings.items():
        others = [frame for other, frame in boxes.items() if other != name and frame.width]
        others += [frame for other, frame in rings.items() if other != name]
        free = (at for at in _places(ring) if not any(_meets(_around(at), each) for each in (*others, *signs)))
        at = next(free, (ring.right, ring.y))
        signs.append(_around(at))
        shape = Rect(ring.x, ring.y, ring.width, ring.height, None, theme.warning, _STROKE, 9.0)
        yield Group(f"mark/{name}", "mark", (shape, *_sign(*at, theme)), title="differs")


def _places(ring: Frame) -> Iterator[Point]:
    """Where a sign may stand on a ring: the upper corners, the sides, off the words in the box, the lower corners."""
    for share in (0.0, 0.5, 0.3, 0.7, 1.0):
        out = _OUT if 0.0 < share < 1.0 else 0.0
        yield ring.right + out, ring.y + share * ring.height
        yield ring.x - out, ring.y + share * ring.height


def _rings(names: Sequence[str], boxes: Mapping[str, Frame]) -> dict[str, Frame]:
    """The rings, closer to their boxes where two of these are close to each other."""
    rings: dict[str, Frame] = {}
    for name in names:
        frame = boxes[name]
        gaps = [_gap(frame, boxes[other]) for other in names if other != name]
        room = min([_ROOM, *(max((gap - 1.5 * _STROKE) / 2, 0.0) for gap in gaps if gap > 0)])
        rings[name] = Frame(frame.x - room, frame.y - room, frame.width + 2 * room, frame.height + 2 * room)
    return rings


def _gap(one: Frame, other: Frame) -> float:
    """How far two boxes are apart, px; 0 where they overlap, as one in another does."""
    across = max(one.x - other.right, other.x - one.right)
    return max(across, one.y - other.bottom, other.y - one.bottom, 0.0)


def _around(point: Point) -> Frame:
    reach = _SIGN + 1.0
    return Frame(point[0] - reach, point[1] - reach, 2 * reach, 2 * reach)


def _meets(sign: Frame, frame: Frame) -> bool:
    """Whether a sign lies on the border of a frame or across it; it may lie well inside."""
    apart = sign.right <= frame.x or frame.right <= sign.x or sign.bottom <= frame.y or frame.bottom <= sign.y
    inside = frame.x < sign.x and sign.right < frame.right and frame.y < sign.y and sign.bottom < frame.bottom
    return not apart and not inside


def _sign(x: float, y: float, theme: Theme) -> tuple[Item, ...]:
    return (
        Circle(x, y, _SIGN, theme.warning, theme.background, 1.2),
        Path(((x - 4, y - 2), (x + 4, y - 2)), theme.background, 1.6),
        Path(((x - 4, y + 2), (x + 4, y + 2)), theme.background, 1.6),
        Path(((x + 3, y - 5), (x - 3, y + 5)), theme.background, 1.6),
    )
