"""Models that walk over positions one by one are sampled by few tokens, where these tell all that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.interpreter.caches import CachedPass, CacheLayer
from archviz.interpreter.short_samples import SHORT, suffice
from archviz.interpreter.values import Tensor
from archviz.measures import measure
from archviz.numbers.memory import SAMPLED
from archviz.readings import read_cached
from archviz.settings import Limits, Settings
from archviz.sources.model_source import read_model_source

Shapes = dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
OFFLINE = Settings(offline=True)


def passes(kind: str, shapes: Shapes, window: int | None = None, *, walks: bool = True) -> list[CachedPass]:
    """A layer after the two short lengths."""
    return [
        CachedPass(
            tokens,
            [CacheLayer(0, "self", "Layer", kind, "m", {n: Tensor(s[place], "bfloat16") for n, s in shapes.items()}, window)],
            [], {}, [], walks=walks,
        )
        for place, tokens in enumerate(SHORT)
    ]  # fmt: skip


STATE: Shapes = {"recurrent_states.0": ((1, 4, 8), (1, 4, 8))}
KEYS: Shapes = {"keys": ((1, 2, 16, 8), (1, 2, 32, 8))}


@pytest.mark.parametrize(
    ("found", "enough"),
    [
        (passes("linear", STATE), True),
        (passes("full", KEYS), True),
        (passes("linear + full", STATE | KEYS), True),
        (passes("sliding", KEYS, 2048), True),
        (passes("sliding", {"keys": ((1, 2, 16, 8), (1, 2, 19, 8))}, 20), False),
        (passes("state", {"buffer_kv.a": ((1, 16, 8), (1, 32, 8))}), False),
        (passes("full", KEYS | {"compressed_kv.a": ((1, 4, 8), (1, 8, 8))}), False),
        (passes("linear", STATE, walks=False), False),
        ([], False),
    ],
)
def test_few_tokens_tell_constant_states_and_keys_of_each_token(found: list[CachedPass], enough: bool) -> None:
    assert suffice(found) is enough


@pytest.mark.parametrize(("model", "few"), [("transformers:mamba", True), ("Qwen/Qwen3-0.6B", False)])
def test_only_a_loop_over_positions_makes_the_samples_short(model: str, few: bool) -> None:
    _, found = read_cached(read_model_source(model, OFFLINE), SAMPLED, settings=OFFLINE)
    assert [each.tokens for each in found] == list(SHORT if few else SAMPLED)


def test_the_state_of_rwkv_is_known_within_the_bounds_of_time() -> None:
    """Five tensors of [batch, hidden_size, layers], three of them float32: transformers/models/rwkv/modeling_rwkv.py."""
    settings = Settings(offline=True, limits=Limits(seconds=20))
    memory = measure("transformers:rwkv", [4096], settings=settings).memory
    assert [(kind.title, len(kind.layers)) for kind in memory.kinds] == [
        ("State of all layers", 2),
        ("State of all layers", 3),
    ]
    assert memory.contexts[0].state == 4096 * 32 * (2 * 2 + 3 * 4)


def test_a_loop_over_positions_of_a_model_with_keys_gives_what_long_samples_give(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "jamba", "num_hidden_layers": 8, "use_mamba_kernels": false}')
    memory = measure(str(path), [4096], settings=OFFLINE).memory
    kept = {(len(kind.layers), each.name): (each.slot, each.constant) for kind in memory.kinds for each in kind.kept}
    assert kept[1, "keys"] == (1024, 0)
    assert kept[7, "recurrent_states.0"] == (0, 131_072)
