"""The memory of a model as a table, and as JSON data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archviz.architecture.folding import ranges
from archviz.numbers.cache_growth import Kept
from archviz.numbers.dtypes import short_name
from archviz.numbers.memory import DEFINITIONS, CacheKind, Memory
from archviz.numbers.sizes import size_text


def operations_text(count: int | None) -> str:
    """Operations in the largest decimal unit that leaves at least 1.

    >>> operations_text(34_700_000_000), operations_text(28)
    ('34.7 G', '28')
    """
    if count is None:
        return "-"
    found = float(count)
    for unit in ("", " k", " M", " G"):
        if found < 1000:
            return f"{found:,.3g}{unit}"
        found /= 1000
    return f"{found:,.3g} T" if found < 1000 else f"{found:,.0f} T"


def length_text(tokens: int) -> str:
    """`32k` for 32,768."""
    if tokens and tokens % 1024**2 == 0:
        return f"{tokens // 1024**2}M"
    return f"{tokens // 1024}k" if tokens and tokens % 1024 == 0 else f"{tokens:,}"


def memory_text(memory: Memory) -> str:
    """Weights, what is kept for each token, and the needs at each length."""
    lines = [memory.model, f"{memory.class_name} · {memory.parameters:,} parameters", ""]
    lines += ["Weights", *(f"  {short_name(name):<10} {size_text(size):>12}" for name, size in memory.weights.items())]
    size = size_text(memory.stored.bytes) if memory.stored and memory.stored.bytes is not None else "not known"
    lines.append(f"  {'as stated':<10} {size:>12}  {memory.stored.words if memory.stored else 'no type is stated'}")
    if memory.active is not None and memory.active != memory.parameters:
        lines.append(f"  {memory.active:,} active per token")
    lines += ["", f"Kept for one sequence, cache in {short_name(memory.dtype)}"]
    if memory.missing is not None:
        return "\n".join([*lines, f"  not known: {memory.missing}", *memory.remarks, ""])
    if not memory.kinds:
        lines.append("  nothing: no pass returns a cache or leaves a state on a module for the next one")
        lines += _pass_lines(memory)
        return "\n".join([*lines, *(f"  note: {each}" for each in memory.remarks)]) + "\n"
    for kind in memory.kinds:
        lines += _kind_lines(kind, memory)
    lines += [
        "",
        *(f"  {label:<46} {size_text(size):>12}" for label, size in _per_token(memory)),
        "",
        *_table(memory),
        "",
        *_source_lines(memory),
    ]
    hidden = {
        "indexer": not memory.per_token(growing=False, roles=("indexer",)),
        "cross": not any(each.cross for each in memory.contexts),
        "absorbed": not memory.operations.absorbed,
    }
    shown = [name for name in DEFINITIONS if not hidden.get(name)]
    lines += [f"  {name.replace('_', ' ')}: {DEFINITIONS[name]}" for name in shown]
    return "\n".join([*lines, *(f"  note: {each}" for each in memory.remarks)]) + "\n"


def _pass_lines(memory: Memory) -> Iterator[str]:
    """What a pass multiplies, of a model that keeps nothing."""
    if not memory.lengths:
        return
    yield ""
    if not any(memory.operations.source[1:]):
        yield f"  one pass, whatever the context: {operations_text(memory.operations.once(0))} FLOP, in projections and products"
        return
    for tokens in memory.lengths:
        count = memory.operations.once(tokens)
        each = f"; {operations_text(count // tokens)} for a token" if memory.operations.source[0] * 100 < count else ""
        yield f"  one pass over {length_text(tokens)} tokens: {operations_text(count)} FLOP, in projections and products{each}"


def _kind_lines(kind: CacheKind, memory: Memory) -> Iterator[str]:
    view = f", window {kind.window:,}" if kind.window is not None else ""
    part = "" if kind.part == "self" else " (cross-attention)"
    yield f"  {len(kind.layers)} × {kind.title}{view}{part}" + (f"  {kind.at}" if kind.at else "")
    alike: dict[
        tuple[str, str, str, str], list[Kept]
    ] = {}  # in one cache for all layers, by name around its first number
    for each in kind.kept:
        if each.slot or each.constant:
            before, number, after = _first_number(each.name)
            text = _kept_text(each, memory, cross=kind.part == "cross")
            key = (
                (before, after, each.holds or "", text)
                if number is not None
                else (each.name, "", each.holds or "", text)
            )
            alike.setdefault(key, []).append(each)
    for (before, after, holds, text), kept in alike.items():
        several = len(kept) > 1
        numbers = (number for each in kept if (number := _first_number(each.name)[1]) is not None)
        name = f"{before}{{{ranges(numbers)}}}{after}" if several else kept[0].name
        yield f"      {f'{name} ({holds})' if holds else name:<28} {text.replace(' in all', ' each') if several else text}"


def _first_number(name: str) -> tuple[str, int | None, str]:
    """A name around the first of its parts that is a number; None where none is.

    >>> _first_number("rnn_state.3.0"), _first_number("keys")
    (('rnn_state.', 3, '.0'), ('keys', None, ''))
    """
    found = re.search(r"(?<![^.])\d+(?![^.])", name)
    return (name[: found.start()], int(found[0]), name[found.end() :]) if found else (name, None, "")


def _kept_text(kept: Kept, memory: Memory, *, cross: bool) -> str:
    text = []
    token = "token of the source" if cross else "token"
    if kept.cycle:
        text.append(f"{kept.slot:,} for each token since the last {kept.cycle:,} were compressed")
    elif kept.slot:
        text.append(f"{kept.slot:,} for " + (f"each {token}" if kept.rate == 1 else f"every {kept.rate:,} {token}s"))
    if kept.constant:
        fixed = memory.source.fixed if memory.source is not None and kept.role in ("keys", "values") else None
        where = f"for the {fixed:,} tokens of the {_source_name(memory)}" if fixed else "in all"
        text.append(f"{kept.constant:,} {where}" + (f", {short_name(kept.dtype)}" if kept.dtype else ""))
    return ", ".join(text) + ("; the projected keys once more" if kept.again else "")


def _source_name(memory: Memory) -> str:
    return "image" if memory.source is not None and memory.source.images else "source"


def _source_lines(memory: Memory) -> Iterator[str]:
    """How long the source is taken to be, and what is computed once for it."""
    source = memory.source
    if source is None:
        return
    name = _source_name(memory)
    if source.fixed is not None:
        yield f"  {name}: {source.fixed:,} tokens, as the code fixes it"
    elif source.asked is not None:
        yield f"  source: {source.asked:,} tokens, as asked for"
    else:
        yield "  source: as many tokens as the context; --source sets its length"
    lengths = list(dict.fromkeys(each.source for each in memory.contexts if each.source is not None))
    for length in lengths:
        count = memory.operations.once(length)
        if count:
            yield f"  once for {'an image' if source.images else 'a source'} of {length_text(length)} tokens: {operations_text(count)} FLOP, in projections and products"
    yield ""


def _per_token(memory: Memory) -> Iterator[tuple[str, float]]:
    inside, growing = memory.per_token(growing=False), memory.per_token(growing=True)
    indexer = memory.per_token(growing=False, roles=("indexer",))
    yield "For each token" + (", before windows" if inside != growing else ""), inside
    if inside != growing:
        yield "For each token beyond the windows", growing
    if indexer:
        yield "Indexer keys for each token", indexer
    if memory.source_token:
        yield "Cross-attention for each token of the source", memory.source_token


def _table(memory: Memory) -> Iterator[str]:
    needs = memory.contexts
    columns: list[tuple[str, list[str], bool]] = [
        ("cache", [size_text(each.cache) for each in needs], True),
        ("as coded", [size_text(each.as_coded) for each in needs], any(each.as_coded != each.cache for each in needs)),
        ("indexer", [size_text(each.indexer) for each in needs], any(each.indexer for each in needs)),
        ("cross", [size_text(each.cross) for each in needs], any(each.cross for each in needs)),
        ("state", [size_text(each.state) for each in needs], True),
        ("reserved", [size_text(each.reserved) for each in needs], True),
        ("FLOP decode", [operations_text(each.decode) for each in needs], True),
        ("absorbed", [operations_text(each.absorbed) for each in needs], bool(memory.operations.absorbed)),
        ("FLOP prefill", [operations_text(each.prefill) for each in needs], True),
    ]
    shown = [(name, cells) for name, cells, is_shown in columns if is_shown]
    yield f"  {'context':>9}" + "".join(f"{name:>13}" for name, _ in shown)
    for place, each in enumerate(needs):
        yield f"  {length_text(each.tokens):>9}" + "".join(f"{cells[place]:>13}" for _, cells in shown)


def _bytes(count: float) -> float:
    """Bytes as a whole number, unless a token adds a part of one.

    >>> _bytes(49152.0), _bytes(0.5)
    (49152, 0.5)
    """
    return int(count) if float(count).is_integer() else count


def memory_data(memory: Memory) -> dict[str, object]:
    """The memory of a model as JSON data; sizes are bytes of one sequence."""
    return {
        "model": memory.model,
        "class": memory.class_name,
        "parameters": memory.parameters,
        "active_parameters": memory.active,
        "weights": memory.weights,
        "weights_as_stated": {"bytes": memory.stored.bytes, "what": memory.stored.words} if memory.stored else None,
        "cache_dtype": memory.dtype,
        "per_token": None
        if memory.missing is not None
        else {
            "cache": _bytes(memory.per_token(growing=False)),
            "cache_beyond_windows": _bytes(memory.per_token(growing=True)),
            "indexer": _bytes(memory.per_token(growing=False, roles=("indexer",))),
            "cross_attention_per_source_token": _bytes(memory.source_token),
        },
        "kinds": [
            {
                "title": kind.title, "layers": kind.layers, "part": kind.part, "window": kind.window, "at": kind.at,
                "kept": [
                    {
                        "name": each.name, "holds": each.holds, "role": each.role, "entry": each.slot, "tokens_per_entry": each.rate, "constant": each.constant,
                        "constant_from": each.since, "emptied_every": each.cycle or None,
                        "window": each.window, "dtype": each.dtype or memory.dtype, "counted_elsewhere": each.again,
                    }
                    for each in kind.kept
                ],
            }
            for kind in memory.kinds
        ],
        "contexts": [
            {
                "tokens": each.tokens, "cache": each.cache, "as_coded": each.as_coded, "indexer": each.indexer, "state": each.state,
                "reserved": each.reserved, "flops_decode": each.decode, "flops_decode_absorbed": each.absorbed,
                "flops_prefill_per_token": each.prefill, "cross": each.cross, "source": each.source,
                "flops_source": None if each.source is None else memory.operations.once(each.source),
            }
            for each in memory.contexts
        ],
        "passes": [{"tokens": tokens, "flops": memory.operations.once(tokens)} for tokens in memory.lengths],
        "max_context": memory.maximum,
        "definitions": DEFINITIONS,
        "missing": memory.missing,
        "remarks": memory.remarks,
    }  # fmt: skip
