"""Which tensors of known numbers share their memory, so that a write through one leaves no stale numbers in another.

Few models compute sizes as tensors while they are built, and fewer write into views of them: no number is moved along, but what a
write may have changed is not known any more, and a size that needs it is a gap.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html; `contiguous`, `to`, `float` and the like give their operand where there
is nothing to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import ref

from archviz.interpreter.values import Tensor
from archviz.ops.strides import COPYING, VIEWS

SHARING = (
    (COPYING - {"clone"})
    | VIEWS.keys()
    | {
        "contiguous", "as_tensor", "asarray", "from_numpy", "hsplit", "vsplit", "dsplit", "unsafe_chunk", "unsafe_split", "real", "imag",
        "conj", "resolve_conj", "resolve_neg", "pin_memory", "share_memory_", "positive", "pos", "atleast_1d", "atleast_2d", "atleast_3d",
        "broadcast_tensors", "byte", "short", "char", "xpu", "dropout",
    }
)  # fmt: skip
"""Ops whose results lie in the memory of their operand, or may be the operand itself."""


def writes(way: str) -> bool:
    """Whether an op changes its first operand, by its name.

    >>> writes("mul_"), writes("nn.init.zeros_"), writes("__and__")
    (True, True, False)
    """
    return way.endswith("_") and not way.endswith("__")


def follow(shares: bool, changes: bool, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
    """Keep what shares memory after an op, or forget what it overwrote.

    Args:
        shares: The op is one of `SHARING`.
        changes: It writes into its first operand.
        args: What it got.
        kwargs: What it got by name; `out` is written into.
        result: What it gave.
    """
    if changes and args:
        written(args[0])
    elif shares and args:
        share(args[0], result)
    if "out" in kwargs:
        written(kwargs["out"], itself=True)


def share(value: Any, result: Any) -> None:
    """Say that results lie in the memory of a tensor."""
    if value.__class__ is not Tensor or (value.data is None and value.shared is None):
        return
    for each in result if isinstance(result, (list, tuple)) else (result,):
        if each.__class__ is Tensor and each is not value:
            if value.shared is None:
                value.shared = [ref(value)]
            value.shared.append(ref(each))
            each.shared = value.shared


def written(value: Any, *, itself: bool = False) -> None:
    """The numbers of whatever shares a tensor's memory are not known any more; its own as well where `itself` says so."""
    if value.__class__ is not Tensor:
        return
    for kept in value.shared or ():
        each = kept()
        if each is not None and each is not value:
            each.data = None
    if itself:
        value.data = None


__all__ = ["SHARING", "follow", "share", "writes", "written"]
