"""From an Architecture to a drawing that any emitter can write.

In: an `Architecture` (`draw_overview`) or a hand-written diagram config (`diagram_*.py`).
Out: a `DisplayList` (`display.py`) and the findings of `lint.py`.

    Architecture ─ overview.py, captions.py, flow.py, strips.py ─▶ Figure (model.py: what belongs together)
                 ─ page.py ─▶ DisplayList (display.py: rectangles, paths, text, in px)

Start reading at `overview.py` for what is drawn, at `page.py` for where it stands. The layouts: `stack.py` (a tower as a
column), `layered.py` with `layering.py`, `coordinates.py` and `routing.py` (any data-flow graph), `panels.py` (insets,
strips, facts), `margins.py` (side boxes, notes, lines to insets), `packing.py` (insets over columns). `paint.py` says how
one box, wire or line of words looks, `theme.py` in which colours, `fonts.py` how wide text is.

To add a view: build a `Figure`, or a display list of its own, from the Architecture in a new module, and name it here.
To add a panel: a class with `height_at(width)` and `draw(frame)` in the manner of `panels.py`, placed by `page.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture
    from archviz.figure.display import DisplayList
    from archviz.figure.lint import Finding


def draw_overview(architecture: Architecture, *, theme: str = "light") -> tuple[DisplayList, list[Finding]]:
    """The overview of a model and what the lint found in it.

    Args:
        theme: `light` or `dark`.

    Raises:
        UsageError: There is no such theme.
    """
    from archviz.figure import theme as themes
    from archviz.figure.lint import lint
    from archviz.figure.overview import build_overview
    from archviz.figure.page import place_page

    display = place_page(build_overview(architecture), themes.theme(theme))
    return display, lint(display)
