"""Layers that predict further tokens (MTP): built by the class, stated by the configuration, or only among the published weights."""

from __future__ import annotations

import re

from archviz.architecture.context import code
from archviz.architecture.fact_sheet import FactSheet
from archviz.architecture.kinds import Stack
from archviz.architecture.model import Parameters
from archviz.late_patterns import late_pattern
from archviz.spans import Status

KEYS = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers", "num_mtp_modules", "mtp_num_layers")
IGNORED = "not built by the class, which ignores its weights"
_BUILT = late_pattern(r"(^|_)(mtp|nextn)(_|$)|multi_token_pred")


def further_token_facts(sheet: FactSheet, stack: Stack | None, parameters: Parameters) -> None:
    """How many such layers are stated, and whether the class builds them.

    That a class ignores weights of this name is no evidence that a model has them: classes inherit the pattern. It counts beside a
    stated number of layers, or where the published weights are more than the class's by a layer at least.
    """
    reading = sheet.context.reading
    built = [module for module in reading.root.walk() if _BUILT.search(module.name.lower())]
    layers = len(stack.layers) if stack else 0
    ignored = [at for pattern, at in reading.ignored if re.search(rf"mtp|nextn|layers\\?\.{layers}(?!\d)", pattern)]
    evidence = [each for at in ignored for each in code(at)]
    unit = "built by the class" if built else "not built by the class"
    stated = _stated(sheet)
    if stated is not None and stated[1] > 0:
        proof = code(built[0].created_at) if built else evidence
        status: Status = "verified" if built else "config"
        sheet.add("mtp_layers", stated[1], sheet.cite(stated[0]) + proof, status=status, unit=unit)
    if built:
        sheet.add("mtp", unit, code(built[0].created_at or built[0].defined_at))
    elif ignored and stated is not None and stated[1] > 0:
        sheet.add("mtp", IGNORED, evidence)
    elif ignored and stated is None and (more := _published_more(sheet, stack, parameters)):
        text = f"the published total is {more:,} more than the class builds"
        sheet.add("mtp", IGNORED, [each for at in ignored for each in code(at, text)], status="derived")


def _stated(sheet: FactSheet) -> tuple[str, int] | None:
    """The key that states how many there are, none among them; the largest where parts differ."""
    found = [
        (part.prefix + key, value) for part in sheet.context.configs for key in KEYS
        if isinstance(value := part.values.get(key), int) and not isinstance(value, bool)
    ]  # fmt: skip
    return max(found, key=lambda pair: pair[1], default=None)


def _published_more(sheet: FactSheet, stack: Stack | None, parameters: Parameters) -> int:
    """By how much the published weights are more than the class's, where it is a layer's worth beside tensors stored twice; else 0."""
    if stack is None or parameters.published_total is None:
        return 0
    tensors = sheet.context.reading.parameters()
    twice = sum(tensors[name].numel for name in sheet.context.reading.tied.values() if name in tensors)
    more = parameters.published_total - parameters.total
    smallest = min(sheet.context.parameters(layer.path) for layer in stack.layers)
    return more if more - twice >= smallest > 0 else 0
