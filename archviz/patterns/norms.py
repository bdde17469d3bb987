"""Normalisation layers: RMSNorm, LayerNorm and their gated or weightless forms; norms that are no module but a function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archviz.interpreter.reading import Event, ModuleRecord, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.norm_epsilon import epsilon
from archviz.patterns.op_families import CONTRACTIONS, PLUMBING, activation_of, canonical
from archviz.patterns.trace import Trace
from archviz.records import record, replace
from archviz.spans import Span

_LIBRARY = {
    "LayerNorm": "LayerNorm", "RMSNorm": "RMSNorm", "GroupNorm": "GroupNorm", "BatchNorm1d": "BatchNorm",
    "BatchNorm2d": "BatchNorm", "InstanceNorm1d": "InstanceNorm",
}  # fmt: skip
_AVERAGES = {"mean", "var", "std", "norm", "normalize", "layer_norm", "rms_norm"}
_ROOTS = {"rsqrt", "sqrt", "pow", "std"}
_REDUCTIONS = {"mean", "var", "rsqrt", "sqrt", "layer_norm", "rms_norm", "norm", "square", "pow", "normalize"}


NORM_OPS = {"rms_norm": "RMSNorm", "layer_norm": "LayerNorm", "normalize": "L2 norm"}
"""Functions of PyTorch → the norm that each computes."""
_STOPS = frozenset({"linear", "addmm", *CONTRACTIONS})
_LONG = 24  # steps back from an operand


AFFINE = "Affine (no normalisation)"


@record(frozen=True)
class Norm:
    """What a normalisation does.

    Args:
        kind: `RMSNorm`, `LayerNorm`, `GroupNorm`, …
        size: Normalised width; None when it has no weight.
        eps: The constant under the root.
        gated: A second input gates the result.
        unit_offset: The weight is added to one (Gemma).
        eps_at: The line of its steps that adds the constant; None where it is an attribute's.
    """

    kind: str
    size: int | None
    eps: float | None
    gated: bool = False
    unit_offset: bool = False
    eps_at: Span | None = None


def detect_norm(module: ModuleRecord, trace: Trace) -> Norm | None:
    """The normalisation that a module is; None when it is none.

    Order: torch's own layers, then the ops of its forward, then (without a trace) its class name.
    """
    inner = _gated_by_itself(module, trace)
    if inner is not None:
        return inner
    wide = any(len(tensor.shape) > 2 for tensor in module.parameters.values())
    if wide or module.children or activation_of(module.class_name):
        return None
    weight = next((module.parameters[name] for name in ("weight", "scale", "gamma") if name in module.parameters), None)
    if weight is None and module.parameters:
        if not _only_vectors(module) or _from_ops(module, trace) is None:
            return None
        weight = next(iter(module.parameters.values()))  # under a name of its own, as its steps show
    kind = (
        _LIBRARY.get((module.library or "").rpartition(".")[2]) or _from_ops(module, trace) or _from_name(module, trace)
    )
    if kind is None:
        return None
    call = trace.call(module.path)
    gated = len([v for v in call.inputs if trace.carries(v)]) > 1 if call else "gated" in module.class_name.lower()
    size = weight.numel if weight is not None else None
    eps, at = epsilon(module, trace)
    return Norm(kind, size, eps, gated, _adds_one(module, trace), at)


def _only_vectors(module: ModuleRecord) -> bool:
    """Whether a module holds one vector, or two of one length, and nothing else."""
    shapes = [tensor.shape for tensor in module.parameters.values()]
    return len(shapes) < 3 and len(set(shapes)) == 1 and len(shapes[0]) == 1


def _gated_by_itself(module: ModuleRecord, trace: Trace) -> Norm | None:
    """A norm whose result is multiplied by a function of itself: one norm and a gate beside it, nothing else."""
    children = list(module.children.values())
    if len(children) != 2 or module.parameters or "mul" not in trace.own_ops(module.path):
        return None
    call = trace.call(module.path)
    norms = [found for child in children if not child.children and (found := detect_norm(child, trace))]
    kept = bool(call and call.inputs and call.outputs and call.inputs[0].shape == call.outputs[0].shape)
    return (
        replace(norms[0], gated=True) if len(norms) == 1 and kept and "sigmoid" in trace.own_ops(module.path) else None
    )


def _from_ops(module: ModuleRecord, trace: Trace) -> str | None:
    """RMSNorm takes the root of a mean of squares; LayerNorm subtracts a mean or calls the function."""
    call = trace.call(module.path)
    return norm_of_steps([event for event in trace.own(call) if event.kind != "call"] if call else [])


def norm_of_steps(steps: Sequence[Event]) -> str | None:
    """The normalisation that some steps are; None when they are none."""
    events = [event for event in steps if canonical(event.name) not in PLUMBING]
    ops = [canonical(event.name) for event in events]
    if not _REDUCTIONS & set(ops) or "softmax" in ops or "linear" in ops or not _ROOTS & set(ops):
        return NORM_OPS.get(ops[0]) if len(ops) == 1 else None
    under_root = ops[: max(at for at, op in enumerate(ops) if op in _ROOTS)]
    if not (_AVERAGES & set(ops) or ("sum" in ops and "div" in under_root)):
        return "L2 norm" if "sum" in ops else None
    centred = any(canonical(event.name) == "sub" and len(event.inputs) == 2 for event in events)
    if "layer_norm" in ops or "var" in ops or centred or ops.count("mean") > 1:
        return "LayerNorm"
    return "RMSNorm"


def _from_name(module: ModuleRecord, trace: Trace) -> str | None:
    names = " ".join((module.class_name, *module.bases)).lower()
    if "norm" not in names:
        return None
    call = trace.call(module.path)
    if call is not None and call.outputs and trace.own_ops(module.path):
        return AFFINE  # it ran through, and only scaled and shifted
    if "rms" in names:
        return "RMSNorm"
    return "LayerNorm" if "layernorm" in names or "layer_norm" in names else "Norm"


def _adds_one(module: ModuleRecord, trace: Trace) -> bool:
    """`x * (1 + weight)`: an addition of the constant one to something that is not data."""
    call = trace.call(module.path)
    if call is None:
        return False
    adds = [e for e in trace.own(call) if e.name.strip("_") in ("add", "radd")]
    return any(
        1 in [v for name, v in event.options.items() if name in ("0", "1", "other") and isinstance(v, (int, float))]
        and not any(map(trace.carries, event.inputs))
        for event in adds
    )


@record(frozen=True)
class FunctionalNorm:
    """A norm without a module.

    Args:
        kind: `RMSNorm`, `LayerNorm`, `L2 norm`.
        event: The op, or the function of the code.
        weighted: It is given a weight, which some module holds.
    """

    kind: str
    event: Event
    weighted: bool


def functional_norm(event: Event, trace: Trace) -> FunctionalNorm | None:
    """The norm that an op or a function is; None for anything else, and for the call of a module."""
    data = [value for value in event.inputs if trace.carries(value)]
    if event.kind == "call" or len(data) != 1 or len(event.outputs) != 1 or event.outputs[0].shape != data[0].shape:
        return None
    if event.kind == "op":
        kind = NORM_OPS.get(canonical(event.name))
    else:
        kind = norm_of_steps([each for each in trace.own(event) if each.kind != "function"])
    return FunctionalNorm(kind, event, len(event.inputs) > 1) if kind is not None else None


def norms_before(trace: Trace, call: Event, operands: Iterable[ValueRef]) -> list[FunctionalNorm]:
    """The norms without a module between the projections of an attention and the operands of its scores."""
    made = makers(trace.own(call), outermost=True)
    found: list[FunctionalNorm] = []
    for operand in operands:
        value: ValueRef | None = operand
        for _ in range(_LONG):
            maker = made.get(value.id) if value is not None else None
            if maker is None or value is None or canonical(maker.name) in _STOPS:
                break
            norm = functional_norm(maker, trace)
            found += [norm] if norm is not None else []
            value = _source(trace, maker, value)
    return found


def _source(trace: Trace, event: Event, value: ValueRef) -> ValueRef | None:
    """What a value was made of; a rotation of several tensors makes each of its own."""
    data: Sequence[ValueRef] = [source for source in event.inputs if trace.carries(source)]
    place = next((at for at, made in enumerate(event.outputs) if made.id == value.id), 0)
    if not data or (event.kind == "call" and len(data) != len(event.outputs)):
        return None
    return data[place] if place < len(data) else data[0]
