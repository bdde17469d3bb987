"""The overview that shows most of those with few enough boxes that can be read in print."""

from __future__ import annotations

from archviz.architecture.model import Architecture
from archviz.figure.display import DisplayList
from archviz.figure.model import Figure
from archviz.figure.overview import MAX_BOXES, Known, build_overview, count_boxes, minor_towers
from archviz.figure.page import Page
from archviz.figure.savings import Savings, ladder
from archviz.figure.theme import Theme

_WAYS = ((0.75, False), (0.6, False), (0.75, True), (0.6, True))  # density of the boxes, whether the strip is brief
_NEARLY = 400.0  # px by which a page is too large for a brief strip to help
_HOPELESS = 1200.0  # px by which a page is too large for closer boxes to help


def fitted_overview(architecture: Architecture, theme: Theme) -> DisplayList:
    """The drawing of an overview; what it leaves out, it says."""
    return fitted_page(architecture, theme).display()


def fitted_page(architecture: Architecture, theme: Theme) -> Page:
    """The page of an overview, before it is drawn."""
    best: Page | None = None
    rungs = _rungs(architecture)
    known: Known = {}
    for savings in rungs:
        figure = build_overview(architecture, savings, known)
        if count_boxes(figure) > MAX_BOXES and savings != rungs[-1]:
            continue
        page = _placed(figure, theme)
        if page.badness <= 0:
            return page
        best = best if best and best.badness <= page.badness else page
    assert best is not None
    return best


def _placed(figure: Figure, theme: Theme) -> Page:
    """The page of a figure, its boxes closer together where that may make it fit."""
    page = Page(figure, theme)
    if 0 < page.badness < _HOPELESS:
        for density, brief in _WAYS:
            closer = Page(figure, theme, density, brief)
            page = closer if closer.badness < page.badness else page
            if page.badness <= 0 or page.badness > _NEARLY:
                break
    return page


def _rungs(architecture: Architecture) -> list[Savings]:
    """The rungs of the ladder that make a difference for this model."""
    return ladder(
        small_towers=bool(minor_towers(architecture)),
        experts=any(node.role == "experts" and node.zoom for block in architecture.blocks for node in block.nodes),
        kinds=max((len(stack.kinds) for stack in architecture.layers), default=1),
    )
