"""Bytes of the weights as they are stored: by the type that the configuration states, and by its quantisation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from archviz.architecture.model import Architecture
from archviz.interpreter.reading import ModelReading
from archviz.numbers.dtypes import BITS, SHORT
from archviz.numbers.quantised import excepted, group_scales, listed, matrices, total
from archviz.numbers.stored_forms import MX_GROUP, find_forms, unmet_words
from archviz.records import record

_FOUR_BITS = ("fp4", "mxfp4", "float4")
_AS_MANY = 0.9  # of the parameters: fewer stored numbers than this are several parameters in one


@record(frozen=True)
class StoredWeights:
    """Bytes of all weights and what they are stored as; of bytes that are not known why that is."""

    bytes: int | None
    words: str


Names = Callable[[str], Iterable[str]]
"""A module → the names by which a configuration may call it."""


def _its_own(module: str) -> Iterable[str]:
    return (module,)


def stored_weights(
    reading: ModelReading, architecture: Architecture, quantisation: dict[str, object], names: Names = _its_own
) -> StoredWeights | None:
    """The weights as the configuration says that they are stored, or why it does not tell; None where it says nothing of them.

    Args:
        reading: The model.
        architecture: Its description: the total, and the type of what is not quantised.
        quantisation: The `quantization_config`; empty for none.
        names: What a configuration may call a module besides its path in the code.
    """
    stated = architecture.fact("dtype")
    name = str(stated.value) if stated is not None else ""
    dtype = SHORT.get(name, name)
    if not quantisation:
        return _unquantised(architecture, dtype)
    width = architecture.fact("hidden_size")
    is_excepted = excepted(listed(quantisation))
    held = [
        each for each in matrices(reading.root, width.value if width is not None and isinstance(width.value, int) else 0)
        if not is_excepted(each.module) and (quantisation.get("quant_method") != "mxfp4" or each.expert)
    ]  # fmt: skip
    forms = find_forms(quantisation, [each.module for each in held])
    if isinstance(forms, str):
        return StoredWeights(None, forms)
    apart = reading.config.get("expert_dtype") in _FOUR_BITS and not any(form.targets for form in forms)
    packed = [each for each in held if apart and each.expert]
    held = [each for each in held if not (packed and each.expert)]
    told: list[str] = []
    unmet: list[str] = []
    size = quantised = 0
    for form in forms:
        taken = {each.module for each in held if form.takes(each.module)}
        if not taken:  # as another engine, or the checkpoint, calls them
            called = {each.module: [each.module, *names(each.module)] for each in held}
            taken = {module for module, known in called.items() if any(map(form.takes, known))}
            unmet += unmet_words(form.targets, [name for module in taken for name in called[module]])
        if not taken:
            return StoredWeights(None, f"{form.text} for {form.target_words}: the official code calls no module so")
        own = [each for each in held if each.module in taken]
        held = [each for each in held if each.module not in taken]
        count = total(own, lambda each: each.numel)
        size += count * form.bits + total(own, form.rule) * form.scale_bits
        quantised += count
        told.append(f"{count:,} {form.text}")
    if packed:
        experts = total(packed, lambda each: each.numel)
        size += experts * 4 + total(packed, group_scales(MX_GROUP)) * 8
        told.append(f"{experts:,} of experts of 4 bits, a scale of 8 bits for {MX_GROUP} of them")
        quantised += experts
    plain = BITS.get(dtype, 16)
    size += (architecture.parameters.total - quantised) * plain
    rest = (
        f", among it what {', '.join(dict.fromkeys(unmet))} stands for, which the official code calls otherwise"
        if unmet
        else ""
    )
    return StoredWeights(size // 8, f"{', '.join(told)}, the rest of {plain} bits{rest}")


def _unquantised(architecture: Architecture, dtype: str) -> StoredWeights | None:
    """Weights of one type; where the published total tells that they are packed, as it tells it."""
    if dtype not in BITS:
        return None
    parameters = architecture.parameters
    everything, published = parameters.total, parameters.published_total
    if published is None or published >= everything * _AS_MANY:
        return StoredWeights(everything * BITS[dtype] // 8, f"{dtype}, no quantisation stated")
    steps = {step.key: step for step in parameters.reconciliation}
    words = f"no quantisation is stated, but {published:,} numbers are published for {everything:,} parameters"
    if "packed" not in steps:
        return StoredWeights(None, f"{words}: packed in a way that is not understood")
    packed = -2 * steps["packed"].count
    scales = steps["scales"].count if "scales" in steps else 0
    size = packed * 4 + scales * 8 + (everything - packed) * BITS[dtype]
    counted = f"{scales:,} scales of 8 bits" if scales else "scales not counted"
    return StoredWeights(
        size // 8,
        f"{words}, from which is derived: {steps['packed'].title} ({counted}), the rest of {BITS[dtype]} bits",
    )
