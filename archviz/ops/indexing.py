"""Reading and writing parts of a tensor, its attributes, and conversions of a whole tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.library import Library
from archviz.interpreter.lost import report
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import BoundMethod, Device, DType, Layout, Shape, Tensor, Unknown
from archviz.ops import frequencies, masks, numbers, shapes, shared_numbers, strides
from archviz.ops.choices import mask_count, of_unknown_count
from archviz.ops.counts import assumed_counts
from archviz.ops.creation import DTYPES
from archviz.ops.registry import dtype_name, first_unknown, like, number_in, op, options_of, tensor
from archviz.ops.tensor_names import TENSOR_NAMES


def register(library: Library) -> None:
    _register_items(library)
    _register_attributes(library)
    _register_parts_of_complex(library)
    _register_conversions(library)
    _register_forms(library)
    _register_gathers(library)


def _register_items(library: Library) -> None:
    @library.function("torch.Tensor.__getitem__")
    def get_item(interp: Interpreter, value: Tensor, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        unknown = first_unknown([value, *_with_bounds(parts)], {})
        if unknown is not None:
            report(interp, unknown)
            return unknown
        recorder = interp.recorder
        if recorder is None:
            found = indexed(interp, value, parts)
            numbers.item(value, parts, found)
            masks.item(value, parts, found)
            frequencies.part(value, found)
            strides.viewed(strides.VIEWS["getitem"], value, (parts,), {}, found)
            _share_view(value, parts, found)
            return found
        whole = slice(None)
        cuts = isinstance(parts[-1], slice) and parts[-1] != whole and (Ellipsis in parts or len(parts) > 1)
        event = recorder.begin("op", "slice" if cuts else "getitem", [value, *parts], interp.here())
        result = None
        try:
            result = indexed(interp, value, parts)
            if recorder.keeps_numbers:
                numbers.item(value, parts, result)
                _share_view(value, parts, result)
            masks.item(value, parts, result)
            strides.viewed(strides.VIEWS["getitem"], value, (parts,), {}, result)
        finally:
            recorder.end(event, result, _bounds(parts))
        recorder.passed[event] = ((value, index), {}, result)
        return result

    @library.function("torch.Tensor.__setitem__")
    def set_item(interp: Interpreter, value: Tensor, index: Any, new: Any) -> None:
        numbers.assign(value, index, new)
        shared_numbers.written(value)
        masks.written(value, new)
        report(interp, [*_with_bounds(index if isinstance(index, tuple) else (index,)), new])
        if interp.recorder is not None:
            event = interp.recorder.begin("op", "setitem", [value, new, index], interp.here())
            place = _bounds(index if isinstance(index, tuple) else (index,))
            interp.recorder.end(event, value, {"index": place["index"]} if "index" in place else None)
            interp.recorder.passed[event] = ((value, new, index), {}, None)


def _share_view(value: Tensor, parts: tuple[Any, ...], found: Any) -> None:
    """An index of integers and slices gives a view; one of tensors or lists a copy."""
    if all(each is None or each is Ellipsis or type(each) in (int, slice) for each in parts):
        shared_numbers.share(value, found)


def _with_bounds(parts: tuple[Any, ...]) -> Iterator[Any]:
    """The parts of an index; of a slice its bounds."""
    for part in parts:
        if part.__class__ is slice:
            yield from (part.start, part.stop, part.step)
        else:
            yield part


def _bounds(parts: tuple[Any, ...]) -> dict[str, Any]:
    """What an event says of an index: the bounds of a slice of the last axis, and the index as it is written, where it takes a part."""
    last = parts[-1]
    found = {"start": last.start, "stop": last.stop, "step": last.step} if isinstance(last, slice) else {}
    bounds: dict[str, Any] = {name: bound for name, bound in found.items() if isinstance(bound, int)}
    if any(type(part) in (int, list) or (type(part) is slice and part != slice(None)) for part in parts):
        bounds["index"] = ", ".join(map(_written, parts))[:80]
    return bounds


def _written(part: Any) -> str:
    if isinstance(part, slice):
        ends = [str(each) if type(each) is int else "" if each is None else "…" for each in (part.start, part.stop)]
        return ":".join([*ends, *([str(part.step)] if type(part.step) is int else [])])
    if part is Ellipsis:
        return "..."
    return str(part) if part is None or type(part) is int or _is_short(part) else "…"


def _is_short(part: Any) -> bool:
    return isinstance(part, (list, tuple)) and len(part) <= 4 and all(type(each) is int for each in part)


def indexed(interp: Interpreter, value: Tensor, parts: tuple[Any, ...]) -> Any:
    """`value[parts]`: integers, slices, None, Ellipsis, masks and index tensors."""
    if value.shape is None:
        return Tensor(None, value.dtype, at=interp.here())
    if (
        value.data is not None
        and len(parts) == 1
        and isinstance(parts[0], (int, slice))
        and not isinstance(parts[0], bool)
    ):
        return _known(interp, value, parts[0])
    parts = tuple(_as_index(interp, each) for each in parts)
    consumed = sum(_consumes(each) for each in parts)
    spare = len(value.shape) - consumed
    if spare < 0:
        raise IndexError(f"indexing requires at most {len(value.shape)} indices, got {consumed}")
    filled: list[Any] = []
    for each in parts:
        filled += [slice(None)] * spare if each is Ellipsis else [each]
    if not any(each is Ellipsis for each in parts):
        filled += [slice(None)] * spare
    return _gathered(interp, value, filled)


def _as_index(interp: Interpreter, part: Any) -> Any:
    if isinstance(part, slice):
        return slice(*(_bound(interp, each) for each in (part.start, part.stop, part.step)))
    if isinstance(part, (list, tuple, range)):
        sizes, first = _list_sizes(part)
        if isinstance(first, bool):
            return tensor(interp, sizes, "bool", list(part) if len(sizes) == 1 else None)
        return tensor(interp, sizes, "int64")
    return part


def _list_sizes(part: Any) -> tuple[tuple[int, ...], Any]:
    """The shape of nested lists as a tensor, and their first element."""
    sizes: list[int] = []
    while isinstance(part, (list, tuple, range)):
        sizes.append(len(part))
        part = part[0] if len(part) else None
    return (*sizes, *(part.sizes if isinstance(part, Tensor) else ())), part


def _bound(interp: Interpreter, value: Any) -> Any:
    return int(number_in(interp, value)) if isinstance(value, Tensor) else value


def _consumes(part: Any) -> int:
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    if isinstance(part, Tensor) and part.dtype == "bool":
        return len(part.sizes)
    return 1


def _known(interp: Interpreter, value: Tensor, part: Any) -> Tensor:
    own, data = value.sizes, value.data or []
    step = len(data) // own[0] if own and own[0] else 1
    if isinstance(part, slice):
        places = range(own[0])[part]
        return tensor(
            interp,
            (len(places), *own[1:]),
            value.dtype,
            [v for at in places for v in data[at * step : (at + 1) * step]],
        )
    place = range(own[0])[part]
    return tensor(interp, own[1:], value.dtype, data[place * step : (place + 1) * step])


def _gathered(interp: Interpreter, value: Tensor, parts: list[Any]) -> Tensor:
    own = list(value.sizes)
    result: list[int] = []
    advanced: list[tuple[int, ...]] = []
    first: int | None = None
    ended = apart = False  # index tensors with something between them put their dimensions first
    place = 0
    for part in parts:
        apart = apart or (isinstance(part, Tensor) and ended)
        ended = ended or (first is not None and (part is None or isinstance(part, (slice, bool))))
        if part is None or isinstance(part, bool):
            result.append(1)
            continue
        if isinstance(part, slice):
            result.append(shapes.slice_length(own[place], part))
        elif isinstance(part, Tensor):
            first = len(result) if first is None else first
            count = mask_count(interp, part) if part.dtype == "bool" else 0
            if count is None:
                return of_unknown_count(interp, "an index of truth values", value.dtype)
            advanced.append((count,) if part.dtype == "bool" else tuple(part.sizes))
        elif isinstance(part, int) and not -own[place] <= part < own[place]:
            raise IndexError(f"index {part} is out of range for a dimension of size {own[place]}")
        place += _consumes(part)
    if first is not None and advanced:
        first = 0 if apart else first
        result[first:first] = list(shapes.broadcast(*advanced))
    return like(interp, value, result)


ATTRIBUTES: dict[str, Any] = {
    "dtype": lambda interp, value: interp.library_name(f"torch.{value.dtype}"),
    "device": lambda interp, value: Device("meta"),
    "requires_grad": lambda interp, value: value.requires_grad,
    "is_cuda": lambda interp, value: False,
    "is_mps": lambda interp, value: False,
    "is_sparse": lambda interp, value: False,
    "is_nested": lambda interp, value: False,
    "is_meta": lambda interp, value: True,
    "is_leaf": lambda interp, value: True,
    "layout": lambda interp, value: "strided",
    "grad": lambda interp, value: None,
    "data": lambda interp, value: value,
    "_base": lambda interp, value: None,
    "itemsize": lambda interp, value: DTYPES[value.dtype],
    "names": lambda interp, value: (None,) * len(value.sizes),
}
SHAPED: dict[str, Callable[[Tensor], Any]] = {
    "shape": lambda value: value.shape,
    "ndim": lambda value: len(value.sizes),
}
VIEWS = {"T": "torch.t", "mT": "torch.t", "H": "torch.t", "mH": "torch.t"}


def _register_attributes(library: Library) -> None:
    @library.function("torch._attribute")
    def attribute(interp: Interpreter, value: Tensor, name: str) -> Any:
        if name in SHAPED:
            return SHAPED[name](value) if value.shape is not None else Unknown("the shape of a tensor", interp.here())
        if name in ATTRIBUTES:
            return ATTRIBUTES[name](interp, value)
        if name == "T" and value.shape is not None and len(value.shape) != 2:
            return interp.op("torch.permute", value, *reversed(range(len(value.shape))))
        if name in VIEWS:
            return interp.op(VIEWS[name], value)
        if name in ("real", "imag"):
            return interp.op(f"torch.{name}", value)
        dotted = f"torch.Tensor.{name}"
        if interp.library.has(dotted):
            return BoundMethod(interp.library_name(dotted), value)
        if name.startswith("_"):
            return MISSING
        if name in TENSOR_NAMES:
            return Unknown(f"torch.Tensor.{name} has no stub", interp.here())
        return MISSING

    @library.function("torch._set_attribute")
    def set_attribute(interp: Interpreter, value: Tensor, name: str, new: Any) -> None:
        if name == "data" and isinstance(new, Tensor):
            if interp.recorder is not None and new.shape != value.shape:
                interp.spend(len(interp.recorder.passed) // 16)
                interp.recorder.reshaped(value, value.twin())
            value.shape, value.dtype, value.data = new.shape, new.dtype, new.data
            shared_numbers.share(new, value)
        elif name == "requires_grad":
            value.requires_grad = bool(new)
        else:
            value.attrs = {**(value.attrs or {}), name: new}


def _register_parts_of_complex(library: Library) -> None:
    for name in ("real", "imag"):

        @op(library, f"torch.{name}")
        def part(interp: Interpreter, input: Tensor, _name: str = name) -> Any:
            return _part_of_complex(interp, input, _name)


def _part_of_complex(interp: Interpreter, value: Tensor, name: str) -> Any:
    if "complex" not in value.dtype:
        return value if name == "real" else Unknown("imag of real numbers", interp.here())
    if value.shape is None:
        return value
    found = like(interp, value, dtype="float64" if value.dtype == "complex128" else "float32")
    frequencies.part(value, found)
    return found


def _register_conversions(library: Library) -> None:
    @op(library, "torch.Tensor.requires_grad_", record="requires_grad_")
    def requires_grad_(interp: Interpreter, value: Tensor, requires_grad: Any = True) -> Tensor:
        value.requires_grad = bool(requires_grad)
        return value

    same = ("clone", "contiguous", "detach", "cpu", "cuda", "detach_", "fill_", "zero_", "normal_",
            "uniform_", "copy_", "masked_fill_", "trunc_normal_", "pin_memory", "share_memory_", "exponential_",
            "random_", "retain_grad", "fill_diagonal_", "index_fill", "resolve_neg", "index_fill_", "set_", "xpu", "view_copy")  # fmt: skip
    for name in same:
        names = [f"torch.Tensor.{name}"] + ([f"torch.{name}"] if name in ("clone", "detach") else [])

        @op(library, *names, record=name)
        def unchanged(interp: Interpreter, value: Tensor, *args: Any, _name: str = name, **options: Any) -> Tensor:
            if _name.endswith("_"):
                value.data = None
                return value
            return tensor(interp, value.sizes, value.dtype, value.data)

    for name, dtype in (("float", "float32"), ("half", "float16"), ("bfloat16", "bfloat16"), ("double", "float64"), ("long", "int64"),
                        ("int", "int32"), ("bool", "bool"), ("byte", "uint8"), ("short", "int16"), ("char", "int8"), ("cfloat", "complex64"), ("cdouble", "complex128")):  # fmt: skip

        @op(library, f"torch.Tensor.{name}", record="to")
        def converted(interp: Interpreter, value: Tensor, *args: Any, _dtype: str = dtype, **options: Any) -> Tensor:
            return tensor(interp, value.sizes, _dtype, numbers.converted(value.data, _dtype))

    @op(library, "torch.Tensor.to", "torch.Tensor.type", "torch.Tensor.type_as", record="to")
    def to(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        dtype = next((each for each in (*args, options.get("dtype")) if isinstance(each, DType)), None)
        other = next((each for each in (*args, options.get("other")) if isinstance(each, Tensor)), None)
        name = dtype.name if dtype else other.dtype if other is not None else _of_kind(args) or value.dtype
        return tensor(interp, value.sizes, name, numbers.converted(value.data, name))


_KINDS = {"Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
          "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool"}  # fmt: skip


def _of_kind(args: tuple[Any, ...]) -> str | None:
    """The dtype that `type("torch.HalfTensor")` names."""
    given = next((each for each in args if isinstance(each, str) and each.endswith("Tensor")), "")
    return _KINDS.get(given.rpartition(".")[2].removesuffix("Tensor"))


def _register_forms(library: Library) -> None:
    @library.function("torch.Tensor.size")
    def size(interp: Interpreter, value: Tensor, dim: int | None = None) -> Any:
        if value.shape is None:
            return Unknown("the shape of a tensor", interp.here())
        return Shape(value.shape) if dim is None else value.shape[shapes.axis(dim, len(value.shape))]

    @library.function("torch.Tensor.numel", "torch.Tensor.nelement", "torch.numel")
    def numel(interp: Interpreter, value: Tensor) -> Any:
        return Unknown("the size of a tensor", interp.here()) if value.shape is None else shapes.product(value.shape)

    @library.function("torch.Tensor.dim", "torch.Tensor.ndimension")
    def dim(interp: Interpreter, value: Tensor) -> Any:
        return Unknown("the rank of a tensor", interp.here()) if value.shape is None else len(value.shape)

    @library.function("torch.Tensor.__len__")
    def length(interp: Interpreter, value: Tensor) -> Any:
        if value.shape is None:
            return Unknown("the size of a tensor", interp.here())
        if not value.shape:
            raise TypeError("len() of a 0-d tensor")
        return value.shape[0]

    @library.function("torch.Tensor.item")
    def item(interp: Interpreter, value: Tensor) -> Any:
        return number_in(interp, value)

    @library.function("torch.Tensor.numpy")
    def as_array(interp: Interpreter, value: Tensor) -> Any:
        found = tolist(interp, value)
        if interp.recorder is None:
            shared_numbers.written(value, itself=True)  # by whoever writes into the array, of which nothing is seen
        return found

    @library.function("torch.Tensor.tolist")
    def tolist(interp: Interpreter, value: Tensor) -> Any:
        if value.data is not None:
            return _nested(value.data, list(value.sizes))
        if interp.recorder is None or value.shape is None:
            return Unknown("numbers in a tensor", interp.here())
        known = assumed_counts(value)
        how = "1 each" if known is None else "equal shares of what they sum to"
        interp.recorder.assume(f"numbers in a tensor are taken as {how}", interp.here())
        return known if known is not None else shapes.AssumedNumbers([1] * (value.shape[0] if value.shape else 1))

    @library.function("torch.Tensor.__bool__", "torch.Tensor.is_nonzero")
    def yes(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> bool:
        return interp.truth(value)

    @library.function("torch.equal", "torch.allclose", "torch.Tensor.equal", "torch.Tensor.allclose")
    def equal(interp: Interpreter, one: Any, other: Any, *args: Any, **options: Any) -> bool:
        if isinstance(one, Tensor) and isinstance(other, Tensor) and None not in (one.shape, one.data, other.data):
            return one.shape == other.shape and one.data == other.data
        if interp.recorder is not None:
            interp.recorder.assume("two tensors are taken to be equal", interp.here())
        return True

    @library.function("torch.Tensor.is_contiguous")
    def is_contiguous(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> bool:
        found = None if value.shape is None or args or options else strides.is_contiguous(value)
        if found is None and interp.recorder is not None:
            interp.recorder.assume("a tensor is taken to lie in one piece", interp.here())
        return found is not False

    library.function("torch.Tensor.data_ptr")(lambda interp, value, *args: 1)

    _register_memory(library)


def _register_memory(library: Library) -> None:
    """How a tensor lies in memory."""

    @library.function("torch.Tensor.stride")
    def stride(interp: Interpreter, value: Tensor, dim: int | None = None) -> Any:
        found = None if value.shape is None else strides.layout_of(value).strides
        if found is None:
            return Unknown("the strides of what was made of a view", interp.here())
        return found if dim is None else found[shapes.axis(dim, len(found))]

    @library.function("torch.Tensor.storage_offset")
    def storage_offset(interp: Interpreter, value: Tensor) -> Any:
        layout = Layout(None) if value.shape is None else strides.layout_of(value)
        if layout.strides is None:
            return Unknown("where what was made of a view begins", interp.here())
        return layout.offset

    library.function("torch.Tensor.element_size")(
        lambda interp, value: DTYPES.get(value.dtype) or Unknown("the size of an element", interp.here())
    )


def _nested(data: list[Any], sizes: list[int]) -> Any:
    if not sizes:
        return data[0]
    if len(sizes) == 1:
        return list(data)
    step = len(data) // sizes[0] if sizes[0] else 0
    return [_nested(data[at * step : (at + 1) * step], sizes[1:]) for at in range(sizes[0])]


def _register_gathers(library: Library) -> None:
    @op(library, "torch.take_along_dim", "torch.Tensor.take_along_dim")
    def take_along_dim(interp: Interpreter, value: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
        """Places along one axis, the others broadcast; of the flat tensor without an axis."""
        if dim is None:
            return like(interp, value, (shapes.product(indices.sizes),))
        own, chosen, place = list(value.sizes), list(indices.sizes), shapes.axis(dim, len(value.sizes))
        own[place] = chosen[place]
        return like(interp, value, shapes.broadcast(tuple(own), tuple(chosen)))

    @op(library, "torch.gather", "torch.Tensor.gather", record="gather")
    def gather(interp: Interpreter, value: Tensor, dim: Any = None, index: Any = None, **options: Any) -> Tensor:
        chosen = index if isinstance(index, Tensor) else dim
        return like(interp, value, chosen.shape)

    @op(library, "torch.index_select", "torch.Tensor.index_select")
    def index_select(interp: Interpreter, value: Tensor, dim: int, index: Tensor) -> Tensor:
        own = list(value.sizes)
        own[shapes.axis(dim, len(own))] = shapes.product(index.sizes)
        return like(interp, value, own)

    @op(library, "torch.Tensor.narrow", "torch.narrow", "torch.narrow_copy", "torch.Tensor.narrow_copy")
    def narrow(interp: Interpreter, value: Tensor, dim: int, start: Any, length: int) -> Tensor:
        own = list(value.sizes)
        own[shapes.axis(dim, len(own))] = length
        return like(interp, value, own)

    @op(library, "torch.Tensor.select", "torch.select")
    def select(interp: Interpreter, value: Tensor, dim: int, index: Any) -> Tensor:
        own = list(value.sizes)
        own.pop(shapes.axis(dim, len(own)))
        return like(interp, value, own)

    @op(library, "torch.Tensor.masked_fill", "torch.masked_fill", record="masked_fill")
    def masked_fill(interp: Interpreter, value: Tensor, mask: Tensor, fill: Any) -> Tensor:
        return like(interp, value, shapes.broadcast(value.sizes, mask.sizes))

    names = ("scatter", "scatter_", "scatter_add", "scatter_add_", "masked_scatter", "masked_scatter_", "index_add", "index_add_",
             "index_copy", "index_copy_", "index_reduce", "index_reduce_", "select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter", "index_put", "index_put_", "scatter_reduce", "scatter_reduce_", "put_")  # fmt: skip
    for name in names:
        where = [f"torch.Tensor.{name}"] + ([f"torch.{name}"] if not name.endswith("_") else [])

        @op(library, *where, record=name)
        def scatter(interp: Interpreter, value: Tensor, *args: Any, _name: str = name, **options: Any) -> Tensor:
            value.data = None if _name.endswith("_") else value.data
            return value if _name.endswith("_") else like(interp, value)

    @op(library, "torch.Tensor.unfold")
    def unfold(interp: Interpreter, value: Tensor, dimension: int, size: int, step: int) -> Tensor:
        own = list(value.sizes)
        place = shapes.axis(dimension, len(own))
        own[place] = (own[place] - size) // step + 1
        return like(interp, value, [*own, size])

    @op(library, "torch.Tensor.as_strided", "torch.as_strided")
    def as_strided(interp: Interpreter, value: Tensor, size: Any, *args: Any, **options: Any) -> Tensor:
        return like(interp, value, tuple(size))


__all__ = ["dtype_name", "indexed", "options_of", "register"]
