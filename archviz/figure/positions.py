"""What the facts say of positions and scalings, in the words that stand in a figure."""

from __future__ import annotations

from archviz.architecture.model import Architecture, Fact
from archviz.figure.model import Box, Diagram
from archviz.figure.quantities import written
from archviz.records import replace

_SCALINGS = {
    "yarn": "YaRN", "linear": "linear scaling", "dynamic": "dynamic NTK", "longrope": "LongRoPE", "su": "LongRoPE",
    "llama3": "Llama-3 scaling", "ntk": "NTK", "proportional": "proportional",
}  # fmt: skip


def with_rope_settings(diagram: Diagram, architecture: Architecture, mixer: str | None) -> Diagram:
    """A diagram whose RoPE boxes say base and scaling too.

    Args:
        mixer: The kind of mixer that it shows, for settings that differ between kinds of layers.
    """
    lines = rope_lines(architecture, mixer)
    share = _of_kind(architecture.fact("rope_partial_factor"), mixer)
    boxes: list[Box] = []
    for box in diagram.boxes:
        stated = any(" of " in line for line in box.details)  # `64 of 256 dims` says it already
        partial = (f"partial factor {share:g}",) if isinstance(share, float) and share != 1 and not stated else ()
        boxes.append(replace(box, details=(*box.details, *partial, *lines)) if box.role == "rope" else box)
    return replace(diagram, boxes=tuple(boxes))


def rope_lines(architecture: Architecture, mixer: str | None) -> tuple[str, ...]:
    """`θ = 1,000,000`, and `YaRN × 32 from 4,096` where the frequencies are scaled."""
    theta = _of_kind(architecture.fact("rope_theta"), mixer)
    if isinstance(theta, dict):
        bases = [f"θ = {written(value)} ({_words(key)})" for key, value in theta.items()]
    else:
        bases = [f"θ = {written(theta)}"] if isinstance(theta, (int, float)) else []
    sections = _of_kind(architecture.fact("mrope_section"), mixer)
    if isinstance(sections, list):
        bases.append("sections " + " + ".join(written(size) for size in sections))
    scaling = _of_kind(architecture.fact("rope_scaling"), mixer, scaling=True)
    kind = _of_kind(architecture.fact("rope_type"), mixer)
    if isinstance(scaling, dict):
        return (*bases, *_scaling_text(scaling))
    return (*bases, *([_SCALINGS.get(kind, kind)] if isinstance(kind, str) and kind != "default" else []))


def _of_kind(fact: Fact | None, mixer: str | None, *, scaling: bool = False) -> object:
    """The value for a kind of mixer, where a fact has one for each; else the value."""
    value = fact.value if fact else None
    if not isinstance(value, dict) or (scaling and {"rope_type", "type"} & value.keys()):
        return value
    if mixer in value:
        return value[mixer]
    # Where kinds that mix alike differ, facts go by the whole kind: `sliding_attention+moe`.
    own = [each for key, each in value.items() if mixer and key.startswith(f"{mixer}+")]
    if own and all(each == own[0] for each in own):
        return own[0]
    return None if scaling else value


def scaling_words(scaling: object) -> str:
    """How frequencies are scaled, by kind of layer where kinds differ: `YaRN × 32 from 4,096`."""
    if not isinstance(scaling, dict):
        return ""
    if {"rope_type", "type"} & scaling.keys():
        return "".join(_scaling_text(scaling))
    kinds = {
        _words(key.partition("+")[0]): "".join(_scaling_text(value))
        for key, value in scaling.items()
        if isinstance(value, dict)
    }
    by_words: dict[str, list[str]] = {}
    for kind, words in kinds.items():
        if words:
            by_words.setdefault(words, []).append(kind)
    if len(by_words) == 1 and len(kinds) == len(scaling) and all(kinds.values()):
        return next(iter(by_words))
    others = [_words(key.partition("+")[0]) for key, value in scaling.items() if not isinstance(value, dict)]
    rest = f"not {', '.join(others)}"
    named = {words: ", ".join(dict.fromkeys(kinds_)) for words, kinds_ in by_words.items()}
    if len(named) == 1 and others and len(rest) < len(next(iter(named.values()))):
        named = dict.fromkeys(named, rest)
    return ", ".join(f"{words} ({text})" for words, text in named.items())


def _scaling_text(scaling: dict[str, object]) -> list[str]:
    """`YaRN × 32 from 4,096`."""
    kind = scaling.get("rope_type", scaling.get("type"))
    words = _SCALINGS.get(str(kind), _words(str(kind))) if kind not in (None, "default") else ""
    factor, original = scaling.get("factor"), scaling.get("original_max_position_embeddings")
    words += f" × {written(factor)}" if words and isinstance(factor, (int, float)) else ""
    words += f" from {written(original)}" if words and isinstance(original, int) else ""
    return [words] if words else []


def _words(key: str) -> str:
    return key.replace("_", " ")


def logit_lines(architecture: Architecture) -> list[str]:
    """What is done to the logits after the output head."""
    cap, scale = architecture.fact("logit_softcap"), architecture.fact("logit_scale")
    lines = [f"logits capped at ±{written(cap.value)} (tanh)"] if cap and _is_number(cap.value) else []
    width, divisor = architecture.fact("hidden_size"), architecture.fact("logits_scaling")
    if scale and scale.unit == "= d^-0.5" and width and isinstance(width.value, int):
        lines.append(f"logits divided by √d = {width.value**0.5:.3g}")
    elif scale and _is_factor(scale.value):
        lines.append(f"logits scaled × {written(scale.value)}")
    return lines + ([f"logits divided by {written(divisor.value)}"] if divisor and _is_factor(divisor.value) else [])


def embedding_lines(architecture: Architecture) -> list[str]:
    """What is done to the embeddings before the first layer."""
    factor = architecture.fact("embedding_multiplier")
    return [f"embeddings scaled × {written(factor.value)}"] if factor and _is_factor(factor.value) else []


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_factor(value: object) -> bool:
    return _is_number(value) and value != 1
