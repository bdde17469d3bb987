"""The ops of einops: rearrange, repeat, reduce, einsum and packing by a pattern of named axes.  Source: einops/einops.py.

`b s (h d) -> b h s d` is carried out as what it stands for: a view that takes composed axes apart, a permutation, an expansion or a
reduction, and a view that puts axes together, so that a trace shows the data flow in torch's own ops.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Tensor, Unknown
from archviz.late_patterns import late_pattern
from archviz.ops import shapes

Group = list[str]  # the names of axes that are one axis together; empty for an axis of size 1
_TOKEN = late_pattern(r"\s*(\.\.\.|…|[A-Za-z_]\w*|\d+|[()])")
_LONGEST = 1000
JOINED = "(...)"  # axes that nobody named, as one axis or a part of one
REDUCTIONS = ("min", "max", "sum", "mean", "prod", "any", "all")


def register(library: Library) -> None:
    """Fill the table with the functions of einops; its layers are in archviz/layers."""
    library.package("einops")
    library.function("einops.rearrange")(
        lambda interp, tensor, pattern, **lengths: _checked(interp, tensor, pattern, lengths)
    )
    library.function("einops.repeat")(
        lambda interp, tensor, pattern, **lengths: _checked(interp, tensor, pattern, lengths)
    )
    library.function("einops.reduce")(
        lambda interp, tensor, pattern, reduction, **lengths: _checked(interp, tensor, pattern, lengths, reduction)
    )
    library.function("einops.parse_shape")(parse_shape)
    library.function("einops.einsum")(named_einsum)
    library.function("einops.pack")(pack)
    library.function("einops.unpack")(unpack)
    library.function("einops.asnumpy")(lambda interp, tensor: tensor)


def _checked(interp: Interpreter, value: Any, pattern: Any, lengths: dict[str, Any], reduction: Any = "") -> Any:
    """`transformed`, where everything is understood; what einops refuses, the program refuses."""
    unknown = next((each for each in (value, pattern, *lengths.values()) if isinstance(each, Unknown)), None)
    if unknown is not None:
        return unknown
    if isinstance(value, (list, tuple)):
        value = interp.op("torch.stack", list(value), 0)
    if not isinstance(value, Tensor) or value.shape is None:
        return Tensor(None, at=interp.here()) if isinstance(value, Tensor) else value
    if not isinstance(reduction, str) or reduction not in ("", *REDUCTIONS):
        return Unknown("a reduction that is a function", interp.here())
    try:
        return transformed(interp, value, pattern, {name: int(size) for name, size in lengths.items()}, reduction)
    except ValueError as error:
        raise RaisedError(ValueError(f"{pattern!r}: {error}"), interp.here(), explicit=False) from error


def parse_groups(text: str) -> list[Group]:
    """One side of a pattern.

    >>> parse_groups("b (h d) 1 ...")
    [['b'], ['h', 'd'], [], ['...']]
    """
    groups: list[Group] = []
    inner: Group | None = None
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"a pattern requires names, numbers and parentheses, got {text[at:][:20]!r}")
        at, part = found.end(), found.group(1).replace("…", "...")
        if part == "(":
            if inner is not None:
                raise ValueError("a pattern takes one level of parentheses")
            inner = []
        elif part == ")":
            if inner is None:
                raise ValueError("a pattern requires balanced parentheses")
            groups.append(inner)
            inner = None
        elif inner is not None:
            inner += [] if part == "1" else [JOINED if part == "..." else part]
        else:
            groups.append([] if part == "1" else [part])
    if inner is not None:
        raise ValueError("a pattern requires balanced parentheses")
    return groups


def sides(pattern: str) -> tuple[list[Group], list[Group]]:
    """Both sides of a pattern."""
    if len(pattern) > _LONGEST or pattern.count("->") != 1:
        raise ValueError("a pattern requires one arrow")
    left, right = pattern.split("->")
    return parse_groups(left), parse_groups(right)


def transformed(interp: Interpreter, value: Tensor, pattern: str, lengths: dict[str, int], reduction: str = "") -> Any:
    """A tensor after a pattern: axes taken apart, reduced, put in order, repeated, put together."""
    left, right = sides(pattern)
    left, right = _spelled_out(left, right, len(value.sizes))
    known = axis_sizes(left, value.sizes, lengths)
    single = [name for group in left for name in group]
    wanted = [name for group in right for name in group]
    new = [name for name in wanted if name not in single]
    for name in new:
        if name.isdigit():
            known[name] = int(name)
        elif name in lengths:
            known[name] = lengths[name]
        else:
            raise ValueError(f"the size of axis {name} is not known")
    gone = [name for name in single if name not in wanted]
    if gone and not reduction:
        raise ValueError(f"axes {gone} are on the left only")
    if reduction and new:
        raise ValueError(f"axes {new} are on the right only")
    value = _viewed(interp, value, [known[name] for name in single])
    if gone:
        value = _reduced(interp, value, reduction, [place for place, name in enumerate(single) if name in gone])
    kept = [name for name in single if name not in gone]
    order = [kept.index(name) for name in wanted if name in kept]
    if order != sorted(order):
        value = interp.op("torch.Tensor.permute", value, *order)
    if new:
        value = _expanded(interp, value, wanted, new, known)
    return _viewed(interp, value, [shapes.product(known[name] for name in group) for group in right])


def _spelled_out(left: list[Group], right: list[Group], rank: int) -> tuple[list[Group], list[Group]]:
    """Both sides with names for the axes that `...` stands for."""
    if ["..."] not in left:
        if len(left) != rank:
            raise ValueError(f"the pattern has {len(left)} axes, the tensor {rank}")
        return left, right
    rest = [f"… {place}" for place in range(rank - len(left) + 1)]

    def spelled(groups: list[Group]) -> list[Group]:
        found: list[Group] = []
        for group in groups:
            if group == ["..."]:
                found += [[name] for name in rest]
            else:
                found.append([name for each in group for name in (rest if each == JOINED else [each])])
        return found

    return spelled(left), spelled(right)


def axis_sizes(groups: Sequence[Group], sizes: Sequence[int], lengths: dict[str, int]) -> dict[str, int]:
    """The size of every named axis of a tensor.

    >>> axis_sizes([["b"], ["h", "d"]], (2, 12), {"h": 3})
    {'b': 2, 'h': 3, 'd': 4}
    """
    known: dict[str, int] = {}
    for group, size in zip(groups, sizes, strict=True):
        given = {name: int(name) if name.isdigit() else lengths.get(name) for name in group}
        open_names = [name for name, length in given.items() if length is None]
        product = shapes.product(length for length in given.values() if length is not None)
        if len(open_names) > 1:
            raise ValueError(f"the sizes of {open_names} are not known")
        if open_names:
            if not product or size % product:
                raise ValueError(f"an axis of {size} does not divide by {product}")
            given[open_names[0]] = size // product
        elif product != size:
            raise ValueError(f"an axis of {size} is not of {product}")
        known.update({name: length for name, length in given.items() if length is not None})
    return known


def _viewed(interp: Interpreter, value: Tensor, wanted: list[int]) -> Any:
    return value if list(value.sizes) == wanted else interp.op("torch.Tensor.reshape", value, wanted)


def _reduced(interp: Interpreter, value: Tensor, reduction: str, places: list[int]) -> Any:
    name = {"min": "amin", "max": "amax"}.get(reduction, reduction)
    if name in ("prod", "any", "all"):
        for place in sorted(places, reverse=True):
            value = interp.op(f"torch.Tensor.{name}", value, place)
        return value
    return interp.op(f"torch.Tensor.{name}", value, tuple(places))


def _expanded(interp: Interpreter, value: Tensor, wanted: list[str], new: list[str], known: dict[str, int]) -> Any:
    value = interp.op("torch.Tensor.reshape", value, [1 if name in new else known[name] for name in wanted])
    return interp.op("torch.Tensor.expand", value, [known[name] for name in wanted])


def parse_shape(interp: Interpreter, value: Any, pattern: str) -> Any:
    """The sizes of a tensor by name; `_` is left out."""
    if not isinstance(value, Tensor) or value.shape is None:
        return value if isinstance(value, Unknown) else Unknown("the shape of a tensor", interp.here())
    names = pattern.split()
    if len(names) != len(value.sizes):
        raise ValueError(f"the pattern has {len(names)} axes, the tensor {len(value.sizes)}")
    return {name: size for name, size in zip(names, value.sizes, strict=True) if name != "_"}


def named_einsum(interp: Interpreter, *given: Any) -> Any:
    """`einsum(a, b, "b i d, b j d -> b i j")`: an equation with names for letters."""
    *tensors, pattern = given
    unknown = next((each for each in given if isinstance(each, Unknown)), None)
    if unknown is not None:
        return unknown
    names = list(dict.fromkeys(re.findall(r"[A-Za-z_]\w*", pattern)))
    if len(names) > len(string.ascii_letters):
        raise ValueError("einsum takes at most 52 axes")
    letters = dict(zip(names, string.ascii_letters, strict=False))
    equation = re.sub(r"[A-Za-z_]\w*", lambda found: letters[found.group()], pattern).replace(" ", "")
    return interp.op("torch.einsum", equation, *tensors)


def pack(interp: Interpreter, tensors: Any, pattern: str) -> Any:
    """Tensors with the axes at `*` made one and joined along it; and what sizes they had there."""
    before, after, joined = *_around_star(pattern), []
    packed = []
    for each in interp.iterate(tensors):
        sizes = each.sizes
        inner = sizes[before : len(sizes) - after]
        packed.append(inner)
        joined.append(
            interp.op(
                "torch.Tensor.reshape", each, [*sizes[:before], shapes.product(inner), *sizes[len(sizes) - after :]]
            )
        )
    return interp.op("torch.cat", joined, dim=before), packed


def unpack(interp: Interpreter, value: Any, packed: Any, pattern: str) -> Any:
    """The tensors that `pack` joined."""
    if isinstance(value, Unknown) or isinstance(packed, Unknown):
        return value if isinstance(value, Unknown) else packed
    before, after = _around_star(pattern)
    inner = [tuple(each) for each in packed]
    lengths = [-1 if -1 in each else shapes.product(each) for each in inner]
    total = value.sizes[before]
    lengths = [total - sum(each for each in lengths if each >= 0) if each < 0 else each for each in lengths]
    parts = interp.op("torch.split", value, lengths, dim=before)
    sizes = value.sizes
    return [
        interp.op("torch.Tensor.reshape", part, [*sizes[:before], *each, *sizes[len(sizes) - after :]])
        for part, each in zip(parts, inner, strict=True)
    ]


def _around_star(pattern: str) -> tuple[int, int]:
    """How many axes stand before and after `*`."""
    names = pattern.split()
    if names.count("*") != 1:
        raise ValueError("a packing pattern requires one *")
    return names.index("*"), len(names) - names.index("*") - 1


def layer_call(interp: Interpreter, self: ModuleInstance, value: Any) -> Any:
    """The forward of `einops.layers.torch.Rearrange` and `Reduce`."""
    return _checked(interp, value, self.attrs["pattern"], dict(self.attrs["axes_lengths"]), self.attrs["reduction"])


__all__ = ["axis_sizes", "layer_call", "parse_groups", "register", "transformed"]
