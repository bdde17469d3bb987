"""The texts of a diagram, wrapped and measured, and the sizes of the boxes around them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from archviz.figure.diagram_model import CustomNode, DiagramBlock
from archviz.figure.fonts import measure
from archviz.late_patterns import late_pattern

TYPE_SIZE, DETAIL_SIZE, LABEL_SIZE = 13.0, 11.0, 10.5
TYPE_WEIGHT, DETAIL_WEIGHT, LABEL_WEIGHT = 600, 400, 500
_LEADING = {TYPE_SIZE: 17.0, DETAIL_SIZE: 15.0, LABEL_SIZE: 13.0}
PAD_X, PAD_Y = 12.0, 8.0
NARROWEST, WIDEST = 150.0, 336.0
NARROWEST_NODE, WIDEST_NODE = 100.0, 224.0
WIDEST_LABEL = 130.0
MOST_LINES = 40
_BRANCH = late_pattern(r"([│┃║\s]*)[├└╰┣┗╠╚][─━═╌╴-]*\s*")
_TRUNK = late_pattern(r"[│┃║\s]*[│┃║][│┃║\s]*")
_LIST_LINE = late_pattern(r"\s|[├└│─•·*-]\s?|\d+[.)]\s")


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a box, ready to paint; `size` in px."""

    text: str
    size: float
    weight: int


@dataclass(slots=True)
class Box:
    """A rectangle with its text; the layout gives it a place.

    Args:
        id: Canonical address (`stage1.block2`), or the id of a custom node.
        fill: `#rrggbb[aa]`, as the config says.
        own_colour: The config names the colour; else it follows from the type.
        list_like: The details are a list or tree and stand left-aligned.
        shortened: Lines of text that are left out of the drawing (never of the description).
        title, description: For readers who cannot see the figure.
    """

    id: str
    lines: list[TextLine]
    width: float
    fill: str
    own_colour: bool
    status: str | None
    list_like: bool = False
    shortened: int = 0
    title: str = ""
    description: str = ""
    x: float = 0.0
    y: float = 0.0
    least_height: float = 0.0
    column: int = 0

    text_height: float = field(init=False)

    def __post_init__(self) -> None:
        self.text_height = sum(leading(line.size) for line in self.lines)

    @property
    def height(self) -> float:
        return max(self.text_height + 2 * PAD_Y, self.least_height)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(slots=True)
class Panel:
    """A stage, or a part of one that continues in the next column; `id` is None for a continuation.

    Args:
        detail: It shows the inside of a block and stands apart from the flow.
        new_flow: No arrow comes from the stage before.
    """

    id: str | None
    number: int
    title: list[TextLine]
    blocks: list[Box] = field(default_factory=list)
    continued: bool = False
    detail: bool = False
    new_flow: bool = False
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    least_header: float = 0.0
    column: int = 0

    @property
    def fed(self) -> bool:
        """Whether an arrow comes from the panel before."""
        return self.continued or not (self.detail or self.new_flow)

    @property
    def header(self) -> float:
        """Height of the title with its padding."""
        return max(sum(leading(line.size) for line in self.title) + 18.0, self.least_header)


def leading(size: float) -> float:
    """Distance of two baselines of that text size, in px."""
    return _LEADING.get(size, size * 1.3)


def wrap(text: str, size: float, weight: int, width: float) -> list[str]:
    """Break a text into lines of at most `width` px: at its own line breaks, between words, and inside words too long.

    The indent of a line is kept, and repeated where the line is continued.
    """
    lines: list[str] = []
    for paragraph in text.replace("\t", "    ").split("\n"):
        lines += _wrap_paragraph(paragraph.rstrip(), size, weight, width)
    return lines


def _wrap_paragraph(paragraph: str, size: float, weight: int, width: float) -> list[str]:
    body = paragraph.lstrip(" ")
    indent = paragraph[: min(len(paragraph) - len(body), 16)]
    room = max(width - measure(indent, size, weight), 4 * size) if indent else width
    space = measure(" ", size, weight)
    lines: list[str] = []
    line, used = "", 0.0
    for word in body.split(" "):
        for piece in _pieces(word, size, weight, room):
            length = measure(piece, size, weight)
            if line and used + space + length > room:
                lines.append(indent + line)
                line, used = piece, length
            else:
                used += length + (space if line else 0.0)
                line = f"{line} {piece}" if line else piece
    return [*lines, indent + line]


