"""Rows of a trace as lines of text: `archviz trace` and the service write them alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def call_text(row: Mapping[str, Any]) -> str:
    """A module call: module, class, shapes in and out; what is handed over by name stands with its name.

    >>> call_text({"module": "norm", "class": "RMSNorm", "in": [], "kwargs": {"x": [1, 4]}, "out": [1, 4]})
    'norm: RMSNorm [x=[1, 4]] → [1, 4]'
    """
    given = [*map(str, row["in"]), *(f"{name}={shape}" for name, shape in row.get("kwargs", {}).items())]
    return f"{_module(row)}: {row['class']} [{', '.join(given)}] → {row.get('returned', row['out'])}"


def op_text(row: Mapping[str, Any]) -> str:
    """An operation: the module that it is done in, its name, shapes in and out.

    >>> op_text({"module": "attn", "op": "softmax", "in": [[1, 2, 4, 4]], "out": [1, 2, 4, 4]})
    'attn: softmax [[1, 2, 4, 4]] → [1, 2, 4, 4]'
    """
    return f"{_module(row)}: {row['op']} {row['in']} → {row['out']}"


def assumption_text(row: Mapping[str, Any]) -> str:
    """What was taken for granted of numbers, and where.

    >>> assumption_text({"module": "", "what": "a test on numbers in a tensor is taken as true", "at": "model.py:9"})
    'assumed: a test on numbers in a tensor is taken as true (model.py:9)'
    """
    return f"assumed: {row['what']} ({row['at']})"


def _module(row: Mapping[str, Any]) -> str:
    return row["module"] or "(model)"
