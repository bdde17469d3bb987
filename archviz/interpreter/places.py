"""Which element a number in a tensor chooses of a list or of modules: a pass over shapes does not know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.interpreter.values import Tensor, Unknown

if TYPE_CHECKING:
    from archviz.interpreter.operators import Operators

_FIRST = "which element a number in a tensor chooses is not known: the first is shown"


def chosen(interp: Operators, index: Tensor) -> Any:
    """The place itself where it is known; else, in a pass, the first with an assumption, and while a model is built an Unknown."""
    if index.data:
        return index.data[0]
    if interp.recorder is None:
        return Unknown("an element that a number in a tensor chooses", interp.here())
    interp.recorder.assume(_FIRST, interp.here(), interp.frame.function)
    return 0
