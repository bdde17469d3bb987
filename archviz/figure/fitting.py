"""The overview that shows most of those with few enough boxes that can be read in print."""

from __future__ import annotations

from archviz.architecture.model import Architecture
from archviz.figure.columns import MAX_BOXES, minor_towers
from archviz.figure.insets import Known
from archviz.figure.model import Figure
from archviz.figure.overview import boxes_of, build_overview
from archviz.figure.page import Page
from archviz.figure.savings import Savings, ladder, narrower
from archviz.figure.theme import Theme

_TIGHT = 0.6  # density of the boxes
_TIGHTEST = 0.4  # where that alone is what makes a page fit
_LOOSER = ((0.75, True), (0.75, False), (_TIGHT, True))  # with names on wires, or without
_ALMOST = 40.0  # px by which a tight page is too large for the tightest to help
_NEARLY = 400.0  # px by which a page is too large for a brief strip to help
_HOPELESS = 1250.0  # px by which a page is too large for closer boxes to help


def fitted_page(architecture: Architecture, theme: Theme) -> Page:
    """The page of an overview, before it is drawn; what it leaves out, it says."""
    best: Page | None = None
    rungs = _rungs(architecture)
    known = Known()
    tried: list[Figure] = []
    for savings in rungs:
        if savings != rungs[-1] and boxes_of(architecture, savings, known) > MAX_BOXES:
            continue
        figure = build_overview(architecture, savings, known)
        if figure in tried:
            continue
        tried.append(figure)
        page = _placed(figure, theme)
        if page.badness <= 0:
            return _with_margins(page, architecture, savings, known)
        best = best if best and best.badness <= page.badness else page
    assert best is not None
    return best


def _with_margins(page: Page, architecture: Architecture, savings: Savings, known: Known) -> Page:
    """A page that fits, with what was saved beside its columns where that fits too when it is narrow."""
    for slim in narrower(savings):
        if boxes_of(architecture, slim, known) <= MAX_BOXES:
            fuller = _placed(build_overview(architecture, slim, known), page.theme)
            if fuller.badness <= 0:
                return fuller
    return page


def _placed(figure: Figure, theme: Theme) -> Page:
    """The page of a figure, its boxes closer together and its strips brief where that makes it fit, each no more than need be."""
    page = Page(figure, theme)
    if not 0 < page.badness < _HOPELESS:
        return page
    tight = Page(figure, theme, _TIGHT, named=False, like=page)
    if tight.badness > 0 and figure.strips and tight.badness < _NEARLY:
        tight = Page(figure, theme, _TIGHT, brief=True, named=False, like=tight)
    if 0 < tight.badness < _ALMOST:
        tightest = Page(figure, theme, _TIGHTEST, tight.brief, named=False, like=tight)
        if tightest.badness <= 0:
            return tightest
    if tight.badness > 0:  # no looser page is lower
        return min(page, tight, key=lambda each: each.badness)
    for density, named in _LOOSER:
        looser = Page(figure, theme, density, tight.brief, named, like=tight)
        if looser.badness <= 0:
            return looser
    return tight


def _rungs(architecture: Architecture) -> list[Savings]:
    """The rungs of the ladder that make a difference for this model."""
    return ladder(
        small_towers=bool(minor_towers(architecture)),
        experts=any(node.role == "experts" and node.zoom for block in architecture.blocks for node in block.nodes),
        kinds=max((len(stack.kinds) for stack in architecture.layers), default=1),
    )
