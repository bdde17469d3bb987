"""How single things look: a box with its text, ⊕ and ⊗, a wire, lines of words. Places come from the layouts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from archviz.figure.display import Anchor, Circle, Group, Item, Path, Point, Rect, Run, Text
from archviz.figure.fonts import fit, measure
from archviz.figure.model import Arrow, Box, Sentence, Words
from archviz.figure.theme import Swatch, Theme
from archviz.records import record, replace

ROUND = 22.0
_ASCENT = 0.36  # from the middle of a line to its baseline, in sizes
DASHES: dict[str, tuple[float, ...]] = {
    "verified": (),
    "derived": (9.0, 2.5),
    "config": (5.0, 3.0),
    "unverified": (2.5, 2.5),
    "conflict": (8.0, 3.0, 2.0, 3.0),
}
_CELL, _CELL_GAP, _CELL_ROW = 19.0, 4.0, 26.0  # px: height of a numbered copy, between two, and of their row
_WIDER = {"attention_core": 1.35, "recurrence_core": 1.35, "experts": 1.35, "router": 1.15}
"""By role, how much wider than others a box may be for what it says."""


@record(frozen=True)
class Style:
    """Sizes of the boxes of one part of the figure, in px; `slim` makes frames around them no wider than need be."""

    label: float = 15.0
    detail: float = 12.0
    pad: float = 12.0
    tall: float = 32.0
    narrow: float = 184.0
    wide: float = 250.0
    line: float = 15.0
    slim: bool = False


MAIN = Style(label=15.5, detail=13.0, tall=30.0, narrow=168.0, wide=196.0, line=15.5)
MINOR = Style(label=14.0, detail=13.0, pad=8.0, tall=28.0, narrow=124.0, wide=136.0, line=15.5)
INSET = Style(label=14.0, detail=13.0, pad=7.0, tall=29.0, narrow=50.0, wide=158.0, line=15.5)
MINOR_INSET = Style(label=13.5, detail=13.0, pad=7.0, tall=29.0, narrow=50.0, wide=150.0, line=15.5)
SIDE = Style(label=14.0, detail=13.0, pad=7.0, tall=28.0, narrow=62.0, wide=126.0, line=15.5)
_CHIP = replace(SIDE, pad=5.0, narrow=44.0, wide=56.0)
_SLIM = replace(_CHIP, wide=76.0)


def side_style(box: Box) -> Style:
    """The style of a box beside a column: RoPE and QK-norm are as narrow as their words allow where these are few."""
    if box.role in ("rope", "qk_norm") and len(box.details) <= (box.role == "rope"):
        for style in (_SLIM,) if box.details else (_CHIP, _SLIM):
            words = [(word, style.detail, 400) for line in box.details for word in line.split()]
            words += [(word, style.label, 600) for word in box.label.split()]
            if all(measure(*word) <= style.wide - 2 * style.pad for word in words):
                return style
    return SIDE


def closer(style: Style, density: float) -> Style:
    """The style on a dense page: less room around the words of a box."""
    if density >= 1:
        return style
    return replace(style, tall=style.tall - 4, line=14.5, pad=5.0 if style.narrow <= INSET.narrow else style.pad)


@record(frozen=True)
class Frame:
    """A placed rectangle, in px."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        return (self.x + self.width / 2, self.y + self.height / 2)

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


def box_size(box: Box, style: Style) -> tuple[float, float]:
    """Width and height that a box needs."""
    if box.shape == "point":
        return (0.0, 0.0)
    if box.shape == "round":
        return (ROUND, ROUND)
    return _size(box.label, box.details, box.cells, box.role, style, box.zoom is not None)


@lru_cache(maxsize=4096)  # a figure is laid out several times until it fits its page
def _size(
    text: str, more: tuple[str, ...], cells: tuple[str, ...], role: str, style: Style, badge: bool
) -> tuple[float, float]:
    widest = style.wide * _WIDER.get(role, 1.0)
    beside = 2 * max(_BADGE - style.pad, 0.0) if badge else 0.0
    widths = [measure(text[:120], style.label, 600) + beside, *(measure(line[:120], style.detail) for line in more)]
    row = sum(_cell_widths(cells, style)) + _CELL_GAP * (len(cells) - 1) if cells else 0.0
    narrow = min(style.narrow, _END) if role in ("input", "output") else style.narrow
    width = min(max(narrow, max(*widths, row) + 2 * style.pad), widest)
    label, details = _broken(text, more, width, style, badge=badge)
    leading = style.label * _LEADING * (len(label) - 1)
    return (width, style.tall + leading + style.line * len(details) + (_CELL_ROW if cells else 0.0))


