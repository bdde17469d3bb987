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
from archviz.interpreter.named_inputs import PLACES
from archviz.interpreter.reading import INPUTS_GIVEN, MASKS_GIVEN, Gap
from archviz.interpreter.towers import GRIDS, other_inputs
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import ModuleInstance, Tensor


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
    recorder, gaps, _ = run_pass(interp, model, given)
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
        recorder, gaps, _ = run_pass(interp, model, other, enough=enough)
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
    recorder, gaps, output = run_pass(interp, model, given)
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
        recorder, more, output = run_pass(interp, model, following, after=recorder)
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


def run_pass(
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
