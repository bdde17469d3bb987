"""What a parameter of `forward` may be given, by its name and the configuration of its model: the likeliest first.

A configuration does not say everything of an input: sound comes as `[batch, samples]` or with channels, features by bins or by frames.
So a parameter has several candidates, and the first with which a pass is understood counts.
"""

from __future__ import annotations

from itertools import islice, product
from typing import Any

from archviz.interpreter.inputs import image, number, parts
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.stated_inputs import DTYPE, SAMPLES
from archviz.interpreter.values import Instance, Tensor

CHANNELS = ("in_channels", "in_chans", "num_channels")
BINS = ("num_mel_bins", "feature_size", "input_dim", "input_size", "input_feat_size", "num_input_features")
WIDTHS = ("hidden_size", "d_model", "embed_dim", "input_dim", "input_size")
FRAMES = ("num_frames", "frames_per_clip")
QUERIES = ("num_query_tokens", "num_queries", "num_latents", "resampler_n_latents")
IMAGES = ("pixel_values", "images", "image", "pixels")
WHOLE = "configuration of the whole model"  # in `Interpreter.state`, while parts of it are called
SOUND_MASKS = ("input_features_mask", "feature_attention_mask", "audio_attention_mask")
MASKS = ("attention_mask", "padding_mask", "mask")
STARTS = ("start_pos", "startpos", "start_position", "start_index", "pos_offset", "offset", "past_len", "past_length")
PLACES = ("positions", "input_pos", "input_positions", "pos", "position", "pos_ids")
TOKENS = ("targets", "target", "labels", "tgt", "trg", "src", "source", "tokens", "token_ids", "decoder_tokens", "y")
PATCHES_A_SIDE = ("target_sizes", "tgt_sizes")  # rows and columns of patches of each image
MOST = 8  # combinations that are tried
NONE_STATED: dict[str, Tensor] = {}


def combinations(
    interp: Interpreter, names: list[str], config: Any, batch: int, seq: int, known: dict[str, Any], stated: dict[str, Tensor] = NONE_STATED
) -> list[dict[str, Any]]:  # fmt: skip
    """The candidates of several parameters put together; none when one of them is not known.

    Args:
        known: What other parameters are given.
        stated: What the documentation states of parameters (`stated_inputs`).
    """
    wanted = [name for name in names if name not in known]
    found = [_with_stated(candidates(interp, name, config, batch, seq), stated.get(name), seq) for name in wanted]
    chosen = (dict(zip(wanted, each, strict=True)) for each in islice(product(*found), MOST))
    return [{**known, **_of_sounds_length({**known, **each}, each)} for each in chosen]


