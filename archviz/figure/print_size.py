"""How large a figure's words are in print: at the text width of a page, 170 mm, no label may be smaller than 6.5 points."""

from __future__ import annotations

from archviz.figure.display import DisplayList, Text

PRINT_WIDTH = 170.0  # mm
RATIO = (0.5, 2.2)
"""Width by height of a page that can be printed and shown."""
SMALLEST_POINTS = 6.5
_POINTS_PER_MM = 72 / 25.4
SMALLEST = 13.0
"""Size in px of the smallest words of a figure that is meant for print."""
WIDEST = float(int(SMALLEST * PRINT_WIDTH * _POINTS_PER_MM / SMALLEST_POINTS))
"""Width in whole px of the widest page on which the smallest words can be read in print."""
MARGIN = 30.0
"""Around the panels of a page, px."""
ROOM = WIDEST - 2 * MARGIN
"""Width of the widest panel that can be read in print, px."""
HIGHEST = WIDEST / RATIO[0] - 64.0
"""Height of the highest panel of such a page, under its running title, px."""


def smallest_in_print(display: DisplayList) -> float:
    """Size in points of the smallest text of a drawing that is printed 170 mm wide; infinite where there is none."""
    sizes = [
        run.size for shape in display.shapes() if isinstance(shape, Text) for run in shape.runs if run.text.strip()
    ]
    return min(sizes, default=float("inf")) * PRINT_WIDTH * _POINTS_PER_MM / max(display.width, 1.0)
