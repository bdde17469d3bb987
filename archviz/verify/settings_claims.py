"""How the layers of a library are set, where formulas name them alone: kernels and strides, slopes, groups, axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.recurrences import torch_recurrence
from archviz.verify.claims import Claim
from archviz.verify.source_lines import SourceLines
from archviz.verify.view import LayerView

_SIZES = (
    ("kernel_size", "kernel", None), ("stride", "stride", 1), ("padding", "padding", 0), ("dilation", "dilation", 1),
    ("groups", "groups", 1), ("padding_mode", "padding mode", "zeros"), ("num_groups", "groups", None), ("dim", "dim", None),
    ("negative_slope", "slope", None), ("approximate", "approximated by", "none"), ("min_val", "least", None), ("max_val", "most", None),
    ("lambd", "λ", None), ("ceil_mode", "ceil mode", False), ("count_include_pad", "padding counted", True),
    ("output_size", "output", None), ("scale_factor", "scale", None), ("mode", "mode", None), ("align_corners", "corners aligned", None),
    ("upscale_factor", "scale", None), ("downscale_factor", "scale", None), ("value", "value", None),
)  # fmt: skip
"""Attribute of a layer, its words, and the value that is not told."""
_SLOPED = {
    "Softplus": (("beta", "β", 1.0), ("threshold", "threshold", 20.0)),
    "ELU": (("alpha", "α", 1.0),),
    "CELU": (("alpha", "α", 1.0),),
}
_TOLD = (
    "Linear",
    "Embedding",
    "Dropout",
    "LayerNorm",
    "RMSNorm",
    "BatchNorm",
    "LSTM",
    "GRU",
    "RNN",
    "MultiheadAttention",
)
"""Layers whose sizes shapes and other claims tell."""


def settings_beside(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """Layers of a library outside of the model's stacks: convolutions that make tokens of sound or images, recurrent layers."""
    layers = tuple(f"{stack.path}." for stack in stacks)
    for path, module in context.modules.items():
        key = None if path.startswith(layers) or context.trace.call(path) is None else _key(module)
        value = settings_words(module) if key is not None else ""
        if key == "convolution" or value:
            yield Claim(key or "", value, "verified", lines.evidence(module.created_at), part=path)
        what = None if path.startswith(layers) else torch_recurrence(module, context.trace)
        if what is not None and context.trace.call(path) is not None:
            for name, told in (("kind", what.title), ("family", what.role), *what.sizes.items()):
                yield Claim(f"mixer.{name}", told, "verified", lines.evidence(module.created_at), part=path)


def settings_inside(view: LayerView) -> Iterator[Claim]:
    """Layers of a library in a kind of layer."""
    for module in view.kind.example.walk():
        key = _key(module) if module.library and view.trace.call(module.path) is not None else None
        value = settings_words(module) if key is not None else ""
        if key is not None and value:
            yield replace(view.claim(key, value, module.created_at), part=view.relative(module.path))


def settings_words(module: ModuleRecord) -> str:
    """What of a layer's settings is not the default: `kernel 3, padding 1`."""
    kind = (module.library or "").rpartition(".")[2]
    stated = [
        (words, _one(module.attributes.get(key)), usual) for key, words, usual in (*_SIZES, *_SLOPED.get(kind, ()))
    ]
    return ", ".join(f"{words} {_shown(size)}" for words, size, usual in stated if size is not None and size != usual)


def _key(module: ModuleRecord) -> str | None:
    """Under which key a layer's settings are told; None for those that need none."""
    kind = (module.library or "").rpartition(".")[2]
    if kind.startswith("Conv"):
        return "convolution"
    return None if not kind or module.children or any(told in kind for told in _TOLD) else "module.settings"


def _one(size: object) -> object:
    """A size that is the same on every axis, once; others as `3 × 5`."""
    if not isinstance(size, (tuple, list)):
        return size
    return size[0] if len(set(size)) == 1 else " × ".join(map(str, size))


def _shown(size: object) -> str:
    return f"{size:g}" if isinstance(size, float) else str(size)
