"""Ops whose sizes are chosen by numbers: which elements a test keeps, how many kinds of them there are.

Where the numbers are known, so is the size.  Where they are not, a pass takes one for granted and says so (`Recorder.assume`); while a
model is built nothing is taken for granted.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor, Unknown
from archviz.ops import shapes
from archviz.ops.registry import like, op, tensor
from archviz.ops.relations import Tally


def register(library: Library) -> None:
    _register_places(library)
    _register_kinds(library)
    _register_counts(library)


def chosen_count(interp: Interpreter, what: str, count: int) -> int | None:
    """How many elements an op keeps whose choice numbers make that nobody knows.

    Args:
        what: The op, as the assumption names it.
        count: How many there are taken to be while a trace runs.

    Returns:
        The count; None where no trace runs, as a size of the model must not be guessed.
    """
    if interp.recorder is None:
        return None
    interp.recorder.assume(f"how many elements {what} keeps depends on numbers: taken as {count}", interp.here())
    return count


def of_unknown_count(interp: Interpreter, what: str, dtype: str) -> Tensor:
    """A tensor whose size depends on numbers that nobody knows."""
    result = Tensor(None, dtype, at=interp.here())
    result.source = Unknown(f"how many elements {what} keeps depends on numbers", interp.here())
    return result


def mask_count(interp: Interpreter, mask: Tensor) -> int | None:
    """How many elements a mask keeps: as data says, else all (a test on data is taken as true)."""
    if mask.data is not None:
        return sum(map(bool, mask.data))
    return chosen_count(interp, "an index of truth values", shapes.product(mask.sizes))


def nonzero_places(interp: Interpreter, value: Tensor, what: str) -> tuple[Tensor, ...]:
    """The indices of the numbers that are not 0, one tensor for each axis (they index different ones); one index where nobody knows."""
    rank = max(1, len(value.sizes))
    if value.data is None:
        count = chosen_count(interp, what, 1)
        return tuple(
            of_unknown_count(interp, what, "int64") if count is None else tensor(interp, (count,), "int64")
            for _ in range(rank)
        )
    found = [place for place, each in enumerate(value.data) if each]
    columns: list[list[int]] = []
    for size in reversed(value.sizes or (1,)):
        columns.insert(0, [place % size for place in found])
        found = [place // size for place in found]
    return tuple(tensor(interp, (len(column),), "int64", column) for column in columns)


def _joined(interp: Interpreter, places: tuple[Tensor, ...], rank: int) -> Tensor:
    """The same as rows of one tensor."""
    if places[0].shape is None:
        return places[0]
    columns = [place.data for place in places[:rank]]
    data = None
    if all(column is not None for column in columns):
        data = [number for row in zip(*(column or [] for column in columns), strict=True) for number in row]
    return tensor(interp, (places[0].sizes[0], rank), "int64", data)


def _register_places(library: Library) -> None:
    @op(library, "torch.nonzero", "torch.Tensor.nonzero", "torch.argwhere", "torch.Tensor.argwhere")
    def nonzero(interp: Interpreter, value: Tensor, *args: Any, as_tuple: bool = False, **options: Any) -> Any:
        places = nonzero_places(interp, value, "nonzero")
        return places if as_tuple else _joined(interp, places, len(value.sizes))

    @op(library, "torch.masked_select", "torch.Tensor.masked_select")
    def masked_select(interp: Interpreter, value: Tensor, mask: Tensor) -> Tensor:
        sizes = shapes.broadcast(value.sizes, mask.sizes)
        if mask.data is not None and mask.sizes == sizes:
            return like(interp, value, (sum(map(bool, mask.data)),))
        count = chosen_count(interp, "masked_select", shapes.product(sizes))
        return (
            of_unknown_count(interp, "masked_select", value.dtype) if count is None else like(interp, value, (count,))
        )


def _register_kinds(library: Library) -> None:
    @op(library, "torch.unique_consecutive", "torch.Tensor.unique_consecutive", record="unique_consecutive")
    def unique_consecutive(
        interp: Interpreter,
        value: Tensor,
        return_inverse: bool = False,
        return_counts: bool = False,
        dim: int | None = None,
    ) -> Any:
        kept = None
        if value.data is not None and len(value.sizes) == 1:
            kept = [each for at, each in enumerate(value.data) if not at or each != value.data[at - 1]]
        return _kinds(interp, value, kept, dim, inverse=return_inverse, counts=return_counts)

    @op(library, "torch.unique", "torch.Tensor.unique", record="unique_consecutive")
    def unique(
        interp: Interpreter, value: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
        dim: int | None = None,
    ) -> Any:  # fmt: skip
        known = value.data is not None and (dim is None or len(value.sizes) == 1)
        kept = _each_once(value.data or []) if known else None
        return _kinds(interp, value, kept, dim, inverse=return_inverse, counts=return_counts)


def _each_once(numbers: list[Any]) -> list[Any]:
    return sorted(dict.fromkeys(numbers))


def _kinds(
    interp: Interpreter, value: Tensor, kept: list[Any] | None, dim: int | None, *, inverse: bool, counts: bool
) -> Any:
    """What `unique` gives: one of each kind, the kind of each element, how many there are of each."""
    own = list(value.sizes)
    place = None if dim is None else shapes.axis(dim, len(own))
    total = shapes.product(own) if place is None else own[place]
    taken = 1 if isinstance(value.meaning, Tally) else total
    count = len(kept) if kept is not None else chosen_count(interp, "unique", taken)
    if count is None:
        rest = [of_unknown_count(interp, "unique", "int64")] * (inverse + counts)
        return (
            (of_unknown_count(interp, "unique", value.dtype), *rest)
            if rest
            else of_unknown_count(interp, "unique", value.dtype)
        )
    sizes = [count] if place is None else [*own[:place], count, *own[place + 1 :]]
    found = [tensor(interp, sizes, value.dtype, kept)]
    if inverse:
        found.append(like(interp, value, own if place is None else (own[place],), "int64"))
    if counts:
        found.append(like(interp, value, (count,), "int64"))
    return tuple(found) if len(found) > 1 else found[0]


def _register_counts(library: Library) -> None:
    @op(library, "torch.bincount", "torch.Tensor.bincount")
    def bincount(interp: Interpreter, value: Tensor, weights: Any = None, minlength: int = 0) -> Tensor:
        if value.data is not None:
            return tensor(interp, (max([minlength, *(each + 1 for each in value.data)]),), "int64")
        count = chosen_count(interp, "bincount", max(1, minlength))
        return of_unknown_count(interp, "bincount", "int64") if count is None else tensor(interp, (count,), "int64")

    @op(library, "torch.histc", "torch.Tensor.histc")
    def histc(interp: Interpreter, value: Tensor, bins: int = 100, *args: Any, **options: Any) -> Tensor:
        return like(interp, value, (bins,))

    @op(library, "torch.nn.functional.one_hot")
    def one_hot(interp: Interpreter, tensor: Tensor, num_classes: int = -1) -> Tensor:
        classes: int | None = num_classes
        if num_classes == -1:
            known = tensor.data
            classes = max(known) + 1 if known else chosen_count(interp, "one_hot", 1)
        if classes is None:
            return of_unknown_count(interp, "one_hot", "int64")
        return like(interp, tensor, (*tensor.sizes, classes), "int64")
