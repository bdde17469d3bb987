"""Running `forward`: the events of one pass, with or without a cache."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.caches import CacheLayer, cache_layers, give_dtype, returned_cache
from archviz.interpreter.collect import module_paths
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.inputs import dtype_name, example_inputs, forward_parameters, next_inputs
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.reading import Gap
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Instance, ModuleInstance, Tensor


def trace_towers(
    interp: Interpreter, model: ModuleInstance, *, batch: int = 1, seq: int = 64
) -> tuple[Recorder, list[Gap]]:
    """Run the model once, with an image too where that shows more of it: the pass that a description rests on.

    A model of text and images runs on text alone first.  Where that leaves its vision tower out, or the model cannot do without an
    image, a second pass is given one, and counts when everything in it was understood.
    """
    first = trace_model(interp, model, batch=batch, seq=seq)
    parameters, _ = forward_parameters(interp, model)
    needed = {"pixel_values", "input_ids"} <= set(parameters)
    if not needed or "image_grid_thw" in parameters:  # images cut into patches by number are not followed yet
        return first
    second = trace_model(interp, model, batch=batch, seq=seq, pixels=True)
    understood = len(second[1]) < len(first[1]) or not second[1]
    return second if understood and len(second[0].events) > len(first[0].events) else first


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
    recorder, gaps, _ = _run(interp, model, given)
    return recorder, gaps


def trace_cached(
    interp: Interpreter,
    model: ModuleInstance,
    *,
    batch: int = 1,
    seq: int = 64,
    pixels: bool = False,
    decode: bool = False,
) -> tuple[Recorder, list[Gap], list[CacheLayer]]:
    """Run the model once with an empty cache of the official class, and once more with one new token where `decode` is set.

    Returns:
        The recorder of the last pass, what was not understood in any, and the layers of the cache after it.
    """
    give_dtype(model, dtype_name(interp, model))
    given = example_inputs(interp, model, batch, seq, pixels=pixels, use_cache=True)
    recorder, gaps, output = _run(interp, model, given)
    recorders, found = [recorder], returned_cache(output)
    if found is None:
        return recorder, [*gaps, *([] if gaps else [Gap("", "the model returned no cache")])], []
    if decode:
        following = next_inputs(interp, model, batch, given, output, *found)
        recorder, more, output = _run(interp, model, following)
        recorders, gaps = [recorder, *recorders], [*gaps, *(gap for gap in more if gap not in gaps)]
        found = returned_cache(output) or found
    return recorder, gaps, cache_layers(interp, found[1], recorders)


def _run(interp: Interpreter, model: ModuleInstance, given: dict[str, Any]) -> tuple[Recorder, list[Gap], Any]:
    """One call of the model: its events, what was not understood, and its output (None where it failed)."""
    before = list(interp.gaps)
    interp.gaps = []
    recorder = interp.recorder = Recorder(module_paths(model))
    output = None
    try:
        output = interp.call(model, [], given)
    except (RaisedError, UnsupportedError, BudgetSpentError, *HOST_ERRORS) as error:
        interp.gap(str(error), getattr(error, "at", None))
    finally:
        interp.recorder = None
    gaps = [Gap(owner if isinstance(owner, str) else "", reason, at) for owner, reason, at in interp.gaps]
    interp.gaps = before
    return recorder, gaps, output


OPS = frozenset({
    "split", "chunk", "unbind", "cat", "concat", "stack", "slice", "softmax", "sigmoid", "topk", "matmul", "bmm",
    "scaled_dot_product_attention", "silu", "gelu", "relu", "tanh", "softplus", "linear", "embedding", "conv1d",
})  # fmt: skip


def trace_rows(recorder: Recorder) -> dict[str, list[dict[str, Any]]]:
    """The calls and ops of a trace as the reference records them.

    Returns:
        `calls`: module, class, in, kwargs, out, at; `ops`: module, op, in, out, at, only the ops of `OPS`.  Shapes are lists of
        ints, nested as the values are; `in` holds the positional arguments.
    """
    calls, ops = [], []
    for event in recorder.events:
        args, kwargs, result = recorder.passed.get(event.index, ((), {}, None))
        at = str(event.at) if event.at else None
        if event.kind == "call":
            named = {name: shapes(value) for name, value in kwargs.items() if shapes(value) is not None}
            calls.append(
                {
                    "module": event.module,
                    "class": event.name,
                    "in": shapes(args),
                    "kwargs": named,
                    "out": shapes(result),
                    "at": at,
                }
            )
        elif event.kind == "op" and event.name in OPS:
            ops.append({"module": event.module, "op": event.name, "in": shapes(args), "out": shapes(result), "at": at})
    return {"calls": calls, "ops": ops}


def shapes(value: Any) -> Any:
    """The shapes in a value: a list of ints for a tensor, nested lists for containers, None for anything else."""
    if isinstance(value, Tensor):
        return None if value.shape is None else list(value.shape)
    if isinstance(value, Instance):
        if value.cls.has("to_tuple"):
            return shapes(value.cls.interpreter.get_attribute(value, "to_tuple")())
        return shapes(value.payload) if isinstance(value.payload, tuple) else None
    if isinstance(value, (tuple, list)):
        return [shapes(each) for each in value if isinstance(each, (Tensor, tuple, list)) or _is_record(each)]
    return None


def _is_record(value: Any) -> bool:
    return isinstance(value, Instance) and isinstance(value.payload, tuple)


__all__ = ["example_inputs", "shapes", "trace_cached", "trace_model", "trace_rows"]
