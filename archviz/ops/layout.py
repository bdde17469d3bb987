"""Ops that rearrange a tensor: views, permutations, joins and splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import DType, Tensor, Unknown
from archviz.ops import shapes
from archviz.ops.choices import of_unknown_count
from archviz.ops.creation import DTYPES
from archviz.ops.promotion import promoted
from archviz.ops.registry import dtype_name, like, op, sizes_of, tensor


def register(library: Library) -> None:
    _register_views(library)
    _register_permutations(library)
    _register_joins(library)
    _register_splits(library)
    _register_repeats(library)
    for name in ("unsqueeze", "squeeze", "transpose", "swapaxes", "swapdims", "t", "tril", "triu"):
        library.function(f"torch.Tensor.{name}_")(_in_place(f"torch.Tensor.{name}"))


def _in_place(name: str) -> Callable[..., Tensor]:
    """The op that gives a tensor itself another shape or other numbers: recorded as the op that makes a new one."""

    def changed(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        before, recorder = value.twin(), interp.recorder
        if recorder is not None:
            recorder.adopt(before, recorder.number(value))
        found = interp.op(name, before, *args, **options)
        interp.twins.changed(value)
        if recorder is not None and found.shape != value.shape:
            interp.spend(len(recorder.passed) // 16)
            recorder.reshaped(value, before)
        value.shape, value.data, value.meaning, value.layout = found.shape, found.data, found.meaning, found.layout
        if recorder is not None:
            recorder.adopt(value, recorder.number(found))
        return value

    return changed


def _view(interp: Interpreter, value: Tensor, shape: Sequence[int]) -> Tensor:
    return tensor(interp, shape, value.dtype, value.data)


def _in_width(value: Tensor, dtype: DType) -> tuple[int, ...]:
    """The sizes of the same bytes read as elements of another width.  Source: torch.Tensor.view(dtype)."""
    own, old, new = value.sizes, DTYPES[value.dtype], DTYPES[dtype.name]
    if old == new:
        return own
    if not own or own[-1] * old % new:
        raise ValueError(f"view requires a last size of whole elements of {dtype.name}, got {list(own)} {value.dtype}")
    return (*own[:-1], own[-1] * old // new)


def _register_views(library: Library) -> None:
    @op(library, "torch.Tensor.view", "torch.Tensor.reshape", "torch.reshape", record="view")
    def view(interp: Interpreter, value: Tensor, *sizes: Any, **options: Any) -> Tensor:
        dtype = options.get("dtype", sizes[0] if sizes else None)
        if isinstance(dtype, DType):
            return like(interp, value, _in_width(value, dtype), dtype)
        wanted = sizes or (options.get("shape", options.get("size", ())),)
        return _view(interp, value, shapes.reshape(value.sizes, sizes_of(interp, wanted)))

    @op(library, "torch.Tensor.view_as", "torch.Tensor.reshape_as", record="view")
    def view_as(interp: Interpreter, value: Tensor, other: Tensor) -> Tensor:
        return _view(interp, value, other.sizes)

    @op(library, "torch.flatten", "torch.Tensor.flatten")
    def flatten(interp: Interpreter, value: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        sizes = value.sizes
        if not sizes:
            return _view(interp, value, (1,))
        first, last = shapes.axis(start_dim, len(sizes)), shapes.axis(end_dim, len(sizes))
        return _view(interp, value, (*sizes[:first], shapes.product(sizes[first : last + 1]), *sizes[last + 1 :]))

    @op(library, "torch.Tensor.unflatten", "torch.unflatten")
    def unflatten(interp: Interpreter, value: Tensor, dim: int, sizes: Any) -> Tensor:
        own = value.sizes
        place = shapes.axis(dim, len(own))
        return _view(interp, value, (*own[:place], *shapes.reshape((own[place],), tuple(sizes)), *own[place + 1 :]))

    @op(library, "torch.ravel", "torch.Tensor.ravel")
    def ravel(interp: Interpreter, value: Tensor) -> Tensor:
        return _view(interp, value, (shapes.product(value.sizes),))

    @op(library, "torch.squeeze", "torch.Tensor.squeeze")
    def squeeze(interp: Interpreter, value: Tensor, dim: Any = None) -> Tensor:
        own = value.sizes
        dims = range(len(own)) if dim is None else [dim] if isinstance(dim, int) else dim
        gone = {shapes.axis(each, len(own)) for each in dims}
        return _view(interp, value, [size for place, size in enumerate(own) if place not in gone or size != 1])

    @op(library, "torch.unsqueeze", "torch.Tensor.unsqueeze")
    def unsqueeze(interp: Interpreter, value: Tensor, dim: int) -> Tensor:
        own = value.sizes
        place = shapes.axis(dim, len(own) + 1)
        return _view(interp, value, (*own[:place], 1, *own[place:]))

    @op(library, "torch.view_as_complex")
    def view_as_complex(interp: Interpreter, value: Tensor) -> Tensor:
        return like(interp, value, value.sizes[:-1], "complex128" if value.dtype == "float64" else "complex64")

    @op(library, "torch.view_as_real")
    def view_as_real(interp: Interpreter, value: Tensor) -> Tensor:
        return like(interp, value, (*value.sizes, 2), "float64" if value.dtype == "complex128" else "float32")

    @op(library, "torch.diagonal", "torch.Tensor.diagonal")
    def diagonal(interp: Interpreter, value: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
        own = list(value.sizes)
        first, second = shapes.axis(dim1, len(own)), shapes.axis(dim2, len(own))
        rest = [size for place, size in enumerate(own) if place not in (first, second)]
        length = min(own[first] + min(offset, 0), own[second] - max(offset, 0))
        return like(interp, value, (*rest, max(length, 0)))

    @op(library, "torch.diag", "torch.Tensor.diag")
    def diag(interp: Interpreter, value: Tensor, diagonal: int = 0) -> Tensor:
        if len(value.sizes) != 1:
            rows, columns = value.sizes
            return like(interp, value, (max(min(rows + min(diagonal, 0), columns - max(diagonal, 0)), 0),))
        size = value.sizes[0] + abs(diagonal)
        return like(interp, value, (size, size))


def _register_permutations(library: Library) -> None:
    @op(library, "torch.transpose", "torch.Tensor.transpose", "torch.swapaxes", "torch.Tensor.swapaxes", "torch.Tensor.swapdims",
        "torch.swapdims", record="transpose")  # fmt: skip
    def transpose(interp: Interpreter, value: Tensor, dim0: int, dim1: int) -> Tensor:
        own = list(value.sizes)
        first, second = shapes.axis(dim0, len(own)), shapes.axis(dim1, len(own))
        own[first], own[second] = own[second], own[first]
        return like(interp, value, own)

    @op(library, "torch.permute", "torch.Tensor.permute")
    def permute(interp: Interpreter, value: Tensor, *dims: Any, **options: Any) -> Tensor:
        own = value.sizes
        order = sizes_of(interp, dims or (options["dims"],))
        return like(interp, value, [own[shapes.axis(place, len(own))] for place in order])

    @op(library, "torch.movedim", "torch.Tensor.movedim", "torch.moveaxis", "torch.Tensor.moveaxis")
    def movedim(interp: Interpreter, value: Tensor, source: Any, destination: Any) -> Tensor:
        own = value.sizes
        given = [[each] if isinstance(each, int) else list(each) for each in (source, destination)]
        first, last = ([shapes.axis(place, len(own)) for place in each] for each in given)
        moved = dict(zip(last, first, strict=True))
        rest = iter([place for place in range(len(own)) if place not in first])
        return like(interp, value, [own[moved[place] if place in moved else next(rest)] for place in range(len(own))])

    @op(library, "torch.t", "torch.Tensor.t", "torch.adjoint", "torch.Tensor.adjoint", record="t")
    def t(interp: Interpreter, value: Tensor) -> Tensor:
        own = value.sizes
        return like(interp, value, (*own[:-2], *reversed(own[-2:])))

    @op(library, "torch.rot90", "torch.Tensor.rot90")
    def rot90(interp: Interpreter, value: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
        own = list(value.sizes)
        if k % 2:
            own[dims[0]], own[dims[1]] = own[dims[1]], own[dims[0]]
        return like(interp, value, own)

    @op(library, "torch.roll", "torch.Tensor.roll", "torch.flip", "torch.Tensor.flip", "torch.fliplr", "torch.tril", "torch.triu",
        "torch.Tensor.tril", "torch.Tensor.triu", "torch.Tensor.fliplr", "torch.flipud", "torch.Tensor.flipud", "torch.renorm", "torch.Tensor.renorm",
        "torch.msort", "torch.Tensor.msort")  # fmt: skip
    def roll(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(interp, value)


def _check_joined(parts: Sequence[Tensor], own: list[int], place: int) -> None:
    """Refuse to join tensors that differ in more than the joined axis."""
    for at, each in enumerate(parts):
        if len(each.sizes) != len(own):
            raise ValueError(f"Tensors must have same number of dimensions: got {len(own)} and {len(each.sizes)}")
        wrong = next((axis for axis, size in enumerate(each.sizes) if axis != place and size != own[axis]), None)
        if wrong is not None:
            raise ValueError(
                f"Sizes of tensors must match except in dimension {place}. Expected size {own[wrong]} but got size {each.sizes[wrong]} "
                f"for tensor number {at} in the list."
            )


def _register_joins(library: Library) -> None:
    @op(library, "torch.cat", "torch.concat", "torch.concatenate")
    def cat(interp: Interpreter, tensors: Sequence[Tensor], dim: int = 0, **options: Any) -> Tensor:
        parts = [each for each in tensors if each.shape != (0,)]
        if not parts:
            return tensor(interp, (0,))
        place = shapes.axis(options.get("axis", dim), len(parts[0].shape or ()))
        own = list(parts[0].shape or ())
        _check_joined(parts, own, place)
        own[place] = sum(each.sizes[place] for each in parts)
        data = None
        if place == 0 and all(each.data is not None for each in parts):
            data = [value for each in parts for value in each.data or []]
        return tensor(interp, own, promoted(*parts), data)

    @op(library, "torch.stack")
    def stack(interp: Interpreter, tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
        parts = list(tensors)
        own = parts[0].shape or ()
        place = shapes.axis(dim, len(own) + 1)
        for at, each in enumerate(parts):
            if each.sizes != tuple(own):
                raise ValueError(
                    f"stack expects each tensor to be equal size, but got {list(own)} at entry 0 and {list(each.sizes)} at entry {at}"
                )
        return tensor(interp, (*own[:place], len(parts), *own[place:]), promoted(*parts))

    for name, rank, place in (
        ("hstack", 1, 1),
        ("vstack", 2, 0),
        ("row_stack", 2, 0),
        ("dstack", 3, 2),
        ("column_stack", 2, 1),
    ):

        @op(library, f"torch.{name}")
        def join(
            interp: Interpreter, tensors: Sequence[Tensor], _name: str = name, _rank: int = rank, _place: int = place
        ) -> Tensor:
            own = [list(_at_least(each.sizes, _rank, upright=_name == "column_stack")) for each in tensors]
            at = min(_place, len(own[0]) - 1)
            own[0][at] = sum(each[at] for each in own)
            return tensor(interp, own[0], promoted(*tensors))

    for rank in (1, 2, 3):

        @op(library, f"torch.atleast_{rank}d")
        def at_least(interp: Interpreter, value: Tensor, _rank: int = rank) -> Tensor:
            return _view(interp, value, _at_least(value.sizes, _rank))

    @op(library, "torch.nn.utils.rnn.pad_sequence")
    def pad_sequence(
        interp: Interpreter, sequences: Sequence[Tensor], batch_first: bool = False, **options: Any
    ) -> Tensor:
        longest = max((each.shape or (1,))[0] for each in sequences)
        head = (len(sequences), longest) if batch_first else (longest, len(sequences))
        return like(interp, sequences[0], (*head, *(sequences[0].shape or ())[1:]))

    @op(library, "torch.meshgrid")
    def meshgrid(interp: Interpreter, *tensors: Any, **options: Any) -> tuple[Tensor, ...]:
        parts = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else list(tensors)
        own = [shapes.product(each.sizes) for each in parts]
        if options.get("indexing") == "xy" and len(own) > 1:
            own[0], own[1] = own[1], own[0]
        return tuple(like(interp, each, own) for each in parts)

    @op(library, "torch.outer", "torch.ger", "torch.Tensor.outer")
    def outer(interp: Interpreter, left: Tensor, right: Tensor) -> Tensor:
        return like(interp, left, (*left.sizes, *right.sizes))

    @op(library, "torch.block_diag")
    def block_diag(interp: Interpreter, *parts: Tensor) -> Tensor:
        own = [(1, 1, *each.sizes)[-2:] for each in parts]  # a vector is a row
        return like(interp, parts[0], [sum(sizes) for sizes in zip(*own, strict=True)])


def _at_least(sizes: Sequence[int], rank: int, *, upright: bool = False) -> tuple[int, ...]:
    """Sizes with the dimensions that `hstack` and its kin add to smaller tensors; `upright`: a vector is a column."""
    if len(sizes) >= rank:
        return tuple(sizes)
    if upright:
        return (*sizes, 1) if sizes else (1, 1)
    sizes = tuple(sizes) or (1,)
    return (
        {1: sizes, 2: (1, *sizes), 3: (1, *sizes, 1) if len(sizes) == 1 else (*sizes, 1)}[rank][-3:]
        if len(sizes) < rank
        else sizes
    )


MOST_PARTS = 100_000


def _check_parts(count: int) -> None:
    if count > MOST_PARTS:
        raise ValueError(f"a tensor is parted into at most {MOST_PARTS:,} parts, got {count:,}")


def _pieces(interp: Interpreter, value: Tensor, dim: int, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    own = list(value.sizes)
    place = shapes.axis(dim, len(own))
    return tuple(like(interp, value, [*own[:place], size, *own[place + 1 :]]) for size in sizes)


def _register_splits(library: Library) -> None:
    @op(
        library,
        "torch.split",
        "torch.Tensor.split",
        "torch.split_with_sizes",
        "torch.Tensor.split_with_sizes",
        record="split",
    )
    def split(
        interp: Interpreter, value: Tensor, split_size_or_sections: Any = None, dim: int = 0, **options: Any
    ) -> Any:
        wanted = options.get("split_size", options.get("split_sizes", split_size_or_sections))
        total = value.sizes[shapes.axis(dim, len(value.sizes))]
        if isinstance(wanted, int):
            _check_parts(total // max(1, wanted))
            sizes = [min(wanted, total - start) for start in range(0, total, max(1, wanted))] or [0]
        elif isinstance(wanted, shapes.AssumedNumbers) and len(wanted):
            sizes = wanted.shares(total)
        else:
            sizes = [int(each.data[0]) if isinstance(each, Tensor) and each.data else 1 if isinstance(each, Tensor) else each
                     for each in wanted]  # fmt: skip
            if sum(sizes) != total and not any(isinstance(each, Tensor) for each in wanted):
                raise ValueError(f"split requires sizes that sum to {total}, got {sizes}")
        return _pieces(interp, value, dim, sizes)

    @op(library, "torch.chunk", "torch.Tensor.chunk")
    def chunk(interp: Interpreter, value: Tensor, chunks: int, dim: int = 0) -> Any:
        total = value.sizes[shapes.axis(dim, len(value.sizes))]
        size = -(-total // chunks)
        _check_parts(min(total, chunks))
        return _pieces(interp, value, dim, [min(size, total - start) for start in range(0, total, max(1, size))] or [0])

    @op(library, "torch.tensor_split", "torch.Tensor.tensor_split")
    def tensor_split(interp: Interpreter, value: Tensor, parts: Any, dim: int = 0) -> Any:
        total = value.sizes[shapes.axis(dim, len(value.sizes))]
        number = parts.data[0] if isinstance(parts, Tensor) and parts.data and not parts.sizes else parts
        if isinstance(number, int):
            _check_parts(number)
            sizes = [total // number + (index < total % number) for index in range(number)]
            return _pieces(interp, value, dim, sizes)
        if isinstance(number, Tensor) and (number.data is None or len(number.sizes) != 1):
            return Unknown("the places at which tensor_split cuts are numbers in a tensor", interp.here())
        places = number.data if isinstance(number, Tensor) else number
        edges = [0, *(min(max(each + total if each < 0 else each, 0), total) for each in places or ()), total]
        sizes = [max(stop - start, 0) for start, stop in pairwise(edges)]
        return _pieces(interp, value, dim, sizes)

    for name, dim in (("hsplit", 1), ("vsplit", 0), ("dsplit", 2)):

        @op(library, f"torch.{name}", f"torch.Tensor.{name}")
        def split_axis(interp: Interpreter, value: Tensor, parts: Any, _name: str = name, _dim: int = dim) -> Any:
            place = 0 if len(value.sizes) == 1 else _dim
            if isinstance(parts, int) and value.sizes[place] % parts:
                raise ValueError(f"{_name} requires a size that {parts} divides, got {list(value.sizes)}")
            return tensor_split(interp, value, parts, place)

    @op(library, "torch.unbind", "torch.Tensor.unbind")
    def unbind(interp: Interpreter, value: Tensor, dim: int = 0) -> Any:
        own = value.sizes
        place = shapes.axis(dim, len(own))
        rest = (*own[:place], *own[place + 1 :])
        if value.data is not None and place == 0 and own[0]:
            step = len(value.data) // own[0]
            return tuple(
                tensor(interp, rest, value.dtype, value.data[at * step : (at + 1) * step]) for at in range(own[0])
            )
        _check_parts(own[place])
        return tuple(like(interp, value, rest) for _ in range(own[place]))

    library.function("torch._elements")(_elements)


def _elements(interp: Interpreter, value: Tensor) -> list[Any]:
    """What a loop over a tensor sees; a loop over data of unknown length runs once."""
    if value.shape is None:
        return [Tensor(None, value.dtype, at=interp.here())]
    return list(interp.op("torch.unbind", value))


def _register_repeats(library: Library) -> None:
    @op(library, "torch.Tensor.expand")
    def expand(interp: Interpreter, value: Tensor, *sizes: Any) -> Tensor:
        own, wanted = value.sizes, sizes_of(interp, sizes)
        padded = (1,) * (len(wanted) - len(own)) + tuple(own)
        return like(interp, value, [have if want == -1 else want for have, want in zip(padded, wanted, strict=True)])

    @op(library, "torch.Tensor.expand_as", record="expand")
    def expand_as(interp: Interpreter, value: Tensor, other: Tensor) -> Tensor:
        return like(interp, value, other.shape)

    @op(library, "torch.broadcast_to", "torch.Tensor.broadcast_to", record="expand")
    def broadcast_to(interp: Interpreter, value: Tensor, *sizes: Any) -> Tensor:
        return like(interp, value, sizes_of(interp, sizes))

    @op(library, "torch.broadcast_tensors")
    def broadcast_tensors(interp: Interpreter, *values: Tensor) -> tuple[Tensor, ...]:
        shape = shapes.broadcast(*(each.sizes for each in values))
        return tuple(like(interp, each, shape) for each in values)

    @op(library, "torch.Tensor.repeat", "torch.tile", "torch.Tensor.tile", record="repeat")
    def repeat(interp: Interpreter, value: Tensor, *times: Any, **options: Any) -> Tensor:
        counts = sizes_of(interp, times or (options.get("dims", ()),))
        own = (1,) * (len(counts) - len(value.sizes)) + tuple(value.sizes)
        counts = (1,) * (len(own) - len(counts)) + counts
        return like(interp, value, [size * count for size, count in zip(own, counts, strict=True)])

    @op(library, "torch.repeat_interleave", "torch.Tensor.repeat_interleave")
    def repeat_interleave(
        interp: Interpreter, value: Tensor, repeats: Any = None, dim: int | None = None, **options: Any
    ) -> Any:
        if repeats is None:  # places, each as often as its number says
            value, repeats = tensor(interp, value.sizes, "int64"), value
        own = list(value.sizes)
        if dim is None:
            own, dim = [shapes.product(own)], 0
        place = shapes.axis(dim, len(own))
        if "output_size" in options:
            own[place] = options["output_size"]
        elif isinstance(repeats, Tensor):
            if repeats.data is None or (len(repeats.data) not in (1, own[place])):
                return of_unknown_count(interp, "repeat_interleave", value.dtype)
            own[place] = int(sum(repeats.data)) if len(repeats.data) > 1 else own[place] * int(repeats.data[0])
        else:
            own[place] *= repeats
        return like(interp, value, own)


__all__ = ["dtype_name", "register"]
