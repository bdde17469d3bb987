"""The views of a model: which there are, and the page of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from archviz.architecture.model import Architecture
from archviz.errors import UsageError
from archviz.figure import captions
from archviz.figure.display import DisplayList
from archviz.figure.model import Sentence, Words
from archviz.figure.theme import Theme
from archviz.records import record
from archviz.spans import Status

if TYPE_CHECKING:
    from archviz.figure.ledger import Ledger
    from archviz.figure.model import Figure, Strip
    from archviz.figure.params import Sizes


@record(frozen=True)
class Drawn:
    """A drawing and what it was made of: the figure of an overview, the ledgers and strips of a detailed view, the sizes of bars."""

    display: DisplayList
    figure: Figure | None = None
    ledgers: tuple[Ledger, ...] = ()
    strips: tuple[Strip, ...] = ()
    sizes: Sizes | None = None


def overview(architecture: Architecture, theme: Theme, module: str | None = None) -> Drawn:
    """The whole model: towers, kinds of layers with their repeats, and what is inside of them."""
    from archviz.figure.fitting import fitted_page

    page = fitted_page(architecture, theme)
    return Drawn(page.display(), figure=page.figure)


def detailed(architecture: Architecture, theme: Theme, module: str | None = None) -> Drawn:
    """Every operation, with the shape of its tensor and the formula of its parameters."""
    from archviz.figure.detailed import build_detailed
    from archviz.figure.ledger import LedgerArt
    from archviz.figure.overview import strips_of
    from archviz.figure.panels import Panel, StripArt
    from archviz.figure.print_size import ROOM
    from archviz.figure.sheet import Heading, place_sheet
    from archviz.figure.symbolic_shapes import ShapeWriter

    shapes = ShapeWriter(architecture)
    ledgers: list[Ledger] = build_detailed(architecture, shapes)
    subtitle = f"{captions.size_words(architecture)} · every operation with its tensor shape and parameters"
    words = (
        Words("Shapes: B sequences of S tokens", strong=True),
        Words("; in a row with several boxes from left to right. "),
        *_symbol_words(architecture, shapes.used),
    )
    heading = Heading(
        captions.title(architecture), subtitle, captions.description(architecture),
        (words, *captions.footers(architecture)),
    )  # fmt: skip
    panels: list[Panel] = [LedgerArt(ledger, theme, ROOM) for ledger in ledgers]
    first = len(architecture.towers)
    strips = tuple(strips_of(architecture))
    panels[first:first] = [StripArt(strip, theme) for strip in strips]
    statuses = _statuses(box.status for each in ledgers for box in each.diagram.boxes)
    return Drawn(place_sheet(heading, panels, theme, statuses), ledgers=tuple(ledgers), strips=strips)


def _symbol_words(architecture: Architecture, used: set[str]) -> Iterator[Words]:
    """The symbols that stand in shapes and formulas, each with its number and meaning."""
    shown = [each for each in architecture.parameters.symbols if each.symbol in used]
    for place, each in enumerate(shown):
        yield Words(each.symbol, strong=True)
        yield Words(f" {each.meaning or each.key} {each.value:,}{'; ' if place < len(shown) - 1 else '.'}")


def module_view(architecture: Architecture, theme: Theme, module: str | None = None) -> Drawn:
    """The data flow of one module.

    Raises:
        UsageError: No module is named, or its data flow is not known.
    """
    from archviz.figure.detailed import module_ledgers
    from archviz.figure.ledger import LedgerArt
    from archviz.figure.print_size import ROOM
    from archviz.figure.sheet import Heading, place_sheet
    from archviz.figure.symbolic_shapes import ShapeWriter

    shapes = ShapeWriter(architecture)
    ledgers = module_ledgers(architecture, module, shapes)
    first = ledgers[0]
    heading = Heading(
        f"{captions.title(architecture)}: {first.title}", module or "",
        f"Data flow of {module} of {architecture.identity.id}, from input (bottom) to output (top).",
        (*(((*words,),) if (words := list(_symbol_words(architecture, shapes.used))) else ()), *captions.footers(architecture)[:1]),
    )  # fmt: skip
    panels = [LedgerArt(ledger, theme, ROOM) for ledger in ledgers]
    statuses = _statuses(box.status for each in ledgers for box in each.diagram.boxes)
    return Drawn(place_sheet(heading, panels, theme, statuses), ledgers=tuple(ledgers))


def params(architecture: Architecture, theme: Theme, module: str | None = None) -> Drawn:
    """Every operation as large as the logarithm of its parameters."""
    from archviz.figure.bars import BarsArt, ComponentsArt, SkylineArt, decades
    from archviz.figure.panels import Panel
    from archviz.figure.params import build_sizes
    from archviz.figure.sheet import Heading, place_sheet

    sizes = build_sizes(architecture)
    span = decades(sizes.groups, sizes.skylines)
    used = {bar.component for group in sizes.groups for bar in group.bars}
    panels: list[Panel] = [ComponentsArt(used, theme)]
    panels += [SkylineArt(skyline, span, theme) for skyline in sizes.skylines]
    panels += [BarsArt(group, span, theme) for group in reversed(sizes.groups)]
    scale: Sentence = (
        Words("Scale: ", strong=True),
        Words("the length of a bar and the height of a layer are log10 of the number of parameters, from 1; "),
        Words("operations stand in order of execution, the last on top; a bar counts one layer. "),
        Words("Colours: ", strong=True),
        Words("a bar's is its component, a layer's its kind; a dashed bar shares the tensor that it names."),
    )
    subtitle = f"{captions.size_words(architecture)} · sizes on a logarithmic scale"
    heading = Heading(
        captions.title(architecture), subtitle, f"Parameters of {architecture.identity.id} by operation.",
        (scale, *captions.footers(architecture)),
    )  # fmt: skip
    return Drawn(place_sheet(heading, panels, theme), sizes=sizes)


def _statuses(found: Iterator[Status]) -> Sequence[Status]:
    return sorted(set(found))


View = Callable[[Architecture, Theme, str | None], Drawn]
VIEWS: Mapping[str, View] = {"overview": overview, "detailed": detailed, "module": module_view, "params": params}


def view(name: str) -> View:
    """The view of that name.

    Raises:
        UsageError: There is no such view.
    """
    if name not in VIEWS:
        raise UsageError(f"no view {name[:40]!r}", hint=f"views are {', '.join(VIEWS)}")
    return VIEWS[name]
