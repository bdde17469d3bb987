"""The tensors that a built model holds, by the numbers under which the events of a pass know them."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.interpreter.reading import StoredTensor
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import ModuleInstance, Tensor
from archviz.interpreter.walk import walk

_MOST = 4096  # numbers of a vector that are kept


def stored_tensors(model: ModuleInstance, recorder: Recorder) -> dict[int, StoredTensor]:
    """Number in the events → parameter, buffer or tensor kept as an attribute; those that the pass read."""
    known = {id(tensor): number for number, tensor in {**recorder.numbered(), **recorder.apart}.items()}
    found: dict[int, StoredTensor] = {}
    for path, module in walk(model, "", set()):
        for name, tensor in _held(module):
            number = known.get(id(tensor))
            if number is not None:
                found.setdefault(number, StoredTensor(f"{path}.{name}" if path else name, _numbers(tensor), tensor.at))
    return found


def _held(module: ModuleInstance) -> Iterator[tuple[str, Tensor]]:
    for held in (module.parameters, module.buffers, module.attrs):
        for name, value in held.items():
            if isinstance(value, Tensor):
                yield name, value


def _numbers(tensor: Tensor) -> tuple[float, ...] | None:
    """The numbers of a vector of floating point, where the code that made it was followed."""
    if tensor.data is None or len(tensor.sizes) != 1 or len(tensor.data) > _MOST or "float" not in tensor.dtype:
        return None
    return tuple(float(each) for each in tensor.data)
