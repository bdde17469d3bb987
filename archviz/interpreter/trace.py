"""Running `forward`: example inputs that follow the model's main input, and the events of one pass."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.collect import module_tree
from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.reading import Event, Gap
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import BoundMethod, ClassValue, FunctionValue, ModuleInstance, Tensor, Unknown


def trace_model(
    interp: Interpreter, model: ModuleInstance, *, batch: int = 1, seq: int = 64, pixels: bool = False
) -> tuple[list[Event], list[Gap]]:
    """Run the model once, without a cache.

    Args:
        interp: The interpreter that built the model.
        model: The model.
        batch: Batch size.
        seq: Number of tokens.
        pixels: Add an image to a text model.

    Returns:
        The events in order, and what was not understood on the way.
    """
    _, _, paths = module_tree(model)
    before = list(interp.gaps)
    interp.gaps = []
    recorder = interp.recorder = Recorder(paths)
    try:
        interp.call(model, [], example_inputs(interp, model, batch, seq, pixels=pixels))
    except (RaisedError, UnsupportedError, *HOST_ERRORS) as error:
        interp.gap(str(error), getattr(error, "at", None))
    finally:
        interp.recorder = None
    gaps = [Gap(owner if isinstance(owner, str) else "", reason, at) for owner, reason, at in interp.gaps]
    interp.gaps = before
    return recorder.events, gaps


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
        given["input_ids"] = ids
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


__all__ = ["ClassValue", "Unknown", "example_inputs", "trace_model"]
