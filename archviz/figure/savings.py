"""What an overview leaves out, step by step, until it has few enough boxes and can be read in print."""

from __future__ import annotations

from archviz.records import record, replace


@record(frozen=True)
class Savings:
    """What is not drawn in full.

    Args:
        experts: The inside of one expert is a sentence.
        bare: Nor is it a sentence: the module view has it.
        minor_insets: Small towers have no insets.
        minor_panels: Layers of small towers are bars.
        feeds: Plain feed-forwards have no inset.
        twins: Of kinds of layers that are alike but for numbers one is drawn, the others are bars.
        folded: Small towers are one box each.
        slim: What stands beside a column is narrow: words in short lines, and of RoPE the dimensions that it turns.
        notes: The facts alone tell sizes of embedding and vocabulary.
        brief: RoPE and QK-norm beside a column are names where an inset tells the rest.
        margins: Nothing stands beside a column that its insets or the facts tell: RoPE, QK-norm, sizes.
        panels: So many kinds of layers of a stack are drawn in full at most, the commonest.
        layers: Layers are bars in the column, and each kind's own flow is an inset.
        insets: So many insets at most, as the last resort: layers and experts, then those with most boxes, or with fewest (`small`).
    """

    experts: bool = False
    minor_insets: bool = False
    minor_panels: bool = False
    feeds: bool = False
    twins: bool = False
    folded: bool = False
    slim: bool = False
    notes: bool = False
    brief: bool = False
    margins: bool = False
    panels: int = 99
    layers: bool = False
    insets: int = 99
    small: bool = False
    bare: bool = False


_SMALL = Savings(experts=True, minor_insets=True, feeds=True)
_RUNGS = (
    Savings(),
    Savings(experts=True),
    Savings(experts=True, minor_insets=True),
    _SMALL,
    replace(_SMALL, minor_panels=True),
    replace(_SMALL, minor_panels=True, twins=True),
    replace(_SMALL, folded=True),
    replace(_SMALL, folded=True, twins=True),
    replace(_SMALL, folded=True, twins=True, notes=True),
    replace(_SMALL, folded=True, twins=True, notes=True, brief=True),
    replace(_SMALL, folded=True, twins=True, notes=True, brief=True, margins=True),
)
_LAST = _RUNGS[-1]


def _some(rung: Savings, most: int) -> tuple[Savings, Savings]:
    return replace(rung, insets=most), replace(rung, insets=most, small=True)


_BARRED = (_LAST, replace(_LAST, panels=2), replace(_LAST, panels=1), replace(_LAST, layers=True))
_PANELLED = (*_BARRED[1:3], replace(_LAST, panels=1, bare=True), *_BARRED[3:])
_SIDED = tuple(replace(rung, margins=margins) for rung in _PANELLED for margins in (False, True))
LADDER: tuple[Savings, ...] = (
    *_RUNGS,
    *_SIDED,
    *(
        saved
        for most in (4, 3, 2, 1)
        for margins in (False, True)
        for rung in _BARRED
        for saved in _some(replace(rung, margins=margins), most)
    ),
    replace(_LAST, panels=1, insets=0),
    replace(_LAST, layers=True, insets=0),
)
"""From the figure that shows most to the one that shows least."""


def narrower(savings: Savings) -> list[Savings]:
    """What stood beside the columns and was saved, in less room, from the most to the least."""
    if not (savings.notes or savings.brief or savings.margins):
        return []
    slim = replace(savings, slim=True, notes=False, brief=False, margins=False)
    less = (slim, replace(slim, notes=True), replace(slim, brief=True), replace(slim, notes=True, brief=True))
    return [each for each in less if each != replace(savings, slim=True)]


def ladder(*, small_towers: bool, experts: bool, kinds: int) -> list[Savings]:
    """The rungs that make a difference, in order.

    Args:
        small_towers: Whether there are towers that are drawn smaller.
        experts: Whether the inside of an expert is known.
        kinds: How many kinds of layers the stack with most of them has.
    """
    rungs: dict[Savings, None] = {}
    for rung in LADDER:
        rungs[
            replace(
                rung,
                experts=rung.experts and experts,
                bare=rung.bare and experts,
                minor_insets=rung.minor_insets and small_towers,
                minor_panels=rung.minor_panels and small_towers,
                folded=rung.folded and small_towers,
                twins=rung.twins and kinds > 1,
                panels=99 if rung.panels >= kinds else rung.panels,
            )
        ] = None
    return list(rungs)
