"""Latents and the key beside them are told by what the step does with what is cached, not by names or widths."""

from __future__ import annotations

import pytest

from archviz.interpreter.caches import CachedPass, CacheLayer
from archviz.interpreter.reading import Event, ValueRef
from archviz.interpreter.values import Tensor
from archviz.numbers.latents import latents

KEYS, VALUES, TURNED, COSINES, PROJECTED = range(5)


def op(index: int, name: str, inputs: tuple[int, ...], output: int) -> Event:
    values = tuple(ValueRef(number, (1, 1, 8, 4)) for number in (*inputs, output))
    return Event(index, "op", "attn", name, values[:-1], values[-1:])


def step(*events: Event) -> CachedPass:
    keys, values = Tensor((1, 1, 8, 16), "bfloat16"), Tensor((1, 1, 8, 4), "bfloat16")
    layer = CacheLayer(0, "self", "Layer", "full", "attn", {"keys": keys, "values": values})
    return CachedPass(8, [layer], list(events), {id(keys): KEYS, id(values): VALUES}, [])


MADE = [op(0, "cos", (20,), COSINES), op(1, "linear", (21, 22), 23)]


@pytest.mark.parametrize(("factor", "words"), [(COSINES, "rotary key"), (20, "shared key")])
def test_what_is_projected_after_the_cache_is_a_latent(factor: int, words: str) -> None:
    events = [*MADE, op(2, "mul", (23, factor), TURNED), op(3, "cat", (24, TURNED), VALUES)]
    events += [op(4, "view", (KEYS,), 25), op(5, "linear", (25, 26), PROJECTED)]
    assert latents(step(*events)) == {(0, "keys"): "latent", (0, "values"): words}


def test_keys_that_are_used_as_they_are_are_none() -> None:
    events = [
        *MADE,
        op(2, "mul", (23, COSINES), TURNED),
        op(3, "cat", (24, TURNED), KEYS),
        op(4, "matmul", (25, KEYS), 26),
    ]
    assert latents(step(*events)) == {}


def test_values_that_are_weighted_as_they_are_are_none_though_a_mask_is_projected_from_them() -> None:
    events = [*MADE, op(2, "mul", (23, COSINES), TURNED), op(3, "cat", (24, TURNED), KEYS)]
    events += [op(4, "transpose", (VALUES,), 25), op(5, "linear", (25, 26), PROJECTED)]
    events += [op(6, "expand", (VALUES,), 27), op(7, "matmul", (28, 27), 29)]
    assert latents(step(*events)) == {}
