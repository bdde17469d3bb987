"""How a tensor lies in memory: strides and offset, for what code asks of views (`stride`, `is_contiguous`, `storage_offset`).

A tensor that an op made lies in one piece, and holds no layout.  Views hold one, worked out as torch does; what an op makes of a view
otherwise is not followed: its layout is not known, unless the op keeps that of its operands or always makes a tensor in one piece.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html; strides of a reshaped view as in `aten/src/ATen/TensorUtils.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from archviz.interpreter.repeats import distinct
from archviz.interpreter.values import DType, Layout, Tensor
from archviz.ops import shapes

NOT_KNOWN = Layout(None)


class Viewed(NamedTuple):
    """A view op at work.

    Args:
        value: Its operand, of known layout.
        strides: How that lies.
        offset: Elements before its first one.
        args: The positional arguments behind the operand.
        kwargs: The named ones.
        results: What the op gave, in order.
    """

    value: Tensor
    strides: tuple[int, ...]
    offset: int
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: Sequence[Tensor]

    @property
    def rank(self) -> int:
        return len(self.strides)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the only result."""
        return self.results[0].sizes

    def given(self, *names: str) -> tuple[Any, ...]:
        """The arguments in order, those given by name at the end."""
        return (*self.args, *(self.kwargs[name] for name in names if name in self.kwargs))


Rule = Callable[[Viewed], "Layout | list[Layout]"]


