"""Example inputs of a forward pass: they follow the model's main input and its configured sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import BoundMethod, DType, FunctionValue, Instance, ModuleInstance, Tensor

PRETRAINED = "transformers.modeling_utils.PreTrainedModel"
ARGUMENTS = "arguments of plain code"  # in `Interpreter.state`
IMAGES = tuple([name] for name in ("pixel_values", "pixels", "image", "images", "img", "imgs"))
MAIN_INPUTS = ("input_ids", "pixel_values", "input_features", "input_values")
SIZES = {
    "image_size": ("image_size", "img_size", "input_size", "input_resolution", "resolution"),
    "num_channels": ("num_channels", "in_channels", "in_chans", "channels"),
}


def example_inputs(
    interp: Interpreter, model: ModuleInstance, batch: int, seq: int, *, pixels: bool, use_cache: bool = False
) -> dict[str, Any]:
    """Inputs by the model's `main_input_name`: token ids, pixels of the configured size, mel features or samples."""
    config = model.attrs.get("config")
    parameters, takes_rest = forward_parameters(interp, model)
    main = _main_name(interp, model, parameters)
    ids = Tensor((batch, seq), "int64")
    dtype = "bfloat16"
    given: dict[str, Any] = {}
    if main == "input_ids" and _is_plain(interp, model, parameters) and (pixels or parameters[1:2] in IMAGES):
        return {parameters[1]: image(interp, plain_sizes(interp, model), batch, dtype)}
    if main == "input_ids":
        given[_tokens_name(interp, model, parameters)] = ids
    elif main == "input_features":
        frames = 2 * number(interp, config, "max_source_positions", 1500)
        given[main] = Tensor((batch, number(interp, config, "num_mel_bins", 80), frames), dtype)
    elif main == "input_values":
        given[main] = Tensor((batch, 16000), dtype)
    if main == "pixel_values" or pixels:
        given["pixel_values"] = image(interp, config, batch, dtype)
    if "decoder_input_ids" in parameters and _flag(interp, config, "is_encoder_decoder"):
        given["decoder_input_ids"] = ids
    if "use_cache" in parameters or (takes_rest and main == "input_ids" and of_transformers(model)):
        given["use_cache"] = use_cache
    return given


def next_inputs(
    interp: Interpreter, model: ModuleInstance, batch: int, given: dict[str, Any], output: Any, name: str | None, cache: Any
) -> dict[str, Any]:  # fmt: skip
    """Inputs of the step after a pass: one new token and what the pass left; an encoder's output is not made again.

    Args:
        given: The inputs of the pass.
        output: What it returned.
        name, cache: The cache in it; no name where it left its states on the modules alone.
    """
    parameters, _ = forward_parameters(interp, model)
    token = Tensor((batch, 1), "int64")
    following: dict[str, Any] = {"use_cache": True} if name is not None or "use_cache" in given else {}
    if name is not None:
        following[name] = cache
    if "decoder_input_ids" not in given:
        return {_tokens_name(interp, model, parameters): token, **following}
    following["decoder_input_ids"] = token
    states = output.attrs.get("encoder_last_hidden_state")
    if states is None or "encoder_outputs" not in parameters:
        kept = {key: value for key, value in given.items() if key not in ("use_cache", "decoder_input_ids")}
        return {**kept, **following}
    encoded = interp.import_name("transformers.modeling_outputs", "BaseModelOutput", None)
    following["encoder_outputs"] = interp.call(encoded, [], {"last_hidden_state": states})
    return following


def dtype_name(interp: Interpreter, model: ModuleInstance) -> str:
    """The dtype that the configuration states for the weights; float32 where it states none."""
    stated = interp.find_attribute(model.attrs.get("config"), "dtype")
    name = stated.name if isinstance(stated, DType) else stated
    return name.removeprefix("torch.") if isinstance(name, str) else "float32"


def forward_function(interp: Interpreter, model: ModuleInstance, method: str = "forward") -> FunctionValue | None:
    """The function behind `forward`, or another method: where a decorator's takes `*args` alone, the one that it wraps."""
    forward: Any = interp.find_attribute(model, method)
    while isinstance(forward, BoundMethod):
        forward = forward.function
    while isinstance(forward, FunctionValue) and forward.signature.vararg is not None:
        wrapped = forward.attrs.get("__wrapped__")
        if len(forward.signature.positional) > 1 or not isinstance(wrapped, FunctionValue):
            break
        forward = wrapped
    return forward if isinstance(forward, FunctionValue) else None


def forward_parameters(interp: Interpreter, model: ModuleInstance, method: str = "forward") -> tuple[list[str], bool]:
    """The names of the parameters of `forward`, or of another method, and whether it takes any others."""
    forward = forward_function(interp, model, method)
    if forward is None:
        return [], False
    spec = forward.node.args
    return [each.arg for each in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]], spec.kwarg is not None


def of_transformers(module: ModuleInstance) -> bool:
    """Whether a module is a model of `transformers`, which knows the keywords that others are not given."""
    return any(cls.qualified == PRETRAINED for cls in module.cls.mro)


