"""The overview of a model: its towers as columns, layer kinds with their repeats, and an inset per mixer and feed-forward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from archviz.architecture.column_layers import runs_of, stacks_of
from archviz.architecture.model import MIXER_ROLES, Architecture, Tower
from archviz.figure import captions
from archviz.figure.columns import Drafted, count_drawn, drafted, kind_colours
from archviz.figure.insets import FEED_FORWARD_ROLES, Known
from archviz.figure.model import (
    Box,
    Column,
    Diagram,
    Figure,
    Inset,
    LayerPanel,
    Repeat,
    SideBox,
    Step,
    Strip,
    Summit,
    bars,
    column_boxes,
)
from archviz.figure.savings import Savings
from archviz.figure.strips import make_strip
from archviz.records import replace

_NOTHING_SAVED = Savings()


def build_overview(architecture: Architecture, savings: Savings = _NOTHING_SAVED, known: Known | None = None) -> Figure:
    """The figure of what the Architecture states about the shape of the model.

    Args:
        savings: What is not drawn in full; the figure says what that is.
        known: What was made for other savings of the same model; it is added to.
    """
    return _Overview(drafted(architecture, savings, known or Known()), savings).figure()


def boxes_of(architecture: Architecture, savings: Savings, known: Known) -> int:
    """How many boxes that figure would have, which is known before it is made."""
    return _Overview(drafted(architecture, savings, known), savings).boxes()


def count_boxes(figure: Figure) -> int:
    """How many boxes a figure has; ends, ⊕ and ⊗ are none, and a bar of layers is one."""
    others = [box for inset in figure.insets for box in inset.diagram.boxes] + [side.box for side in figure.sides]
    return count_drawn(figure.columns, others)


class _Overview:
    def __init__(self, draft: Drafted, savings: Savings) -> None:
        self.draft, self.savings, self.architecture = draft, savings, draft.architecture
        self.sides = dict(draft.sides)
        self.closed = dict(draft.book.closed)
        every = list(draft.book.insets.values())
        self.kept = _kept(every, savings, self._layers_of())
        kept = {inset.id for inset in self.kept}
        self.closed |= {inset.title: inset.module for inset in every if inset.id not in kept}

    def _layers_of(self) -> dict[str, int]:
        """By inset of the flow of a layer, of how many layers it is."""
        inset_of = self.draft.book.inset_of
        kinds = (kind for stack in self.architecture.layers for kind in stack.kinds)
        return {inset_of[kind.block]: kind.count for kind in kinds if kind.block in inset_of}

    def boxes(self) -> int:
        """How many boxes the figure has."""
        return self.draft.boxes + count_drawn((), [box for inset in self.kept for box in inset.diagram.boxes])

    def figure(self) -> Figure:
        architecture, known = self.architecture, {inset.id for inset in self.kept}
        kept = [replace(inset, diagram=_zooming(inset.diagram, known)) for inset in self.kept]
        ordered = tuple(_without_zooms(column, kept) for column in self.draft.columns)
        insets, shared = captions.without_shared_notes(_lettered(kept, ordered))
        ordered = tuple(captions.with_tie(column, noted=not self.savings.notes) for column in ordered)
        ordered = tuple(self._with_feeders(column, self._feeding(column.id)) for column in ordered)
        last = ordered[-1:]
        self._name_fed_inputs(self.draft.every)
        insets = self._with_fed_inputs(insets, ordered)
        once, told = self.draft.book.known.once, self.savings.notes
        return Figure(
            title=captions.title(architecture),
            subtitle=once("subtitle", captions.subtitle, architecture),
            description=once("description", captions.description, architecture),
            columns=ordered,
            notes=tuple(note for column in last for note in captions.notes(architecture, column))
            if not self.savings.notes
            else (),
            sides=tuple(self.sides.values()),
            insets=captions.with_savings(insets, architecture),
            strips=self._strips(self.draft.towers),
            facts=once(f"facts {told}", lambda model: captions.facts(model, logits=told), architecture),
            footers=(*shared, *captions.closed_words(self.closed), *once("footers", captions.footers, architecture)),
            summit=self._summit(known),
            slim=self.savings.slim,
        )

    def _summit(self, known: set[str]) -> Summit | None:
        summit = self.draft.summit
        if summit is None or summit.box.zoom in known:
            return summit
        return replace(summit, box=replace(summit.box, zoom=None))

    def _strips(self, towers: list[Tower]) -> tuple[Strip, ...]:
        """The layer patterns; where several towers have one, each with its tower's name, and of stages with the list's."""
        compression = self.architecture.fact("attention_compression")
        found = [
            (
                tower,
                stack,
                make_strip(stack, [self.draft.kinds[stack.path, kind.id] for kind in stack.kinds], compression),
            )
            for tower in towers
            for stack in runs_of(self.architecture, tower)
            if len(stack.kinds) > 1
        ]
        lists = Counter(tower.id for tower, _, _ in found)
        titled: list[Strip] = []
        for tower, stack, strip in found:
            words = [tower.title[:40]] if len(lists) > 1 else []
            words += [".".join(stack.path.split(".")[-3:])[-40:]] if lists[tower.id] > 1 else []
            titled.append(replace(strip, title=": ".join([strip.title, *words])))
        return tuple(titled)

    def _with_feeders(self, column: Column, folded: list[Tower]) -> Column:
        """The column with boxes for the towers that are not drawn, or one box beside the layers that read their output."""
        for tower in folded:
            stacks = stacks_of(self.architecture, tower)
            self.closed[f"layers of the {tower.title[:1].lower()}{tower.title[1:]}"] = (
                f"{stacks[0].path}.0" if stacks else tower.module
            )
        inputs = [key for key, side in self.sides.items() if side.box.role == "input"]
        read = [key for key in inputs if self._reads(self.sides[key], column.id)]
        if folded and read:
            self.sides |= {key: replace(self.sides[key], box=self._tower_box(folded)) for key in read[:1]}
            return column
        return replace(column, feeders=tuple(self._tower_box(level) for level in _levels(folded)))

    def _feeding(self, column: str) -> list[Tower]:
        """The towers that are drawn as boxes and feed a column, one through another."""
        folded = {tower.id: tower for tower in self.draft.folded}

        def end(tower: Tower, seen: frozenset[str] = frozenset()) -> str | None:
            after = folded.get(tower.feeds or "")
            return end(after, seen | {tower.id}) if after and after.id not in seen else tower.feeds

        return [tower for tower in self.draft.folded if end(tower) == column]

    def _tower_box(self, towers: list[Tower]) -> Box:
        """One box for some towers: how large each is, and its layers."""
        lines: list[str] = []
        for tower in towers:
            stacks = stacks_of(self.architecture, tower)
            layers = [f"{kind.count} × {kind.title}" for stack in stacks for kind in stack.kinds[:2]]
            lines += [line for line in (captions.tower_subtitle(tower),) if line] + layers[:3]
        title = " + ".join(dict.fromkeys(tower.title for tower in towers))
        return Box(f"tower/{towers[0].id}", "other", title, tuple(lines[:6]))

    def _with_fed_inputs(self, insets: list[Inset], columns: tuple[Column, ...]) -> list[Inset]:
        """Insets of what reads a further input of the layers call it by the one tower that gives it."""
        zooms = {box.id: box.zoom for column in columns for box in column_boxes(column.steps)}
        sides = [side for side in self.draft.sides.values() if side.box.role == "input"]
        feeders = [tower for tower in self.draft.every if tower.feeds]
        if len(sides) != 1 or len(feeders) != 1 or not self._reads(sides[0], feeders[0].feeds):
            return insets
        reading = {zooms.get(target) for target in sides[0].targets}
        name = f"{feeders[0].title} output"
        return [_naming(inset, name) if inset.id in reading else inset for inset in insets]

    def _reads(self, side: SideBox, column: str | None) -> bool:
        """Whether what stands beside the layers is read in a column."""
        boxes = {box.id for each in self.draft.columns if each.id == column for box in column_boxes(each.steps)}
        return any(target in boxes for target in side.targets)

    def _name_fed_inputs(self, towers: list[Tower]) -> None:
        """The one further input of a layer is what the one tower gives that feeds its tower."""
        inputs = [key for key, side in self.sides.items() if side.box.role == "input"]
        feeders = [tower for tower in towers if tower.feeds]
        if len(inputs) == 1 and len(feeders) == 1 and self._reads(self.sides[inputs[0]], feeders[0].feeds):
            side = self.sides[inputs[0]]
            named = replace(side.box, label=f"{feeders[0].title} output", details=side.box.details[:1])
            self.sides[inputs[0]] = replace(side, box=named)


def _levels(folded: list[Tower]) -> list[list[Tower]]:
    """Towers by what reads them: first those that none of the others reads, then those that these read."""
    levels: list[list[Tower]] = []
    left = list(folded)
    while left:
        waiting = {tower.id for tower in left}
        level = [tower for tower in left if tower.feeds not in waiting] or left
        levels.append(level)
        left = [tower for tower in left if tower not in level]
    return levels


def _naming(inset: Inset, name: str) -> Inset:
    """The inset whose one further input has a name."""
    further = [box for box in inset.diagram.boxes if box.role == "input"][1:]
    if len(further) != 1:
        return inset
    boxes = tuple(replace(box, label=name) if box is further[0] else box for box in inset.diagram.boxes)
    return replace(inset, diagram=replace(inset.diagram, boxes=boxes))


def _kept(insets: list[Inset], savings: Savings, layers: Mapping[str, int]) -> list[Inset]:
    """The insets that are drawn, where there may not be so many.

    The commonest layer of each build and experts come first, then mixers, the larger or the smaller.

    Args:
        layers: How many layers an inset of one is of, by its id.
    """
    if len(insets) <= savings.insets:
        return insets
    sign, builds = (1 if savings.small else -1), [_build(inset) for inset in insets]
    first: dict[tuple[object, ...], Inset] = {}
    for inset, build in zip(insets, builds, strict=True):
        if inset.role == "layer" and (build not in first or layers.get(inset.id, 0) > layers.get(first[build].id, 0)):
            first[build] = inset
    usual = {inset.id for inset in first.values()}
    again = {inset.id for inset in insets if inset.role == "layer" and inset.id not in usual}

    def order(inset: Inset) -> tuple[int, int]:
        rank = 2 if inset.id in again else 0 if inset.role in ("layer", "moe") else 1
        return rank, sign * len(inset.diagram.boxes)

    kept = {inset.id for inset in sorted(insets, key=order)[: savings.insets]}
    return [inset for inset in insets if inset.id in kept]


def _build(inset: Inset) -> tuple[object, ...]:
    """How a layer is built, whatever its mixer and its feed-forward are."""
    mixing, feeding = frozenset(MIXER_ROLES), frozenset(FEED_FORWARD_ROLES)
    places = {box.id: place for place, box in enumerate(inset.diagram.boxes)}
    roles = [
        "mixer" if box.role in mixing else "feed" if box.role in feeding else box.role for box in inset.diagram.boxes
    ]
    arrows = sorted((places[arrow.source], places[arrow.target]) for arrow in inset.diagram.arrows)
    return inset.role, inset.column, tuple(roles), tuple(arrows)


def _zooming(diagram: Diagram, known: set[str]) -> Diagram:
    """The diagram with the zooms alone that lead to an inset of the figure."""
    boxes = tuple(replace(box, zoom=None) if box.zoom and box.zoom not in known else box for box in diagram.boxes)
    return replace(diagram, boxes=boxes)


def _without_zooms(column: Column, insets: list[Inset]) -> Column:
    known = {inset.id for inset in insets}

    def step_of(step: Step) -> Step:
        if isinstance(step, Repeat):
            items = tuple(step_of(item) for item in step.items)
            return replace(step, items=tuple(item for item in items if isinstance(item, Repeat | LayerPanel)))
        if isinstance(step, LayerPanel):
            diagram = _zooming(step.diagram, known) if step.diagram else None
            mixers = _zooming(Diagram(step.mixers), known).boxes
            return replace(step, diagram=diagram, zoom=step.zoom if step.zoom in known else None, mixers=mixers)
        return step

    return replace(column, steps=tuple(step_of(step) for step in column.steps))


def _lettered(insets: list[Inset], columns: tuple[Column, ...]) -> list[Inset]:
    """Insets with letters, from the top of the last column down, so that lines to their boxes need not cross."""
    zooms = [box.zoom for column in reversed(columns) for box in reversed(list(column_boxes(column.steps))) if box.zoom]
    zooms += [bar.zoom for column in reversed(columns) for bar in reversed(list(bars(column.steps))) if bar.zoom]
    inner = {inset.id: [box.zoom for box in inset.diagram.boxes if box.zoom] for inset in insets}
    zooms = [each for zoom in zooms for each in (zoom, *inner.get(zoom, ()))]
    rank = {zoom: place for place, zoom in reversed(list(enumerate(zooms)))}
    ordered = sorted(insets, key=lambda inset: (inset.minor, rank.get(inset.id, len(zooms))))
    return [replace(inset, letter=_letter(index)) for index, inset in enumerate(ordered)]


def _letter(index: int) -> str:
    return chr(65 + index % 26) + (str(index // 26 + 1) if index >= 26 else "")


def strips_of(architecture: Architecture) -> list[Strip]:
    """The pattern of the layers of each stack that has several kinds."""
    stacks = [stack for tower in architecture.towers for stack in runs_of(architecture, tower)]
    compression = architecture.fact("attention_compression")
    return [
        make_strip(stack, kind_colours(architecture, stack), compression) for stack in stacks if len(stack.kinds) > 1
    ]
