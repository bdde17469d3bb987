"""The names that modules, parameters and buffers may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import BudgetSpentError, UnsupportedError
from archviz.interpreter.values import Unknown

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

LONGEST_NAME = 1_000


def check_name(interp: Interpreter, name: Any, what: str) -> None:
    """Refuse the names that torch refuses for a module, parameter or buffer, and those that no output could show.

    Source: torch/nn/modules/module.py, `add_module`.
    """
    if isinstance(name, Unknown):
        raise UnsupportedError(f"a {what} whose name is {name.reason}", name.at)
    if not isinstance(name, str):
        raise TypeError(f"{what} name should be a string. Got {type(name).__name__}")
    if "." in name:
        raise KeyError(f'{what} name can\'t contain ".", got: {name[:80]}')
    if not name:
        raise KeyError(f'{what} name can\'t be empty string ""')
    check_showable(interp, name)


def check_showable(interp: Interpreter, name: str) -> None:
    """Refuse a name that is far too long, or that no file could hold."""
    if len(name) > LONGEST_NAME:
        raise BudgetSpentError(f"a name of {len(name):,} characters", interp.here())
    if not name.isascii() and any("\ud800" <= each <= "\udfff" for each in name):
        raise UnsupportedError(f"the name {ascii(name)[:80]} is no text", interp.here())
