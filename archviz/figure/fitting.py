"""The overview that shows most of those with few enough boxes that can be read in print."""

from __future__ import annotations

from archviz.architecture.model import Architecture
from archviz.figure.display import DisplayList
from archviz.figure.overview import MAX_BOXES, build_overview, count_boxes, minor_towers
from archviz.figure.page import Page
from archviz.figure.savings import Savings, ladder
from archviz.figure.theme import Theme


def fitted_overview(architecture: Architecture, theme: Theme) -> DisplayList:
    """The page of an overview; what it leaves out, it says."""
    best: Page | None = None
    rungs = _rungs(architecture)
    for savings in rungs:
        figure = build_overview(architecture, savings)
        if count_boxes(figure) > MAX_BOXES and savings != rungs[-1]:
            continue
        page = Page(figure, theme)
        if page.badness <= 0:
            return page.display()
        best = best if best and best.badness <= page.badness else page
    assert best is not None
    return best.display()


def _rungs(architecture: Architecture) -> list[Savings]:
    """The rungs of the ladder that make a difference for this model."""
    return ladder(
        small_towers=bool(minor_towers(architecture)),
        experts=any(node.role == "experts" and node.zoom for block in architecture.blocks for node in block.nodes),
        kinds=max((len(stack.kinds) for stack in architecture.layers), default=1),
    )
