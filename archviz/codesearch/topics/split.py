"""Splits and joins of tensors: which parts a projection has, how wide they are, and how they come together again."""

from __future__ import annotations

import ast

from archviz.codesearch.sites import Site
from archviz.codesearch.topic import Topic


def _part_of_an_axis(site: Site) -> bool:
    """`x[..., : d // 2]`, `x[..., a:, :]`, `x[..., 0, :]`, `x[:, :, :d]`: a part of one of the last axes."""
    index = site.node.slice if isinstance(site.node, ast.Subscript) else None
    if not isinstance(index, ast.Tuple) or len(index.elts) < 2:
        return False
    first, *rest = index.elts
    if isinstance(first, ast.Constant) and first.value is Ellipsis:
        return any(map(_bounded, rest)) or (len(rest) > 1 and any(map(_fixed, rest)))
    return len(rest) > 1 and all(map(_whole, index.elts[:-1])) and _bounded(rest[-1])


def _whole(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) and not _bounded(part)


def _bounded(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) and any((part.lower, part.upper, part.step))


def _fixed(part: ast.expr) -> bool:
    """A number or a list of numbers as an index; `None` adds an axis and takes nothing away."""
    if isinstance(part, ast.UnaryOp):
        part = part.operand
    return isinstance(part, ast.List) or (isinstance(part, ast.Constant) and type(part.value) is int)


TOPIC = Topic(
    name="split",
    what="split, chunk, unbind, slices of the last axes, cat, einops: the parts of a tensor and their sizes",
    words=("split_heads", "merge_heads", "split_qkv", "split_*", "unfuse_*", "rearrange"),
    dotted=(
        "torch.split",
        "torch.chunk",
        "torch.tensor_split",
        "torch.unbind",
        "torch.narrow",
        "torch.cat",
        "torch.concat",
        "torch.concatenate",
        "torch.hsplit",
        "torch.Tensor.split",
        "torch.Tensor.chunk",
        "einops.*",
        "numpy.split",
        "numpy.concatenate",
        "jax.numpy.split",
        "jax.numpy.concatenate",
        "mlx.core.split",
        "mlx.core.concatenate",
    ),
    methods=frozenset(
        {"split", "chunk", "tensor_split", "unbind", "narrow", "split_with_sizes", "unflatten", "hsplit"}
    ),
    structures=(("slice", _part_of_an_axis),),
)
