"""A paper's HTML rendering as titled sections, each with its path of titles and its blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archviz.late_patterns import late_pattern
from archviz.lookup.html_text import Block, parse_page

MOST_TITLE = 300
_NUMBERED = late_pattern(r"((?:\d{1,3}|[A-Z])(?:\.\d{1,3}){0,4}\.?|[IVX]{1,5}\.?(?:-[A-Z])?)\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Section:
    """One section without its subsections, which stand as sections of their own.

    Args:
        number: As the paper numbers it (`2.1.2`); empty for none.
        title: Without the number.
        level: Of its heading, 1 to 6.
        above: The titles of the sections that it is in, outermost first.
        blocks: Its paragraphs, items, tables, captions, formulas.
    """

    number: str
    title: str
    level: int
    above: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """Its content as text, one block a paragraph."""
        return "\n\n".join(_block_text(block) for block in self.blocks)

    @property
    def heading(self) -> str:
        return f"{self.number} {self.title}".strip()


def _block_text(block: Block) -> str:
    return f"- {block.text}" if block.kind == "item" else block.text


@dataclass(frozen=True, slots=True)
class Document:
    """The sections of a rendering, in order; `is_cut` where it goes on beyond the bounds on what is parsed."""

    sections: tuple[Section, ...]
    is_cut: bool = False


def parse_document(html: str) -> Document:
    """The sections of a rendering; what stands before its first heading is left out.

    Raises:
        ValueError: The page is none that can be read.
    """
    page = parse_page(html)
    return Document(tuple(_sections(page.blocks)), page.is_cut)


def _sections(blocks: tuple[Block, ...]) -> Iterator[Section]:
    above: list[tuple[int, str]] = []
    heading: Block | None = None
    content: list[Block] = []
    for block in (*blocks, Block("heading", "", 0)):
        if block.kind != "heading":
            content.append(block)
            continue
        if heading is not None:
            above = [each for each in above if each[0] < heading.level]
            number, title = heading.number, heading.text[:MOST_TITLE]
            number, title = (number.split()[-1].rstrip("."), title) if number else _numbered(title)
            titles = tuple(text for level, text in above if level > 1)
            yield Section(number, title, heading.level, titles, tuple(content))
            above.append((heading.level, title))
        heading, content = block, []


def _numbered(text: str) -> tuple[str, str]:
    """`2.1 Basic Architecture` → (`2.1`, `Basic Architecture`).

    >>> _numbered("A Strong Baseline")
    ('', 'A Strong Baseline')
    """
    match = _NUMBERED.match(text)
    if match is None or match[1].isalpha():  # a lone letter is a word unless the page marks it as a number
        return "", text
    return match[1].rstrip("."), text[match.end() :]
