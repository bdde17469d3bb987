"""A table of a page as rows of text, in which each value stands below its own heading.

A cell over several columns or rows is repeated in each of them, so that a row says all of itself; one that is alone in its
row stands there once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from bs4.element import PageElement, Tag

MOST_ROWS = 200
MOST_CELLS = 64
_DEEPEST = 3  # tables that hold nothing but a table


class _Grid:
    """The columns that cells of earlier rows still take: column → (rows left, text)."""

    def __init__(self) -> None:
        self.pending: dict[int, tuple[int, str]] = {}

    def row(self, cells: list[tuple[str, int, int]]) -> list[str]:
        """One row, column by column, from its own cells (text, columns, rows) and those that reach into it."""
        if len(cells) == 1 and cells[0][2] == 1 and not self.pending:
            return [cells[0][0]]
        filled: list[str] = []
        for text, columns, rows in cells:
            self._reach_in(filled)
            for _ in range(min(columns, MOST_CELLS - len(filled))):
                if rows > 1:
                    self.pending[len(filled)] = (rows, text)  # of which this row takes one
                filled.append(text)
        self._reach_in(filled)
        self.pending = {place: (left - 1, text) for place, (left, text) in self.pending.items() if left > 1}
        return filled

    def _reach_in(self, filled: list[str]) -> None:
        while len(filled) in self.pending:
            filled.append(self.pending[len(filled)][1])


def table_text(table: Tag, text_of: Callable[[Tag], str], is_unseen: Callable[[Tag], bool], most: int) -> str:
    """A line a row, cells between ` | `.

    Args:
        text_of: The text of a cell on one line.
        is_unseen: Whether a reader of the page does not see a tag.
        most: Characters after which no further row is read.
    """
    lines: list[str] = []
    size = 0
    grids: dict[int, _Grid] = {}
    for count, row in enumerate(_rows(table, is_unseen), 1):
        if count > MOST_ROWS or size > most:
            lines.append("… (more rows)")
            break
        seen = [cell for cell in _cells(row) if not is_unseen(cell)]
        cells = [(text_of(cell), _span(cell, "col", MOST_CELLS), _span(cell, "row", MOST_ROWS)) for cell in seen]
        line = " | ".join(grids.setdefault(id(row.find_parent(is_table)), _Grid()).row(cells))
        if line.strip(" |"):
            lines.append(line)
            size += len(line)
    return "\n".join(lines)


def is_table(tag: Tag) -> bool:
    """Whether a tag is a table, also one that LaTeXML made of spans."""
    return tag.name == "table" or (tag.name == "span" and "ltx_tabular" in classes(tag))


def _rows(table: Tag, is_unseen: Callable[[Tag], bool], depth: int = 0) -> Iterator[Tag]:
    """The rows of a table; those of one in a cell only where it is all that its row holds, else they are the cell's text."""
    for row in table.descendants:
        if not _is_row(row) or row.find_parent(is_table) is not table or is_unseen(row):
            continue
        cells = _cells(row)
        inner = cells[0].find(is_table) if len(cells) == 1 and depth < _DEEPEST else None
        if inner is None:
            yield row
        else:
            yield from _rows(inner, is_unseen, depth + 1)


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(_is_cell, recursive=False, limit=MOST_CELLS)


def _span(cell: Tag, axis: str, most: int) -> int:
    """Over how many columns or rows a cell goes: by its attribute, or by LaTeXML's class `ltx_colspan_2`."""
    stated = str(cell.get(f"{axis}span") or "")
    marked = (re.fullmatch(rf"ltx_{axis}span_(\d+)", name) for name in classes(cell))
    text = stated or next((found[1] for found in marked if found), "")
    number = int(text[:6]) if text.isascii() and text.isdecimal() else 1
    if axis == "row" and text == "0":  # to the end of the table
        return most
    return min(max(number, 1), most)


def classes(tag: Tag) -> list[str]:
    """The classes of a tag."""
    value = tag.get("class")
    return [str(name) for name in value] if isinstance(value, list) else [str(value)] if value else []


def _is_row(node: PageElement) -> TypeGuard[Tag]:
    from bs4.element import Tag

    return isinstance(node, Tag) and (node.name == "tr" or "ltx_tr" in classes(node))


def _is_cell(tag: Tag) -> bool:
    return tag.name in ("td", "th") or "ltx_td" in classes(tag)