def _of_sounds_length(given: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """What was chosen, masks of sound as long as it: `[batch, frames]`, or `[batch, samples]`."""
    sound = next((given[name] for name in ("input_features", "input_values") if name in given), None)
    masks = [name for name in chosen if name in SOUND_MASKS or (name in MASKS and "input_ids" not in given)]
    if not masks or not isinstance(sound, Tensor):
        return chosen
    frames = sound.sizes[frames_axis(sound)]
    whole = Tensor((sound.sizes[0], frames), "int64", [1] * (sound.sizes[0] * frames))
    return {**chosen, **dict.fromkeys(masks, whole)}


def frames_axis(sound: Tensor) -> int:
    """Frames are more than bins."""
    return max((-1, -2), key=lambda axis: sound.sizes[axis]) if len(sound.sizes) > 2 else -1


def _with_stated(found: list[Any], stated: Tensor | None, seq: int) -> list[Any]:
    """The stated one first, which is of this model; last where it says no more than that there are so many tokens."""
    if stated is None:
        return found
    if any(each.shape == stated.shape and each.data is not None for each in found):
        return found  # with numbers, which nothing states
    others = [each for each in found if each.shape != stated.shape]
    return [*others, stated] if seq in stated.sizes else [stated, *others]


def candidates(interp: Interpreter, name: str, config: Any, batch: int, seq: int) -> list[Any]:
    """Tensors for a parameter; empty for one whose meaning is not known."""
    if name in IMAGES or name.endswith("_pixel_values"):
        return _images(interp, config, batch)
    if name in ("pixel_values_videos", "video"):
        frames = next(iter(numbers(interp, config, FRAMES)), 16)
        return [Tensor((batch, frames, *image(interp, config, batch, DTYPE).sizes[1:]), DTYPE)]
    if name == "flattened_patches":  # each with its row and column before its numbers
        vision = interp.find_attribute(config, "vision_config")
        part = vision if isinstance(vision, Instance) else config
        return [Tensor((batch, seq, 2 + width), DTYPE) for width in numbers(interp, part, ("patch_embed_hidden_size",))]
    if name in ("input_features", "audio_values", "input_values") or name.endswith("_mel"):
        return _sound(interp, name, config, batch)
    if name.endswith("input_ids"):
        return [Tensor((batch, seq), "int64")]
    if name == "query_embeds":
        count = next(iter(numbers(interp, config, QUERIES)), 32)
        return [Tensor((batch, count, width), DTYPE) for width in numbers(interp, config, ("hidden_size",))]
    if name.endswith("_embeds") or name in ("hidden_states", "context", "inputs"):
        return [Tensor((batch, seq, width), DTYPE) for width in numbers(interp, config, WIDTHS)]
    if name == "encoder_hidden_states":
        return [
            Tensor((batch, seq, width), DTYPE) for width in numbers(interp, config, ("encoder_hidden_size", *WIDTHS))
        ]
    if name.startswith("pixel") and name.endswith("_mask"):  # which of several images are there
        return [Tensor((batch, 1), "int64"), Tensor((batch, seq), "int64")]
    if name.endswith(("_mask", "_ids")) or name == "mask":
        return [Tensor((batch, seq), "int64")]
    if name in STARTS:  # how many tokens went before
        return [0]
    if name in PLACES:
        counted = interp.call(interp.import_name("torch", "arange", None), [seq], {})
        return [counted, Tensor((batch, seq), "int64")]
    if name in TOKENS:
        return [Tensor((batch, seq), "int64")]
    if name in PATCHES_A_SIDE:
        part = next((each for each in parts(interp, config) if number(interp, each, "patch_size", 0)), config)
        side = number(interp, part, "patch_size", 14)
        return [
            Tensor((batch, 2), "int64", [size // side for size in image(interp, part, batch, DTYPE).sizes[2:]] * batch)
        ]
    if name == "bbox":
        return [Tensor((batch, seq, 4), "int64")]
    stated = numbers(
        interp, config, (f"{name}_dim", f"{name.removesuffix('s')}_dim")
    )  # features of regions and their boxes
    return [Tensor((batch, seq, width), DTYPE) for width in stated]


def _images(interp: Interpreter, config: Any, batch: int) -> list[Any]:
    """An image of the size that the configuration states, else that the whole model's or a part's states; and several of each, as frames of a film."""
    own = image(interp, config, batch, DTYPE)
    whole = interp.state.get(WHOLE)
    others = [
        image(interp, part, batch, DTYPE)
        for part in (*([whole] if whole is not None else []), *parts(interp, config)[1:])
    ]
    found = [own, *(each for each in others if each.shape != own.shape)]
    several = [*numbers(interp, config, FRAMES), 1]
    return [*found, *(Tensor((batch, count, *own.sizes[1:]), DTYPE) for count in several)]


def _sound(interp: Interpreter, name: str, config: Any, batch: int) -> list[Any]:
    """Samples without and with channels; features by bins and by frames."""
    if name in ("audio_values", "input_values"):
        channels = next(iter(numbers(interp, config, ("audio_channels",))), 1)
        return [Tensor((batch, SAMPLES), DTYPE), Tensor((batch, channels, SAMPLES), DTYPE)]
    longest = next(iter(numbers(interp, config, ("max_position_embeddings",))), 3000)
    stated = next(iter(numbers(interp, config, ("max_source_positions",))), 0)
    frames = 2 * stated or min(longest // 2, 3000)
    bins = numbers(interp, config, BINS) or [80, 128]
    by_frames = [Tensor((batch, frames, each), DTYPE) for each in bins]
    spectrogram = Tensor((batch, 1, min(frames, 1000), bins[0]), DTYPE)
    return [Tensor((batch, bins[0], frames), DTYPE), *by_frames, spectrogram]


def numbers(interp: Interpreter, config: Any, names: tuple[str, ...]) -> list[int]:
    """The positive whole numbers that a configuration or one of a part states under some names, each once, in this order."""
    found = [number(interp, part, name, 0) for part in parts(interp, config) for name in names]
    return list(dict.fromkeys(each for each in found if each > 0 and not isinstance(each, bool)))
