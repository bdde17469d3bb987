"""Towers that a pass left out (a vision tower, where the model was given text alone) are called on their own.

What a tower is given follows from what its `forward` asks for and from its own configuration: pixels, patches cut from an image with
the size of the image, mel features, samples, hidden states.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archviz.interpreter.inputs import forward_parameters, number, of_transformers, required_parameters
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.named_inputs import CHANNELS, combinations, frames_axis
from archviz.interpreter.stated_inputs import stated_inputs
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Instance, ModuleInstance, Tensor
from archviz.interpreter.walk import walk

GRIDS = ("grid_thw", "image_grid_thw", "grid_hw", "image_grid_hws", "grid_hws", "grid_ws")
POSITIONS = ("pixel_position_ids", "image_position_ids")  # where each patch of an image lies
MARKS = ("mm_token_type_ids", "token_type_ids")  # which tokens are of an image
MAIN = (
    "pixel_values",
    "input_features",
    "input_values",
    "input_ids",
    "inputs_embeds",
    "hidden_states",
    "pixel_values_videos",
    "flattened_patches",
)

MOST_IN_WINDOW = 16  # merged patches a side of a window; more would make the image long
MODALITIES = (
    "input_ids",
    "pixel_values",
    "input_features",
    "input_values",
    "flattened_patches",
    "visual_feats",
    "visual_pos",
)  # of models of several
SHAPED = ("input_values", "input_features")  # of which a configuration does not say the axes


def uncalled_towers(
    model: ModuleInstance, called: set[str], path: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, ModuleInstance]]:
    """The highest models inside a model that a pass did not call, in order of registration.

    Args:
        called: Paths of the modules that were called.
        seen: The modules that were looked through; one may hold another that holds it.
    """
    seen = {id(model)} if seen is None else seen
    for name, child in model.modules.items():
        if not isinstance(child, ModuleInstance) or id(child) in seen:
            continue
        seen.add(id(child))
        place = f"{path}.{name}" if path else name
        if place not in called and of_transformers(child):
            yield place, child
        else:
            yield from uncalled_towers(child, called, place, seen)


GETTERS = ("get_image_features", "get_video_features", "get_audio_features")
"""Methods by which models of `transformers` run a tower with what translates its output for the text (a projector)."""


def getters(interp: Interpreter, model: ModuleInstance, place: str) -> Iterator[tuple[ModuleInstance, str, str]]:
    """For each such method the innermost model around the tower at a place that has it: model, path, name of the method."""
    around: list[tuple[ModuleInstance, str]] = [(model, "")]
    for name in place.split(".")[:-1]:
        holder, path = around[-1]
        inner = holder.modules.get(name)
        if not isinstance(inner, ModuleInstance):
            break
        around.append((inner, f"{path}.{name}" if path else name))
    for name in GETTERS:
        holders = [(holder, path) for holder, path in around if holder.cls.has(name)]
        yield from ((holder, path, name) for holder, path in holders[-1:])  # those further out hand on to it


def tower_inputs(
    interp: Interpreter, tower: ModuleInstance, batch: int, seq: int, asked: tuple[ModuleInstance, str] | None = None
) -> Iterator[dict[str, Any]]:
    """What to call a tower with, the likeliest first; none where nothing is known.

    Args:
        asked: The model around it and its method that are called instead, for the tower.
    """
    callee, method = asked or (tower, "forward")
    parameters, _ = forward_parameters(interp, callee, method)
    config = tower.attrs.get("config")
    required = required_parameters(interp, callee, method) or [each for each in parameters[1:] if each in MAIN][:1]
    stated = stated_inputs(interp, tower, batch, seq)
    for start in _starts(interp, tower, parameters, batch):
        for known in combinations(interp, required, config, batch, seq, start, stated):
            given = _with_optional(interp, parameters, known, batch)
            if not given:
                continue
            yield given
            if "encoder_hidden_states" in parameters and "encoder_hidden_states" not in given:
                yield from combinations(interp, ["encoder_hidden_states"], config, batch, seq, given)


def token_marks(interp: Interpreter, model: ModuleInstance, batch: int, seq: int) -> dict[str, Any]:
    """Which tokens are of an image, where a model asks for it and has no table of such types: a mask may let these see each other."""
    parameters, _ = forward_parameters(interp, model)
    name = next((each for each in MARKS if each in parameters), None)
    if name is None or any("token_type" in part for path, _ in walk(model, "", set()) for part in path.split(".")):
        return {}
    return {name: Tensor((batch, seq), "int64")}


def other_inputs(
    interp: Interpreter, model: ModuleInstance, given: dict[str, Any], batch: int, seq: int
) -> Iterator[dict[str, Any]]:
    """What else to call a model with that a pass did not understand.

    What it requires beside, other shapes of images and sound, what is optional by name and it cannot do without, and what a tower of
    its kind is called with.
    """
    parameters, _ = forward_parameters(interp, model)
    config = model.attrs.get("config")
    stated = stated_inputs(interp, model, batch, seq)
    vision = interp.find_attribute(config, "vision_config")
    if "use_cache" not in parameters:  # handed on to parts that do not know it
        given = {name: value for name, value in given.items() if name != "use_cache"}
    restated = {
        name: stated[name] for name, value in given.items() if name in stated and stated[name].shape != value.shape
    }
    if restated:
        yield {**given, **restated}
    shaped = [name for name in given if name in SHAPED]
    kept = {name: value for name, value in given.items() if name not in shaped}
    if "pixel_values" in given and "spatial_shapes" in parameters:
        kept.update(patches_apart(interp, vision if isinstance(vision, Instance) else config, batch, parameters))
    required = required_parameters(interp, model)
    if set(required) & {*GRIDS, *POSITIONS}:
        yield from tower_inputs(interp, model, batch, seq)
    names = list(dict.fromkeys([*(name for name in required if name not in kept), *shaped]))
    yield from combinations(interp, names, config, batch, seq, kept, stated)
    others = [name for name in parameters if name in MODALITIES and name not in kept and name not in names]
    if others:
        yield from combinations(interp, [*names, *others], _part_of(interp, config, others), batch, seq, kept, stated)
    twins = {
        name: given[name.removeprefix("decoder_")] for name in parameters if name.removeprefix("decoder_") in given
    }
    if not set(twins) <= set(given):
        yield {**twins, **given}
    beside = [name for name in stated if name in parameters and name not in (*kept, *names) and _is_data(name)]
    for more in ([beside] if beside else []) + ([[*others, *beside]] if beside and others else []):
        yield from combinations(interp, [*names, *more], config, batch, seq, kept, stated)
    yield from tower_inputs(interp, model, batch, seq)


def _is_data(name: str) -> bool:
    """Whether a parameter is something that is read, not what training compares with, or what stands for something else that is given."""
    return not name.endswith(("labels", "label", "embeds", "past_key_values", "positions", "weights"))


def _part_of(interp: Interpreter, config: Any, names: list[str]) -> Any:
    """The configuration of the part that takes these inputs."""
    audio = interp.find_attribute(config, "audio_config") if config is not None else None
    return audio if isinstance(audio, Instance) and set(names) & set(SHAPED) else config


def _starts(interp: Interpreter, tower: ModuleInstance, parameters: list[str], batch: int) -> list[dict[str, Any]]:
    """Images cut into patches, where the parameters ask for them, with what says how they lie."""
    config = tower.attrs.get("config")
    grid = next((name for name in GRIDS if name in parameters), None)
    if grid is not None and len(parameters) > 1:
        merges = Tensor((batch,), "int64", [merge_size(interp, config)] * batch)
        rest = {name: merges for name in parameters if name.endswith("merge_sizes")}
        starts: list[dict[str, Any]] = [
            {parameters[1]: each, grid: sizes, **rest} for each, sizes in patched(interp, config, batch, len_of(grid))
        ]
        return [*starts, *_as_wide_as_read(tower, starts[0], parameters[1])]
    places = next((name for name in POSITIONS if name in parameters), None)
    if places is not None and "pixel_values" in parameters:
        return [patches_at(interp, config, batch, places), {}]
    return [patches_apart(interp, config, batch, parameters)] if "spatial_shapes" in parameters else [{}]


def _as_wide_as_read(tower: ModuleInstance, start: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Patches as wide as the first projection of a tower reads them, where that is a multiple: of several frames whose number no key states."""
    rows, width = start[name].sizes
    widths = (part.attrs.get("in_features") for _, part in walk(tower, "", set()))
    read = next((each for each in widths if isinstance(each, int)), 0)
    return [{**start, name: Tensor((rows, read), "bfloat16")}] if read > width and read % width == 0 else []


