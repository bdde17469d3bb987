"""What a parameter of `forward` may be given, by its name and the configuration of its model: the likeliest first.

A configuration does not say everything of an input: sound comes as `[batch, samples]` or with channels, features by bins or by frames.
So a parameter has several candidates, and the first with which a pass is understood counts.
"""

from __future__ import annotations

from itertools import islice, product
from typing import Any

from archviz.interpreter.inputs import image, number
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance, Tensor

CHANNELS = ("in_channels", "in_chans", "num_channels")
BINS = ("num_mel_bins", "feature_size", "input_dim", "input_size", "input_feat_size", "num_input_features")
WIDTHS = ("hidden_size", "d_model", "embed_dim", "input_dim", "input_size")
FRAMES = ("num_frames", "frames_per_clip")
QUERIES = ("num_query_tokens", "num_queries", "num_latents", "resampler_n_latents")
SAMPLES = 16000
IMAGES = ("pixel_values", "images", "image", "pixels")
DTYPE = "bfloat16"
WHOLE = "configuration of the whole model"  # in `Interpreter.state`, while parts of it are called
MOST = 8  # combinations that are tried


def combinations(
    interp: Interpreter, names: list[str], config: Any, batch: int, seq: int, known: dict[str, Any]
) -> list[dict[str, Any]]:
    """The candidates of several parameters put together; none when one of them is not known."""
    wanted = [name for name in names if name not in known]
    found = [candidates(interp, name, config, batch, seq) for name in wanted]
    return [{**known, **dict(zip(wanted, chosen, strict=True))} for chosen in islice(product(*found), MOST)]


def candidates(interp: Interpreter, name: str, config: Any, batch: int, seq: int) -> list[Any]:
    """Tensors for a parameter; empty for one whose meaning is not known."""
    if name in IMAGES:
        return _images(interp, config, batch)
    if name in ("pixel_values_videos", "video"):
        frames = next(iter(numbers(interp, config, FRAMES)), 16)
        return [Tensor((batch, frames, *image(interp, config, batch, DTYPE).sizes[1:]), DTYPE)]
    if name == "flattened_patches":  # each with its row and column before its numbers
        vision = interp.find_attribute(config, "vision_config")
        part = vision if isinstance(vision, Instance) else config
        return [Tensor((batch, seq, 2 + width), DTYPE) for width in numbers(interp, part, ("patch_embed_hidden_size",))]
    if name in ("input_features", "audio_values", "input_values"):
        return _sound(interp, name, config, batch)
    if name.endswith("input_ids"):
        return [Tensor((batch, seq), "int64")]
    if name in ("inputs_embeds", "hidden_states", "context"):
        return [Tensor((batch, seq, width), DTYPE) for width in numbers(interp, config, WIDTHS)]
    if name == "encoder_hidden_states":
        return [
            Tensor((batch, seq, width), DTYPE) for width in numbers(interp, config, ("encoder_hidden_size", *WIDTHS))
        ]
    if name == "query_embeds":
        count = next(iter(numbers(interp, config, QUERIES)), 32)
        return [Tensor((batch, count, width), DTYPE) for width in numbers(interp, config, ("hidden_size",))]
    if name in ("attention_mask", "mask", "input_features_mask"):
        return [Tensor((batch, seq), "int64")]
    stated = numbers(
        interp, config, (f"{name}_dim", f"{name.removesuffix('s')}_dim")
    )  # features of regions and their boxes
    return [Tensor((batch, seq, width), DTYPE) for width in stated]


def _images(interp: Interpreter, config: Any, batch: int) -> list[Any]:
    """An image of the size that the configuration states, else that the whole model's states; and several of each."""
    own = image(interp, config, batch, DTYPE)
    whole = interp.state.get(WHOLE)
    outer = own if whole is None else image(interp, whole, batch, DTYPE)
    found = [own, *([outer] if outer.shape != own.shape else [])]
    return [*found, Tensor((batch, 1, *own.sizes[1:]), DTYPE)]


def _sound(interp: Interpreter, name: str, config: Any, batch: int) -> list[Any]:
    """Samples without and with channels; features by bins and by frames."""
    if name != "input_features":
        channels = next(iter(numbers(interp, config, ("audio_channels",))), 1)
        return [Tensor((batch, SAMPLES), DTYPE), Tensor((batch, channels, SAMPLES), DTYPE)]
    longest = number(interp, config, "max_position_embeddings", 3000)
    frames = 2 * number(interp, config, "max_source_positions", 0) or min(longest // 2, 3000)
    bins = numbers(interp, config, BINS) or [80]
    by_frames = [Tensor((batch, frames, each), DTYPE) for each in bins]
    spectrogram = Tensor((batch, 1, min(frames, 1000), bins[0]), DTYPE)
    return [Tensor((batch, bins[0], frames), DTYPE), *by_frames, spectrogram]


def numbers(interp: Interpreter, config: Any, names: tuple[str, ...]) -> list[int]:
    """The positive whole numbers that a configuration states under some names, each once, in this order."""
    found = (number(interp, config, name, 0) for name in names)
    return list(dict.fromkeys(each for each in found if each > 0 and not isinstance(each, bool)))
