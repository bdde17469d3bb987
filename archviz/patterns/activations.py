"""Activations by what they compute: `gelu` with `tanh` is no exact GELU, `x · σ(1.702 x)` is no SiLU.

The ops decide; the name of a class or setting decides where no ops were seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import ACTIVATIONS, PLUMBING, activation_of, canonical
from archviz.patterns.trace import Trace

TANH_GELU = "GELU-tanh"
QUICK_GELU = "QuickGELU"
_QUICK = 1.702  # `x · σ(1.702 x)` approximates GELU
_KEYS = ("hidden_act", "activation", "activation_function", "hidden_activation", "act", "mlp_hidden_act",
         "hidden_act_fn", "activation_fn")  # fmt: skip
_SQUARES = ("square", "pow")


def read_activation(event: Event, trace: Trace) -> str | None:
    """The activation that an event is: an op, or a call or function that does nothing else; None when it is none."""
    if event.kind == "op":
        return _of_op(event)
    named = activation_of(event.name)
    inner = [e for e in trace.inside(event) if e.kind == "op" and canonical(e.name) not in PLUMBING]
    if named is None or not inner:
        return named
    return spelt_out(inner) or named


def spelt_out(ops: Sequence[Event]) -> str | None:
    """The activation that some ops compute, and nothing but it."""
    names = [canonical(e.name) for e in ops]
    if names[:1] == ["relu"] and len(names) == 2 and _squares(ops[0], ops[1]):
        return "ReLU²"
    if len(names) == 1:
        return _of_op(ops[0])
    if "erf" in names and names[-1] == "mul":
        return "GELU" if "sub" not in names else None
    if names.count("tanh") == 1 and "add" in names and names[-1] == "mul" and "softplus" not in names:
        return TANH_GELU
    if names == ["mul", "sigmoid", "mul"]:
        slope = number_in(ops[0])
        return QUICK_GELU if slope == _QUICK else "SiLU" if slope == 1.0 else f"x·σ({slope:g}x)" if slope else None
    return "SiLU" if names == ["sigmoid", "mul"] else None


def activation_in(module: ModuleRecord, trace: Trace) -> str | None:
    """The activation of a module: from its ops; where its pass was not seen, a child that is one, or the name it was configured with."""
    call = trace.call(module.path)
    inside = trace.inside(call) if call is not None else ()
    found = activation_among(inside, trace)
    if found is not None or (inside and trace.whole):
        return found
    for child in module.walk():
        found = activation_of(child.class_name)
        if found and not child.parameters:
            return found
    stated = next((value for key in _KEYS if isinstance(value := module.attributes.get(key), str)), None)
    return activation_of(stated) if stated else None


def activation_among(inside: Sequence[Event], trace: Trace) -> str | None:
    """The activation among some steps; None where none of them is one."""
    # A submodule that is one says more than a function of the forward: `relu` may only cut off what is small.
    for event in sorted(inside, key=lambda e: e.kind != "call"):
        found = read_activation(event, trace)
        if canonical(event.name) == "tanh" and is_softcap(event, inside):
            continue
        if found == "ReLU" and any(_squares(event, later) for later in inside):
            return "ReLU²"
        if found == "σ":
            return _sloped(event, inside) or found
        if found is not None:
            return f"{found} (clamped)" if _is_clamped(event, inside) else found
    return None


def _is_clamped(activation: Event, inside: Sequence[Event]) -> bool:
    """Whether what an activation reads was kept within bounds right before."""
    read = [value.id for value in activation.inputs[:1]]
    return any(canonical(e.name) in ("clamp", "clip") and any(v.id in read for v in e.outputs) for e in inside)


def clamp_bounds(event: Event) -> str | None:
    """What a clamp keeps its values within: `−7 … 7`, `≤ 7`; None when its bounds are no numbers, or keep nothing out."""
    options = event.options
    if "clamp_max" in event.name:
        options = {"max": options.get("max", options.get("1"))}
    low, high = options.get("min", options.get("1")), options.get("max", options.get("2"))
    bounding = [isinstance(value, (int, float)) and isfinite(value) for value in (low, high)]  # ±∞ keeps nothing out
    shown = [
        f"{value:g}".replace("-", "−") if bounds else "" for value, bounds in zip((low, high), bounding, strict=True)
    ]
    if all(shown):
        return f"{shown[0]} … {shown[1]}"
    return (f"≥ {shown[0]}" if shown[0] else f"≤ {shown[1]}") if any(shown) else None


def _of_op(event: Event) -> str | None:
    name = ACTIVATIONS.get(canonical(event.name))
    return TANH_GELU if name == "GELU" and event.options.get("approximate") == "tanh" else name


def is_softcap(tanh: Event, inside: Sequence[Event]) -> bool:
    """A softcap, `tanh(x / c) · c`, which only bounds what goes through."""
    given, made = {v.id for v in tanh.inputs}, {v.id for v in tanh.outputs}
    before = [e for e in inside if _scales(e) and given & {v.id for v in e.outputs}]
    after = [e for e in inside if _scales(e) and made & {v.id for v in e.inputs}]
    return bool(before and after)


def _scales(event: Event) -> bool:
    """A product with a number, or a quotient by one."""
    is_scaled = canonical(event.name) in ("mul", "div", "truediv", "multiply", "true_divide")
    return is_scaled and any(isinstance(value, (int, float)) for value in event.options.values())


def _squares(relu: Event, event: Event) -> bool:
    """The result of a ReLU, itself or under a view, to the power of two."""
    return (
        canonical(event.name) in _SQUARES
        and (
            canonical(event.name) == "square" or 2 in [v for v in event.options.values() if isinstance(v, (int, float))]
        )
        and bool({v.id for v in relu.outputs} & {v.id for v in event.inputs})
    )


def _sloped(sigmoid: Event, inside: Sequence[Event]) -> str | None:
    """`x · σ(a x)` spelt out: the sigmoid of a tensor (times a number) multiplies that same tensor."""
    argument = sigmoid.inputs[0].id if sigmoid.inputs else None
    product = next((e for e in inside if canonical(e.name) == "mul" and argument in [v.id for v in e.outputs]), None)
    slope = number_in(product) if product is not None and len(product.inputs) == 1 else None
    base = product.inputs[0].id if product is not None and slope is not None else argument
    result = {v.id for v in sigmoid.outputs}
    for event in inside:
        read = {v.id for v in event.inputs}
        if canonical(event.name) == "mul" and read & result and base in read:
            clamped = any(canonical(e.name) in ("clamp", "clip") and base in [v.id for v in e.outputs] for e in inside)
            return _silu(slope or 1.0, ["clamped"] if clamped else [])
        if canonical(event.name) == "mul" and read & result and read & _capped(base, inside):
            return _silu(slope or 1.0, ["softcapped"])
    return None


def _capped(value: int | None, inside: Sequence[Event]) -> set[int]:
    """What a softcap makes of a tensor."""
    found: set[int] = set()
    for tanh in [e for e in inside if canonical(e.name) == "tanh" and is_softcap(e, inside)]:
        given, made = {v.id for v in tanh.inputs}, {v.id for v in tanh.outputs}
        before = [e for e in inside if _scales(e) and given & {v.id for v in e.outputs}]
        if any(value in [v.id for v in e.inputs] for e in before):
            after = [e for e in inside if _scales(e) and made & {v.id for v in e.inputs}]
            found |= {v.id for e in after for v in e.outputs}
    return found


def _silu(slope: float, changes: list[str]) -> str:
    """`SiLU (α = 1.702, clamped)`: how far a SiLU spelt out is from the plain one."""
    notes = [f"α = {slope:g}"] if slope != 1.0 else []
    notes += changes
    return f"SiLU ({', '.join(notes)})" if notes else "SiLU"


def number_in(event: Event | None) -> float | None:
    """The one number among the options of an op; None where there is none, or several."""
    values = (
        [v for v in event.options.values() if isinstance(v, (int, float)) and not isinstance(v, bool)] if event else []
    )
    return float(values[0]) if len(values) == 1 else None
