"""Norms of queries and keys that are no module of all their heads: cosine attention, an L2 norm with a learned temperature, a bound on the
norm, a norm of the rotated part alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archviz.interpreter.reading import Event, ValueRef
from archviz.late_patterns import late_pattern
from archviz.patterns.attention import Attention
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import canonical
from archviz.patterns.score_path import ScorePath
from archviz.spans import Span
from archviz.verify.view import LayerView

QK_NORM = {"head": "per head", "whole": "over the whole projection"}
_OF_ONE = late_pattern(r"(^|_)(q|k|query|key)(_|$|norm)")
_LENGTHS = frozenset({"normalize", "norm", "vector_norm", "linalg_norm", "linalg_vector_norm"})
_ROOTS = frozenset({"rms_norm", "layer_norm", "rsqrt"})


def computed_norm(view: LayerView, path: ScorePath | None, core: Event | None) -> tuple[str, list[Span | None]] | None:
    """What normalises queries or keys on the way to their product, in words, with its lines; None where nothing does.

    Args:
        core: The attention function, which takes queries and keys where no product of them is written out.
    """
    operands = path.operands if path is not None else core.inputs[:2] if core is not None else None
    if operands is None or view.lineage is None:
        return None
    each = [list(_steps(view, operand)) for operand in operands]
    steps = [event for own in each for event in own]
    names = {canonical(event.name) for event in steps}
    kind = "L2" if names & _LENGTHS else "RMS" if names & _ROOTS else None
    if kind is None:
        return None
    apart = [[event for event in own if _is_telling(view, event)] for own in each]
    telling = [event for own in apart for event in own]
    if not telling:
        return None
    alone = of_one(queries=bool(apart[0]), keys=bool(apart[1]))
    bounded = any(canonical(e.name) == "clamp" and _upper(e) for e in steps)
    lines = list(dict.fromkeys(event.at for event in telling))
    held = [view.context.modules.get(event.module) for event in telling]
    if all(module is not None and detect_norm(module, view.trace) is not None for module in held):
        modules = dict.fromkeys(event.module for event in telling)
        words = _reach(view, modules) or f"of a part of the heads: {', '.join(map(view.short, modules))}"
        return words + alone, lines
    words = f"{kind} norm, bounded from above" if bounded else f"{kind} norm without a module of its own"
    return words + alone, lines


def of_one(*, queries: bool, keys: bool) -> str:
    """What is said where one of the two alone is normalised."""
    return "" if queries == keys else ", of the queries alone" if queries else ", of the keys alone"


def named_alone(names: Iterable[str]) -> str:
    """The same by the names of the norms: `q_norm` without a `k_norm`."""
    found = [_OF_ONE.search(name.lower()) for name in names]
    letters = {match[2][0] for match in found if match is not None}
    return of_one(queries="q" in letters, keys="k" in letters) if all(found) else ""


def _is_telling(view: LayerView, event: Event) -> bool:
    return canonical(event.name) in _LENGTHS | _ROOTS and not _of_compressed(view, event)


def _steps(view: LayerView, operand: ValueRef) -> Iterator[Event]:
    """The steps between a projection and an operand of the scores, small modules without children looked into."""
    assert view.lineage is not None
    for event in view.lineage.steps(operand):
        if event.kind == "call" and not view.lineage.is_projection(event):
            yield from view.trace.inside(event)
        else:
            yield event


def _reach(view: LayerView, modules: Iterable[str]) -> str | None:
    """How far norms under names of their own reach: each head, or all together; None for a part of a head."""
    what = view.part.what if view.part else None
    calls = [call for path in modules if (call := view.trace.call(path)) is not None and call.inputs]
    widths = {(call.inputs[0].shape or (None,))[-1] for call in calls}
    if not isinstance(what, Attention) or not what.head_dim or None in widths:
        return None
    if widths == {what.head_dim}:
        return QK_NORM["head"]
    whole = {what.head_dim * (what.heads or 0), what.head_dim * (what.kv_heads or 0)}
    return QK_NORM["whole"] if widths <= whole else None


def _of_compressed(view: LayerView, event: Event) -> bool:
    """Whether a step belongs to the norm of a compressed vector, which is as wide as its rank."""
    what, module = view.part.what if view.part else None, view.context.modules.get(event.module)
    norm = detect_norm(module, view.trace) if module is not None else None
    return isinstance(what, Attention) and norm is not None and norm.size is not None and norm.size in what.ranks


def _upper(event: Event) -> bool:
    """Whether a clamp has an upper bound."""
    return event.options.get("max", event.options.get("2")) is not None
