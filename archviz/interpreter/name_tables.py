"""Long tables of names, such as `transformers` keeps of its model types: read row by row instead of parsed and evaluated.

`CONFIG_MAPPING_NAMES` alone has 800 rows; as syntax it costs more than the configuration that is looked up in it.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from archviz.late_patterns import late_pattern

_NAME = r'"[\w.\-]+"'
_ROW = rf"\({_NAME}, (?:{_NAME}|\({_NAME}, {_NAME}\))\),"
_REMARK = r"(?:  #[^\n]*)?"
_TABLE = late_pattern(rf"\w+ = \w+\(\n    (\[\n((?: +{_ROW}{_REMARK}\n| +#[^\n]*\n)+)    \])\n\)\s*(?:#[^\n]*\s*)*")
_ROWS = late_pattern(rf"^ +({_ROW}){_REMARK}$", re.MULTILINE)
_PARTS = late_pattern(r'"([\w.\-]+)"')


class NameTable(ast.expr):
    """The list of pairs in `TABLE = OrderedDict([("key", "name"), ("other", ("one", "two")), …])`.

    Args:
        rows: The pairs, in order.
    """

    _fields = ()

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        super().__init__()
        self.rows = rows


def name_table(text: str) -> tuple[str, list[tuple[Any, ...]]] | None:
    """The statement with an empty list in the place of its rows, and the rows; None for a statement of any other form."""
    found = _TABLE.fullmatch(text)
    if found is None:
        return None
    rows: list[tuple[Any, ...]] = []
    for row in _ROWS.findall(found[2]):
        first, *rest = _PARTS.findall(row)
        rows.append((first, rest[0] if len(rest) == 1 else tuple(rest)))
    start, stop = found.span(1)
    return f"{text[:start]}[]{text[stop:]}", rows


def put_rows(statement: ast.stmt, rows: list[tuple[Any, ...]]) -> None:
    """Put the rows back in the place of the empty list."""
    assert isinstance(statement, ast.Assign)
    call = statement.value
    assert isinstance(call, ast.Call)
    call.args = [ast.copy_location(NameTable(rows), call.args[0])]