_BADGE = 13.0  # px: what the letter on the corner of a box covers of its width
_END = 96.0  # px: least width of the end of a column
_LEADING = 1.2  # of a label in several lines
_MOST_LINES, _MOST_PARTS = 3, 5
_SIGNS = ("→", "×", "+", "=")
_APART, _THIN, _TIP = 3.0, 1.0, 4.0  # px: between lines side by side, their width, and the length of their end


def _broken(
    label: str, details: Sequence[str], width: float, style: Style, *, badge: bool
) -> tuple[list[str], list[str]]:
    """The label and the details of a box in lines that fit its width, the label beside the letter on its corner."""
    room = width - 2 * min(style.pad, 8.0)
    lines = [line for detail in details for line in _in_lines(detail, style.detail, 400, room)]
    return _in_lines(label, style.label, 600, width - 2 * _BADGE if badge else room), lines


def _in_lines(text: str, size: float, weight: int, room: float) -> list[str]:
    """A text in at most three lines broken between words, one long name in some more; what is longer is cut.

    Where as few lines do, they break after commas, or else not within what belongs together (`kernel 3 × 3`).
    """
    words = [part for word in text[:400].split(" ") for part in _parts(word, size, weight, room)]
    most = _MOST_LINES if " " in text else _MOST_PARTS
    lines = _filled(words, size, weight, room, most)
    if 1 < len(lines) < len(words):
        for joined in (_clauses(words), _bound(_sums(words)), _bound(words)):
            other = _filled(joined, size, weight, room, most)
            if len(other) == len(lines) and all(measure(line, size, weight) <= room for line in other):
                return other
    return [fit(line, size, weight, room) for line in lines]


def _filled(words: Sequence[str], size: float, weight: int, room: float, most: int) -> list[str]:
    """Words in lines, each as long as there is room, the last with all that is left."""
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and measure(longer, size, weight) > room and len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _clauses(words: Sequence[str]) -> list[str]:
    """Words joined up to each comma.

    >>> _clauses(["384", "→", "384,", "kernel", "3,", "stride", "2"])
    ['384 → 384,', 'kernel 3,', 'stride 2']
    """
    clauses = [""]
    for word in words:
        if clauses[-1].endswith(","):
            clauses.append("")
        clauses[-1] = f"{clauses[-1]} {word}" if clauses[-1] else word
    return clauses


def _sums(words: Sequence[str]) -> list[str]:
    """Words with each sum as one.

    >>> _sums(["2688", "→", "4096", "+", "6144", "+", "64"])
    ['2688', '→', '4096 + 6144 + 64']
    """
    joined: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        if joined and "+" in (before, word):
            joined[-1] = f"{joined[-1]} {word}"
        else:
            joined.append(word)
    return joined


def _bound(words: Sequence[str]) -> list[str]:
    """Words joined to what they say little without: a number to its name and its factors, a sign to what follows it, a sum in brackets.

    >>> _bound(["3072", "→", "6144,", "kernel", "3", "×", "3,", "stride", "2"])
    ['3072', '→ 6144,', 'kernel 3 × 3,', 'stride 2']
    >>> _bound(["4096", "→", "16", "×", "(64", "+", "192)"])
    ['4096', '→ 16 × (64 + 192)']
    """
    bound: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        named = before.isalpha() and before.islower() and word[:1].isdigit() and "+" not in word
        inside = bound and bound[-1].count("(") > bound[-1].count(")")
        if bound and (named or inside or word == "×" or before in _SIGNS):
            bound[-1] = f"{bound[-1]} {word}"
        else:
            bound.append(word)
    return bound


