"""Heads of an attention: how many queries and keys there are, and how wide, off the pass where it shows them, else off settings and projections."""

from __future__ import annotations

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.linears import linear_sizes
from archviz.patterns.repeated_keys import repeats
from archviz.patterns.score_path import ScorePath
from archviz.patterns.stated_settings import stated_integer
from archviz.patterns.trace import Trace
from archviz.records import record

_HEADS = ("num_heads", "heads", "num_attention_heads", "n_heads", "n_head", "num_q_heads", "nhead", "num_query_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "num_kv_head", "kv_heads")
_HEAD_DIM = ("head_dim", "attention_head_size", "key_value_proj_dim", "qk_head_dim", "d_head", "head_size", "dim_head")
HEAD_SETTINGS = (*_HEADS, *_HEAD_DIM, "num_key_value_groups", "scaling")
"""Attributes of modules that have heads."""


@record(frozen=True)
class Heads:
    """Heads of queries and keys, and their widths; None what was not understood.

    Args:
        kind: `mha`, `gqa`, `mqa` or `mla`.
        width: Of a query head; `value_width` of a value head.
    """

    kind: str | None
    count: int | None
    keys: int | None
    width: int | None
    value_width: int | None


def read_heads(
    module: ModuleRecord, projections: dict[str, ModuleRecord], trace: Trace, core: Event | None, path: ScorePath | None
) -> Heads:
    """The heads of an attention.

    Args:
        core: Its call of an attention function on whole heads; `path` the way of its scores.
    """
    head_dim = stated_integer(module, _HEAD_DIM)
    value_dim = stated_integer(module, ("v_head_dim",))
    mla = bool(stated_integer(module, ("kv_lora_rank",))) or ("kv" in projections and value_dim is not None)
    seen = _seen_heads(trace, trace.call(module.path), core, None if mla else path)
    heads = _heads(module, projections, head_dim, value_dim, seen) or _heads_of_scores(path, projections)
    if head_dim is None and heads:
        query = linear_sizes(projections["q"])[1] if "q" in projections else None  # type: ignore[index]
        head_dim = query // heads if query else seen[2] if seen else None
        head_dim = head_dim or stated_integer(module, ("embed_dim", "hidden_size"), divide_by=heads)
    if head_dim is None and heads and path is not None:
        head_dim = _width_of_scores(path, heads, projections)
    kv_heads = _kv_heads(module, projections, heads, head_dim, seen[1] if seen else None)
    kind = "mla" if mla else _grouping(heads, kv_heads)
    return Heads(kind, heads, kv_heads, head_dim, value_dim or head_dim)


def _seen_heads(
    trace: Trace, call: Event | None, core: Event | None, path: ScorePath | None
) -> tuple[int | None, int | None, int | None] | None:
    """Heads of the queries, heads of the keys before they are repeated, and their width, as the attention's operands have them.

    They stand as `[B, heads, S, d]`, the keys perhaps turned over, or as the letters of a product say.
    """
    operands = core.inputs[:2] if core is not None else path.operands if path is not None else None
    if operands is None or call is None:
        return None
    times = repeats(trace, call, operands[1])
    if core is None and path is not None and path.letters is not None:
        heads, keys, width = path.letters
        return heads, keys // times if keys % times == 0 else None, width
    query, key = (value.shape or () for value in operands)
    if len(query) != 4 or len(key) != 4:
        return None
    return query[1], (key[1] or 0) // times or None, query[-1]


def _heads(
    module: ModuleRecord, projections: dict[str, ModuleRecord], head_dim: int | None, value_dim: int | None,
    seen: tuple[int | None, int | None, int | None] | None,
) -> int | None:  # fmt: skip
    if seen is not None and seen[0]:
        return seen[0]
    stated = stated_integer(module, _HEADS)
    width = value_dim or head_dim
    if stated is None and width and "o" in projections:
        sizes = linear_sizes(projections["o"])
        return sizes[0] // width if sizes else None
    if stated is None and head_dim and "q" in projections:
        sizes = linear_sizes(projections["q"])
        return sizes[1] // head_dim if sizes else None
    return stated


def _heads_of_scores(path: ScorePath | None, projections: dict[str, ModuleRecord]) -> int | None:
    """The heads of the queries that the scores are products of, `[B, H, S, d]`, where they are as wide together as their projection."""
    shape = path.operands[0].shape if path is not None and path.operands is not None else None
    sizes = linear_sizes(projections["q"]) if "q" in projections else None
    if not shape or len(shape) != 4 or sizes is None:
        return None
    heads, width = shape[1], shape[3]
    return heads if heads and width and heads * width == sizes[1] else None


def _width_of_scores(path: ScorePath, heads: int, projections: dict[str, ModuleRecord]) -> int | None:
    """The width of the queries that the scores are products of, where so many heads of it fill a fused or an output projection."""
    shape = path.operands[0].shape if path.operands is not None else None
    width = (shape or (None,))[-1] or 0
    fused, output = (linear_sizes(projections[part]) if part in projections else None for part in ("qkv", "o"))
    fits = (fused is not None and fused[1] == 3 * heads * width) or (output is not None and output[0] == heads * width)
    return width if width and fits else None


def _kv_heads(
    module: ModuleRecord, projections: dict[str, ModuleRecord], heads: int | None, head_dim: int | None,
    seen: int | None,
) -> int | None:  # fmt: skip
    key = linear_sizes(projections["k"]) if "k" in projections else None
    if key and head_dim and key[1] % head_dim == 0:
        return key[1] // head_dim
    if seen is not None and stated_integer(module, ("num_key_value_groups",)) is None:
        return seen
    stated = stated_integer(module, _KV_HEADS)
    groups = stated_integer(module, ("num_key_value_groups",))
    if stated is None and groups and heads:
        return heads // groups
    if stated is not None and module.attributes.get("multi_query") is False and not stated:
        return heads
    return stated or heads


def _grouping(heads: int | None, kv_heads: int | None) -> str | None:
    if heads is None or kv_heads is None:
        return None
    if kv_heads == heads:
        return "mha"
    return "mqa" if kv_heads == 1 else "gqa"
