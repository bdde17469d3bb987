"""The scene of a viewer: the overview in pieces that are laid out beforehand, so that a page can open and close them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

from archviz.architecture.model import Architecture, BlockGraph, BlockNode
from archviz.figure.columns import ends_of
from archviz.figure.display import DisplayList, Group, Item, Rect, Text
from archviz.figure.formulas import TensorIndex, formula_of, path_of
from archviz.figure.furniture import paint_footers
from archviz.figure.model import (
    Box,
    Diagram,
    Figure,
    Inset,
    LayerPanel,
    Merge,
    Repeat,
    SideBox,
    Step,
    Strip,
    layer_panels,
)
from archviz.figure.overview import build_overview
from archviz.figure.page import place_page
from archviz.figure.paint import Frame, paint_badge
from archviz.figure.panels import FactsArt, InsetArt, Panel, StripArt
from archviz.figure.theme import DARK, LIGHT, Theme
from archviz.records import field, record, replace

_FREE = 3  # panels that open independently of each other; of more, any one or all
_FOOT = 1400.0  # px: width of the facts and footers
_EVIDENCE = 3

Rows = tuple[tuple[str, str], ...]


@record(frozen=True)
class Drawing:
    """The same drawing in the light and in the dark theme: equal but for the colours."""

    light: DisplayList
    dark: DisplayList


@record(frozen=True)
class Page:
    """The columns of a model with some of their panels open."""

    open: tuple[str, ...]
    drawing: Drawing


@record(frozen=True)
class Piece:
    """A panel beside the columns: what an inset, a layer pattern, the facts show."""

    id: str
    title: str
    drawing: Drawing


@record(frozen=True)
class Scene:
    """Everything that a viewer can show.

    Args:
        panels: Titles of the panels that open and close, by id.
        pages: One for each set of open panels that there is; the first is shown first.
        insets: What boxes open.
        rest: What is always shown: layer patterns; the facts last.
        zooms: Inset by box id.
        details: What is known of a box, as labels and values, by box id.
    """

    title: str
    description: str
    pages: tuple[Page, ...]
    panels: Mapping[str, str] = field(default_factory=dict)
    insets: tuple[Piece, ...] = ()
    rest: tuple[Piece, ...] = ()
    zooms: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Rows] = field(default_factory=dict)


def scene_of(architecture: Architecture) -> Scene:
    """The overview of a model in pieces."""
    figure = build_overview(architecture)
    panels = {panel.id: f"{panel.times} × {panel.title}" for panel in _panels(figure)}
    zooms = {box.id: box.zoom for box in _boxes(figure) if box.zoom}
    letters = {inset.id: inset.letter for inset in figure.insets}
    lettered = {box: letters[inset] for box, inset in zooms.items() if inset in letters}
    return Scene(
        title=figure.title,
        description=figure.description,
        pages=tuple(_page(figure, opened, lettered) for opened in _states(tuple(panels))),
        panels=panels,
        insets=tuple(_inset(inset, lettered) for inset in figure.insets),
        rest=tuple(_rest(figure)),
        zooms={box: inset for box, inset in zooms.items() if inset in letters},
        details=_details(architecture, figure),
    )  # fmt: skip


def scene_of_drawing(light: DisplayList, dark: DisplayList) -> Scene:
    """A single drawing as a scene: nothing in it opens or closes."""
    described: dict[str, Rows] = {group.id: (("", group.description),) for group in light.groups() if group.description}
    described |= {bar.id: tuple(_bar_rows(bar)) for bar in light.groups() if bar.role == "bar"}
    return Scene(light.title, light.description, (Page((), Drawing(light, dark)),), details=described)


def _bar_rows(bar: Group) -> Iterator[tuple[str, str]]:
    """What is known of a bar beside its name: its number of parameters or the tensor that it shares, its component, its lines of code."""
    words = [item.content for item in bar.items if isinstance(item, Text)]
    yield from zip(("Parameters", "Component"), words[1:], strict=False)
    if bar.description:
        yield "Source", bar.description


def _panels(figure: Figure) -> list[LayerPanel]:
    """The layer panels that show their inside, in order of the figure."""
    return [panel for column in figure.columns for panel in layer_panels(column.steps) if panel.diagram]


def _states(panels: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The sets of open panels that are laid out: all open first."""
    few = len(panels) <= _FREE
    sizes = range(len(panels) - 1, -1, -1) if few else (1, 0)
    return list(dict.fromkeys([panels, *(some for size in sizes for some in combinations(panels, size))]))


def _page(figure: Figure, opened: tuple[str, ...], letters: Mapping[str, str]) -> Page:
    columns = tuple(
        replace(column, steps=tuple(_shut(step, frozenset(opened)) for step in column.steps))
        for column in figure.columns
    )
    inside = {
        box.id: panel.id
        for panel in _panels(figure)
        if panel.id not in opened and panel.diagram
        for box in panel.diagram.boxes
    }
    sides = tuple(_outside(replace(side, box=replace(side.box, zoom=None)), inside) for side in figure.sides)
    shown = replace(figure, columns=columns, sides=sides, insets=(), strips=(), facts=(), footers=())
    return Page(opened, _both(lambda theme: _badged(place_page(shown, theme), letters, theme)))


def _outside(side: SideBox, inside: Mapping[str, str]) -> SideBox:
    """What layers are given, with arrows to those that are shut instead of to the boxes in them."""
    targets = dict.fromkeys(inside.get(target, target) for target in side.targets)
    return replace(side, targets=tuple(targets)) if side.box.role == "input" else side