def _parts(word: str, size: float, weight: int, room: float) -> list[str]:
    """A word that is wider than the room alone, parted where a name is made of several: `MoeVisionPatchMerger`."""
    if measure(word[:400], size, weight) <= room:
        return [word]
    pieces = [""]
    for piece in re.findall(r"[A-Z]?[^A-Z_]*_?|[A-Z_]", word):
        if pieces[-1] and measure(pieces[-1] + piece, size, weight) > room:
            pieces.append(piece)
        else:
            pieces[-1] += piece
    return pieces


def _cell_widths(cells: Sequence[str], style: Style) -> list[float]:
    return [measure(cell, style.detail, 600) + (4 if cell == "…" else 12) for cell in cells]


def paint_box(box: Box, frame: Frame, style: Style, theme: Theme) -> Group:
    """A box with label and details, dashed where its status is not verified."""
    items: list[Item] = []
    if box.shape == "round":
        items = list(_symbol(box, frame, theme))
    elif box.shape == "box":
        swatch = swatch_of(box, theme)
        outline = swatch.stroke if box.status == "verified" else outline_of(box.status, theme)
        items.append(
            Rect(frame.x, frame.y, frame.width, frame.height, swatch.fill, outline, 1.3, 6.0, DASHES[box.status])
        )
        items += _cells(box, frame, style, swatch)
        row = _CELL_ROW if box.cells else 0.0
        items += _lines(box, replace(frame, height=frame.height - row), style, swatch)
    return Group(box.id, "node", tuple(items), title=box.label, description=box.description)


def outline_of(status: str, theme: Theme) -> str:
    """The colour of the border of what has a status."""
    return theme.warning if status in ("unverified", "conflict") else theme.ink


def swatch_of(box: Box, theme: Theme) -> Swatch:
    if box.kind is not None:
        return theme.tint(box.kind).mixer
    if box.role in ("input", "output"):
        return Swatch(theme.background, theme.leader, theme.ink)
    return theme.box(box.role)


def _lines(box: Box, frame: Frame, style: Style, swatch: Swatch) -> list[Item]:
    label, details = _broken(box.label, box.details, frame.width, style, badge=box.zoom is not None)
    x, y = frame.middle
    leading = style.label * _LEADING
    first = y - (style.line * len(details) + leading * (len(label) - 1)) / 2
    lines: list[Item] = [
        Text(x, first + leading * row + style.label * _ASCENT, (Run(text, 600, swatch.text, style.label),), "middle")
        for row, text in enumerate(label)
    ]
    last = first + leading * (len(label) - 1)
    for place, detail in enumerate(details):
        middle = last + style.line * (place + 1) + 1
        run = Run(detail, 400, swatch.text, style.detail)
        lines.append(Text(x, middle + style.detail * _ASCENT, (run,), "middle"))
    return lines


def _cells(box: Box, frame: Frame, style: Style, swatch: Swatch) -> list[Item]:
    """The numbered copies of a box in a row at its foot."""
    widths = _cell_widths(box.cells, style)
    x = frame.middle[0] - (sum(widths) + _CELL_GAP * (len(widths) - 1)) / 2
    y = frame.bottom - _CELL_ROW
    items: list[Item] = []
    for cell, width in zip(box.cells, widths, strict=True):
        if cell != "…":
            items.append(Rect(x, y, width, _CELL, None, swatch.stroke, 1.0, 4.0))
        items.append(text_line(cell, x + width / 2, y + _CELL / 2, style.detail, 600, swatch.text, "middle"))
        x += width + _CELL_GAP
    return items


def _symbol(box: Box, frame: Frame, theme: Theme) -> list[Item]:
    """⊕, ⊗ and ‖ (a concatenation) as shapes, for few fonts have them."""
    x, y = frame.middle
    radius = frame.width / 2
    reach = radius * (0.4 if box.label == "×" else 0.55)
    strokes: tuple[tuple[Point, Point], ...]
    if box.label == "−":
        strokes = (((x - reach, y), (x + reach, y)),)
    elif box.label == "+":
        strokes = (((x - reach, y), (x + reach, y)), ((x, y - reach), (x, y + reach)))
    elif box.label == "‖":
        strokes = (
            ((x - reach / 3, y - reach), (x - reach / 3, y + reach)),
            ((x + reach / 3, y - reach), (x + reach / 3, y + reach)),
        )
    else:
        strokes = (((x - reach, y - reach), (x + reach, y + reach)), ((x - reach, y + reach), (x + reach, y - reach)))
    outline = outline_of(box.status, theme)
    circle = Circle(x, y, radius, theme.background, outline, 1.3, DASHES[box.status])
    return [circle, *(Path(stroke, theme.ink, 1.4) for stroke in strokes)]


