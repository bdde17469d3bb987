"""The calls and ops of a pass as rows of JSON."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.reading import DIRECT
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Instance, Tensor, Unknown
from archviz.spans import Span

OPS = frozenset({
    "split", "chunk", "unbind", "cat", "concat", "stack", "slice", "softmax", "sigmoid", "topk", "matmul", "bmm",
    "scaled_dot_product_attention", "silu", "gelu", "relu", "tanh", "softplus", "linear", "embedding", "conv1d",
})  # fmt: skip


def trace_rows(recorder: Recorder) -> dict[str, list[dict[str, Any]]]:
    """The calls and ops of a trace as the reference records them.

    Returns:
        `calls`: module, class, in, kwargs, out, at, and `returned` where `out`, which holds tensors, lists and tuples alone, leaves
        something out: dicts, None, numbers (`form`); `ops`: module, op, in, out, at, only the ops of `OPS`.  Shapes are lists of
        ints, nested as the values are; `in` holds the positional arguments.  `functions`: the named functions of which more is known:
        the mask of an attention function and which implementation it is, the kernel that may replace it.
    """
    calls, ops, functions = [], [], []
    owners: dict[int, str] = {}  # what stands in calls of `forward` itself → the module that PyTorch sees at work
    for event in recorder.events:
        args, kwargs, result = recorder.passed.get(event.index, ((), {}, None))
        at = str(event.at) if event.at else None
        if DIRECT in event.options or (event.parent in owners and event.kind != "call"):
            owners[event.index] = _owner(recorder, owners, event.parent)
            if event.kind == "call":
                continue
            event = event._replace(module=owners[event.index])
        if event.kind == "call":
            named = {name: shapes(value) for name, value in kwargs.items() if shapes(value) is not None}
            out, whole = shapes(result), form(result)
            calls.append(
                {
                    "module": event.module,
                    "class": event.name,
                    "in": shapes(args),
                    "kwargs": named,
                    "out": out,
                    **({} if whole == out else {"returned": whole}),
                    "at": at,
                    **_told(event.options),
                }
            )
        elif event.kind == "op" and event.name in OPS:
            row = {"module": event.module, "op": event.name, "in": shapes(args), "out": shapes(result), "at": at}
            ops.append({**row, **_told(event.options)})
        elif event.kind == "function" and (told := _told(event.options)):
            inputs, outputs = ([list(v.shape or ()) for v in values] for values in (event.inputs, event.outputs))
            functions.append(
                {"module": event.module, "function": event.name, "in": inputs, "out": outputs, "at": at, **told}
            )
    return {"calls": calls, "ops": ops, "functions": functions}


def _owner(recorder: Recorder, owners: dict[int, str], parent: int) -> str:
    """The module that PyTorch sees at work in an event: that around calls of `forward` itself."""
    if parent in owners:
        return owners[parent]
    return recorder.events[parent].module if parent >= 0 else ""


def _told(options: dict[str, object]) -> dict[str, Any]:
    """What an event says of masks, dispatch and kernels, as JSON."""
    told: dict[str, Any] = {name: options[name] for name in ("dispatch", "kernel", "kernel_package") if name in options}
    mask = {
        name.removeprefix("mask_").replace("mask", "kind"): str(value) if isinstance(value, Span) else value
        for name, value in options.items()
        if name.startswith("mask")
    }
    return {**told, **({"mask": mask} if mask else {})}


def shapes(value: Any) -> Any:
    """The shapes in a value: a list of ints for a tensor, nested lists for containers, None for anything else."""
    if isinstance(value, Tensor):
        return None if value.shape is None else list(value.shape)
    if isinstance(value, Instance):
        if value.cls.has("to_tuple"):
            return shapes(value.cls.interpreter.get_attribute(value, "to_tuple")())
        return shapes(value.payload) if isinstance(value.payload, tuple) else None
    if isinstance(value, (tuple, list)):
        return [shapes(each) for each in value if isinstance(each, (Tensor, Unknown, tuple, list)) or _is_record(each)]
    return None


MOST_SHOWN = 100
_DEEPEST = 6


def form(value: Any, depth: int = 0) -> Any:
    """All that a value holds, as JSON: a list of ints for a tensor, lists and dicts as they are, names of classes for other objects.

    >>> form((Tensor((2, 3)), {"loss": None, "steps": 5}))
    [[2, 3], {'loss': None, 'steps': 5}]
    """
    if isinstance(value, Tensor):
        return shapes(value)
    if isinstance(value, Instance) and value.cls.has("to_tuple"):
        return form(value.cls.interpreter.get_attribute(value, "to_tuple")(), depth)
    held = value.payload if isinstance(value, Instance) and isinstance(value.payload, (dict, list, tuple)) else value
    if depth < _DEEPEST and isinstance(held, dict):
        return {str(name)[:80]: form(each, depth + 1) for name, each in list(held.items())[:MOST_SHOWN]}
    if depth < _DEEPEST and isinstance(held, (tuple, list)):
        return [form(each, depth + 1) for each in held[:MOST_SHOWN]]
    if value is None or isinstance(value, (bool, int, float, Unknown)):
        return None if isinstance(value, Unknown) else value
    return value[:80] if isinstance(value, str) else _class_name(value)


def _class_name(value: Any) -> str:
    return value.cls.name if isinstance(value, Instance) else type(value).__name__


def _is_record(value: Any) -> bool:
    return isinstance(value, Instance) and isinstance(value.payload, tuple)
