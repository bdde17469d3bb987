"""The cache per token of the fact strip is that of `archviz memory`."""

from __future__ import annotations

import pytest

from archviz.architecture.model import Architecture
from archviz.figure.cache_cell import cache_per_token
from archviz.figure.captions import facts
from archviz.figure.columns import spoken_tower
from archviz.measures import measure
from archviz.readings import DEFAULTS
from archviz.records import replace
from tests.figure.test_catalog_figures import V4, model
from tests.figure.zoo import ZOO

OFFLINE = replace(DEFAULTS, offline=True)


def kept(architecture: Architecture) -> tuple[float, float] | None:
    tower = next(tower for tower in architecture.towers if tower.id == spoken_tower(architecture))
    stack = next(found for item in tower.column if item.stack and (found := architecture.stack(item.stack)))
    return cache_per_token(architecture, stack)


@pytest.mark.parametrize(
    "name",
    ["Qwen/Qwen3-0.6B", "google/gemma-3-1b-it", "deepseek-ai/DeepSeek-V3", "google-t5/t5-small", "LiquidAI/LFM2-1.2B"],
)
def test_it_is_what_the_caches_of_two_passes_hold(name: str) -> None:
    memory = measure(name, [4096], settings=OFFLINE).memory
    assert kept(model(name)) == (memory.per_token(growing=False), memory.per_token(growing=True))


def test_pooled_positions_keys_that_are_values_and_windows_count_as_they_are_kept() -> None:
    assert kept(model(V4)) == (49_568, 5_536)  # `archviz memory deepseek-ai/DeepSeek-V4-Flash`, per_token
    cell = next(cell for cell in facts(model(V4)) if cell.label.startswith("KV cache"))
    assert (cell.value, cell.status) == ("48.4 KiB, 5.41 KiB beyond windows", "derived")


def test_an_encoder_and_widths_that_are_not_known_have_none() -> None:
    assert not [cell for cell in facts(ZOO["bert"]()) if cell.label.startswith("KV cache")]
    qwen = model("Qwen/Qwen3-0.6B")
    unknown = replace(qwen, facts=[fact for fact in qwen.facts if fact.key != "head_dim"])
    assert kept(unknown) is None