def paint_badge(letter: str, x: float, y: float, theme: Theme, radius: float = 10.0) -> Group:
    """The letter that joins a box and its inset, around a point."""
    radius = radius if len(letter) == 1 else radius + 3.0
    size = 13.0
    run = Run(letter, 700, theme.background, size)
    return Group(
        f"badge/{letter}",
        "badge",
        (Circle(x, y, radius, theme.accent, theme.background, 1.2), Text(x, y + size * _ASCENT, (run,), "middle")),
    )


def paint_arrow(arrow: Arrow, points: Sequence[Point], theme: Theme, head: bool = True) -> Group:
    """The wire of an edge."""
    path = Path(tuple(points), theme.line, 1.25, 6.0, arrow_end=head, dash=DASHES[arrow.status])
    if arrow.lanes > 1:
        words = f"{arrow.lanes} streams" + (f" · {arrow.label}" if arrow.label else "")
        return Group(
            arrow.id,
            "edge",
            (*_lanes(arrow.lanes, points, theme), *_tip(arrow, points, head, theme)),
            description=words,
        )
    return Group(arrow.id, "edge", (path,), description=arrow.label)


def _lanes(count: int, points: Sequence[Point], theme: Theme) -> list[Path]:
    """Lines side by side: wide lines, each with a narrower one of the ground on it, leave their two edges."""
    offsets = [_APART * (lane + 0.5 if count % 2 == 0 else lane + 1.0) for lane in range(count // 2)]
    lanes: list[Path] = []
    for offset in reversed(offsets):
        lanes.append(Path(tuple(points), theme.line, 2 * offset + _THIN, 6.0))
        lanes.append(Path(tuple(points), theme.inset.fill, 2 * offset - _THIN, 6.0))
    return [*lanes, *([Path(tuple(points), theme.line, _THIN, 6.0)] if count % 2 else [])]


def _tip(arrow: Arrow, points: Sequence[Point], head: bool, theme: Theme) -> list[Item]:
    """The end of lines side by side."""
    (x, y), end = points[-2], points[-1]
    length = max(abs(end[0] - x), abs(end[1] - y), 0.1)
    share = min(_TIP / length, 1.0)
    start = (end[0] + (x - end[0]) * share, end[1] + (y - end[1]) * share)
    return [Group(f"{arrow.id}/tip", "leader", (Path((start, end), theme.line, 1.25, arrow_end=True),))] if head else []


def leader(points: Sequence[Point], theme: Theme) -> Path:
    """A dotted line from a box to the words about it."""
    return Path(tuple(points), theme.leader, 1.3, 4.0, dash=(0.1, 3.6))


def words_run(words: Words, theme: Theme, size: float, weight: int = 400, colour: str | None = None) -> Run:
    if words.accent:
        return Run(words.text, 700, theme.accent, size)
    return Run(words.text, 700 if words.strong else weight, colour or theme.ink, size)


def wrap(line: Sentence, size: float, width: float, weight: int = 400) -> list[Sentence]:
    """The sentence in lines of at most `width` px; words that are wider alone are cut."""
    return list(_wrapped(line, size, round(width, 3), weight))


def shortened(lines: list[Sentence], most: int, size: float, width: float) -> list[Sentence]:
    """The first lines; the last of them ends with `…` where there are more."""
    if len(lines) <= most:
        return lines
    rest = " ".join("".join(words.text for words in line) for line in lines[most - 1 : most + 1])
    return [*lines[: most - 1], (Words(fit(rest, size, 400, width)),)]


_Piece = tuple[Words, float, float]  # and its widths in px without and with the space at its end


@lru_cache(maxsize=2048)  # a figure is laid out several times until it fits its page
def _wrapped(line: Sentence, size: float, width: float, weight: int) -> tuple[Sentence, ...]:
    lines: list[list[Words]] = [[]]
    used = 0.0
    for pieces in (part for word in _pieces(line, size, weight) for part in _fitting(word, size, weight, width)):
        length = _length(pieces)
        if used and used + length > width:
            lines.append([])
            used = 0.0
        for words, bare, full in pieces:
            if bare > width:
                words = words._replace(text=fit(words.text, size, _weight(words, weight), width))
                full = measure(words.text, size, _weight(words, weight))
            if used or bare or len(lines) == 1:  # no line begins with a space
                _append(lines[-1], words)
                used += full
    return tuple(_without_end(words) for words in lines)


def _append(line: list[Words], words: Words) -> None:
    last = line[-1] if line else None
    if last and (last.accent, last.strong) == (words.accent, words.strong):
        line[-1] = last._replace(text=last.text + words.text)
    else:
        line.append(words)


def _without_end(line: list[Words]) -> Sentence:
    """A line without the space at its end, which would push words that end at a place away from it."""
    while line and not line[-1].text.rstrip():
        line = line[:-1]
    return (*line[:-1], line[-1]._replace(text=line[-1].text.rstrip())) if line else ()


def _weight(words: Words, weight: int) -> int:
    return 700 if words.accent or words.strong else weight


@lru_cache(maxsize=1024)  # a line is wrapped at many widths
def _pieces(line: Sentence, size: float, weight: int) -> tuple[tuple[_Piece, ...], ...]:
    """The words between spaces, each of its pieces that look alike (`±` and `30`)."""
    found: list[list[_Piece]] = []
    ended = True
    for words in line:
        parts = words.text[:2000].split(" ")
        for text in [f"{part} " for part in parts[:-1]] + ([parts[-1]] if parts[-1] else []):
            bold = _weight(words, weight)
            piece = (words._replace(text=text), measure(text.rstrip(), size, bold), measure(text, size, bold))
            if ended:
                found.append([piece])
            else:
                found[-1].append(piece)
            ended = text.endswith(" ")
    return tuple(map(tuple, found))


def _length(pieces: tuple[_Piece, ...]) -> float:
    """The width of a word in px, without the space at its end."""
    return sum([full for _, _, full in pieces[:-1]]) + pieces[-1][1]


def _fitting(word: tuple[_Piece, ...], size: float, weight: int, width: float) -> list[tuple[_Piece, ...]]:
    """A word, or its pieces where it is wider than a line."""
    if _length(word) <= width:
        return [word]
    return [(part,) for piece in word for part in _factors(piece, size, weight, width)]


def _factors(piece: _Piece, size: float, weight: int, width: float) -> list[_Piece]:
    """A product that is wider than a line, `vision.d·vision.H`, parted behind its signs."""
    words, bare, _ = piece
    if bare <= width or "·" not in words.text.strip("·"):
        return [piece]
    bold = _weight(words, weight)
    parts = re.findall("[^·]+·?|·", words.text)
    return [(words._replace(text=t), measure(t.rstrip(), size, bold), measure(t, size, bold)) for t in parts]


def paint_lines(
    lines: Sequence[Sentence],
    x: float,
    top: float,
    theme: Theme,
    *,
    size: float = 13.0,
    spacing: float = 17.0,
    weight: int = 400,
    colour: str | None = None,
    anchor: Anchor = "start",
) -> list[Item]:
    """Lines of words under each other; the middle of the first is `spacing / 2` below `top`."""
    painted: list[Item] = []
    for place, line in enumerate(lines):
        y = top + spacing * (place + 0.5) + size * _ASCENT
        painted.append(Text(x, y, tuple(words_run(words, theme, size, weight, colour) for words in line), anchor))
    return painted


def text_line(
    text: str, x: float, middle: float, size: float, weight: int, colour: str, anchor: Anchor = "start"
) -> Text:
    """One line in one style, centred on `middle` vertically."""
    return Text(x, middle + size * _ASCENT, (Run(text, weight, colour, size),), anchor)
