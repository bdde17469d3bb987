"""From an Architecture to a drawing that any emitter can write.

In: an `Architecture` (`draw_view`) or a hand-written diagram config (`diagram_*.py`).
Out: a `DisplayList` (`display.py`), the findings of `lint.py`, which looks at that alone, and those of `faithful.py`, which holds it against
the Figure and that against the Architecture.

    Architecture ─ overview.py, captions.py, flow.py, strips.py ─▶ Figure (model.py: what belongs together)
                 ─ page.py ─▶ DisplayList (display.py: rectangles, paths, text, in px)
    Architecture ─ detailed.py, params.py ─▶ ledgers, bars ─ ledger.py, bars.py, sheet.py ─▶ DisplayList

Start reading at `views.py` for which views there are, at `overview.py` for what one draws, at `page.py` for where it stands. The layouts: `stack.py` and `column_art.py` (a tower as a
column), `layered.py` with `layering.py`, `coordinates.py` and `routing.py` (any data-flow graph), `panels.py` (insets,
strips, facts), `margins.py` (side boxes, notes, lines to insets), `packing.py` (insets over columns). `paint.py` says how
one box, wire or line of words looks, `theme.py` in which colours, `fonts.py` how wide text is.

To add a view: make panels or a display list of its own from the Architecture in a new module, and name it in `views.py`.
To add a panel: a class with `height_at(width)` and `draw(frame)` in the manner of `panels.py`, placed by `page.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture
    from archviz.figure.display import DisplayList
    from archviz.figure.lint import Finding


def draw_view(
    architecture: Architecture, view: str = "overview", *, theme: str = "light", module: str | None = None
) -> tuple[DisplayList, list[Finding]]:
    """A view of a model and what is wrong with it: what it does not show as the Architecture has it, and what the lint found.

    Args:
        view: `overview`, `detailed`, `module` or `params`; see `views.py`.
        theme: `light` or `dark`.
        module: The module that the module view shows, by its path.

    Raises:
        UsageError: There is no such view, theme or module.
    """
    from archviz.figure import theme as themes
    from archviz.figure.faithful import check_drawn
    from archviz.figure.lint import lint
    from archviz.figure.views import view as view_of

    drawn = view_of(view)(architecture, themes.theme(theme), module)
    return drawn.display, [*check_drawn(drawn, architecture), *lint(drawn.display, printed=True)]


def draw_overview(architecture: Architecture, *, theme: str = "light") -> tuple[DisplayList, list[Finding]]:
    """The overview of a model and what the lint found in it; see `draw_view`."""
    return draw_view(architecture, theme=theme)
