"""Running `forward`: the events of one pass, with or without a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archviz.interpreter.caches import (
    NO_CACHE,
    OUTPUTS,
    CacheLayer,
    cache_layers,
    cache_shapes,
    give_dtype,
    handed_cache,
    returned_cache,
)
from archviz.interpreter.classes import MODES
from archviz.interpreter.collect import module_paths
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.inputs import dtype_name, example_inputs, forward_parameters, image_inputs, next_inputs
from archviz.interpreter.lacking import asks_further, lacking_inputs
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.module_states import (
    attributes_of,
    give_back,
    left_as_it_was,
    module_states,
    read_states,
    with_module_states,
)
from archviz.interpreter.named_inputs import PLACES, WHOLE
from archviz.interpreter.reading import DIRECT, INPUTS_GIVEN, MASKS_GIVEN, Gap
from archviz.interpreter.towers import GRIDS, append, getters, other_inputs, token_marks, tower_inputs, uncalled_towers
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Instance, ModuleInstance, Tensor, Unknown
from archviz.spans import Span


def trace_towers(
    interp: Interpreter, model: ModuleInstance, *, batch: int = 1, seq: int = 64
) -> tuple[Recorder, list[Gap]]:
    """Run the model once, with an image too where that shows more of it: the pass that a description rests on.

    A model of text and images runs on text alone first.  Where that leaves its vision tower out, or the model cannot do without an
    image, a second pass is given one, and counts when everything in it was understood.  A tower that neither reached (images cut into
    patches, sound) is called on its own; its events follow those of the model.
    """
    best = _trace_long_enough(interp, model, batch, seq)
    parameters, _ = forward_parameters(interp, model)
    if {"pixel_values", "input_ids"} <= set(parameters) and not set(GRIDS) & set(parameters):
        best = _trace_images(interp, model, best, batch, seq)
    _trace_apart(interp, model, best[0], batch, seq)
    return best


LONGER = (256, 1024)
"""How many more tokens are given where a pass leaves parts of it empty."""


def _trace_long_enough(interp: Interpreter, model: ModuleInstance, batch: int, seq: int) -> tuple[Recorder, list[Gap]]:
    """The pass on text; on more of it where too few tokens leave windows without any, so that what is done with full ones is seen."""
    best = trace_model(interp, model, batch=batch, seq=seq)
    empty = _empty(best[0])
    for more in LONGER:
        if not empty:
            break
        longer = trace_model(interp, model, batch=batch, seq=seq + more)
        left = _empty(longer[0])
        if len(longer[1]) <= len(best[1]) and left < empty:
            longer[0].more_tokens = more
            best, empty = longer, left
    return best


def _empty(recorder: Recorder) -> int:
    """How many ops gave `[batch, 0, …]`: no positions at all."""
    return sum(
        any(value.shape and len(value.shape) > 2 and value.shape[1] == 0 for value in event.outputs)
        for event in recorder.events.outline()
        if event.kind == "op"
    )


def _trace_images(
    interp: Interpreter, model: ModuleInstance, text: tuple[Recorder, list[Gap]], batch: int, seq: int
) -> tuple[Recorder, list[Gap]]:
    """The first pass with an image in which more is understood, or as much and more is seen; else the pass on text alone."""
    plain = example_inputs(interp, model, batch, seq, pixels=False)
    forms = [{**plain, **images} for images in image_inputs(interp, model, batch)]
    marks = token_marks(interp, model, batch, seq)
    marked = [{**form, **marks} for form in (*forms, plain)] if marks else []
    for given in [*marked[:-1], *forms, *other_inputs(interp, model, forms[0], batch, seq), *marked[-1:]]:
        recorder, gaps, _ = _run(interp, model, given, enough=max(1, len(text[1])))
        if (not gaps or len(gaps) < len(text[1])) and len(recorder.events) > len(text[0].events):
            return recorder, gaps
    return text


def _trace_apart(interp: Interpreter, model: ModuleInstance, recorder: Recorder, batch: int, seq: int) -> None:
    """Call the towers that a pass left out, each on its own; one that is not understood stays left out."""
    called = recorder.events.called()
    interp.state[WHOLE] = model.attrs.get("config")
    for place, tower in list(uncalled_towers(model, called)):
        if place in called:
            continue
        more = _trace_by_getter(interp, model, place, tower, batch, seq) or _trace_alone(
            interp, model, tower, batch, seq
        )
        if more is not None:
            called |= more.events.called()
            append(recorder, more)


def _trace_by_getter(
    interp: Interpreter, model: ModuleInstance, place: str, tower: ModuleInstance, batch: int, seq: int
) -> Recorder | None:
    """The pass of a model's own method for the features of a tower, which shows what reads the tower's output too."""
    for holder, path, method in getters(interp, model, place):
        for given in tower_inputs(interp, tower, batch, seq, (holder, method)):
            more, gaps, _ = _run(interp, model, given, part=holder, enough=1, method=(method, path))
            if not gaps and place in more.events.called():
                return more
    return None


def _trace_alone(
    interp: Interpreter, model: ModuleInstance, tower: ModuleInstance, batch: int, seq: int
) -> Recorder | None:
    for given in tower_inputs(interp, tower, batch, seq):
        more, gaps, _ = _run(interp, model, given, part=tower, enough=1)
        if not gaps:
            return more
    return None


def trace_model(
    interp: Interpreter,
    model: ModuleInstance,
    *,
    batch: int = 1,
    seq: int = 64,
    pixels: bool = False,
) -> tuple[Recorder, list[Gap]]:
    """Run the model once, without a cache.

    Args:
        interp: The interpreter that built the model.
        model: The model.
        batch: Batch size.
        seq: Number of tokens.
        pixels: Add an image to a text model.

    Returns:
        The recorder with its events in order, and what was not understood on the way.
    """
    given = example_inputs(interp, model, batch, seq, pixels=pixels)
    before = attributes_of(model)
    recorder, gaps, _ = _run(interp, model, given)
    if not gaps or recorder.spent:
        return recorder, gaps
    return _trace_otherwise(interp, model, given, (recorder, gaps), before, batch, seq)


def _trace_otherwise(
    interp: Interpreter, model: ModuleInstance, given: dict[str, Any], best: tuple[Recorder, list[Gap]], before: list[tuple[ModuleInstance, dict[str, Any]]], batch: int, seq: int
) -> tuple[Recorder, list[Gap]]:  # fmt: skip
    """The pass that comes furthest of those with other inputs: what a pass says it lacks, else what a model like it may take.

    Args:
        given, best: The inputs of the first pass, and how it ended.
        before: The attributes of the modules before it; what a pass that failed has left there would mislead the next.
    """
    from archviz.interpreter.refusals import Refusal

    others = other_inputs(interp, model, given, batch, seq)
    lacking = lacking_inputs(interp, model, given, best[1], batch, seq)
    tried, refusal = [_forms(given)], Refusal(given, best)
    told, later = {_refused(given, best[1])}, list[tuple[int, Iterator[dict[str, Any]]]]()
    while best[1] and len(tried) <= MOST_TRIED:
        other = next(lacking, None) or next(others, None)
        if other is None and 2 * interp.steps < interp.limits.steps:
            other = _furthest(later)
        if other is None:
            break
        if _forms(other) in tried:
            continue
        tried.append(_forms(other))
        give_back(before)
        enough = len(best[1]) if best[0].ended_by is None else None
        recorder, gaps, _ = _run(interp, model, other, enough=enough)
        refusal.meet(other, (recorder, gaps))
        if gaps and _refused(other, gaps) not in told:  # it failed in another way, which may be mended
            told.add(_refused(other, gaps))
            later.append((len(recorder.events), lacking_inputs(interp, model, other, gaps, batch, seq)))
        if _reach(recorder, gaps) > _reach(*best) or asks_further(gaps, best[1]):
            best = recorder, gaps
            lacking = lacking_inputs(interp, model, other, gaps, batch, seq)
            later.append((len(recorder.events), other_inputs(interp, model, other, batch, seq)))
    return refusal.instead_of(best)


def _furthest(waiting: list[tuple[int, Iterator[dict[str, Any]]]]) -> dict[str, Any] | None:
    """The next of the inputs that wait: of those for the pass that came furthest, so many events."""
    while waiting:
        chosen = max(waiting, key=lambda each: each[0])
        found = next(chosen[1], None)
        if found is not None:
            return found
        waiting.remove(chosen)
    return None


def _refused(given: dict[str, Any], gaps: list[Gap]) -> tuple[object, ...]:
    """How a pass failed, and the ranks of what it was given."""
    return gaps[0].reason, *((name, len(value.sizes)) for name, value in given.items() if isinstance(value, Tensor))


def _forms(given: dict[str, Any]) -> dict[str, Any]:
    return {name: (value.shape, value.dtype) if isinstance(value, Tensor) else value for name, value in given.items()}


MOST_TRIED = 32
"""How many other inputs are tried where a pass is not understood."""


def _reach(recorder: Recorder, gaps: list[Gap]) -> tuple[bool, bool, int]:
    """How far a pass came: understood, to the end, so many events."""
    return not gaps, recorder.ended_by is None, len(recorder.events) if recorder.ended_by is not None else -len(gaps)


def trace_cached(
    interp: Interpreter,
    model: ModuleInstance,
    *,
    batch: int = 1,
    seq: int = 64,
    pixels: bool = False,
    decode: bool = False,
    dtype: str | None = None,
) -> tuple[Recorder, list[Gap], list[CacheLayer]]:
    """Run the model once with an empty cache of the official class, and once more with one new token where `decode` is set.

    Args:
        dtype: Type of the parameters whose type the code leaves to the loader; the model's own by default.

    Returns:
        The recorder of the last pass, what was not understood in any, and the layers of the cache after it.
    """
    give_dtype(model, dtype or dtype_name(interp, model))
    given = example_inputs(interp, model, batch, seq, pixels=pixels, use_cache=True)
    recorders, gaps, layers = cached_passes(interp, model, given, batch, decode=decode)
    return recorders[0], gaps, layers


def cached_passes(
    interp: Interpreter, model: ModuleInstance, given: dict[str, Any], batch: int = 1, *, decode: bool = True
) -> tuple[list[Recorder], list[Gap], list[CacheLayer]]:
    """A prefill with these inputs, and a decode step of one new token where it is asked for and a cache came back.

    Returns:
        The recorders, the latest pass first; what was not understood in any; the layers of the cache after them, none where a pass
        ended before it was through: what it left behind is neither the one nor the other.
    """
    _evaluate(interp, model)  # what it leaves stays
    with left_as_it_was(model):
        return _cached_passes(interp, model, given, batch, decode=decode)


def _cached_passes(
    interp: Interpreter, model: ModuleInstance, given: dict[str, Any], batch: int, *, decode: bool
) -> tuple[list[Recorder], list[Gap], list[CacheLayer]]:
    recorder, gaps, output = _run(interp, model, given)
    recorders, found = [recorder], returned_cache(output)
    states = module_states(model, recorder, given.values())
    if found is None and not gaps:
        found = _unreturned(interp, model, recorder)
    if found is None and (gaps or not states):
        return recorders, [*gaps, *([] if gaps else [Gap("", NO_CACHE)])], []
    held = [(each, each) for each in states] if found is None or not decode else []
    earlier = None
    if decode:
        earlier = cache_shapes(found[1]) if found is not None else None
        following = next_inputs(interp, model, batch, given, output, *(found or (None, None)))
        recorder, more, output = _run(interp, model, following, after=recorder)
        recorders, gaps = [recorder, *recorders], [*gaps, *(gap for gap in more if gap not in gaps)]
        found = returned_cache(output) or found
        if recorder.ended_by is not None:
            return recorders, gaps, []
        held = read_states(states, model, recorder)
    layers = cache_layers(interp, found[1], recorders, earlier) if found is not None else []
    return recorders, gaps, with_module_states(layers, held, recorders)


def _unreturned(interp: Interpreter, model: ModuleInstance, recorder: Recorder) -> tuple[str, Any] | None:
    """The cache that a pass made and did not return, and the parameter by which whoever generates tokens gives one like it."""
    parameters, _ = forward_parameters(interp, model)
    name = next((each for each in OUTPUTS if each in parameters), None)
    cache = handed_cache(recorder) if name is not None else None
    return (name, cache) if name is not None and cache is not None else None


def cache_inputs(interp: Interpreter, model: ModuleInstance, seq: int) -> Iterator[dict[str, Any]]:
    """Inputs of a pass with a cache: text alone; then what it is called with beside, an image where it takes one."""
    plain = example_inputs(interp, model, 1, seq, pixels=False, use_cache=True)
    yield plain
    parameters, _ = forward_parameters(interp, model)
    if {"pixel_values", "input_ids"} <= set(parameters) and not set(GRIDS) & set(parameters):
        forms = [{**plain, **images} for images in image_inputs(interp, model, 1)]
        yield from forms
        plain = forms[0]
    for given in other_inputs(interp, model, plain, 1, seq):
        if "use_cache" in plain and given.get("use_cache") is not True:
            yield {**given, "use_cache": True}
        yield given


def _evaluate(interp: Interpreter, model: ModuleInstance) -> None:
    """`model.eval()`, as before every pass: modules are made so; it runs where code has rules of its own or switched to training."""
    if not interp.state.pop(MODES, False):
        return
    try:
        interp.call(interp.get_attribute(model, "eval"), [], {})
    except (RaisedError, UnsupportedError, BudgetSpentError, *HOST_ERRORS) as error:
        interp.gap(f"eval(): {error}", getattr(error, "at", None))


def _run(
    interp: Interpreter, model: ModuleInstance, given: dict[str, Any], part: ModuleInstance | None = None,
    after: Recorder | None = None, enough: int | None = None, method: tuple[str, str] | None = None,
) -> tuple[Recorder, list[Gap], Any]:  # fmt: skip
    """One call of the model, or of a part of it: its events, what was not understood, and its output (None where it failed).

    Args:
        after: The pass whose cache it is given.
        enough: So many gaps, and the pass does not count: it ends there.
        method: A method of the part that is called instead of it, and the path of the part.
    """
    before = list(interp.gaps)
    interp.gaps = []
    _evaluate(interp, model)
    recorder = interp.recorder = Recorder(module_paths(model), interp.limits)
    output = None
    try:
        recorder.keeps_numbers = part is not None or any(
            isinstance(each, Tensor) and each.data for each in given.values()
        )
        recorder.gaps_enough = enough
        if after is not None:
            recorder.continues(after)
        recorder.tokens = {id(value) for name, value in given.items() if name.endswith("input_ids")}
        output = interp.call(part or model, [], given) if method is None else _call_method(interp, part, *method, given)
    except (RaisedError, UnsupportedError, BudgetSpentError, *HOST_ERRORS) as error:
        recorder.ended_by = str(error)
        recorder.spent = isinstance(error, BudgetSpentError)
        reason = interp.raised_words(error) if isinstance(error, RaisedError) else recorder.ended_by
        interp.gap(reason, getattr(error, "at", None))
    finally:
        interp.recorder = None
    masks = [
        recorder.reference(value).id
        for name, value in given.items()
        if ("mask" in name or name in PLACES) and isinstance(value, Tensor)
    ]
    if masks and len(recorder.events):
        recorder.annotate(0, {MASKS_GIVEN: tuple(masks)})
    if part is None and len(recorder.events):
        recorder.annotate(0, {INPUTS_GIVEN: tuple(given)})
    gaps = [Gap(owner if isinstance(owner, str) else "", reason, at) for owner, reason, at in interp.gaps]
    gaps += [gap for gap in (Gap("", reason, at) for _, reason, at in interp.lasting_gaps) if gap not in gaps]
    interp.gaps = before
    return recorder, gaps, output


def _call_method(interp: Interpreter, part: ModuleInstance | None, name: str, path: str, given: dict[str, Any]) -> Any:
    """Call a method of a part; what happens in it stands in one event, as in that of a module."""
    recorder = interp.recorder
    assert recorder is not None
    index, output = recorder.begin("function", name, given.values(), None, path), None
    try:
        output = interp.call(interp.get_attribute(part, name), [], given)
    finally:
        recorder.end(index, output)
    return output


OPS = frozenset({
    "split", "chunk", "unbind", "cat", "concat", "stack", "slice", "softmax", "sigmoid", "topk", "matmul", "bmm",
    "scaled_dot_product_attention", "silu", "gelu", "relu", "tanh", "softplus", "linear", "embedding", "conv1d",
})  # fmt: skip


def trace_rows(recorder: Recorder) -> dict[str, list[dict[str, Any]]]:
    """The calls and ops of a trace as the reference records them.

    Returns:
        `calls`: module, class, in, kwargs, out, at, and `returned` where `out`, which holds tensors, lists and tuples alone, leaves
        something out: dicts, None, numbers (`form`); `ops`: module, op, in, out, at, only the ops of `OPS`.  Shapes are lists of
        ints, nested as the values are; `in` holds the positional arguments.  `functions`: the named functions of which more is known:
        the mask of an attention function and which implementation it is, the kernel that may replace it.
    """
    calls, ops, functions = [], [], []
    owners: dict[int, str] = {}  # what stands in calls of `forward` itself → the module that PyTorch sees at work
    for event in recorder.events:
        args, kwargs, result = recorder.passed.get(event.index, ((), {}, None))
        at = str(event.at) if event.at else None
        if DIRECT in event.options or (event.parent in owners and event.kind != "call"):
            owners[event.index] = _owner(recorder, owners, event.parent)
            if event.kind == "call":
                continue
            event = event._replace(module=owners[event.index])
        if event.kind == "call":
            named = {name: shapes(value) for name, value in kwargs.items() if shapes(value) is not None}
            out, whole = shapes(result), form(result)
            calls.append(
                {
                    "module": event.module,
                    "class": event.name,
                    "in": shapes(args),
                    "kwargs": named,
                    "out": out,
                    **({} if whole == out else {"returned": whole}),
                    "at": at,
                    **_told(event.options),
                }
            )
        elif event.kind == "op" and event.name in OPS:
            row = {"module": event.module, "op": event.name, "in": shapes(args), "out": shapes(result), "at": at}
            ops.append({**row, **_told(event.options)})
        elif event.kind == "function" and (told := _told(event.options)):
            inputs, outputs = ([list(v.shape or ()) for v in values] for values in (event.inputs, event.outputs))
            functions.append(
                {"module": event.module, "function": event.name, "in": inputs, "out": outputs, "at": at, **told}
            )
    return {"calls": calls, "ops": ops, "functions": functions}


def _owner(recorder: Recorder, owners: dict[int, str], parent: int) -> str:
    """The module that PyTorch sees at work in an event: that around calls of `forward` itself."""
    if parent in owners:
        return owners[parent]
    return recorder.events[parent].module if parent >= 0 else ""


def _told(options: dict[str, object]) -> dict[str, Any]:
    """What an event says of masks, dispatch and kernels, as JSON."""
    told: dict[str, Any] = {name: options[name] for name in ("dispatch", "kernel", "kernel_package") if name in options}
    mask = {
        name.removeprefix("mask_").replace("mask", "kind"): str(value) if isinstance(value, Span) else value
        for name, value in options.items()
        if name.startswith("mask")
    }
    return {**told, **({"mask": mask} if mask else {})}


def shapes(value: Any) -> Any:
    """The shapes in a value: a list of ints for a tensor, nested lists for containers, None for anything else."""
    if isinstance(value, Tensor):
        return None if value.shape is None else list(value.shape)
    if isinstance(value, Instance):
        if value.cls.has("to_tuple"):
            return shapes(value.cls.interpreter.get_attribute(value, "to_tuple")())
        return shapes(value.payload) if isinstance(value.payload, tuple) else None
    if isinstance(value, (tuple, list)):
        return [shapes(each) for each in value if isinstance(each, (Tensor, Unknown, tuple, list)) or _is_record(each)]
    return None


MOST_SHOWN = 100
_DEEPEST = 6


def form(value: Any, depth: int = 0) -> Any:
    """All that a value holds, as JSON: a list of ints for a tensor, lists and dicts as they are, names of classes for other objects.

    >>> form((Tensor((2, 3)), {"loss": None, "steps": 5}))
    [[2, 3], {'loss': None, 'steps': 5}]
    """
    if isinstance(value, Tensor):
        return shapes(value)
    if isinstance(value, Instance) and value.cls.has("to_tuple"):
        return form(value.cls.interpreter.get_attribute(value, "to_tuple")(), depth)
    held = value.payload if isinstance(value, Instance) and isinstance(value.payload, (dict, list, tuple)) else value
    if depth < _DEEPEST and isinstance(held, dict):
        return {str(name)[:80]: form(each, depth + 1) for name, each in list(held.items())[:MOST_SHOWN]}
    if depth < _DEEPEST and isinstance(held, (tuple, list)):
        return [form(each, depth + 1) for each in held[:MOST_SHOWN]]
    if value is None or isinstance(value, (bool, int, float, Unknown)):
        return None if isinstance(value, Unknown) else value
    return value[:80] if isinstance(value, str) else _class_name(value)


def _class_name(value: Any) -> str:
    return value.cls.name if isinstance(value, Instance) else type(value).__name__


def _is_record(value: Any) -> bool:
    return isinstance(value, Instance) and isinstance(value.payload, tuple)


__all__ = ["example_inputs", "form", "shapes", "trace_cached", "trace_model", "trace_rows"]
