"""The frequencies that a vector holds or a table of waves was made with, and which values of a pass are such tensors."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.reading import Frequencies
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import ModuleInstance, Tensor
from archviz.interpreter.walk import distinct_modules

_KEY = "archviz frequencies"  # in `Tensor.attrs`, where no program looks
_MOST = 4096  # numbers of a vector


def frequencies_of(tensor: Any) -> Frequencies | None:
    """What a table of waves was made with."""
    return tensor.attrs.get(_KEY) if isinstance(tensor, Tensor) and tensor.attrs else None


def keep_frequencies(tensor: Tensor, found: Frequencies) -> None:
    """Say of a table what it was made with."""
    tensor.attrs = {**(tensor.attrs or {}), _KEY: found}


def stored_frequencies(model: ModuleInstance, recorder: Recorder) -> dict[int, Frequencies]:
    """Number in the events → the frequencies of a buffer or an attribute that the pass read, a vector or a table."""
    held = [
        (tensor, found) for module in distinct_modules(model) for table in (module.buffers, module.attrs) for tensor in table.values()
        if tensor.__class__ is Tensor and (found := frequencies_of(tensor) or _vector(tensor)) is not None
    ]  # fmt: skip
    known = {id(tensor): number for number, tensor in {**recorder.numbered(), **recorder.apart}.items()} if held else {}
    return {known[id(tensor)]: found for tensor, found in held if id(tensor) in known}


def _vector(tensor: Tensor) -> Frequencies | None:
    if not is_vector(tensor) or not any(tensor.data or ()) or len(tensor.data or ()) > _MOST:
        return None  # what is zero throughout turns nothing: it waits for stored numbers
    return Frequencies(tuple(map(float, tensor.data or ())), tensor.at)


def is_vector(tensor: Tensor) -> bool:
    """Whether a tensor is a vector of two or more fractions that are known."""
    return len(tensor.sizes) == 1 and tensor.sizes[0] > 1 and bool(tensor.data) and "float" in tensor.dtype


def states_theta(config: Any, depth: int = 0) -> bool:
    """Whether a configuration states the base of a rotation anywhere."""
    if not isinstance(config, dict) or depth > 4:
        return False
    return any(
        (isinstance(value, (int, float)) and ("theta" in key or key in ("rotary_emb_base", "rotary_base")))
        or states_theta(value, depth + 1)
        for key, value in config.items()
    )
