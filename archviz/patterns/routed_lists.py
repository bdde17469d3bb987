"""Experts under any name: a list of equal parts, and beside it a choice by as many scores that says which of them works on a token."""

from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.op_families import canonical
from archviz.patterns.router_flow import chosen_of, experts_choice, is_float, single_choices
from archviz.patterns.trace import Trace


def routed_count(parts: ModuleRecord, block: ModuleRecord, trace: Trace) -> int | None:
    """How many experts a list of parts holds; None where its parts differ, or no choice among as many is seen in the block.

    Args:
        parts: The list.
        block: The module that holds it.
    """
    equal = list(parts.children.values())
    shapes = [
        [(t.name.removeprefix(each.path), t.shape) for m in each.walk() for t in m.parameters.values()]
        for each in equal
    ]
    call = trace.call(block.path)
    if call is None or len(equal) < 2 or not shapes[0] or any(each != shapes[0] for each in shapes):
        return None
    if not all(name.isdigit() for name in parts.children):
        return None
    steps = [event for event in trace.inside(call) if not f"{event.module}.".startswith(f"{parts.path}.")]
    ranked = [e for e in steps if canonical(e.name) == "topk" and e.kind == "op" and e.inputs and is_float(e.inputs[0])]
    chosen = any(chosen_of(event, event.inputs[0]) == len(equal) for event in ranked)
    chosen = chosen or experts_choice(ranked, len(equal)) is not None
    return len(equal) if chosen or single_choices(trace, steps, len(equal)) else None
