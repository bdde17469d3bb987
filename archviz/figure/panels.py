"""Panels beside the columns: an inset that zooms into a module, the layer-pattern strip, the strip of facts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from archviz.figure.display import Group, Item, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.layered import Link, Placement, Spacing, Vertex, place
from archviz.figure.model import FactCell, Inset, KindKey, Sentence, Strip, Words
from archviz.figure.paint import (
    DASHES,
    INSET,
    MINOR_INSET,
    Frame,
    box_size,
    closer,
    paint_arrow,
    paint_badge,
    paint_lines,
    shortened,
    text_line,
    wrap,
)
from archviz.figure.quantities import sentence
from archviz.figure.stack import Canvas, draw_placement
from archviz.figure.theme import Theme
from archviz.figure.wire_labels import paint_wire_labels
from archviz.records import replace

_PAD = 14.0
_HEAD = 56.0
_BADGE = 60.0  # px beside the title: the letter of an inset, and its border
_BETWEEN = 10.0  # px between boxes, for a badge on the lower one
_CELL, _CELL_ROW, _UNIT = 18.0, 36.0, 32.0
_MAX_STRETCH = 1.9
FRAMED = ("unverified", "conflict")
"""Statuses of facts that are framed."""
_LONG_FACT = 300.0  # px
_LABEL, _VALUE = 13.0, 14.0  # px: sizes of a fact
_STRIP, _STRIP_TITLE = 268.0, 16.0  # px: least width of a layer pattern, size of its title
_MOST_TEXT = 6  # lines of the pattern in words
_MOST_WORDS = 1  # lines of the pattern in words that a brief strip has room for
_TWO_KEYS = 430.0  # px from which entries of a key stand in two columns


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

    def __init__(self, inset: Inset, theme: Theme, density: float = 1.0, named: bool = True) -> None:
        """`named` asks for room for the names on wires; else they stand where the frame has room."""
        self.inset, self.theme, self.density = inset, theme, density
        self.style = closer(MINOR_INSET if inset.minor else INSET, density)
        self.named = named
        self.placement = self._placed(1.0, named)
        self.boxes: dict[str, Frame] = {}  # by id, once it is drawn
        self.lines: dict[float, list[Sentence]] = {}  # of the notes by width, for many are tried
        title = measure(inset.title[:80], 16, 700) + 60
        subtitle = measure(inset.subtitle[:80], 13) + _BADGE - 2 * _PAD
        self.width = max(self.placement.width, min(title, 360.0), min(subtitle, 320.0), 220.0) + 2 * _PAD
        self.height = self.height_at(self.width)

    def height_at(self, width: float) -> float:
        """Height in px at a given width, for the notes wrap."""
        notes = len(self._notes(width))
        return _HEAD + self.placement.height + (17.0 * notes + 16 if notes else 0.0) + _PAD

    def _placed(self, stretch: float, named: bool) -> Placement:
        boxes, arrows = self.inset.diagram.boxes, self.inset.diagram.arrows
        vertices = [
            Vertex(box.id, *box_size(box, self.style), round=box.shape == "round", apart=box.apart) for box in boxes
        ]
        links = [Link(arrow.source, arrow.target, arrow.skip, bool(arrow.label) and named) for arrow in arrows]
        return place(
            vertices, links, Spacing(across=14.0 * self.density, between=max(13.5 * self.density, _BETWEEN) * stretch)
        )

    def _fill(self, room: float) -> None:
        """Names on wires and longer wires where the frame has room, so that the diagram fills it."""
        if not self.named and (roomy := self._placed(1.0, True)).height <= room:
            self.placement, self.named = roomy, True
        if room > self.placement.height + 8:
            longer = self._placed(2.0, self.named).height - self.placement.height
            stretch = 1 + (room - self.placement.height) / max(longer, 1.0)
            self.placement = self._placed(min(stretch, _MAX_STRETCH), self.named)

    def _notes(self, width: float) -> list[Sentence]:
        """The notes in lines that fit a width."""
        if width not in self.lines:
            self.lines[width] = [line for note in self.inset.notes for line in wrap(note, 13.0, width - 2 * _PAD)]
        return self.lines[width]

    def draw(self, frame: Frame) -> Group:
        canvas = Canvas(self.theme, self.style)
        notes = self._notes(frame.width)
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
        words = paint_lines(notes, frame.x + _PAD, frame.bottom - notes_height, self.theme, size=13.0)
        items = (*self._back(frame), *canvas.wires, *canvas.fronts, *words)
        return Group(self.inset.id, "panel", items, title=self.inset.title, description=self.inset.description)

    def _back(self, frame: Frame) -> list[Item]:
        theme, inset = self.theme, self.inset
        fill, stroke = theme.inset.fill, theme.inset.stroke
        if inset.kind is not None:
            stroke = theme.tint(inset.kind).stroke
        room = frame.width - _BADGE
        return [
            Rect(frame.x, frame.y, frame.width, frame.height, fill, stroke, 1.3, 12.0),
            paint_badge(inset.letter, frame.x + 24, frame.y + 24, theme, 11.0),
            text_line(fit(inset.title, 16, 700, room), frame.x + 43, frame.y + 23, 16, 700, theme.ink),
            text_line(fit(inset.subtitle, 13, 400, room), frame.x + 43, frame.y + 42, 13, 400, theme.muted),
        ]


class StripArt:
    """The layer pattern: a unit of the repeat drawn large, every layer as a cell with the letter of its kind, and the key."""

    stretches = False

    def __init__(self, strip: Strip, theme: Theme, brief: bool = False) -> None:
        """Where it is to be brief, the cells alone tell the order."""
        self.width = max(_STRIP, measure(strip.title, _STRIP_TITLE, 700) + 2 * _PAD)
        self.brief = brief
        self.strip, self.theme = replace(strip, unit=()) if brief else strip, theme
        self.words = sentence(self.strip.text[:600])
        self.shows_all = len(strip.cells) == sum(key.count for key in strip.keys)
        self.letters = {key.kind: key.letter for key in strip.keys}
        self.titles = {key.kind: key.title for key in strip.keys}
        widest = max((measure(value[:6], 13) for value in strip.values), default=0.0)
        self.pitch = max(_CELL, widest) + 3 + (2 if strip.values else 0)
        self.row = _CELL_ROW + (16 if strip.values else 0)
        self.heights: dict[float, float] = {}  # by width, px, for many are tried

    def height_at(self, width: float) -> float:
        if width not in self.heights:
            self.heights[width] = self._bare_height(width) + 18 * len(self._text(width))
        return self.heights[width]

    def _bare_height(self, width: float) -> float:
        """Without the words, px."""
        rows = -(-len(self.strip.cells) // self._per_row(width))
        return 42.0 + 8 + self._unit_height(width) + rows * self.row + 8 + self._keys_height(width) + 10

    def _text(self, width: float) -> list[Sentence]:
        below = self._below(width)
        text = shortened(wrap(self.words, 13, width - 2 * _PAD), _MOST_TEXT, 13, width - 2 * _PAD)
        if not self.brief or not self.shows_all:
            return text + below
        # A wider frame must not become higher, for what stands under it.
        least = self._bare_height(self.width) + 18 * len(self._below(self.width))
        fits = self._bare_height(width) + 18 * len(text + below) <= least
        return text + below if len(text) <= _MOST_WORDS and fits else below

    def _below(self, width: float) -> list[Sentence]:
        return wrap((Words(self.strip.value_title),), 13, width - 2 * _PAD) if self.strip.value_title else []

    def _head_height(self, width: float) -> float:
        return 42.0 + 18 * len(self._text(width)) + 8

    def _per_row(self, width: float) -> int:
        """Cells per row; whole units where they fit, so that a column of cells reads as one place of the unit."""
        fitting = max(int((width - 2 * _PAD) // self.pitch), 1)
        unit = len(self.strip.unit)
        return fitting // unit * unit if unit and fitting >= unit else fitting

    def _unit_per_row(self, width: float) -> int:
        return max(int((width - 2 * _PAD - 58) // (_UNIT + 6)), 1)

    def _unit_height(self, width: float) -> float:
        rows = -(-len(self.strip.unit) // self._unit_per_row(width))
        return rows * (_UNIT + 6) + 10.0 if rows else 0.0

    def _key_columns(self, width: float) -> int:
        """Two where there is room; all side by side where each fits there on a line."""
        keys = len(self.strip.keys)
        if width < _TWO_KEYS or keys < 3:
            return 1
        room = self._key_room(width, keys)
        return keys if all(measure(self._key_text(key), 13) <= room for key in self.strip.keys) else 2

    def _key_room(self, width: float, columns: int) -> float:
        return (width - 2 * _PAD) / columns - 26 - (14 if columns > 1 else 0)

    def _key_text(self, key: KindKey) -> str:
        return f"{key.count} × {key.title}"[:300]

    def _key_lines(self, width: float) -> list[list[Sentence]]:
        """The entries of the key, each in lines."""
        room = self._key_room(width, self._key_columns(width))
        return [wrap((Words(self._key_text(key)),), 13, room) for key in self.strip.keys]

    def _key_rows(self, width: float) -> list[float]:
        """Heights of the rows of the key."""
        heights = [17.0 * len(lines) + 5 for lines in self._key_lines(width)]
        columns = self._key_columns(width)
        return [max(heights[start : start + columns]) for start in range(0, len(heights), columns)]

    def _keys_height(self, width: float) -> float:
        return sum(self._key_rows(width))

    def draw(self, frame: Frame) -> Group:
        theme = self.theme
        items: list[Item] = [
            Rect(frame.x, frame.y, frame.width, frame.height, theme.inset.fill, theme.inset.stroke, 1.3, 12.0),
            text_line(self.strip.title, frame.x + _PAD, frame.y + 24, _STRIP_TITLE, 700, theme.ink),
        ]
        lines = self._text(frame.width)
        items += paint_lines(lines, frame.x + _PAD, frame.y + 40, theme, size=13, spacing=18)
        y = frame.y + self._head_height(frame.width)
        items += self._unit(frame, y)
        y += self._unit_height(frame.width)
        items += self._cells(frame, y)
        rows = -(-len(self.strip.cells) // self._per_row(frame.width))
        items += self._keys(frame, y + rows * self.row + 10)
        return Group(self.strip.id, "panel", tuple(items), title=self.strip.title, description=self.strip.text)

    def _unit(self, frame: Frame, top: float) -> list[Item]:
        """One unit of the repeat, its layers as large cells in order of execution."""
        items: list[Item] = []
        per_row = self._unit_per_row(frame.width)
        if self.strip.unit:
            items.append(text_line(f"{self.strip.times} ×", frame.x + _PAD, top + _UNIT / 2, 18, 700, self.theme.ink))
        for place_, kind in enumerate(self.strip.unit):
            row, column = divmod(place_, per_row)
            x, y = frame.x + _PAD + 58 + column * (_UNIT + 6), top + row * (_UNIT + 6)
            tint = self.theme.tint(kind)
            shapes: tuple[Item, ...] = (
                Rect(x, y, _UNIT, _UNIT, tint.mixer.fill, tint.stroke, 1.2, 6.0),
                text_line(self.letters[kind], x + _UNIT / 2, y + _UNIT / 2, 16, 700, tint.mixer.text, "middle"),
            )
            title = f"layer {place_ + 1} of the unit: {self.titles[kind]}"
            items.append(Group(f"{self.strip.id}/unit/{place_}", "layer", shapes, title=title))
        return items

    def _cells(self, frame: Frame, top: float) -> list[Item]:
        items: list[Item] = []
        per_row = self._per_row(frame.width)
        for index, kind in enumerate(self.strip.cells):
            row, column = divmod(index, per_row)
            x, y = frame.x + _PAD + column * self.pitch, top + row * self.row
            tint = self.theme.tint(kind)
            shapes: list[Item] = [
                Rect(x, y, _CELL, _CELL, tint.mixer.fill, None, 0, 3.0),
                text_line(self.letters[kind], x + _CELL / 2, y + _CELL / 2 - 0.5, 13, 600, tint.mixer.text, "middle"),
            ]
            if _is_numbered(index, column, len(self.strip.cells)):
                below = y + self.row - _CELL_ROW + _CELL + 8
                shapes.append(text_line(str(index), x + _CELL / 2, below, 13, 400, self.theme.muted, "middle"))
            if index < len(self.strip.values):
                value = self.strip.values[index][:6]
                shapes.append(text_line(value, x + _CELL / 2, y + _CELL + 8, 13, 600, self.theme.ink, "middle"))
            title = f"layer {index}: {self.titles[kind]}"
            items.append(Group(f"{self.strip.id}/{index}", "cell", tuple(shapes), title=title))
        return items

    def _keys(self, frame: Frame, top: float) -> list[Item]:
        items: list[Item] = []
        columns, rows = self._key_columns(frame.width), self._key_rows(frame.width)
        for place_, (key, lines) in enumerate(zip(self.strip.keys, self._key_lines(frame.width), strict=True)):
            row, column = divmod(place_, columns)
            x, y = frame.x + _PAD + column * (frame.width - 2 * _PAD) / columns, top + sum(rows[:row])
            tint = self.theme.tint(key.kind)
            items.append(Rect(x, y, 17, 17, tint.mixer.fill, None, 0, 3.0))
            items.append(text_line(key.letter, x + 8.5, y + 8.5, 13, 600, tint.mixer.text, "middle"))
            items += paint_lines(lines, x + 26, y, self.theme, size=13, spacing=17)
        return items


def _is_numbered(index: int, column: int, cells: int) -> bool:
    """Whether a layer's number stands below its cell: the first of a row, each fifth, and the last, where there is room.

    >>> [index for index in range(28) if _is_numbered(index, index % 12, 28)]
    [0, 5, 10, 12, 15, 20, 24, 27]
    """
    if column == 0:
        return True
    if index % 5 == 0:
        return column > 1
    return index == cells - 1 and column > 1 and index % 5 > 1


class FactsArt:
    """Cells with a label and a value, in rows over the whole width."""

    def __init__(self, cells: Sequence[FactCell], theme: Theme) -> None:
        self.theme = theme
        self.row = 42.0
        # Long ones last, for even rows.
        self.cells = tuple(sorted(cells, key=lambda cell: _cell_width(cell.label, cell.value) > _LONG_FACT))

    def _rows(self, width: float) -> tuple[tuple[tuple[float, float, FactCell], ...], ...]:
        return _fact_rows(self.cells, width)

    def height_at(self, width: float) -> float:
        return (self.row + 5) * len(self._rows(width))

    def draw(self, frame: Frame) -> Group:
        theme = self.theme
        items: list[Item] = []
        for index, row in enumerate(self._rows(frame.width)):
            y = frame.y + (self.row + 5) * index
            items.append(Rect(frame.x, y, frame.width, self.row, theme.container.fill, None, 0, 8.0))
            for offset, width, cell in row:
                x = frame.x + offset + 12
                items.append(self._cell(cell, x, y, width))
        return Group("facts", "facts", tuple(items), title="Facts")

    def _cell(self, cell: FactCell, x: float, y: float, width: float) -> Group:
        theme = self.theme
        label = fit(cell.label, _LABEL, 400, width - 15)
        value = fit(cell.value, _VALUE, 600, width - 15)
        texts: tuple[Item, ...] = (
            text_line(label, x, y + self.row * 0.32, _LABEL, 400, theme.muted),
            text_line(value, x, y + self.row * 0.68, _VALUE, 600, theme.ink),
        )
        if cell.status in FRAMED:
            mark = Rect(x - 8, y + 3, width - 8, self.row - 6, None, theme.warning, 1.2, 6.0, DASHES[cell.status])
            texts = (mark, *texts)
        return Group(f"fact/{cell.label}", "fact", texts, title=f"{cell.label}: {cell.value}")


@lru_cache(maxsize=64)  # a figure is laid out several times until it fits its page
def _fact_rows(cells: tuple[FactCell, ...], width: float) -> tuple[tuple[tuple[float, float, FactCell], ...], ...]:
    """Rows of (x, width, cell); every row is stretched to the full width."""
    needs = [_cell_width(cell.label, cell.value) for cell in cells]
    rows = _filled(needs, width)
    for share in range(60, 100, 2):  # as few rows as possible, but evenly filled ones
        even = _filled(needs, width * share / 100)
        if len(even) == len(rows):
            rows = even
            break
    return tuple(tuple(_stretched([(min(needs[i], width), cells[i]) for i in row], width)) for row in rows if row)


def _cell_width(label: str, value: str) -> float:
    """Width that a fact needs, px."""
    return max(measure(label, _LABEL), measure(value[:130], _VALUE, 600)) + 18


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
