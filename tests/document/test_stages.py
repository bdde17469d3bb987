from __future__ import annotations

import re
from functools import cache

import pytest

from archviz import pipeline
from archviz.architecture.model import Architecture
from archviz.comparison.departures import departures
from archviz.document.overview import overview
from archviz.document.stages import stages
from archviz.settings import Settings

QWEN, FLASH = "Qwen/Qwen3.5-397B-A17B", "deepseek-ai/DeepSeek-V4-Flash"


@cache
def described(model: str) -> Architecture:
    return pipeline.describe(model, settings=Settings(offline=True))


@cache
def text(model: str) -> str:
    return "\n".join(stages(described(model), departures(described(model))))


def part(model: str, title: str) -> str:
    return re.split(r"^#### ", text(model).partition(f"\n#### {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("model", "title", "has", "lacks"),
    [
        ("openai/gpt-oss-20b", "Full attention", "Attention sinks", "Sliding-window"),
        ("openai/gpt-oss-20b", "Sliding-window attention", "Sliding-window", "Compressed"),
        ("moonshotai/Kimi-Linear-48B-A3B-Instruct", "MoE", "experts are scored by sigmoid", "Router scores"),
        (
            "moonshotai/Kimi-Linear-48B-A3B-Instruct",
            "Multi-head latent attention",
            "none (NoPE) instead of RoPE",
            "Positions",
        ),
        (QWEN, "Gated DeltaNet", "Gated DeltaNet layers", "QK-norm"),
        (QWEN, "Gated attention", "Gated attention output", "Gated DeltaNet"),
        (FLASH, "Sliding attention", "Attention sinks", "Compressed keys"),
        (FLASH, "Heavily compressed attention", "Compressed keys and values", "Indexer"),
        (FLASH, "Compressed sparse attention", "Indexer that chooses positions", "DeltaNet"),
        (FLASH, "MoE", "Bias in the choice of experts", "Hash routing"),
    ],
)
def test_key_features_are_those_of_the_part(model: str, title: str, has: str, lacks: str) -> None:
    features = part(model, title).partition("**Key features:**")[2]
    assert has in features
    assert lacks not in features


def test_equal_layers_in_a_row_are_one_row_of_the_plan() -> None:
    assert "| 0-2, then every 4 | Gated DeltaNet + MoE | 6,575,157,504 | 45 |" in text(QWEN)
    assert "| 3, then every 4 | Gated attention + MoE | 6,562,001,408 | 15 |" in text(QWEN)


def test_patterns_are_told_by_titles() -> None:
    words = " ".join(overview(described(QWEN)))
    assert "It has 60 layers: 15 × (3 × Gated DeltaNet + MoE, 1 × Gated attention + MoE)." in words
    assert "gated_deltanet+moe" not in text(QWEN) + words


def test_a_row_for_each_head_of_each_token_is_no_number_of_the_pass() -> None:
    assert r"\[B·S·64, 128\]" in part(QWEN, "Gated DeltaNet")


def test_what_an_attention_chooses_and_compresses_with_is_opened() -> None:
    assert re.findall(r"^##### (.*)", text(FLASH), re.MULTILINE) == [
        "Expert (one of 256)", "Compressor", "Indexer", "Compressor",
    ]  # fmt: skip


def test_a_module_without_a_graph_names_its_parts_and_its_whole_path() -> None:
    merger = part(QWEN, "merger")
    assert "`model.visual.merger`" in merger
    assert "linear\\_fc1" in merger or "linear_fc1 (Linear, weight" in merger
    assert "`model.language_model.embed_tokens`" in text(QWEN)


def test_what_stands_beside_the_stack_says_so_and_a_tower_says_what_it_feeds() -> None:
    assert "- **Beside the stack:** no step of forward reads it" in part("transformers:wav2vec2", "masked_spec_embed")
    assert "feeds the text decoder." in " ".join(overview(described(QWEN)))


def test_a_dense_feed_forward_before_experts_has_none_of_their_features() -> None:
    """Kimi-Linear's first layer is dense."""
    assert "Mixture of experts" not in part("moonshotai/Kimi-Linear-48B-A3B-Instruct", "SwiGLU")


def test_a_dense_feed_forward_beside_the_experts_of_each_layer_is_in_the_overview() -> None:
    words = " ".join(overview(described("google/gemma-4-26B-A4B")))
    assert "128 experts of width 704, 8 of them for a token, beside a GeGLU of width 2,112." in words
    assert "beside a" not in " ".join(overview(described("moonshotai/Kimi-Linear-48B-A3B-Instruct"))).replace(
        "beside a shared expert", ""
    )


def test_only_the_attention_without_positions_says_that_it_has_none() -> None:
    muse = "meta-models/Muse-Glimmer-30B"
    assert "Key features:** Gated attention output, QK-norm, no positions (NoPE)." in part(
        muse, "Full NoPE gated attention"
    )
    assert "NoPE" not in part(muse, "Sliding-window RoPE gated attention").partition("Key features")[2]


def test_the_overview_tells_values_of_another_width() -> None:
    words = " ".join(overview(described("XiaomiMiMo/MiMo-V2-Flash")))
    assert "64 query heads and 4 or 8 key/value heads of width 192 (values: 128)" in words
    assert "(values:" not in " ".join(overview(described(QWEN)))