def _main_input(interp: Interpreter, model: ModuleInstance) -> Any:
    """What the class states; `__getattr__` of own code is not asked, which may refuse."""
    return interp.find_attribute(model, "main_input_name") if model.cls.has("main_input_name") else MISSING


def _main_name(interp: Interpreter, model: ModuleInstance, parameters: list[str]) -> str:
    """The input that a pass starts from: what the class states, where its `forward` takes it; else the first that it takes of those known."""
    stated = _main_input(interp, model)
    main = stated if isinstance(stated, str) else "input_ids"
    if main in parameters or not of_transformers(model):
        return main
    return next((name for name in parameters if name in MAIN_INPUTS), main)


def _is_plain(interp: Interpreter, model: ModuleInstance, parameters: list[str]) -> bool:
    """Whether a model without `transformers` takes something else than `input_ids` first."""
    named = _main_input(interp, model) not in (MISSING, None) or "input_ids" in parameters
    return not named and len(parameters) > 1


def plain_image(interp: Interpreter, model: ModuleInstance, batch: int) -> dict[str, Any]:
    """An image as the first argument of a model without `transformers` whose arguments state the size of one; nothing for other models."""
    parameters, _ = forward_parameters(interp, model)
    if of_transformers(model) or not _is_plain(interp, model, parameters):
        return {}
    sizes = plain_sizes(interp, model)
    return {parameters[1]: image(interp, sizes, batch, "bfloat16")} if "image_size" in sizes.attrs else {}


def plain_sizes(interp: Interpreter, model: ModuleInstance) -> Instance:
    """The sizes of an image that a model without `transformers` was built for, by the usual names of its arguments."""
    found = Instance(model.cls)
    for name, names in SIZES.items():
        for each in names:
            size = interp.state.get(ARGUMENTS, {}).get(each)
            if isinstance(size, (int, list, tuple)) and not isinstance(size, bool):
                found.attrs.setdefault(name, size)
    return found


def _tokens_name(interp: Interpreter, model: ModuleInstance, parameters: list[str]) -> str:
    """What the model calls its token ids; a model without `transformers` is given them as its first argument."""
    return parameters[1] if _is_plain(interp, model, parameters) else "input_ids"


def required_parameters(interp: Interpreter, model: ModuleInstance, method: str = "forward") -> list[str]:
    """The names of the parameters of `forward`, or of another method, that have no default, but for the module itself."""
    forward = forward_function(interp, model, method)
    if forward is None:
        return []
    spec = forward.node.args
    positional = [each.arg for each in [*spec.posonlyargs, *spec.args]]
    named = [each.arg for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if default is None]
    return positional[1 : len(positional) - len(spec.defaults)] + named


def image(interp: Interpreter, config: Any, batch: int, dtype: str) -> Tensor:
    """An image of the configured size, `[batch, channels, height, width]`."""
    vision = interp.find_attribute(config, "vision_config")
    vision = vision if hasattr(vision, "attrs") else config
    size = interp.find_attribute(vision, "image_size")
    height, width = (size if isinstance(size, (tuple, list)) else (size, size)) if _is_size(size) else (224, 224)
    return Tensor((batch, number(interp, vision, "num_channels", 3), height, width), dtype)


def image_inputs(interp: Interpreter, model: ModuleInstance, batch: int) -> Iterator[dict[str, Any]]:
    """The forms in which a model of text takes an image: `[batch, channels, height, width]`, several images of each text
    (`[batch, 1, channels, height, width]`), or images cut into tiles of some aspect ratio (`[batch, 1, tiles, channels, height, width]`).
    """
    config = model.attrs.get("config")
    single = image(interp, config, batch, "bfloat16")
    if "aspect_ratio_ids" in forward_parameters(interp, model)[0]:
        tiles = number(interp, interp.find_attribute(config, "vision_config"), "max_num_tiles", 1)
        yield {
            "pixel_values": Tensor((batch, 1, tiles, *single.sizes[1:]), "bfloat16"),
            "aspect_ratio_ids": Tensor((batch, 1), "int64"),
            "aspect_ratio_mask": Tensor((batch, 1, tiles), "int64"),
        }
        return
    yield {"pixel_values": single}
    yield {"pixel_values": Tensor((batch, 1, *single.sizes[1:]), "bfloat16")}


def _is_size(size: Any) -> bool:
    return isinstance(size, int) or (isinstance(size, (tuple, list)) and len(size) == 2)


def number(interp: Interpreter, config: Any, name: str, default: int) -> int:
    """A whole number of the configuration; the default where it states none."""
    found = interp.find_attribute(config, name) if config is not None else default
    return found if isinstance(found, int) else default


def parts(interp: Interpreter, config: Any) -> list[Any]:
    """A configuration, and those of parts that it holds."""
    if not isinstance(config, Instance):
        return [] if config is None else [config]
    held = (value for name, value in config.attrs.items() if name.endswith("_config"))
    return [config, *(value for value in held if isinstance(value, Instance))]


def _flag(interp: Interpreter, config: Any, name: str) -> bool:
    return config is not None and interp.find_attribute(config, name) is True
