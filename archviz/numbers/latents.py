"""What cached tensors are where a layer keeps latents: those that are projected anew at each step, and the key that all heads share."""

from __future__ import annotations

from collections.abc import Mapping

from archviz.interpreter.caches import CachedPass
from archviz.interpreter.reading import Event

LATENT, ROTATED, SHARED = "latent", "rotary key", "shared key"
FORMS = (
    "repeat", "expand", "reshape", "view", "transpose", "getitem", "unsqueeze", "contiguous", "to", "slice", "repeat_interleave",
)  # fmt: skip
"""Ops whose result is their input in another form."""
_PRODUCTS = frozenset({"matmul", "bmm", "einsum", "scaled_dot_product_attention"})
_TURNS = frozenset({"cos", "sin", "polar"})


def latents(step: CachedPass) -> dict[tuple[int, str], str]:
    """(Place of a layer in the cache, name of a tensor) → what it is, for the layers that keep latents.

    A latent is what a weight projects whole after it was read from the cache. Keys and values are used as they are, also where a
    weight makes something else of them beside that, as a mask.
    """
    held = {
        number: (place, name)
        for place, layer in enumerate(step.layers)
        for name, tensor in layer.tensors.items()
        if (number := step.numbers.get(id(tensor))) is not None
    }
    found = dict.fromkeys(_projected(step, held), LATENT)
    if not found:
        return found
    makers = {value.id: event for event in step.events if event.kind == "op" for value in event.outputs}
    for number, (place, name) in held.items():
        pair = [each for each in found if each[0] == place and each[1] != name]
        if name in ("keys", "values") and pair and (place, name) not in found:
            found[place, name] = ROTATED if _is_turned(number, makers) else SHARED
    return found


def _projected(step: CachedPass, held: Mapping[int, tuple[int, str]]) -> list[tuple[int, str]]:
    forms = dict(held)
    found: list[tuple[int, str]] = []
    used: set[tuple[int, str]] = set()
    for event in step.events if held else ():
        if event.kind != "op":
            continue
        if event.name in _PRODUCTS:
            used.update(forms[value.id] for value in event.inputs if value.id in forms)
        origin = forms.get(event.inputs[0].id) if event.inputs else None
        if origin is None:
            continue
        if event.name == "linear":
            found.append(origin)
        elif event.name in FORMS:
            forms.update((value.id, origin) for value in event.outputs)
    return [each for each in found if each not in used]


def _is_turned(number: int, makers: Mapping[int, Event]) -> bool:
    """Whether a tensor was multiplied by cosines and sines after the projection that it comes from."""
    waiting, seen = [number], set()
    while waiting:
        event = makers.get(waiting.pop())
        if event is None or event.index in seen or event.name == "linear":
            continue
        if event.name in _TURNS:
            return True
        seen.add(event.index)
        waiting += [value.id for value in event.inputs]
    return False
