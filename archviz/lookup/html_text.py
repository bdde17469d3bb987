"""An HTML page as clean text: headings, paragraphs, tables, captions and formulas, in order; nothing hidden, nothing active.

The page is data from outside. Scripts, styles, forms and frames, and whatever a reader of the page would not see, are left out;
control and invisible characters go; sizes are bounded before and after parsing. Formulas stand as their TeX between `$`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from archviz.late_patterns import late_pattern
from archviz.lookup.clean_text import clean
from archviz.lookup.html_table import classes, is_table, table_text
from archviz.lookup.html_tidy import tidy
from archviz.records import record

if TYPE_CHECKING:
    from bs4.element import PageElement, Tag

BlockKind = Literal["heading", "text", "item", "table", "caption", "equation", "code"]

MOST_BLOCK_CHARACTERS = 20_000

_DROPPED = (
    "script style noscript template iframe object embed applet canvas svg form button input select textarea nav head "
    "audio video link meta base dialog"
).split()
_DROPPED_CLASSES = frozenset(
    "ltx_page_navbar ltx_page_header ltx_page_footer ltx_TOC ltx_ERROR ltx_bibliography ltx_note_mark ltx_tag_note "
    "ltx_note_type "
    "ltx_pagination ltx_dates ltx_authors".split()
)
_HIDING_STYLE = late_pattern(
    r"display:none|visibility:hidden|opacity:0(?![.\d])|opacity:0\.0|font-size:0(?![.\d])|(?:left|top|text-indent):-\d{3}"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_WHOLE: dict[str, BlockKind] = {"p": "text", "figcaption": "caption", "caption": "caption", "pre": "code", "dt": "text"}
_BREAKS = frozenset(
    "address article aside blockquote body center dd details div dl fieldset figure footer header hgroup hr html li main "
    "ol section summary ul tbody thead tfoot tr td th".split()
)
_FORMULA_CLASSES = frozenset({"ltx_equation", "ltx_equationgroup", "ltx_eqn_table"})


@record(frozen=True)
class Block:
    """A piece of a page.

    Args:
        kind: What it is.
        text: Its text on one line; a table has a line a row, cells between ` | `; code keeps its lines.
        level: Of a heading, 1 to 6.
        number: Of a heading, where the page marks it as one: `2.1`, `Appendix A`.
    """

    kind: BlockKind
    text: str
    level: int = 0
    number: str = ""


@record(frozen=True)
class Page:
    """The visible blocks of a page, in order; `is_cut` where it goes on beyond the bounds on what is parsed."""

    blocks: tuple[Block, ...]
    is_cut: bool


def parse_page(html: str) -> Page:
    """What a reader of a page sees.

    Raises:
        ValueError: The page's tags are nested deeper, or more of them broken, than in any page of text.
    """
    from bs4 import BeautifulSoup

    tidied = tidy(html)
    soup = BeautifulSoup(tidied.html, "html.parser")
    root = soup.find("article") or soup.find("main") or soup.body or soup
    return Page(tuple(block for block in _walk(root) if block.text), tidied.is_cut)


def _is_unseen(tag: Tag) -> bool:
    if tag.name in _DROPPED or "hidden" in tag.attrs or tag.get("aria-hidden") == "true":
        return True
    if not _DROPPED_CLASSES.isdisjoint(classes(tag)):
        return True
    style = str(tag.get("style") or "")
    return bool(style) and bool(_HIDING_STYLE.search(re.sub(r"\s", "", style[:2000]).lower()))


def _walk(root: Tag) -> Iterator[Block]:
    """The blocks below a tag.  Text that stands in no paragraph is gathered up to the next block."""
    from bs4.element import NavigableString, Tag

    loose: list[str] = []
    mark: str | None = None  # of an item that begins here
    around: Tag | None = None
    node: PageElement | None = root.contents[0] if root.contents else None
    stop = _after(root)
    while node is not None and node is not stop:
        if isinstance(node, Tag) and _is_unseen(node):
            node = _after(node)
            continue
        if isinstance(node, Tag) and mark is not None and "ltx_tag_item" in classes(node):
            mark, node = _mark(node), _after(node)
            continue
        kind = _kind(node) if isinstance(node, Tag) else None
        if type(node) is NavigableString or (isinstance(node, Tag) and node.name == "br"):
            if (within := _block_around(node)) is not around:
                if text := _gathered(loose):
                    yield _paragraph(text, mark)
                    mark = None
                around, loose = within, []
            loose.append(str(node) if isinstance(node, NavigableString) else "\n")
        elif isinstance(node, Tag) and (kind or node.name in _BREAKS):
            if text := _gathered(loose):
                yield _paragraph(text, mark)
                mark = None
            loose = []
            mark = "" if node.name == "li" else mark
            if kind:
                block = _block(node, kind)
                yield _paragraph(block.text, mark) if kind == "text" else block
                mark = None
                node = _after(node)
                continue
        node = node.next_element
    yield _paragraph(_gathered(loose), mark)


def _gathered(loose: list[str]) -> str:
    """The text of strings that stand loose in one block, within the bound of a block."""
    return clean("".join(loose)[: MOST_BLOCK_CHARACTERS + 1])


def _paragraph(text: str, mark: str | None) -> Block:
    """A paragraph, or the item that it begins."""
    return Block("text" if mark is None else "item", _bounded(f"{mark} {text}" if mark and text else text))


def _mark(tag: Tag) -> str:
    """What LaTeXML writes before an item: `1.`, `(a)`, a word; nothing where it is a bullet."""
    mark = clean(_text(tag))
    return mark if any(map(str.isalnum, mark)) else ""


def _block_around(node: PageElement) -> Tag | None:
    """The nearest block that an inline element stands in."""
    return next((each for each in node.parents if each.name in _BREAKS), None)


def _after(tag: Tag) -> PageElement | None:
    """The element after everything that is in a tag."""
    while tag.next_sibling is None:
        if tag.parent is None:
            return None
        tag = tag.parent
    return tag.next_sibling


def _kind(tag: Tag) -> BlockKind | None:
    """What a tag is when it is read as a whole; None when it is entered."""
    if tag.name in _HEADINGS:
        return "heading"
    if is_table(tag):
        return "table" if _FORMULA_CLASSES.isdisjoint(classes(tag)) else "equation"
    return _WHOLE.get(tag.name)


def _block(tag: Tag, kind: BlockKind) -> Block:
    if kind == "table":
        return Block(
            kind,
            _bounded(table_text(tag, lambda cell: clean(_text(cell, " ")), _is_unseen, MOST_BLOCK_CHARACTERS)),
        )
    if kind == "code":
        return Block(kind, _bounded("\n".join(_code_line(line) for line in _text(tag).splitlines())))
    if kind == "heading":
        mark = tag.find(lambda inner: "ltx_tag" in classes(inner))
        number = clean(_text(mark)) if mark else ""
        return Block(kind, _bounded(clean(_text(tag)).removeprefix(number).lstrip()), _HEADINGS[tag.name], number[:40])
    return Block(kind, _bounded(clean(_text(tag))))


def _code_line(line: str) -> str:
    return " " * min(40, len(line) - len(line.lstrip())) + clean(line)


def _text(tag: Tag, between: str = "") -> str:
    """The visible text in a tag; a footnote stands in brackets after the word that it is to."""
    from bs4.element import NavigableString, Tag

    strings: list[str] = []
    size = 0
    notes: list[PageElement | None] = []  # what comes after each footnote that was entered
    node: PageElement | None = tag.next_element
    stop = _after(tag)
    while node is not None and node is not stop and size <= MOST_BLOCK_CHARACTERS:
        while notes and node is notes[-1]:
            strings.append(")")
            notes.pop()
        if isinstance(node, Tag):
            if _is_unseen(node):
                node = _after(node)
                continue
            if "ltx_note_outer" in classes(node):
                notes.append(_after(node))
                strings.append(" (")
            else:
                strings.append("\n" if node.name == "br" else between)
        elif type(node) is NavigableString:
            strings.append(str(node)[: MOST_BLOCK_CHARACTERS + 1])
            size += len(strings[-1])
        node = node.next_element
    return "".join(strings) + ")" * len(notes)


def _bounded(text: str) -> str:
    return text if len(text) <= MOST_BLOCK_CHARACTERS else text[:MOST_BLOCK_CHARACTERS] + " …"
