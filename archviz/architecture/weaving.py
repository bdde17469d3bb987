"""Lists of layers that run in turn: Idefics' gated cross-attention blocks between its decoder layers, HRM's two halves."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from archviz.architecture.column_layers import kind_key, list_names, named
from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.architecture.model import PatternItem, Weave
from archviz.architecture.naming import kind_labels
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.repeat import Repeat, find_repeats, repeat_text
from archviz.patterns.trace import Trace

_Call = tuple[Event, Stack, int]  # of the layer with this index in its list


def find_weaves(context: Context, stacks: Sequence[Stack]) -> list[Weave]:
    """The lists of a tower that are woven into each other: a layer of one runs between layers of another, on the same stream."""
    calls = _calls(context.trace, stacks) if len(stacks) > 1 else []
    return [_weave(group) for group in _alternating(calls) if _is_one_stream(context.trace, group)]


def _calls(trace: Trace, stacks: Sequence[Stack]) -> list[_Call]:
    """The calls of all layers in the pass of the first one, in order."""
    found = [
        (call, stack, index)
        for stack in stacks
        for index, layer in enumerate(stack.layers)
        for call in trace.calls(layer.path)
    ]
    ordered = sorted(found, key=lambda each: each[0].index)
    own = trace.pass_of(ordered[0][0]) if ordered else None
    return [each for each in ordered if trace.pass_of(each[0]) == own]


def _alternating(calls: Sequence[_Call]) -> Iterator[list[_Call]]:
    """Stretches of calls with layers of several lists, none of which ends before another begins."""
    last = {stack.path: place for place, (_, stack, _) in enumerate(calls)}
    start, end = 0, -1
    for place, (_, stack, _) in enumerate(calls):
        if place > end:
            start = place
        end = max(end, last[stack.path])
        stretch = calls[start : end + 1] if place == end else []
        if len({own.path for _, own, _ in stretch}) > 1:
            yield list(stretch)


def _is_one_stream(trace: Trace, calls: Sequence[_Call]) -> bool:
    """Whether each layer goes on with what the one before it gives; streams that run side by side are no weave."""
    return all(
        _goes_on(trace, one, other)
        for (one, stack, _), (other, next_stack, _) in pairwise(calls)
        if stack is not next_stack
    )


def _goes_on(trace: Trace, source: Event, target: Event) -> bool:
    if not source.outputs or not target.inputs:
        return False
    reached = {source.outputs[0].id}
    outline = trace.outline
    for place in range(bisect_right(outline, source.index, key=lambda event: event.index), len(outline)):
        event = outline[place]
        if event.index >= target.index:
            break
        step = trace.repeated(event) is not None or trace.is_leaf(event)
        if step and not reached.isdisjoint([value.id for value in event.inputs]):
            reached.update([value.id for value in event.outputs])
    return target.inputs[0].id in reached


def _weave(calls: Sequence[_Call]) -> Weave:
    stacks = list({stack.path: stack for _, stack, _ in calls}.values())
    repeats = find_repeats([kind_key(stack.path, stack.sequence[index]) for _, stack, index in calls])
    return Weave(
        stacks=[stack.path for stack in stacks],
        count=len(calls),
        pattern=[pattern_item(repeat) for repeat in repeats],
        pattern_text=repeat_text(repeats, _labels(stacks)),
    )


def works_inside(
    context: Context, weave: Weave, stacks: Sequence[Stack], module: ModuleRecord
) -> tuple[str, bool] | None:
    """Behind which lists a module runs between the layers of a weave, in words, and whether it runs behind all of them too.

    None where it runs outside only.
    """
    own = [stack for stack in stacks if stack.path in weave.stacks]
    layers = sorted(
        (call.index, stack.path) for stack in own for layer in stack.layers for call in context.trace.calls(layer.path)
    )
    calls = context.trace.calls(module.path)
    if not calls or not layers[0][0] < calls[0].index < layers[-1][0]:
        return None
    before = {layers[bisect_left(layers, (call.index, "")) - 1][1] for call in calls}
    names = [name for path, name in list_names(weave.stacks).items() if path in before]
    times = f", {len(calls)} times" if len(calls) > 1 else ""
    return f"after layers of {' and '.join(names)}{times}", calls[-1].index > layers[-1][0]


def pattern_item(repeat: Repeat) -> PatternItem:
    """A repeat as the document holds it."""
    return PatternItem(times=repeat.times, kind=repeat.kind, items=[pattern_item(item) for item in repeat.items])


def _labels(stacks: Sequence[Stack]) -> dict[str, str]:
    """A short name of each kind; of several lists with a kind of the same name, with the list's."""
    ids = [kind.id for stack in stacks for kind in stack.kinds]
    alone = len(set(ids)) == len(ids)
    names = list_names([stack.path for stack in stacks])
    short = kind_labels([kind for stack in stacks for kind in stack.kinds]) if alone else {}
    return {
        kind_key(stack.path, kind.id): short.get(kind.id) or named(kind.id, ids, names[stack.path])
        for stack in stacks
        for kind in stack.kinds
    }