def patches_apart(interp: Interpreter, config: Any, batch: int, parameters: list[str]) -> dict[str, Any]:
    """Patches of each image apart, filled up to the longest."""
    rows, width = next(patches(interp, config, 1)).sizes
    given = {
        "pixel_values": Tensor((batch, rows, width), "bfloat16"),
        "spatial_shapes": _grid(interp, config, batch, 2),
    }
    if "pixel_attention_mask" in parameters:
        given["pixel_attention_mask"] = Tensor((batch, rows), "int64")
    return given


def patches_at(interp: Interpreter, config: Any, batch: int, places: str) -> dict[str, Any]:
    """Patches of each image apart, `[images, patches, numbers of a patch]`, with the place of each, as many as pools of them need."""
    sides = 4 * max(1, number(interp, config, "pooling_kernel_size", 1))
    width = next(patches(interp, config, 1)).sizes[1]
    return {
        "pixel_values": Tensor((batch, sides * sides, width), "bfloat16"),
        places: Tensor((batch, sides * sides, 2), "int64"),
    }


def _with_optional(interp: Interpreter, parameters: list[str], given: dict[str, Any], batch: int) -> dict[str, Any]:
    """With what is optional by name and given with every sound, and without a cache."""
    features = given.get("input_features")
    if "input_features_mask" in parameters and isinstance(features, Tensor):
        given = {**given, "input_features_mask": Tensor((batch, features.sizes[frames_axis(features)]), "int64")}
    return {**given, **({"use_cache": False} if given and "use_cache" in parameters else {})}


