"""Running `forward`: example inputs that follow the model's main input, and the events of one pass."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.collect import module_paths
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.reading import Gap
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import BoundMethod, FunctionValue, Instance, ModuleInstance, Tensor


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
    before = list(interp.gaps)
    interp.gaps = []
    recorder = interp.recorder = Recorder(module_paths(model))
    try:
        given = example_inputs(interp, model, batch, seq, pixels=pixels)
        interp.call(model, [], given)
    except (RaisedError, UnsupportedError, BudgetSpentError, *HOST_ERRORS) as error:
        interp.gap(str(error), getattr(error, "at", None))
    finally:
        interp.recorder = None
    gaps = [Gap(owner if isinstance(owner, str) else "", reason, at) for owner, reason, at in interp.gaps]
    interp.gaps = before
    return recorder, gaps


def example_inputs(interp: Interpreter, model: ModuleInstance, batch: int, seq: int, *, pixels: bool) -> dict[str, Any]:
    """Inputs by the model's `main_input_name`: token ids, pixels of the configured size, mel features or samples."""
    config = model.attrs.get("config")
    main = interp.find_attribute(model, "main_input_name")
    main = main if isinstance(main, str) else "input_ids"
    parameters, takes_rest = forward_parameters(interp, model)
    ids = Tensor((batch, seq), "int64")
    dtype = "bfloat16"
    given: dict[str, Any] = {}
    if main == "input_ids":
        given[_tokens_name(interp, model, parameters)] = ids
    elif main == "input_features":
        frames = 2 * _number(interp, config, "max_source_positions", 1500)
        given[main] = Tensor((batch, _number(interp, config, "num_mel_bins", 80), frames), dtype)
    elif main == "input_values":
        given[main] = Tensor((batch, 16000), dtype)
    if main == "pixel_values" or pixels:
        given["pixel_values"] = _image(interp, config, batch, dtype)
    if "decoder_input_ids" in parameters and _flag(interp, config, "is_encoder_decoder"):
        given["decoder_input_ids"] = ids
    if "use_cache" in parameters or (takes_rest and main == "input_ids"):
        given["use_cache"] = False
    return given


def forward_parameters(interp: Interpreter, model: ModuleInstance) -> tuple[list[str], bool]:
    """The names of `forward`'s parameters, and whether it takes any others."""
    forward: Any = interp.find_attribute(model, "forward")
    while isinstance(forward, BoundMethod):
        forward = forward.function
    if not isinstance(forward, FunctionValue):
        return [], False
    spec = forward.node.args
    return [each.arg for each in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]], spec.kwarg is not None


def _tokens_name(interp: Interpreter, model: ModuleInstance, parameters: list[str]) -> str:
    """What the model calls its token ids; a model without `transformers` is given them as its first argument."""
    is_plain = interp.find_attribute(model, "main_input_name") in (MISSING, None) and "input_ids" not in parameters
    return parameters[1] if is_plain and len(parameters) > 1 else "input_ids"


def _image(interp: Interpreter, config: Any, batch: int, dtype: str) -> Tensor:
    vision = interp.find_attribute(config, "vision_config")
    vision = vision if hasattr(vision, "attrs") else config
    size = interp.find_attribute(vision, "image_size")
    height, width = (size if isinstance(size, (tuple, list)) else (size, size)) if _is_size(size) else (224, 224)
    return Tensor((batch, _number(interp, vision, "num_channels", 3), height, width), dtype)


def _is_size(size: Any) -> bool:
    return isinstance(size, int) or (isinstance(size, (tuple, list)) and len(size) == 2)


def _number(interp: Interpreter, config: Any, name: str, default: int) -> int:
    found = interp.find_attribute(config, name) if config is not None else default
    return found if isinstance(found, int) else default


def _flag(interp: Interpreter, config: Any, name: str) -> bool:
    return config is not None and interp.find_attribute(config, name) is True


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


__all__ = ["example_inputs", "shapes", "trace_model", "trace_rows"]
