"""The formulas of the breakdown as text: a line for each block, then what the symbols are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap

from archviz.architecture.model import ParameterRow, Parameters
from archviz.late_patterns import late_pattern

_WIDTH = 100
_SYMBOL = late_pattern(r"[A-Za-z_][\w.]*(?:\[\w+\])?", re.ASCII)
_INNER = ("projections", "sinks", "norms", "other")  # parts of a mixer, which its own formula covers


def formula_lines(parameters: Parameters) -> Iterator[str]:
    """Every block of the breakdown with its formula, and the symbols that they use."""
    rows = {row.key: row for row in parameters.breakdown}
    shown = [row for row in parameters.breakdown if row.formula and _is_block(row, rows)]
    for row in shown:
        yield from _wrapped(f"{_name(row, rows)} = {row.formula}")
    said = {name for row in shown for name in _SYMBOL.findall(row.formula or "")}
    symbols = [each for each in parameters.symbols if each.symbol in said]
    longest = max([len(each.symbol) for each in symbols], default=0)
    for each in symbols:
        meaning = f", {each.meaning}" if each.meaning else ""
        yield f"    {each.symbol:<{longest}} {each.value:>10,}  {each.key}{meaning}"


def _is_block(row: ParameterRow, rows: dict[str, ParameterRow]) -> bool:
    """A row that stands for one block: no whole layer, no part of a mixer, no feed-forward that is told by its parts."""
    parent = rows.get(row.parent or "")
    if any(child.parent == row.key and child.key.endswith("/experts") for child in rows.values()):
        return False
    if parent is not None and row.times is not None and parent.times is None and parent.formula is None:
        return False
    mixing = parent is not None and parent.formula is not None and "/mixer" in parent.key
    return not (mixing and row.key.endswith(_INNER))


def _name(row: ParameterRow, rows: dict[str, ParameterRow]) -> str:
    """A row's label behind those of its tower and of its kind of layer: `Vision encoder: Attention + MLP: Norms`."""
    around: list[ParameterRow] = []
    parent = rows.get(row.parent or "")
    while parent is not None:
        around.insert(0, parent)
        parent = rows.get(parent.parent or "")
    told = [each.label for each in around if each.key.partition("layers")[2].count("/") <= 1]
    return ": ".join([label for label in told if not label.startswith("All ")] + [row.label])


def _wrapped(text: str) -> Iterator[str]:
    yield from wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="      ", break_long_words=False)
