"""The curly brace on the left of what is repeated, with its `15 ×`."""

from __future__ import annotations

from archviz.figure.display import Item, Path
from archviz.figure.fonts import measure
from archviz.figure.paint import MAIN, Style, text_line
from archviz.figure.theme import Theme

_BRACE = 56.0


def brace_room(times: int) -> float:
    """Room of a brace and its `15 ×` on the left of a frame, px."""
    return max(_BRACE, measure(f"{times} ×", 18.0, 700) + 23.0 - 5.0)


def paint_brace(
    x: float, top: float, bottom: float, times: int, blocked: list[float], theme: Theme, style: Style
) -> list[Item]:
    """A curly brace on the left of a frame, with its `15 ×` where no side arrow passes."""
    edge, spine, tip = x - 5, x - 12, x - 19
    choices = [
        (top + bottom) / 2 + sign * step for step in range(0, int(bottom - top) // 2 - 20, 12) for sign in (1, -1)
    ]
    free = [y for y in choices if all(abs(y - other) > 24 for other in blocked)]
    middle = (free or choices or [(top + bottom) / 2])[0]
    size = 18.0 if style.narrow >= MAIN.narrow else 15.0
    halves = (
        ((edge, top + 2), (spine, top + 2), (spine, middle), (tip, middle)),
        ((edge, bottom - 2), (spine, bottom - 2), (spine, middle), (tip, middle)),
    )
    lines = [Path(points, theme.ink, 1.4, 6.0) for points in halves]
    return [*lines, text_line(f"{times} ×", tip - 4, middle, size, 700, theme.ink, "end")]
