"""Bytes of the weights as they are stored: by the type that the configuration states, and by its quantisation."""

from __future__ import annotations

from collections.abc import Callable

from archviz.architecture.model import Architecture
from archviz.interpreter.reading import ModelReading
from archviz.numbers.dtypes import BITS, SHORT
from archviz.numbers.quantised import (
    Matrix,
    Scales,
    excepted,
    group_scales,
    listed,
    matrices,
    scales_of_group,
    scales_stated,
    total,
)
from archviz.records import record

_METHOD_BITS = {"fp8": 8, "fbgemm_fp8": 8, "mxfp4": 4, "nvfp4": 4, "bitnet": 2}
_MX_GROUP = 32  # numbers that share a scale of 8 bits
_FOUR_BITS = ("fp4", "mxfp4", "float4")
_LAYER_CLASSES = {"Linear"}  # a target that is a class, not a module's name


@record(frozen=True)
class StoredWeights:
    """Bytes of all weights and what they are stored as."""

    bytes: int
    words: str


def _all(module: str) -> bool:
    return True


def _none(matrix: Matrix) -> int:
    return 0


_NO_SCALES: tuple[str, Scales] = ("scales not counted", _none)


@record(frozen=True)
class _Form:
    """How some matrices are stored: bits of a weight, what the scales are, bits of one, how many a matrix has, and which modules are so."""

    bits: int
    words: str
    scale_bits: int
    rule: Scales
    takes: Callable[[str], bool] = _all


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
    forms = _forms(quantisation)
    if not forms:
        return None
    width = architecture.fact("hidden_size")
    is_excepted = excepted(listed(quantisation))
    held = [
        each for each in matrices(reading.root, width.value if width is not None and isinstance(width.value, int) else 0)
        if not is_excepted(each.module) and (quantisation.get("quant_method") != "mxfp4" or each.expert)
    ]  # fmt: skip
    packed = [each for each in held if each.expert] if reading.config.get("expert_dtype") in _FOUR_BITS else []
    held = [each for each in held if not (packed and each.expert)]
    size = quantised = 0
    told = []
    for form in forms:
        own = [each for each in held if form.takes(each.module)]
        held = [each for each in held if not form.takes(each.module)]
        count = total(own, lambda each: each.numel)
        if not count:
            return None  # what the configuration names is called otherwise in the code
        size += count * form.bits + total(own, form.rule) * form.scale_bits
        quantised += count
        told.append(f"{count:,} weights of {form.bits} bits, {form.words}")
    if packed:
        experts = total(packed, lambda each: each.numel)
        size += experts * 4 + total(packed, group_scales(_MX_GROUP)) * 8
        told.append(f"{experts:,} of experts of 4 bits, a scale of 8 bits for {_MX_GROUP} of them")
        quantised += experts
    plain = BITS.get(dtype, 16)
    size += (everything - quantised) * plain
    return StoredWeights(size // 8, f"{', '.join(told)}, the rest of {plain} bits")


def _forms(quantisation: dict[str, object]) -> list[_Form]:
    """How the quantised matrices are stored; empty where that is not understood."""
    groups = quantisation.get("config_groups")
    if isinstance(groups, dict) and groups:
        forms = [_form_of_group(group) for group in groups.values() if isinstance(group, dict) and group.get("weights")]
        found = [form for form in forms if form is not None]
        return found if len(found) == len(forms) else []
    bits = _bits(quantisation)
    return [] if bits is None else [_Form(bits, *_scales(quantisation, bits))]


def _form_of_group(group: dict[str, object]) -> _Form | None:
    """A group of `compressed-tensors` or `modelopt`: its bits, its scales, and the modules that it is for."""
    weights, targets = group["weights"], group.get("targets")
    bits = weights.get("num_bits") if isinstance(weights, dict) else None
    if not isinstance(weights, dict) or not isinstance(bits, int) or not 1 <= bits <= 16:
        return None
    named = [str(each) for each in targets] if isinstance(targets, list) else []
    takes = excepted(named) if named and not _LAYER_CLASSES & set(named) else _all
    stated = scales_of_group(weights)
    words, rule = stated or _NO_SCALES
    return _Form(bits, words, _scale_bits(weights, bits) if stated else 0, rule, takes)


def _scale_bits(weights: dict[str, object], bits: int) -> int:
    """Bits of a scale: as stated; else those of the model's type, and of 4-bit floats 8."""
    stated = str(weights.get("scale_dtype") or "").removeprefix("torch.")
    return BITS.get(stated) or (8 if bits == 4 and weights.get("type") == "float" else 16)


def _bits(quantisation: dict[str, object]) -> int | None:
    """Bits of a quantised weight where all are stored alike."""
    for key in ("bits", "num_bits", "w_bit"):
        value = quantisation.get(key)
        if isinstance(value, int) and 1 <= value <= 16:
            return value
    return _METHOD_BITS.get(str(quantisation.get("quant_method")))


def _scales(quantisation: dict[str, object], bits: int) -> tuple[str, int, Scales]:
    """What the scales are, their bits, and how many a matrix has."""
    method, group = quantisation.get("quant_method"), quantisation.get("group_size")
    if method == "mxfp4":
        return f"a scale of 8 bits for {_MX_GROUP} of them", 8, group_scales(_MX_GROUP)
    stated = scales_stated(quantisation)
    if stated is not None:
        return stated[0], 8 if quantisation.get("scale_fmt") == "ue8m0" else 32, stated[1]
    if method in ("gptq", "awq") and isinstance(group, int) and group > 0:
        return f"a scale of 16 bits and a zero of {bits} for {group} of them", 16 + bits, group_scales(group)
    words, rule = _NO_SCALES
    return words, 0, rule
