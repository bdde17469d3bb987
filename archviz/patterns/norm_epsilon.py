"""The small number that keeps a norm from dividing by nothing: as its steps have it, not as an attribute states it."""

from __future__ import annotations

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.activations import number_in
from archviz.patterns.op_families import canonical
from archviz.patterns.trace import Trace
from archviz.spans import Span

_STATED = ("eps", "variance_epsilon", "epsilon", "norm_eps", "layer_norm_eps")
_FUSED: dict[str, tuple[str, float | None]] = {
    "layer_norm": ("4", 1e-5), "rms_norm": ("3", None), "group_norm": ("4", 1e-5), "batch_norm": ("7", 1e-5), "normalize": ("3", 1e-12),
}  # fmt: skip
"""A norm of PyTorch → the place of its argument, and its value where none is given."""


def epsilon(module: ModuleRecord, trace: Trace) -> tuple[float | None, Span | None]:
    """The number, with the line that uses it; what is stated of a layer of PyTorch, and where no pass was seen."""
    call = trace.call(module.path) if module.library is None else None
    steps = [event for event in trace.own(call) if event.kind == "op"] if call is not None else []
    if not steps:
        return stated_epsilon(module), None
    for event in steps:
        name = canonical(event.name)
        if name in _FUSED:
            place, usual = _FUSED[name]
            given = event.options.get("eps", event.options.get(place))
            return (float(given) if isinstance(given, int | float) else usual), event.at
        if name in ("add", "clamp", "maximum") and (number := _least(event, trace)):
            return number, event.at
    return None, None


def _least(event: Event, trace: Trace) -> float | None:
    """The number that a step adds to what it reads, or keeps it from falling below."""
    if len(event.inputs) != 1 or not trace.carries(event.inputs[0]):
        return None
    if canonical(event.name) != "clamp":
        return number_in(event)
    low = event.options.get("min", event.options.get("1"))
    return float(low) if isinstance(low, int | float) and low > 0 else None


def stated_epsilon(module: ModuleRecord) -> float | None:
    """The number among the attributes of a module."""
    values = (module.attributes.get(name) for name in _STATED)
    return next((float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)), None)
