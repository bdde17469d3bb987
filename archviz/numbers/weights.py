"""Bytes of the weights as they are stored: by the type that the configuration states, and by its quantisation."""

from __future__ import annotations

from collections.abc import Callable

from archviz.architecture.model import Architecture
from archviz.interpreter.reading import ModelReading
from archviz.numbers.dtypes import BITS, SHORT
from archviz.numbers.quantised import Matrix, excepted, group_scales, listed, matrices, scales_stated, total
from archviz.records import record

_METHOD_BITS = {"fp8": 8, "fbgemm_fp8": 8, "mxfp4": 4, "nvfp4": 4, "bitnet": 2}
_MX_GROUP = 32  # numbers that share a scale of 8 bits
_FOUR_BITS = ("fp4", "mxfp4", "float4")


@record(frozen=True)
class StoredWeights:
    """Bytes of all weights and what they are stored as."""

    bytes: int
    words: str


def stored_weights(
    reading: ModelReading, architecture: Architecture, quantisation: dict[str, object]
) -> StoredWeights | None:
    """The weights as the configuration says that they are stored; None where it does not say.

    Args:
        reading: The model.
        architecture: Its description: the total, and the type of what is not quantised.
        quantisation: The `quantization_config`; empty for none.
    """
    stated = architecture.fact("dtype")
    name = str(stated.value) if stated is not None else ""
    dtype = SHORT.get(name, name)
    everything = architecture.parameters.total
    if not quantisation:
        return (
            StoredWeights(everything * BITS[dtype] // 8, f"{dtype}, no quantisation stated") if dtype in BITS else None
        )
    bits = _bits(quantisation)
    if bits is None:
        return None
    width = architecture.fact("hidden_size")
    is_excepted = excepted(listed(quantisation))
    held = [
        each for each in matrices(reading.root, width.value if width is not None and isinstance(width.value, int) else 0)
        if not is_excepted(each.module) and (quantisation.get("quant_method") != "mxfp4" or each.expert)
    ]  # fmt: skip
    packed = [each for each in held if each.expert] if reading.config.get("expert_dtype") in _FOUR_BITS else []
    held = [each for each in held if not (packed and each.expert)]
    quantised, plain = total(held, lambda each: each.numel), BITS.get(dtype, 16)
    words, scale_bits, rule = _scales(quantisation)
    size = quantised * bits + total(held, rule) * scale_bits
    told = [f"{quantised:,} weights of {bits} bits, {words}"]
    if packed:
        experts = total(packed, lambda each: each.numel)
        size += experts * 4 + total(packed, group_scales(_MX_GROUP)) * 8
        told.append(f"{experts:,} of experts of 4 bits, a scale of 8 bits for {_MX_GROUP} of them")
        quantised += experts
    size += (everything - quantised) * plain
    return StoredWeights(size // 8, f"{', '.join(told)}, the rest of {plain} bits")


def _bits(quantisation: dict[str, object]) -> int | None:
    """Bits of a quantised weight."""
    for key in ("bits", "num_bits", "w_bit"):
        value = quantisation.get(key)
        if isinstance(value, int) and 1 <= value <= 16:
            return value
    groups = quantisation.get("config_groups")
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        value = weights.get("num_bits") if isinstance(weights, dict) else None
        if isinstance(value, int) and 1 <= value <= 16:
            return value
    return _METHOD_BITS.get(str(quantisation.get("quant_method")))


def _scales(quantisation: dict[str, object]) -> tuple[str, int, Callable[[Matrix], int]]:
    """What the scales are, their bits, and how many a matrix has."""
    if quantisation.get("quant_method") == "mxfp4":
        return f"a scale of 8 bits for {_MX_GROUP} of them", 8, group_scales(_MX_GROUP)
    stated = scales_stated(quantisation)
    if stated is not None:
        return stated[0], 8 if quantisation.get("scale_fmt") == "ue8m0" else 32, stated[1]
    return "scales not counted", 0, lambda _: 0
