"""A panel of three columns: the shapes of the tensors, the blocks that make them, and how their parameters come about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archviz.figure.display import Group, Item, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.formulas import Formula
from archviz.figure.layered import Link, Placement, Spacing, Vertex, place
from archviz.figure.model import Diagram, Sentence, Words
from archviz.figure.paint import Frame, Style, box_size, leader, paint_arrow, paint_badge, paint_lines, text_line, wrap
from archviz.figure.print_size import HIGHEST, ROOM
from archviz.figure.stack import Canvas, draw_placement
from archviz.figure.theme import Theme
from archviz.figure.wire_labels import paint_wire_labels
from archviz.records import field, record, replace

LEDGER = Style(label=14.5, detail=13.0, pad=9.0, tall=31.0, narrow=56.0, wide=236.0, line=16.0)
_CLOSE = replace(LEDGER, pad=6.0, narrow=44.0, wide=150.0)  # for a flow that is too wide for a page
_CLOSEST = replace(_CLOSE, pad=4.0, wide=108.0)
_SIZE = 13.0
_LINE = 17.0
_PAD = 18.0
_GAP = 16.0
_HEAD = 84.0
_WIDEST_SHAPES, _WIDEST_FORMULAS = 190.0, 330.0
_NARROW_FORMULAS, _NARROWEST_FORMULAS = 182.0, 130.0
_TIMES = 44.0  # px between the left sides of frames in each other, for how often the inner one is repeated
_LONGEST_FORMULA = 300
_HEADINGS = ("tensor shape", "block", "parameters")


@record(frozen=True)
class Ledger:
    """One data flow with its numbers.

    Args:
        shapes: What leaves a box, by box id.
        formulas: Where its parameters come from, by box id.
        names: How a box is called beside its formula, by box id.
        letter: What other panels call this one; empty where none does.
        zooms: Letters of the panels that show the inside of a box, by box id.
        frames: Boxes that are repeated, with how many times, the outermost first.
    """

    id: str
    title: str
    subtitle: str
    diagram: Diagram
    shapes: Mapping[str, str] = field(default_factory=dict)
    formulas: Mapping[str, Formula] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    letter: str = ""
    zooms: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Sentence, ...] = ()
    kind: int | None = None
    description: str = ""
    frames: tuple[tuple[str, tuple[str, ...]], ...] = ()


@record(frozen=True)
class _Row:
    """The boxes of one level: where they stand, the words on both sides, and whether some are of the box on the right."""

    middle: float
    left: float
    right: float
    shapes: tuple[str, ...]
    formulas: tuple[Sentence, ...]
    led: bool


class LedgerArt:
    """A ledger with the size that it needs: formulas are wrapped, then boxes are narrower, until it fits.

    Args:
        room: Width that it should not exceed, px.
    """

    stretches = False

    def __init__(self, ledger: Ledger, theme: Theme, room: float = float("inf")) -> None:
        self.ledger, self.theme = ledger, theme
        self.depths = _depths(ledger.frames)
        repeated = 2 * (60.0 + _TIMES * max(self.depths)) if self.depths else 0.0
        shapes = [shape[:120] for shape in ledger.shapes.values()]
        self.shape_width = self._widest(shapes, _HEADINGS[0], _WIDEST_SHAPES)
        for self.style in (LEDGER, _CLOSE, _CLOSEST):
            self.placement = self._placed()
            rest = room - 2 * _PAD - 2 * _GAP - repeated - self.placement.width - self.shape_width
            if rest >= _NARROW_FORMULAS:
                break
        self.formula_room = min(max(rest, _NARROWEST_FORMULAS), _WIDEST_FORMULAS)
        self.rows = self._rows()
        plain = ["".join(words.text for words in line) for row in self.rows for line in row.formulas]
        self.formula_width = self._widest(plain, _HEADINGS[2], self.formula_room, 500)
        inner = self.shape_width + self.placement.width + self.formula_width + 2 * _GAP + repeated
        title = measure(ledger.title[:80], 17, 700) + 70
        self.width = max(inner, min(title, 520.0), 340.0) + 2 * _PAD

    def _placed(self) -> Placement:
        boxes, arrows = self.ledger.diagram.boxes, self.ledger.diagram.arrows
        vertices = [
            Vertex(box.id, *box_size(box, self.style), round=box.shape == "round", apart=box.apart) for box in boxes
        ]
        links = [Link(arrow.source, arrow.target, arrow.skip) for arrow in arrows]
        across = 16.0 if self.style is LEDGER else 8.0
        return place(vertices, links, Spacing(across=across, between=22.0))

    def _widest(self, texts: Sequence[str], heading: str, most: float, weight: int = 400) -> float:
        widths = [measure(heading, _SIZE, 600), *(measure(text[:120], _SIZE, weight) for text in texts)]
        return min(max(widths), most)

    def _rows(self) -> list[_Row]:
        """The levels of the flow from top to bottom."""
        levels: dict[float, list[tuple[float, str]]] = {}
        for name, (left, top, _, height) in self.placement.boxes.items():
            levels.setdefault(round(top + height / 2, 1), []).append((left, name))
        rows: list[_Row] = []
        for middle, members in sorted(levels.items()):
            names = [name for _, name in sorted(members)]
            frames = [self.placement.boxes[name] for name in names]
            rows.append(
                _Row(
                    middle,
                    min(frame[0] for frame in frames),
                    max(frame[0] + frame[2] for frame in frames),
                    self._shapes(names),
                    tuple(line for name in names for line in self._formula(name)),
                    bool(self._formula(names[-1])),
                )
            )
        return rows

    def _shapes(self, names: Sequence[str]) -> tuple[str, ...]:
        """The shapes of a level, from left to right; one where they are all alike."""
        known = [self.ledger.shapes[name] for name in names if name in self.ledger.shapes]
        return tuple(known[:1] if len(set(known)) == 1 else known)

    def _formula(self, name: str) -> list[Sentence]:
        formula = self.ledger.formulas.get(name)
        if formula is None:
            return []
        label = Words(f"{self.ledger.names.get(name, '')[:40]}  ", strong=True)
        if formula.note:
            return wrap((label, Words(formula.note)), _SIZE, self.formula_room)
        number = Words(f"{formula.count:,}", accent=True)
        told = worked_out(formula)
        return wrap((label, *((Words(told),) if told else ()), number), _SIZE, self.formula_room)

    @property
    def fits_page(self) -> bool:
        """Whether it can be read in print on one page, and at ease."""
        return self.width <= ROOM and self.formula_room >= _NARROW_FORMULAS and self.height_at(ROOM) <= HIGHEST

    def height_at(self, width: float) -> float:
        return _HEAD + self._flow_height() + self._notes_height(width) + _PAD

    def _flow_height(self) -> float:
        lines = max(
            sum(max(len(row.formulas), 1) for row in self.rows) * _LINE,
            sum(max(len(row.shapes), 1) for row in self.rows) * _LINE,
        )
        return max(self.placement.height, lines)

    def _notes(self, width: float) -> list[Sentence]:
        return [line for note in self.ledger.notes for line in wrap(note, _SIZE, width - 2 * _PAD)]

    def _notes_height(self, width: float) -> float:
        notes = self._notes(width)
        return _LINE * len(notes) + 14 if notes else 0.0

    def draw(self, frame: Frame) -> Group:
        canvas = Canvas(self.theme, self.style)
        spare = frame.width - 2 * _PAD - self.shape_width - self.formula_width - self.placement.width - 2 * _GAP
        left = frame.x + _PAD + self.shape_width + _GAP + max(spare, 0.0) / 2
        notes = self._notes(frame.width)
        room = frame.height - _HEAD - self._notes_height(frame.width) - _PAD
        top = frame.y + _HEAD + max(room - self.placement.height, 0.0) / 2
        draw_placement(canvas, self.ledger.diagram.boxes, self.placement, left, top)
        arrows = self.ledger.diagram.arrows
        routes = [[(x + left, y + top) for x, y in route] for route in self.placement.routes]
        canvas.wires += [paint_arrow(arrow, route, self.theme) for arrow, route in zip(arrows, routes, strict=True)]
        edge = Frame(left - _GAP, frame.y, self.placement.width + 2 * _GAP, frame.height)
        canvas.fronts += paint_wire_labels(arrows, routes, list(canvas.boxes.values()), edge, self.theme)
        words = paint_lines(
            notes, frame.x + _PAD, frame.bottom - self._notes_height(frame.width), self.theme, size=_SIZE
        )
        columns = [*self._shape_column(frame, top, left), *self._formula_column(frame, top, left)]
        badges = [
            paint_badge(letter, canvas.boxes[box].right - 2, canvas.boxes[box].y + 1, self.theme, 10.0)
            for box, letter in self.ledger.zooms.items()
            if box in canvas.boxes
        ]
        items = (*self._back(frame), *self._frames(canvas), *columns, *canvas.wires, *canvas.fronts, *badges, *words)
        return Group(self.ledger.id, "panel", items, title=self.ledger.title, description=self.ledger.description)

    def _frames(self, canvas: Canvas) -> Iterator[Item]:
        """Dashed frames around what is repeated, each with its `8 ×` on the left, inside of those around it."""
        for place_, (times, names) in enumerate(self.ledger.frames):
            held = [canvas.boxes[name] for name in names if name in canvas.boxes]
            if not held:
                continue
            depth = self.depths[place_]
            pad = 7.0 + min(3.0 * depth, 3.0)
            left, top = min(box.x for box in held) - 13 - _TIMES * depth, min(box.y for box in held) - pad
            right, bottom = max(box.right for box in held) + 13 + 6 * depth, max(box.bottom for box in held) + pad
            rect = Rect(left, top, right - left, bottom - top, None, self.theme.repeat.stroke, 1.3, 8.0, (6.0, 4.0))
            words = text_line(times, left - 6, (top + bottom) / 2, 15.0, 700, self.theme.ink, "end")
            yield Group(f"{self.ledger.id}/repeat/{place_}", "repeat", (rect, words), title=times)

    def _back(self, frame: Frame) -> list[Item]:
        theme, ledger = self.theme, self.ledger
        stroke = theme.inset.stroke if ledger.kind is None else theme.tint(ledger.kind).stroke
        start = frame.x + (46 if ledger.letter else _PAD)
        room = frame.right - start - 14
        items: list[Item] = [
            Rect(frame.x, frame.y, frame.width, frame.height, theme.inset.fill, stroke, 1.3, 12.0),
            text_line(fit(ledger.title, 17, 700, room), start, frame.y + 24, 17, 700, theme.ink),
            text_line(fit(ledger.subtitle, _SIZE, 400, room), start, frame.y + 44, _SIZE, 400, theme.muted),
        ]
        if ledger.letter:
            items.append(paint_badge(ledger.letter, frame.x + 26, frame.y + 26, theme, 12.0))
        y = frame.y + 66
        right = frame.right - _PAD - self.formula_width
        items.append(text_line(_HEADINGS[0], frame.x + _PAD, y, _SIZE, 600, theme.muted))
        items.append(text_line(_HEADINGS[1], self._centre(frame), y, _SIZE, 600, theme.muted, "middle"))
        items.append(text_line(_HEADINGS[2], right, y, _SIZE, 600, theme.muted))
        return items

    def _centre(self, frame: Frame) -> float:
        return (frame.x + _PAD + self.shape_width + frame.right - _PAD - self.formula_width) / 2

    def _shape_column(self, frame: Frame, top: float, left: float) -> list[Item]:
        items: list[Item] = []
        x = frame.x + _PAD
        tops = _spread([len(row.shapes) * _LINE for row in self.rows], [top + row.middle for row in self.rows], frame)
        for row, start in zip(self.rows, tops, strict=True):
            shown = [fit(line, _SIZE, 400, self.shape_width) for line in row.shapes]
            lines = [(Words(line),) for line in shown]
            items += paint_lines(lines, x, start, self.theme, size=_SIZE, spacing=_LINE, colour=self.theme.muted)
            if shown:
                end = x + measure(shown[len(shown) // 2 if len(shown) % 2 else 0], _SIZE)
                y = top + row.middle
                if len(shown) == 1 and abs(start + _LINE / 2 - y) < 2 and left + row.left - end > 16:
                    line = leader(((end + 5, y), (left + row.left - 4, y)), self.theme)
                    items.append(Group(f"{self.ledger.id}/shape/{row.middle:g}", "leader", (line,)))
        return items

    def _formula_column(self, frame: Frame, top: float, left: float) -> list[Item]:
        items: list[Item] = []
        x = frame.right - _PAD - self.formula_width
        heights = [len(row.formulas) * _LINE for row in self.rows]
        tops = _spread(heights, [top + row.middle for row in self.rows], frame)
        for row, start in zip(self.rows, tops, strict=True):
            items += paint_lines(row.formulas, x, start, self.theme, size=_SIZE, spacing=_LINE)
            if row.led and x - left - row.right > 12:
                y = top + row.middle
                goal = min(max(y, start + _LINE / 2), start + _LINE * (len(row.formulas) - 0.5))
                line = leader(((left + row.right + 4, y), (x - 10, y), (x - 5, goal)), self.theme)
                items.append(Group(f"{self.ledger.id}/formula/{row.middle:g}", "leader", (line,)))
        return items


def worked_out(formula: Formula) -> str:
    """A formula up to its number; nothing where it is that number, or a sum that would fill the page (a column of unlike blocks)."""
    plain = formula.text == f"{formula.count:,}"
    return f"{formula.text} = " if formula.text and not plain and len(formula.text) <= _LONGEST_FORMULA else ""


def _depths(frames: Sequence[tuple[str, tuple[str, ...]]]) -> list[int]:
    """For each frame how many are in each other inside of it; those inside come after it."""
    depths = [0] * len(frames)
    for place_ in reversed(range(len(frames))):
        own = set(frames[place_][1])
        inner = [depths[later] for later in range(place_ + 1, len(frames)) if set(frames[later][1]) <= own]
        depths[place_] = max((1 + depth for depth in inner), default=0)
    return depths


def _spread(heights: Sequence[float], middles: Sequence[float], frame: Frame) -> list[float]:
    """The tops of blocks of lines around their middles, moved apart where they would overlap, and kept in the frame."""
    tops = [middle - height / 2 for height, middle in zip(heights, middles, strict=True)]
    free = frame.y + _HEAD - 6
    for index, height in enumerate(heights):
        if height:
            tops[index] = max(tops[index], free)
            free = tops[index] + height
    limit = frame.bottom - 8
    for index in reversed(range(len(tops))):
        if heights[index]:
            tops[index] = min(tops[index], limit - heights[index])
            limit = tops[index]
    return tops
