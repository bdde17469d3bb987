"""Formulas of whole models: of every catalog model, each comes to its count and the blocks sum to the total."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.architecture.build import build_architecture
from archviz.architecture.model import Architecture, Identity
from archviz.architecture.spec import check_architecture
from archviz.lookup.catalog import model_ids
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)
NAMES = list(model_ids())


def outlined(name: str) -> Architecture:
    """The Architecture of a model without its forward pass: counts do not depend on it."""
    reading = pipeline.read(read_model_source(name, OFFLINE))
    return build_architecture(reading, Identity(id=name, class_name="", origin="catalog"))


def faults(name: str) -> list[str]:
    architecture = outlined(name)
    rows = architecture.parameters.breakdown
    parents = {row.parent for row in rows}
    blocks = [row for row in rows if row.key not in parents]
    found = [fault for fault in check_architecture(architecture) if fault.startswith(("formulas", "rows"))]
    found += [f"{row.key} has no formula" for row in blocks if row.count and not row.formula]
    if sum(row.count for row in blocks) != architecture.parameters.total:
        found.append("the blocks do not sum to the total")
    return [f"{name}: {fault}" for fault in found]


@pytest.mark.parametrize("start", range(0, len(NAMES), 24))
def test_every_formula_of_every_catalog_model_comes_to_its_count(start: int) -> None:
    assert [fault for name in NAMES[start : start + 24] for fault in faults(name)] == []


def formula(name: str, ending: str) -> tuple[str | None, str | None]:
    row = next(row for row in outlined(name).parameters.breakdown if row.key.endswith(ending))
    return row.formula, row.numbers


@pytest.mark.parametrize(
    ("name", "ending", "expected"),
    [
        ("Qwen/Qwen3-0.6B", "/mixer", "L·(2·d·H·d_h + 2·d·H_kv·d_h + 2·d_h)"),
        ("Qwen/Qwen3-0.6B", "/feed_forward", "L·(3·d·f)"),
        ("Qwen/Qwen3-0.6B", "embedding", "V·d"),
        ("deepseek-ai/DeepSeek-V3", "/experts", "58·(3·E·d·f_e)"),
        ("openai-community/gpt2", "/mixer", "L·(4·d² + 4·d)"),
        ("google-bert/bert-base-uncased", "/mixer", "L·(4·d² + 4·d)"),
        (
            "LiquidAI/LFM2-1.2B",
            "/feed_forward",
            "10·(3·d·block_multiple_of·⌊(⌊2·f ∕ 3⌋ + block_multiple_of - 1) ∕ block_multiple_of⌋)",
        ),
        (
            "deepseek-ai/DeepSeek-V4-Flash",
            "heavily_compressed_attention+moe/mixer/compressor",
            "20·(2·d·d_h + d_h·compress_rates[heavily_compressed_attention] + d_h)",
        ),
        ("google/gemma-4-26B-A4B", "/full_attention+moe+geglu/mixer", "5·(2·d·H·d_g + d·d_g·H_g + 2·d_g)"),
        ("Qwen/Qwen3.5-397B-A17B", "gated_attention+moe/mixer/projections", "15·(3·d·H·d_h + 2·d·H_kv·d_h)"),
    ],
)
def test_formulas_are_those_of_the_field(name: str, ending: str, expected: str) -> None:
    assert formula(name, ending)[0] == expected


def test_latent_attention_has_its_ranks() -> None:
    text, numbers = formula("deepseek-ai/DeepSeek-V3", "/mixer")
    assert text is not None
    assert numbers is not None
    for part in ("r_q", "r_kv", "d_v", "d_r"):
        assert part in text
    assert "1536" in numbers
