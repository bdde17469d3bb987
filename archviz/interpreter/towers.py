"""Towers that a pass left out (a vision tower, where the model was given text alone) are called on their own.

What a tower is given follows from what its `forward` asks for and from its own configuration: pixels, patches cut from an image with
the size of the image, mel features, samples, hidden states.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archviz.interpreter.inputs import forward_parameters, image, number, required_parameters
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import ModuleInstance, Tensor

PRETRAINED = "transformers.modeling_utils.PreTrainedModel"
GRIDS = ("grid_thw", "image_grid_thw", "grid_hw", "image_grid_hws", "grid_hws", "grid_ws")
MAIN = (
    "pixel_values",
    "input_features",
    "input_values",
    "input_ids",
    "inputs_embeds",
    "hidden_states",
    "pixel_values_videos",
)
CHANNELS = ("in_channels", "in_chans", "num_channels")
BINS = ("num_mel_bins", "feature_size", "input_dim")
FRAMES = ("num_frames", "frames_per_clip")


def uncalled_towers(model: ModuleInstance, called: set[str], path: str = "") -> Iterator[tuple[str, ModuleInstance]]:
    """The highest models inside a model that a pass did not call, in order of registration.

    Args:
        called: Paths of the modules that were called.
    """
    for name, child in model.modules.items():
        if not isinstance(child, ModuleInstance):
            continue
        place = f"{path}.{name}" if path else name
        if place not in called and any(cls.qualified == PRETRAINED for cls in child.cls.mro):
            yield place, child
        else:
            yield from uncalled_towers(child, called, place)


def tower_inputs(interp: Interpreter, tower: ModuleInstance, batch: int, seq: int) -> Iterator[dict[str, Any]]:
    """What to call a tower with: several guesses where patches of an image may come in several shapes; none where nothing is known."""
    parameters, _ = forward_parameters(interp, tower)
    config = tower.attrs.get("config")
    grid = next((name for name in GRIDS if name in parameters), None)
    starts: list[dict[str, Any]] = [{}]
    if grid is not None and len(parameters) > 1:
        sizes = _grid(interp, config, batch, len_of(grid))
        starts = [{parameters[1]: each, grid: sizes} for each in patches(interp, config, batch)]
    elif "spatial_shapes" in parameters:  # patches of each image apart, filled up to the longest
        rows, width = next(patches(interp, config, 1)).sizes
        pixels = Tensor((batch, rows, width), "bfloat16")
        starts = [{"pixel_values": pixels, "spatial_shapes": _grid(interp, config, batch, 2)}]
    for start in starts:
        given = _completed(interp, tower, start, batch, seq)
        if given:
            yield {**given, **({"use_cache": False} if "use_cache" in parameters else {})}


def _completed(
    interp: Interpreter, tower: ModuleInstance, start: dict[str, Any], batch: int, seq: int
) -> dict[str, Any] | None:
    """The inputs with all that `forward` requires; None when one of them is not known."""
    parameters, _ = forward_parameters(interp, tower)
    given, config = dict(start), tower.attrs.get("config")
    for name in required_parameters(interp, tower) or [each for each in parameters[1:] if each in MAIN][:1]:
        if name not in given:
            given[name] = _input(interp, name, config, batch, seq)
    features = given.get("input_features")
    if "input_features_mask" in parameters and isinstance(
        features, Tensor
    ):  # optional by name, and given with every sound
        given["input_features_mask"] = Tensor((batch, features.sizes[-1]), "int64")
    return None if any(value is None for value in given.values()) else given


def len_of(grid: str) -> int:
    """How many sizes a grid gives for an image: frames, rows, columns, or the last two."""
    return 3 if "thw" in grid else 2


def _input(interp: Interpreter, name: str, config: Any, batch: int, seq: int) -> Any:
    """A tensor for a parameter of a tower's `forward`, by the parameter's name; None for one that is not known."""
    if name in ("pixel_values", "images", "image"):
        return image(interp, config, batch, "bfloat16")
    if name in ("pixel_values_videos", "video"):
        single = image(interp, config, batch, "bfloat16")
        frames = next((found for key in FRAMES if (found := number(interp, config, key, 0))), 16)
        return Tensor((batch, frames, *single.sizes[1:]), "bfloat16")
    if name == "input_features":
        bins = next((found for key in BINS if (found := number(interp, config, key, 0))), 80)
        return Tensor((batch, bins, 2 * number(interp, config, "max_source_positions", 1500)), "bfloat16")
    if name == "input_values":
        return Tensor((batch, 16000), "bfloat16")
    if name == "input_ids":
        return Tensor((batch, seq), "int64")
    if name == "merge_sizes":
        return Tensor((batch,), "int64", [merge_size(interp, config)] * batch)
    if name == "pixel_attention_mask":
        return Tensor((batch, next(patches(interp, config, 1)).sizes[0]), "int64")
    if name in ("inputs_embeds", "hidden_states"):
        width = number(interp, config, "hidden_size", 0) or number(interp, config, "d_model", 0)
        return Tensor((batch, seq, width), "bfloat16") if width else None
    return None


def merge_size(interp: Interpreter, config: Any) -> int:
    """How many patches a side become one: what the configuration states, else 1."""
    for name in ("spatial_merge_size", "merge_kernel_size", "downsample_ratio"):
        found = interp.find_attribute(config, name)
        found = found[0] if isinstance(found, (list, tuple)) and found else found
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return found
    return 1


def _sides(interp: Interpreter, config: Any) -> int:
    return 4 * merge_size(interp, config)


def patches(interp: Interpreter, config: Any, batch: int) -> Iterator[Tensor]:
    """Images cut into patches: `[patches of all, numbers of a patch]`, or each patch as an image, or all in a batch of one."""
    side = number(interp, config, "patch_size", 14)
    channels = next((found for name in CHANNELS if (found := number(interp, config, name, 0))), 3)
    frames = number(interp, config, "temporal_patch_size", 1)
    count = batch * _sides(interp, config) ** 2
    yield Tensor((count, channels * frames * side * side), "bfloat16")
    yield Tensor((count, channels, side, side), "bfloat16")
    yield Tensor((1, count, channels, side, side), "bfloat16")


def _grid(interp: Interpreter, config: Any, batch: int, count: int) -> Tensor:
    sides = _sides(interp, config)
    return Tensor((batch, count), "int64", [1, sides, sides][-count:] * batch)


def append(recorder: Recorder, more: Recorder) -> None:
    """Put the events of another pass after those of this one, under numbers of their own."""
    recorder.events.add(more.events, recorder.next_number)
    recorder.apart.update(more.numbered(recorder.next_number))
    recorder.next_number += more.next_number
