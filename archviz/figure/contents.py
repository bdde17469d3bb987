"""What a drawing has to show: every box with its words, every wire with its ends, and the words of every panel.

It is told from the Figure or the ledgers alone, by other code than what places and paints them, so that `fidelity.py` can hold the
display list against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from archviz.figure.ledger import Ledger, worked_out
from archviz.figure.model import (
    Box,
    Column,
    Diagram,
    FactCell,
    Figure,
    Inset,
    LayerPanel,
    Merge,
    Repeat,
    SideBox,
    Step,
    Strip,
    bars,
    column_boxes,
)
from archviz.figure.params import BarGroup
from archviz.figure.quantities import plain
from archviz.records import field, record

Ways = tuple[tuple[str, ...], ...]
"""The ways in which a panel may say something, each as pieces of text in the order of the drawing."""


@record(frozen=True)
class Ends:
    """The ids of what a wire joins, empty where that is no box, and whether it ends with an arrow head, or the wire that goes `on` from it does."""

    source: str = ""
    target: str = ""
    head: bool = True
    lanes: int = 1
    on: str = ""


@record
class Contents:
    """What stands in a drawing, by the id of its group.

    Args:
        boxes: Each is drawn once.
        wires: Each is drawn once, and no other is, but for `spare`.
        spare: Wires that the layout may need to join two pieces of one line.
        labels: What stands beside a wire, or in the unit of a pattern, where there is room.
        words: What panels say outside of their boxes; under an empty id the page itself.
        held: Pieces that stand somewhere in what a panel says.
        badges: How often a letter is drawn.
    """

    boxes: dict[str, Box] = field(default_factory=dict)
    wires: dict[str, Ends] = field(default_factory=dict)
    spare: set[str] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)
    words: dict[str, Ways] = field(default_factory=dict)
    held: dict[str, tuple[str, ...]] = field(default_factory=dict)
    badges: Counter[str] = field(default_factory=Counter)

    def add_diagram(self, diagram: Diagram, heads: bool = True) -> None:
        """The boxes and wires of a data flow; `heads` says whether wires to its open end have one."""
        points = {box.id for box in diagram.boxes if box.shape == "point"}
        self.boxes |= {box.id: box for box in diagram.boxes}
        for arrow in diagram.arrows:
            head = heads or arrow.target not in points
            self.wires[arrow.id] = Ends(arrow.source, arrow.target, head, arrow.lanes)
            self.labels[f"{arrow.id}/label"] = arrow.label


def contents_of_figure(figure: Figure) -> Contents:
    """What an overview has to show."""
    found = Contents()
    fed = {column.id for column in figure.columns}
    met = set(figure.summit.columns) if figure.summit else set[str]()
    letters = {inset.id: inset.letter for inset in figure.insets}
    for column in figure.columns:
        _Column(found, column, feeding=column.feeds in fed or column.id in met).add()
        zooms = [box.zoom for box in column_boxes(column.steps)] + [bar.zoom for bar in bars(column.steps)]
        found.badges.update(letters[zoom] for zoom in zooms if zoom in letters)
        if column.feeds in fed:
            found.wires[f"feed/{column.id}"] = Ends()
    _add_sides(found, figure.sides, figure.columns)
    for inset in figure.insets:
        _add_inset(found, inset, letters)
    if figure.summit:
        box = figure.summit.box
        found.boxes[box.id] = box
        found.wires |= {f"{box.id}/in-{place}": Ends("", box.id) for place, _ in enumerate(figure.summit.columns)}
        found.wires[f"{box.id}/out"] = Ends(box.id)
        found.badges.update([letters[box.zoom]] if box.zoom in letters else [])
    for strip in figure.strips:
        add_strip(found, strip)
    _add_facts(found, figure.facts)
    if figure.columns:
        drawn = {box.id for box in column_boxes(figure.columns[-1].steps)}
        found.words |= {note.id: (tuple(map(plain, note.lines)),) for note in figure.notes if note.target in drawn}
    found.words[""] = ((*map(plain, figure.footers), figure.title, figure.subtitle),)
    return found


def contents_of_columns(columns: Sequence[Column]) -> Contents:
    """What columns side by side have to show, without anything beside them."""
    found = Contents()
    for column in columns:
        _Column(found, column, feeding=False).add()
    return found


def contents_of_ledgers(ledgers: Sequence[Ledger], strips: Iterable[Strip] = ()) -> Contents:
    """What a detailed view or the view of a module has to show in its panels."""
    found = Contents()
    for ledger in ledgers:
        found.add_diagram(ledger.diagram)
        drawn = {box.id for box in ledger.diagram.boxes}
        found.held[ledger.id] = tuple(_ledger_words(ledger))
        found.badges.update([ledger.letter] if ledger.letter else [])
        found.badges.update(letter for box, letter in ledger.zooms.items() if box in drawn)
        for place, (times, names) in enumerate(ledger.frames):
            if drawn & set(names):
                found.words[f"{ledger.id}/repeat/{place}"] = ((times,),)
    for strip in strips:
        add_strip(found, strip)
    return found


def contents_of_bars(groups: Iterable[BarGroup]) -> Contents:
    """What a size-true view has to say of each operation."""
    found = Contents()
    for bar in (bar for group in groups for bar in group.bars):
        number = bar.tied or f"{bar.count:,}"
        found.words[bar.id] = ((bar.label, number, bar.component),)
    return found


def _ledger_words(ledger: Ledger) -> Iterator[str]:
    yield from (ledger.title, ledger.subtitle)
    drawn = {box.id for box in ledger.diagram.boxes}
    yield from dict.fromkeys(shape[:120] for name, shape in ledger.shapes.items() if name in drawn)
    for name, formula in ledger.formulas.items():
        if name not in drawn:
            continue
        yield ledger.names.get(name, "")[:40] + (formula.note or f"{worked_out(formula)}{formula.count:,}")
    yield from map(plain, ledger.notes)


def _add_sides(found: Contents, sides: Sequence[SideBox], columns: Sequence[Column]) -> None:
    """Side boxes stand beside each column that has a target of theirs; those that many columns share, once at each."""
    for side in sides:
        beside = 0
        for column in columns:
            known = {box.id for box in column_boxes(column.steps)} | {bar.id for bar in bars(column.steps)}
            targets = [target for target in side.targets if target in known]
            if targets:
                name = f"{side.box.id}@{column.id}" if beside else side.box.id
                found.boxes[name] = side.box
                found.wires |= {f"{name}~{target}": Ends(name, target) for target in targets}
                beside += 1


def _add_inset(found: Contents, inset: Inset, letters: dict[str, str]) -> None:
    found.add_diagram(inset.diagram)
    found.words[inset.id] = ((inset.title, inset.subtitle, *map(plain, inset.notes)),)
    zooms = [box.zoom for box in inset.diagram.boxes]
    found.badges.update([inset.letter, *(letters[zoom] for zoom in zooms if zoom in letters)])


def add_strip(found: Contents, strip: Strip) -> None:
    """A pattern of layers: its words, which a brief one has fewer of, and the letter and the value of each cell."""
    letters = {key.kind: key.letter for key in strip.keys}
    keys = tuple(piece for key in strip.keys for piece in (key.letter, f"{key.count} × {key.title}"[:300]))
    below = (strip.value_title,)
    unit = (f"{strip.times} ×",) if strip.unit else ()
    text = strip.text[:600]
    found.words[strip.id] = (
        (strip.title, text, *below, *unit, *keys), (strip.title, text, *below, *keys), (strip.title, *below, *keys),
    )  # fmt: skip
    for place, kind in enumerate(strip.cells):
        values = (strip.values[place][:6],) if place < len(strip.values) else ()
        found.words[f"{strip.id}/{place}"] = ((letters[kind], *values), (letters[kind], f"{place}", *values))
    found.labels |= {f"{strip.id}/unit/{place}": letters[kind] for place, kind in enumerate(strip.unit)}


def _add_facts(found: Contents, cells: Sequence[FactCell]) -> None:
    for cell in cells:
        found.words[f"fact/{cell.label}"] = ((cell.label, cell.value),)


class _Column:
    """What a tower has to show.

    Args:
        feeding: Whether its output goes on into something else that is drawn, without an arrow head of its own.
    """

    def __init__(self, found: Contents, column: Column, feeding: bool) -> None:
        self.found, self.column, self.feeding = found, column, feeding
        self.times: list[int] = []  # of what has a brace

    def add(self) -> None:
        column, steps, name = self.column, list(self.column.steps), self.column.id
        ends = [isinstance(step, Box) and step.role in ("input", "output") for step in steps]
        first = [steps.pop(0)] if ends and ends[0] else []
        last = [steps.pop()] if len(ends) > 1 and ends[-1] else []
        for step in (*first, *last):
            self._step(step)
        for step in steps:
            self._step(step, outermost=True)
        self._flow(name, steps)
        lower = _name(first[0]) if first else ""
        self.found.wires[f"{name}/in"] = (
            Ends(lower, _name(steps[0]), _boxed(steps[0])) if steps else Ends(lower, "", False)
        )
        upper = _name(steps[-1]) if steps else ""
        self.found.wires[f"{name}/out"] = Ends(upper, "", not self.feeding, on=f"{name}/leave")
        self.found.spare.add(f"{name}/leave")
        for box in column.feeders:
            self.found.boxes[box.id] = box
            self.found.wires[f"feed/{box.id}"] = Ends(box.id)
        if column.beyond and not column.minor:
            self.found.boxes[column.beyond.id] = column.beyond
            self.found.wires[f"{column.beyond.id}/in"] = Ends("", column.beyond.id)
        if column.tied:
            self.found.wires[f"tie/{name}"] = Ends(*column.tied, head=False)
        braces = tuple(f"{times} ×" for times in self.times)
        short = column.subtitle.removesuffix(" parameters")
        self.found.words[f"tower/{name}"] = ((column.title, column.subtitle, *braces), (column.title, short, *braces))

    def _flow(self, scope: str, steps: Sequence[Step]) -> None:
        for place, (below, step) in enumerate(pairwise(steps), 1):
            self.found.wires[f"{scope}/flow-{place}"] = Ends(_name(below), _name(step), _boxed(step))

    def _step(self, step: Step, outermost: bool = False, heads: bool = False) -> None:
        found = self.found
        if isinstance(step, Box):
            found.boxes[step.id] = step
        elif isinstance(step, Merge):
            found.boxes |= {step.box.id: step.box, step.sign.id: step.sign}
            found.wires[f"{step.id}/in"] = Ends(step.box.id, step.sign.id)
            found.spare |= {f"{step.id}/up", f"{step.id}/on"}
            if step.branch:
                found.wires[f"{step.id}/read"] = Ends("", step.box.id)
        elif isinstance(step, Repeat):
            self._repeat(step)
        elif step.diagram:
            found.add_diagram(step.diagram, heads)
            braced = outermost and step.times > 1
            self.times += [step.times] if braced else []
            found.words[step.id] = (
                (step.title[:300], *(() if outermost and step.times > 1 else (f"{step.times} ×",))),
            )
        else:
            found.boxes |= {box.id: box for box in step.mixers}
            found.words[step.id] = ((f"{step.times} × {_rest(step)[:120]}",),)

    def _repeat(self, repeat: Repeat) -> None:
        self.times += [repeat.times] if repeat.times > 1 else []
        self.found.words[repeat.id] = ((repeat.title,),)
        for item in repeat.items:
            self._step(item, heads=not repeat.ordered)
        if repeat.ordered and repeat.items:
            self._flow(repeat.id, repeat.items)
            first, last = repeat.items[0], repeat.items[-1]
            self.found.wires[f"{repeat.id}/in"] = Ends("", _name(first), _boxed(first))
            self.found.wires[f"{repeat.id}/out"] = Ends(_name(last), "", False)


def _name(step: Step) -> str:
    """The id of what a wire along the stream meets; a ⊕ stands higher than where its line begins."""
    return "" if isinstance(step, Merge) else step.id


def _boxed(step: Step) -> bool:
    """Whether a wire into it ends with an arrow head: the lines inside of layers and repeats go on from it."""
    return step.shape != "point" if isinstance(step, Box) else isinstance(step, LayerPanel) and step.diagram is None


def _rest(panel: LayerPanel) -> str:
    """The title of layers, without the mixer where its box says that."""
    mixer = f"{panel.mixers[0].label} + " if panel.mixers else ""
    return f"with {panel.title.removeprefix(mixer)}" if mixer and panel.title.startswith(mixer) else panel.title