def _shut(step: Step, opened: frozenset[str]) -> Step:
    """A step whose panels are shut but for the open ones; its boxes lead to no inset on the page."""
    if isinstance(step, Box):
        return replace(step, zoom=None)
    if isinstance(step, Merge):
        return step
    if isinstance(step, Repeat):
        shut = [_shut(item, opened) for item in step.items]
        return replace(step, items=tuple(item for item in shut if isinstance(item, Repeat | LayerPanel)))
    if isinstance(step, LayerPanel) and step.diagram:
        boxes = tuple(replace(box, zoom=None) for box in step.diagram.boxes)
        return replace(step, diagram=replace(step.diagram, boxes=boxes) if step.id in opened else None)
    return step


def _both(draw: Callable[[Theme], DisplayList]) -> Drawing:
    return Drawing(draw(LIGHT), draw(DARK))


def _boxed(panel: Panel, letters: Mapping[str, str], theme: Theme) -> DisplayList:
    """A panel as a drawing of its own."""
    width, height = panel.width, panel.height_at(panel.width)
    group = panel.draw(Frame(1, 1, width, height))
    return _badged(DisplayList(width + 2, height + 2, theme.background, items=(group,)), letters, theme)


def _badged(display: DisplayList, letters: Mapping[str, str], theme: Theme) -> DisplayList:
    """The drawing with the letter of its inset at every box that has one."""
    badges: list[Item] = []
    for group in display.groups():
        frame = next((item for item in group.items if isinstance(item, Rect)), None)
        if group.role == "node" and group.id in letters and frame:
            badges.append(paint_badge(letters[group.id], frame.x + frame.width - 2, frame.y + 1, theme))
    return replace(display, items=(*display.items, *badges))


def _inset(inset: Inset, letters: Mapping[str, str]) -> Piece:
    return Piece(inset.id, inset.title, _both(lambda theme: _boxed(InsetArt(inset, theme), letters, theme)))


def _strip(strip: Strip) -> Piece:
    return Piece(strip.id, strip.title, _both(lambda theme: _boxed(StripArt(strip, theme), {}, theme)))


def _rest(figure: Figure) -> Iterator[Piece]:
    yield from (_strip(strip) for strip in figure.strips)
    if figure.facts or figure.footers:
        yield Piece("foot", "Facts", _both(lambda theme: _foot(figure, theme)))


def _foot(figure: Figure, theme: Theme) -> DisplayList:
    items: list[Item] = []
    height = 1.0
    if figure.facts:
        facts = FactsArt(figure.facts, theme)
        high = facts.height_at(_FOOT)
        items.append(facts.draw(Frame(1, 1, _FOOT, high)))
        height += high + 4
    words, high = paint_footers(figure.footers, 1, height, _FOOT, theme)
    return DisplayList(_FOOT + 2, height + high, theme.background, items=(*items, *words))


def _boxes(figure: Figure) -> Iterator[Box]:
    """Every box of a figure, wherever it stands."""
    for column in figure.columns:
        yield from ends_of(column)
    yield from (figure.summit.box,) if figure.summit else ()
    yield from (side.box for side in figure.sides)
    inner: list[Diagram | None] = [panel.diagram for panel in _panels(figure)]
    for diagram in [*inner, *(inset.diagram for inset in figure.insets)]:
        yield from diagram.boxes if diagram else ()


def _details(architecture: Architecture, figure: Figure) -> dict[str, Rows]:
    """What is known of each box: shapes, parameters and their formula, the name in the code, the lines that prove it."""
    nodes = {f"{graph.id}/{node.id}": (graph, node) for graph in architecture.blocks for node in graph.nodes}
    columns = {
        f"{tower.id}/{index}/{item.node.id}": (BlockGraph(id="", title="", module="", class_name=""), item.node)
        for tower in architecture.towers
        for index, item in enumerate(tower.column)
        if item.node
    }
    tensors = TensorIndex(architecture, (path_of(graph, node) for graph, node in [*nodes.values(), *columns.values()]))
    details: dict[str, Rows] = {}
    for box in _boxes(figure):
        found = columns.get(box.id) or next((nodes[key] for key in _suffixes(box.id) if key in nodes), None)
        details[box.id] = tuple(_rows(tensors, *found)) if found else tuple(("", line) for line in box.details)
    return details


def _suffixes(box_id: str) -> Iterator[str]:
    """A box id without the places that it stands in, longest first."""
    yield box_id
    for index, char in enumerate(box_id):
        if char == "/":
            yield box_id[index + 1 :]


def _rows(tensors: TensorIndex, graph: BlockGraph, node: BlockNode) -> Iterator[tuple[str, str]]:
    for line in node.details:
        yield "", line[:200]
    if node.shape_in or node.shape_out:
        yield "Shape", f"{_shape(node.shape_in)} → {_shape(node.shape_out)}"
    formula = formula_of(tensors, graph, node)
    if formula and (formula.count or formula.note):
        worked = f"{formula.text} = {formula.count:,}" if formula.text else f"{formula.count:,}"
        yield "Parameters", formula.note or worked
    path = path_of(graph, node)
    if path and path != graph.module:
        yield "In the code", path[:200]
    if node.status != "verified":
        yield "Status", node.status
    for piece in node.evidence[:_EVIDENCE]:
        yield "Source", piece.where[:200]


def _shape(shape: list[int | str | None] | None) -> str:
    return "?" if shape is None else "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