def in_one_piece(sizes: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor that lies in one piece.

    >>> in_one_piece((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(shapes.product(max(size, 1) for size in sizes[place + 1 :]) for place in range(len(sizes)))


def layout_of(value: Tensor) -> Layout:
    """The layout of a tensor of known shape."""
    return Layout(in_one_piece(value.sizes)) if value.layout is None else value.layout


def is_contiguous(value: Tensor) -> bool | None:
    """Whether a tensor lies in one piece; None when that is not known."""
    strides = layout_of(value).strides
    if strides is None:
        return None
    axes = zip(value.sizes, strides, in_one_piece(value.sizes), strict=True)
    return 0 in value.sizes or all(size == 1 or have == want for size, have, want in axes)


def follow(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Give what an op made its layout, where that is not the one of a new tensor.

    Args:
        name: The op without `torch.` and `Tensor.`.
        args: What it got.
        kwargs: What it got by name.
        result: What it gave.
    """
    rule = VIEWS.get(name)
    if rule is not None and args and args[0].__class__ is Tensor:
        viewed(rule, args[0], args[1:], kwargs, result)
        return
    short = name.rpartition(".")[2]
    if (
        short in IN_ANY_ORDER
        or name.startswith("linalg.")
        or "memory_format" in kwargs
        or (short == "matmul" and _folds(args))
    ):
        _mark(result, NOT_KNOWN, [each for each in args if isinstance(each, Tensor)])
    elif views := _views((*args, *kwargs.values())):
        if short not in IN_ONE_PIECE and not (short == "pad" and len(views[0].sizes) not in CHANNELS_LAST):
            _mark(result, _kept(views, args, copies=short in COPYING) if short in KEEPING else NOT_KNOWN, views)


def _folds(args: Sequence[Any]) -> bool:
    """Whether a product turns its operands: of a matrix with several."""
    ranks = [0 if each.shape is None else len(each.shape) for each in args[:2] if isinstance(each, Tensor)]
    return len(ranks) == 2 and ranks[0] <= 2 < ranks[1]


def viewed(rule: Rule, value: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Give the views that an op made their layouts by a rule."""
    if value.shape is None:
        return
    results = [
        each for each in (result if isinstance(result, (list, tuple)) else (result,)) if isinstance(each, Tensor)
    ]
    own = layout_of(value)
    if own.strides is None:
        _mark(results, NOT_KNOWN, [])
        return
    found = rule(Viewed(value, own.strides, own.offset, args, kwargs, results))
    for each, layout in zip(results, found if isinstance(found, list) else [found], strict=True):
        fresh = layout.offset == 0 and layout.strides == in_one_piece(each.sizes)
        each.layout = None if fresh else layout


_NUMBERS = frozenset({int, float, bool})  # a list of them may be long, and holds no tensor


def _views(given: Sequence[Any]) -> list[Tensor]:
    """The operands that hold a layout."""
    found: list[Tensor] = []
    for each in distinct(given):
        if each.__class__ is Tensor:
            if each.layout is not None:
                found.append(each)
        elif isinstance(each, (list, tuple)) and not _NUMBERS.issuperset(map(type, each)):
            found += _views(each)
    return found


def _kept(views: list[Tensor], args: Sequence[Any], *, copies: bool) -> Layout:
    """The layout of an elementwise result, where all operands have the same: theirs, closed up where it has gaps."""
    strides = views[0].layout.strides if views[0].layout is not None else None
    operands = [each for each in args if isinstance(each, Tensor) and each.sizes]
    same = all(each.shape == views[0].shape and layout_of(each).strides == strides for each in operands)
    if not same or strides is None:
        return NOT_KNOWN
    if not copies and is_contiguous(views[0]):
        return Layout(in_one_piece(views[0].sizes))
    if _is_dense(views[0].sizes, strides):
        return Layout(strides)
    steps = [stride for stride, size in zip(strides, views[0].sizes, strict=True) if size != 1 and stride != 0]
    in_order = steps == sorted(set(steps), reverse=True)
    return Layout(in_one_piece(views[0].sizes)) if in_order else NOT_KNOWN


def _is_dense(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill a piece of memory without gaps or overlaps, in whatever order."""
    expected = 1
    for stride, size in sorted((stride, size) for stride, size in zip(strides, sizes, strict=True) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def _mark(result: Any, layout: Layout, operands: Sequence[Tensor]) -> None:
    """Give results a layout; an op in place hands on its operand, which keeps its own."""
    for each in result if isinstance(result, (list, tuple)) else (result,):
        if isinstance(each, Tensor) and each.shape is not None and not any(each is one for one in operands):
            each.layout = layout


def _transposed(view: Viewed) -> Layout:
    one, other = (shapes.axis(each, view.rank) for each in view.given("dim0", "axis0", "dim1", "axis1")[:2])
    strides = list(view.strides)
    strides[one], strides[other] = strides[other], strides[one]
    return Layout(tuple(strides), view.offset)


def _turned(view: Viewed) -> Layout:
    return Layout((*view.strides[:-2], *reversed(view.strides[-2:])), view.offset)


def _permuted(view: Viewed) -> Layout:
    dims = view.given("dims")
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], (list, tuple)) else dims
    return Layout(tuple(view.strides[shapes.axis(place, view.rank)] for place in order), view.offset)


def _moved(view: Viewed) -> Layout:
    source, destination = (
        [each] if isinstance(each, int) else list(each) for each in view.given("source", "destination")[:2]
    )
    pairs = zip(source, destination, strict=True)
    origin = {shapes.axis(to, view.rank): shapes.axis(at, view.rank) for at, to in pairs}
    rest = iter([place for place in range(view.rank) if place not in origin.values()])
    order = [origin[at] if at in origin else next(rest) for at in range(view.rank)]
    return Layout(tuple(view.strides[place] for place in order), view.offset)


def _expanded(view: Viewed) -> Layout:
    sizes, strides = view.sizes, list[int]()
    more = len(sizes) - view.rank
    for place in reversed(range(len(sizes))):
        if place >= more:
            size, stride = view.value.sizes[place - more], view.strides[place - more]
        else:
            size, stride = 1, sizes[place + 1] * strides[0] if strides else 1
        strides.insert(0, stride if size == sizes[place] else 0)
    return Layout(tuple(strides), view.offset)


def _pieces(view: Viewed) -> list[Layout]:
    given = view.given("dim")
    place = shapes.axis(given[1] if len(given) > 1 else 0, view.rank)
    starts = accumulate((each.sizes[place] for each in view.results), initial=0)
    return [
        Layout(view.strides, view.offset + start * view.strides[place])
        for start, _ in zip(starts, view.results, strict=False)
    ]


def _rows(view: Viewed) -> list[Layout]:
    place = shapes.axis((*view.given("dim"), 0)[0], view.rank)
    rest = (*view.strides[:place], *view.strides[place + 1 :])
    return [Layout(rest, view.offset + at * view.strides[place]) for at in range(len(view.results))]


def _narrowed(view: Viewed) -> Layout:
    dim, start = view.given("dim", "start")[:2]
    place = shapes.axis(dim, view.rank)
    if not isinstance(start, int):
        return NOT_KNOWN
    first = start if start >= 0 else start + view.value.sizes[place]
    return Layout(view.strides, view.offset + first * view.strides[place])


def _selected(view: Viewed) -> Layout:
    dim, index = view.given("dim", "index")[:2]
    place = shapes.axis(dim, view.rank)
    if not isinstance(index, int):
        return NOT_KNOWN
    at = range(view.value.sizes[place])[index]
    return Layout((*view.strides[:place], *view.strides[place + 1 :]), view.offset + at * view.strides[place])


def _reshaped(view: Viewed) -> Layout:
    """The strides of another shape over the same elements; one that no strides reach is a copy in one piece."""
    dtype = next((each for each in view.given("dtype") if isinstance(each, DType)), None)
    if dtype is not None:
        return _of_other_width(view)
    strides = _strides_of_view(view.value.sizes or (1,), view.strides or (1,), view.sizes)
    return Layout(in_one_piece(view.sizes)) if strides is None else Layout(strides, view.offset)


def _seen_otherwise(view: Viewed) -> Layout:
    """`view`, which makes no copy: refused where no strides reach the other shape."""
    dtype = next((each for each in view.given("dtype") if isinstance(each, DType)), None)
    own = view.value.sizes or (1,)
    if dtype is None and _strides_of_view(own, view.strides or (1,), view.sizes) is None:
        raise RuntimeError(
            f"view size is not compatible with input tensor's size and stride: {list(own)} with strides {list(view.strides)} as {list(view.sizes)}. "
            "Use .reshape(...) instead."
        )
    return _reshaped(view)


def _strides_of_view(own: Sequence[int], strides: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...] | None:
    if 0 in own:
        return in_one_piece(sizes)
    found = [0] * len(sizes)
    place, base, elements, seen = len(sizes) - 1, strides[-1], 1, 1
    for at in reversed(range(len(own))):
        elements *= own[at]
        if at and (own[at - 1] == 1 or strides[at - 1] == elements * base):
            continue
        while place >= 0 and (seen < elements or sizes[place] == 1):
            found[place] = seen * base
            seen *= sizes[place]
            place -= 1
        if seen != elements:
            return None
        base, elements, seen = strides[at - 1], 1, 1
    return tuple(found) if place == -1 else None


def _of_other_width(view: Viewed) -> Layout:
    own, new = view.value.sizes, view.sizes
    if not own or own[-1] == new[-1]:
        return Layout(view.strides, view.offset)
    if new[-1] > own[-1]:
        times = new[-1] // own[-1]
        return Layout((*(stride * times for stride in view.strides[:-1]), 1), view.offset * times)
    times = own[-1] // max(new[-1], 1)
    return Layout((*(stride // times for stride in view.strides[:-1]), 1), view.offset // times)


def _as_real(view: Viewed) -> Layout:
    return Layout((*(2 * stride for stride in view.strides), 1), 2 * view.offset)


def _real(view: Viewed) -> Layout:
    """`real` of complex numbers; real ones are their own."""
    if "complex" not in view.value.dtype:
        return Layout(view.strides, view.offset)
    return Layout(tuple(2 * stride for stride in view.strides), 2 * view.offset)


def _imag(view: Viewed) -> Layout:
    """`imag` of complex numbers."""
    return Layout(tuple(2 * stride for stride in view.strides), 2 * view.offset + 1)


def _as_complex(view: Viewed) -> Layout:
    return Layout(tuple(stride // 2 for stride in view.strides[:-1]), view.offset // 2)


def _unsqueezed(view: Viewed) -> Layout:
    place = shapes.axis(view.given("dim")[0], view.rank + 1)
    stride = view.value.sizes[place] * view.strides[place] if place < view.rank else 1
    return Layout((*view.strides[:place], stride, *view.strides[place:]), view.offset)


def _squeezed(view: Viewed) -> Layout:
    dim = (*view.given("dim"), None)[0]
    dims = range(view.rank) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {at for at in (shapes.axis(each, view.rank) for each in dims) if view.value.sizes[at] == 1}
    return Layout(tuple(stride for at, stride in enumerate(view.strides) if at not in gone), view.offset)


def _diagonal(view: Viewed) -> Layout:
    if view.rank == 1:  # `diag` of a vector makes a matrix
        return Layout(in_one_piece(view.sizes))
    options = {**dict(zip(("offset", "dim1", "dim2"), view.args, strict=False)), **view.kwargs}
    one, other = shapes.axis(options.get("dim1", 0), view.rank), shapes.axis(options.get("dim2", 1), view.rank)
    shift = options.get("offset", 0)
    first = shift * view.strides[other] if shift >= 0 else -shift * view.strides[one]
    rest = [stride for at, stride in enumerate(view.strides) if at not in (one, other)]
    return Layout((*rest, view.strides[one] + view.strides[other]), view.offset + first)


def _windows(view: Viewed) -> Layout:
    dim, _, step = view.given("dimension", "size", "step")[:3]
    place = shapes.axis(dim, view.rank)
    return Layout(
        (*view.strides[:place], view.strides[place] * step, *view.strides[place + 1 :], view.strides[place]),
        view.offset,
    )


def _strided(view: Viewed) -> Layout:
    _, stride, *offset = view.given("size", "stride", "storage_offset")
    return Layout(tuple(stride), offset[0] if offset and offset[0] is not None else view.offset)


def _item(view: Viewed) -> Layout:
    """`value[…]` of integers, slices, `None` and `...`; an index tensor makes a copy, whose order of axes is not followed."""
    parts = [each for each in view.args[0] if each is not Ellipsis]
    if not all(each is None or type(each) is int or _is_plain(each) for each in parts):
        return NOT_KNOWN
    spare = view.rank - sum(each is not None for each in parts)
    at = next((place for place, each in enumerate(view.args[0]) if each is Ellipsis), len(parts))
    strides, offset, place = list[int](), view.offset, 0
    for part in [*parts[:at], *[slice(None)] * spare, *parts[at:]]:
        if part is None:
            strides.append(view.value.sizes[place] * view.strides[place] if place < view.rank else 1)
            continue
        size, stride = view.value.sizes[place], view.strides[place]
        place += 1
        if isinstance(part, slice):
            start, _, step = part.indices(size)
            strides.append(stride * step)
            offset += start * stride
        else:
            offset += range(size)[part] * stride
    return Layout(tuple(strides), offset)


def _is_plain(part: Any) -> bool:
    return isinstance(part, slice) and all(
        each is None or isinstance(each, int) for each in (part.start, part.stop, part.step)
    )


VIEWS: dict[str, Rule] = {
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), _transposed),
    **dict.fromkeys(("t", "adjoint"), _turned),
    "permute": _permuted,
    **dict.fromkeys(("movedim", "moveaxis"), _moved),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), _expanded),
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "tensor_split"), _pieces),
    "unbind": _rows,
    "narrow": _narrowed,
    "select": _selected,
    **dict.fromkeys(("view", "view_as"), _seen_otherwise),
    **dict.fromkeys(("reshape", "reshape_as", "flatten", "unflatten", "ravel"), _reshaped),
    "view_as_real": _as_real,
    "view_as_complex": _as_complex,
    "real": _real,
    "imag": _imag,
    "unsqueeze": _unsqueezed,
    "squeeze": _squeezed,
    "diagonal": _diagonal,
    "unfold": _windows,
    "as_strided": _strided,
    "getitem": _item,
}
COPYING = frozenset({
    "clone", "detach", "to", "type", "type_as", "float", "half", "double", "bfloat16", "long", "int", "bool", "cpu", "cuda",
})  # fmt: skip
KEEPING = COPYING | {
    "add", "sub", "mul", "div", "__truediv__", "neg", "exp", "abs", "silu", "gelu", "relu", "sigmoid", "tanh", "pow", "sqrt", "rsqrt",
    "lt", "gt", "le", "ge", "eq", "ne",
}  # fmt: skip
IN_ONE_PIECE = frozenset({
    "contiguous", "stack", "embedding", "linear", "bmm", "mm", "masked_fill", "repeat", "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor",
})  # fmt: skip
CHANNELS_LAST = (4, 5)
"""Ranks of images and films: what fills up one may keep its channels last."""
IN_ANY_ORDER = frozenset({
    "einsum", "scaled_dot_product_attention", "_multi_head_attention", "_recurrent", "tensordot", "bilinear", "svd", "qr", "cdist", "fft", "ifft",
    "rfft", "irfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn", "stft", "istft",
})  # fmt: skip
"""Ops whose result is often a view of what they compute, or depends on the kernel that runs."""

__all__ = ["VIEWS", "follow", "in_one_piece", "is_contiguous", "layout_of", "viewed"]