def len_of(grid: str) -> int:
    """How many sizes a grid gives for an image: frames, rows, columns, or the last two."""
    return 3 if "thw" in grid else 2


def merge_size(interp: Interpreter, config: Any) -> int:
    """How many patches a side become one: what the configuration states, else 1."""
    for name in ("spatial_merge_size", "merge_kernel_size", "downsample_ratio"):
        found = interp.find_attribute(config, name)
        found = found[0] if isinstance(found, (list, tuple)) and found else found
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return found
    return 1


def _sides(interp: Interpreter, config: Any) -> int:
    """Patches a side of an image: four merged ones, or two windows where attention stays within windows of so many pixels."""
    merge, side = merge_size(interp, config), number(interp, config, "patch_size", 14)
    window = number(interp, config, "window_size", 0) // merge // side
    return merge * (2 * window if 1 < window <= MOST_IN_WINDOW else 4)


def patches(interp: Interpreter, config: Any, batch: int) -> Iterator[Tensor]:
    """Images cut into patches: `[patches of all, numbers of a patch]`, or each patch as an image, or all in a batch of one."""
    side = number(interp, config, "patch_size", 14)
    channels = next((found for name in CHANNELS if (found := number(interp, config, name, 0))), 3)
    frames = number(interp, config, "temporal_patch_size", 1)
    count = batch * _sides(interp, config) ** 2
    yield Tensor((count, channels * frames * side * side), "bfloat16")
    yield Tensor((count, channels, side, side), "bfloat16")
    yield Tensor((1, count, channels, side, side), "bfloat16")


def patched(interp: Interpreter, config: Any, batch: int, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Patches with the grid that they lie in; last, squares of merged patches with a grid that counts these."""
    sizes = _grid(interp, config, batch, count)
    for each in patches(interp, config, batch):
        yield each, sizes
    merge = merge_size(interp, config)
    side, squares = number(interp, config, "patch_size", 14) * merge, _sides(interp, config) // merge
    channels = next((found for name in CHANNELS if (found := number(interp, config, name, 0))), 3)
    merged = Tensor((batch * squares**2, side, side, channels), "bfloat16")
    yield merged, Tensor((batch, count), "int64", [1, squares, squares][-count:] * batch)


def _grid(interp: Interpreter, config: Any, batch: int, count: int) -> Tensor:
    sides = _sides(interp, config)
    return Tensor((batch, count), "int64", [1, sides, sides][-count:] * batch)


def append(recorder: Recorder, more: Recorder) -> None:
    """Put the events of another pass after those of this one, under numbers of their own."""
    recorder.events.add(more.events, recorder.next_number)
    recorder.apart.update(more.numbered(recorder.next_number))
    recorder.next_number += more.next_number
    recorder.take_assumptions(more)
    recorder.forks.add(more.forks)
    recorder.joined.add(more.joined)
