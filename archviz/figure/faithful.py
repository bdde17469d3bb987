"""Whether a drawing shows what the Architecture says, both halves of the way: `truth.py` up to the Figure, `fidelity.py` from there on."""

from __future__ import annotations

from archviz.architecture.model import Architecture
from archviz.figure.contents import contents_of_bars, contents_of_figure, contents_of_ledgers
from archviz.figure.fidelity import check_contents
from archviz.figure.ledger_truth import check_ledgers, check_sizes
from archviz.figure.lint import Finding
from archviz.figure.truth import check_figure
from archviz.figure.views import Drawn


def check_drawn(drawn: Drawn, architecture: Architecture) -> list[Finding]:
    """What a drawing says otherwise than its Architecture; nothing where it is true."""
    if drawn.figure:
        shown = check_contents(drawn.display, contents_of_figure(drawn.figure))
        return [*check_figure(drawn.figure, architecture), *shown]
    if drawn.sizes:
        shown = check_contents(drawn.display, contents_of_bars(drawn.sizes.groups))
        return [*check_sizes(drawn.sizes, architecture), *shown]
    shown = check_contents(drawn.display, contents_of_ledgers(drawn.ledgers, drawn.strips))
    return [*check_ledgers(drawn.ledgers, architecture), *shown]
