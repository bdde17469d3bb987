"""Rotary position embedding: where it is made, on what it acts, and in which layout."""

from __future__ import annotations

import ast

from archviz.codesearch.sites import Site
from archviz.codesearch.topic import Topic, call_with, mentions


def _every_other(site: Site) -> bool:
    """`x[..., ::2]` and `x[..., 1::2]`: the interleaved layout."""
    index = site.node.slice if isinstance(site.node, ast.Subscript) else None
    last = index.elts[-1] if isinstance(index, ast.Tuple) and index.elts else index
    return isinstance(last, ast.Slice) and isinstance(last.step, ast.Constant) and last.step.value == 2


def _rotation(site: Site) -> bool:
    """`cat((-x2, x1))` and `stack((-x2, x1))`: a quarter turn of pairs."""
    arguments = site.node.args if isinstance(site.node, ast.Call) else []
    if site.name.rpartition(".")[2] not in ("cat", "stack", "concat", "concatenate") or not arguments:
        return False
    parts = arguments[0].elts if isinstance(arguments[0], ast.Tuple | ast.List) else []
    return len(parts) == 2 and isinstance(parts[0], ast.UnaryOp) and isinstance(parts[0].op, ast.USub)


def _frequencies(site: Site) -> bool:
    """`base ** (arange(0, dim, 2) / dim)`: the inverse frequencies."""
    power = site.node.right if isinstance(site.node, ast.BinOp) and isinstance(site.node.op, ast.Pow) else None
    return power is not None and mentions(power, ("arange",))


TOPIC = Topic(
    name="rope",
    what="rotary position embedding: tables, rotation, layout, the branches that leave it out",
    words=(
        "rotary",
        "rope*",
        "mrope",
        "rotate_half",
        "rotate_every_two",
        "rotate_queries*",
        "yarn",
        "freqs_cis",
        "inv_freq*",
    ),
    dotted=("torch.polar", "torch.view_as_complex", "torch.view_as_real", "torch.cos", "torch.sin", "torch.sincos"),
    methods=frozenset({"cos", "sin", "view_as_complex", "view_as_real"}),
    keywords=("rotary", "rope*", "interleave", "interleaved"),
    branches=("rotary", "rope*", "nope", "interleave", "interleaved"),
    structures=(
        ("slice", _every_other),
        ("call", _rotation),
        ("expression", _frequencies),
        call_with(frozenset({"repeat_interleave", "outer", "einsum"}), ("cos", "sin", "freq*", "inv_freq*", "sincos")),
    ),
)