def _pieces(word: str, size: float, weight: int, room: float) -> list[str]:
    """The word, cut where it is wider than the room."""
    pieces = []
    while len(word) > 1 and (len(word) > 400 or measure(word, size, weight) > room):
        low, high = 1, min(len(word) - 1, 400)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if measure(word[:middle], size, weight) <= room else (low, middle - 1)
        pieces.append(word[:low])
        word = word[low:]
    return [*pieces, word]


def text_lines(text: str, size: float, weight: int, width: float) -> list[TextLine]:
    """`wrap`, as lines to paint."""
    return [TextLine(line, size, weight) for line in wrap(text, size, weight, width)]


def common_width(texts: Iterable[tuple[str, float, int]], least: float, most: float) -> float:
    """Width in px that boxes share: that of the widest line (text, size, weight), between `least` and `most`."""
    widest = least
    for text, size, weight in texts:
        for line in text.split("\n"):
            if len(line) > 200:
                return most
            widest = max(widest, measure(line, size, weight) + 2 * PAD_X)
    return min(widest, most)


def as_list(text: str) -> str:
    """A tree drawn with lines (`├─`, `│  └─`), which stand apart in a font with letters of different widths, as an indented list."""
    lines = [line for line in text.split("\n") if not _TRUNK.fullmatch(line)]
    return "\n".join(_BRANCH.sub(_list_item, line, count=1) if _BRANCH.match(line) else line for line in lines)


def _list_item(branch: re.Match[str]) -> str:
    return "    " * (len(branch[1]) // 3) + "– "


def block_texts(block: DiagramBlock) -> list[tuple[str, float, int]]:
    """What stands in a block: text, size, weight."""
    texts = [(block.type, TYPE_SIZE, TYPE_WEIGHT)]
    return [*texts, (as_list(block.details), DETAIL_SIZE, DETAIL_WEIGHT)] if block.details.strip() else texts


def _fitted(lines: list[TextLine]) -> tuple[list[TextLine], int]:
    """As many lines as a box shows, and how many are left out."""
    left_out = len(lines) - MOST_LINES
    if left_out <= 1:
        return lines, 0
    return [*lines[:MOST_LINES], TextLine(f"… and {left_out:,} more lines", DETAIL_SIZE, DETAIL_WEIGHT)], left_out


def block_box(address: str, block: DiagramBlock, width: float) -> Box:
    """The measured box of a block."""
    lines = [
        line for text, size, weight in block_texts(block) for line in text_lines(text, size, weight, width - 2 * PAD_X)
    ]
    shown, left_out = _fitted(lines)
    listed = sum(bool(_LIST_LINE.match(line)) for line in block.details.split("\n"))
    description = [block.details, f"status: {block.status}" if block.status else "", _source(block.source)]
    return Box(
        address,
        shown,
        width,
        block.fill,
        block.color is not None,
        block.status,
        list_like=listed >= 2,
        shortened=left_out,
        title=_one_line(block.type),
        description="\n".join(filter(None, description)),
    )


def node_texts(node: CustomNode) -> list[tuple[str, float, int]]:
    """What stands in a custom node: its first line as a heading, the others as details."""
    head, _, rest = as_list(node.label).partition("\n")
    texts = [(head, DETAIL_SIZE + 1, TYPE_WEIGHT)]
    return [*texts, (rest, DETAIL_SIZE, DETAIL_WEIGHT)] if rest.strip() else texts


def node_box(node: CustomNode, width: float) -> Box:
    """The measured box of a custom node."""
    lines = [
        line for text, size, weight in node_texts(node) for line in text_lines(text, size, weight, width - 2 * PAD_X)
    ]
    description = [node.label, f"status: {node.status}" if node.status else "", _source(node.source)]
    shown, left_out = _fitted(lines)
    listed = sum(bool(_LIST_LINE.match(line)) for line in node.label.split("\n")[1:])
    return Box(
        node.id,
        shown,
        width,
        node.fill,
        node.color is not None,
        node.status,
        list_like=listed >= 2,
        shortened=left_out,
        title=_one_line(node.label),
        description="\n".join(filter(None, description)),
    )


def _source(source: str | None) -> str:
    return f"source: {source}" if source else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
