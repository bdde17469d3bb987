"""Panels beside the columns: an inset that zooms into a module, the layer-pattern strip, the strip of facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from archviz.figure.display import Group, Item, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.layered import Link, Placement, Spacing, Vertex, place
from archviz.figure.model import FactCell, Inset, Sentence, Strip
from archviz.figure.paint import (
    DASHES,
    INSET,
    MINOR_INSET,
    Frame,
    box_size,
    paint_arrow,
    paint_badge,
    paint_lines,
    text_line,
    wrap,
)
from archviz.figure.quantities import sentence
from archviz.figure.stack import Canvas, draw_placement
from archviz.figure.theme import Theme
from archviz.figure.wire_labels import paint_wire_labels

_PAD = 20.0
_HEAD = 58.0
_CELL = 17.0
_MAX_STRETCH = 1.9


class Panel(Protocol):
    """Something with a border that stands beside the columns; `stretches` where a higher frame does it good."""

    stretches: bool

    @property
    def width(self) -> float: ...

    def height_at(self, width: float) -> float: ...

    def draw(self, frame: Frame) -> Group: ...


class InsetArt:
    """An inset with the size that it needs; `draw` gives it a larger frame where there is room."""

    stretches = True

    def __init__(self, inset: Inset, theme: Theme) -> None:
        self.inset, self.theme = inset, theme
        self.style = MINOR_INSET if inset.minor else INSET
        self.placement = self._placed(1.0)
        self.boxes: dict[str, Frame] = {}  # by id, once it is drawn
        title = measure(inset.title[:80], 16, 700) + 60
        subtitle = measure(inset.subtitle[:80], 11) + 26
        self.width = max(self.placement.width, min(title, 420.0), min(subtitle, 320.0), 250.0) + 2 * _PAD
        self.height = self.height_at(self.width)

    def height_at(self, width: float) -> float:
        """Height in px at a given width, for the notes wrap."""
        notes = sum(len(lines) for lines in self._notes(width))
        return _HEAD + self.placement.height + (17.0 * notes + 16 if notes else 0.0) + _PAD

    def _placed(self, stretch: float) -> Placement:
        boxes, arrows = self.inset.diagram.boxes, self.inset.diagram.arrows
        vertices = [
            Vertex(box.id, *box_size(box, self.style), round=box.shape == "round", apart=box.apart) for box in boxes
        ]
        links = [Link(arrow.source, arrow.target, arrow.skip) for arrow in arrows]
        return place(vertices, links, Spacing(across=18.0, between=22.0 * stretch))

    def _fill(self, room: float) -> None:
        """Longer wires where the frame has room, so that the diagram fills it."""
        if room > self.placement.height + 8:
            longer = self._placed(2.0).height - self.placement.height
            stretch = 1 + (room - self.placement.height) / max(longer, 1.0)
            self.placement = self._placed(min(stretch, _MAX_STRETCH))

    def _notes(self, width: float) -> list[list[Sentence]]:
        return [wrap(note, 12.5, width - 2 * _PAD) for note in self.inset.notes]

    def draw(self, frame: Frame) -> Group:
        canvas = Canvas(self.theme, self.style)
        notes = [line for lines in self._notes(frame.width) for line in lines]
        notes_height = 17.0 * len(notes) + 16 if notes else 0.0
        room = frame.height - _HEAD - notes_height - _PAD
        self._fill(room)
        left = frame.x + (frame.width - self.placement.width) / 2
        top = frame.y + _HEAD + max(room - self.placement.height, 0) / 2
        draw_placement(canvas, self.inset.diagram.boxes, self.placement, left, top)
        self.boxes = canvas.boxes
        arrows = self.inset.diagram.arrows
        routes = [[(x + left, y + top) for x, y in route] for route in self.placement.routes]
        canvas.wires += [paint_arrow(arrow, route, self.theme) for arrow, route in zip(arrows, routes, strict=True)]
        canvas.fronts += paint_wire_labels(arrows, routes, list(canvas.boxes.values()), frame, self.theme)
        words = paint_lines(notes, frame.x + _PAD, frame.bottom - notes_height, self.theme, size=12.5)
        items = (*self._back(frame), *canvas.wires, *canvas.fronts, *words)
        return Group(self.inset.id, "panel", items, title=self.inset.title, description=self.inset.description)

    def _back(self, frame: Frame) -> list[Item]:
        theme, inset = self.theme, self.inset
        fill, stroke = theme.inset.fill, theme.inset.stroke
        if inset.kind is not None:
            stroke = theme.tint(inset.kind).stroke
        room = frame.width - 60
        return [
            Rect(frame.x, frame.y, frame.width, frame.height, fill, stroke, 1.3, 12.0),
            paint_badge(inset.letter, frame.x + 24, frame.y + 24, theme, 11.0),
            text_line(fit(inset.title, 16, 700, room), frame.x + 43, frame.y + 23, 16, 700, theme.ink),
            text_line(fit(inset.subtitle, 11, 400, room), frame.x + 43, frame.y + 41, 11, 400, theme.muted),
        ]


class StripArt:
    """The layer pattern: every layer as a cell with the letter of its kind, and a unit of the repeat drawn large."""

    width = 400.0
    stretches = False

    def __init__(self, strip: Strip, theme: Theme) -> None:
        self.strip, self.theme = strip, theme
        self.letters = {key.kind: key.letter for key in strip.keys}
        self.titles = {key.kind: key.title for key in strip.keys}

    def height_at(self, width: float) -> float:
        rows = -(-len(self.strip.cells) // self._per_row(width))
        keys = 20 * len(self._key_rows(width))
        return self._head_height(width) + self._unit_height(width) + rows * (_CELL + 15) + 10 + keys + 10

    def _text(self, width: float) -> list[Sentence]:
        return wrap(sentence(self.strip.text[:600]), 13, width - 2 * _PAD)[:4]

    def _head_height(self, width: float) -> float:
        return 44.0 + 18 * len(self._text(width)) + 8

    def _per_row(self, width: float) -> int:
        """Cells per row; whole units where they fit, so that a column of cells reads as one place of the unit."""
        fitting = max(int((width - 2 * _PAD) // (_CELL + 3)), 1)
        unit = len(self.strip.unit)
        return fitting // unit * unit if unit and fitting >= unit else fitting

    def _unit_rows(self, width: float) -> list[list[int]]:
        heads = [self.titles[kind].partition(" + ")[0] for kind in set(self.strip.unit)]
        need = min(max([84.0, *(measure(head[:60], 12, 600) + 34 for head in heads)]), 190.0)
        fitting = max(int((width - 2 * _PAD - 62 + 8) // (need + 8)), 1)
        places = list(range(len(self.strip.unit)))
        rows = -(-len(places) // fitting)
        even = -(-len(places) // rows) if rows else 1
        return [places[start : start + even] for start in range(0, len(places), even)]

    def _unit_height(self, width: float) -> float:
        return 52.0 * len(self._unit_rows(width)) + 10 if self.strip.unit else 0.0

    def _key_rows(self, width: float) -> list[list[tuple[float, int]]]:
        """The entries of the key with their x, in rows."""
        rows: list[list[tuple[float, int]]] = [[]]
        x = 0.0
        for index, key in enumerate(self.strip.keys):
            length = measure(f"{key.count} × {key.title}"[:90], 12, 400) + 46
            if rows[-1] and x + length > width - 2 * _PAD:
                rows.append([])
                x = 0.0
            rows[-1].append((x, index))
            x += length
        return rows

    def draw(self, frame: Frame) -> Group:
        theme = self.theme
        items: list[Item] = [
            Rect(frame.x, frame.y, frame.width, frame.height, theme.inset.fill, theme.inset.stroke, 1.3, 12.0),
            text_line(self.strip.title, frame.x + _PAD, frame.y + 24, 16, 700, theme.ink),
        ]
        lines = self._text(frame.width)
        items += paint_lines(lines, frame.x + _PAD, frame.y + 42, theme, size=13, spacing=18)
        y = frame.y + self._head_height(frame.width)
        items += self._unit(frame, y)
        y += self._unit_height(frame.width)
        items += self._cells(frame, y)
        rows = self._key_rows(frame.width)
        items += self._keys(frame, frame.bottom - 10 - 20 * len(rows), rows)
        return Group(self.strip.id, "panel", tuple(items), title=self.strip.title, description=self.strip.text)

    def _unit(self, frame: Frame, top: float) -> list[Item]:
        items: list[Item] = []
        for row, places in enumerate(self._unit_rows(frame.width)):
            y = top + 52 * row
            if row == 0:
                times = f"{self.strip.times} ×"
                items.append(text_line(times, frame.x + _PAD, y + 22, 18, 700, self.theme.ink))
            room = frame.width - 2 * _PAD - 62
            width = min((room + 8) / len(self._unit_rows(frame.width)[0]) - 8, 190.0)
            for column, place_ in enumerate(places):
                x = frame.x + _PAD + 62 + column * (width + 8)
                items.append(self._unit_cell(place_, Frame(x, y, width, 44)))
        return items

    def _unit_cell(self, place_: int, frame: Frame) -> Group:
        kind = self.strip.unit[place_]
        tint = self.theme.tint(kind)
        head, _, tail = self.titles[kind].partition(" + ")
        lines: list[Item] = [
            Rect(frame.x, frame.y, frame.width, frame.height, tint.fill, tint.stroke, 1.2, 6.0),
        ]
        words = (
            [(f"{self.letters[kind]}  {head}", 600), (f"+ {tail}", 400)]
            if tail
            else [(f"{self.letters[kind]}  {head}", 600)]
        )
        for index, (text, weight) in enumerate(words):
            middle = frame.middle[1] + (index - (len(words) - 1) / 2) * 15
            shown = fit(text, 12, weight, frame.width - 12)
            lines.append(text_line(shown, frame.middle[0], middle, 12, weight, tint.text, "middle"))
        title = f"layer {place_ + 1} of the unit: {self.titles[kind]}"
        return Group(f"{self.strip.id}/unit/{place_}", "layer", tuple(lines), title=title)

    def _cells(self, frame: Frame, top: float) -> list[Item]:
        items: list[Item] = []
        per_row = self._per_row(frame.width)
        for index, kind in enumerate(self.strip.cells):
            row, column = divmod(index, per_row)
            x, y = frame.x + _PAD + column * (_CELL + 3), top + row * (_CELL + 15)
            tint = self.theme.tint(kind)
            shapes: list[Item] = [
                Rect(x, y, _CELL, _CELL, tint.mixer.fill, None, 0, 3.0),
                text_line(self.letters[kind], x + _CELL / 2, y + _CELL / 2 - 0.5, 11, 600, tint.mixer.text, "middle"),
            ]
            if column % 5 == 0 or (index == len(self.strip.cells) - 1 and column % 5 > 1):
                number = text_line(str(index), x + _CELL / 2, y + _CELL + 6.5, 10, 400, self.theme.muted, "middle")
                shapes.append(number)
            title = f"layer {index}: {self.titles[kind]}"
            items.append(Group(f"{self.strip.id}/{index}", "cell", tuple(shapes), title=title))
        return items

    def _keys(self, frame: Frame, top: float, rows: Sequence[Sequence[tuple[float, int]]]) -> list[Item]:
        items: list[Item] = []
        for row, entries in enumerate(rows):
            for offset, index in entries:
                key = self.strip.keys[index]
                x, y = frame.x + _PAD + offset, top + 20 * row
                tint = self.theme.tint(key.kind)
                room = frame.width - 2 * _PAD - 24
                text = fit(f"{key.count} × {key.title}"[:90], 12, 400, room)
                items += [
                    Rect(x, y + 1, 15, 15, tint.mixer.fill, None, 0, 3.0),
                    text_line(key.letter, x + 7.5, y + 8, 10.5, 600, tint.mixer.text, "middle"),
                    text_line(text, x + 22, y + 9, 12, 400, self.theme.ink),
                ]
        return items


class FactsArt:
    """Cells with a label and a value, in rows over the whole width; `scale` enlarges them on a wide page."""

    def __init__(self, cells: Sequence[FactCell], theme: Theme, scale: float = 1.0) -> None:
        self.cells, self.theme = cells, theme
        self.label, self.value, self.row = 11.0 * scale, 13.5 * scale, 44.0 * scale

    def _rows(self, width: float) -> list[list[tuple[float, float, FactCell]]]:
        """Rows of (x, width, cell); every row is stretched to the full width."""
        needs = [
            max(measure(cell.label, self.label), measure(cell.value[:80], self.value, 600)) + 28 for cell in self.cells
        ]
        rows = _filled(needs, width)
        for share in range(60, 100, 2):  # as few rows as possible, but evenly filled ones
            even = _filled(needs, width * share / 100)
            if len(even) == len(rows):
                rows = even
                break
        return [_stretched([(min(needs[i], width), self.cells[i]) for i in row], width) for row in rows if row]

    def height_at(self, width: float) -> float:
        return (self.row + 6) * len(self._rows(width))

    def draw(self, frame: Frame) -> Group:
        theme = self.theme
        items: list[Item] = []
        for index, row in enumerate(self._rows(frame.width)):
            y = frame.y + (self.row + 6) * index
            items.append(Rect(frame.x, y, frame.width, self.row, theme.container.fill, None, 0, 8.0))
            for offset, width, cell in row:
                x = frame.x + offset + 14
                items.append(self._cell(cell, x, y, width))
        return Group("facts", "facts", tuple(items), title="Facts")

    def _cell(self, cell: FactCell, x: float, y: float, width: float) -> Group:
        theme = self.theme
        label = fit(cell.label, self.label, 400, width - 20)
        value = fit(cell.value, self.value, 600, width - 20)
        texts: tuple[Item, ...] = (
            text_line(label, x, y + self.row * 0.32, self.label, 400, theme.muted),
            text_line(value, x, y + self.row * 0.68, self.value, 600, theme.ink),
        )
        if cell.status in ("unverified", "conflict"):
            mark = Rect(x - 8, y + 3, width - 8, self.row - 6, None, theme.warning, 1.2, 6.0, DASHES[cell.status])
            texts = (mark, *texts)
        return Group(f"fact/{cell.label}", "fact", texts, title=f"{cell.label}: {cell.value}")


def _filled(needs: Sequence[float], width: float) -> list[list[int]]:
    """Numbers of cells in rows of at most `width` px."""
    rows: list[list[int]] = [[]]
    used = 0.0
    for index, need in enumerate(needs):
        if rows[-1] and used + need > width:
            rows.append([])
            used = 0.0
        rows[-1].append(index)
        used += need
    return rows


def _stretched(row: Sequence[tuple[float, FactCell]], width: float) -> list[tuple[float, float, FactCell]]:
    spare = (width - sum(need for need, _ in row)) / len(row)
    placed: list[tuple[float, float, FactCell]] = []
    x = 0.0
    for need, cell in row:
        placed.append((x, need + spare, cell))
        x += need + spare
    return placed
