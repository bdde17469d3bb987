from __future__ import annotations

from functools import cache

import pytest

from archviz import pipeline
from archviz.comparison.claimed_departures import claimed_departures
from archviz.comparison.departure import Departure
from archviz.comparison.departures import departures
from archviz.settings import Settings
from archviz.verify.claims import Claim


@cache
def found(model: str) -> dict[str, Departure]:
    return {each.name: each for each in departures(pipeline.describe(model, settings=Settings(offline=True)))}


@pytest.mark.parametrize("model", ["01-ai/Yi-34B", "meta-llama/Llama-2-70b-hf", "mattshumer/Reflection-Llama-3.1-70B"])
def test_a_plain_decoder_has_no_departure_but_settings(model: str) -> None:
    assert [each.name for each in found(model).values() if not each.small] == []


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (
            "Qwen/Qwen3.5-397B-A17B",
            {
                "Gated DeltaNet layers", "Gated attention output", "QK-norm", "Mixture of experts", "Shared expert", "Gated shared expert",
                "Partial RoPE", "Multi-axis RoPE", "Multi-token prediction", "Vision encoder",
            },
        ),
        (
            "deepseek-ai/DeepSeek-V4-Flash",
            {
                "Layers of several kinds", "Multi-query attention", "Compressed keys and values", "Indexer that chooses positions", "Low-rank queries",
                "Output projection in groups", "Attention sinks", "Sliding-window attention", "QK-norm", "Mixture of experts", "Shared expert",
                "Router scores", "Hash routing", "Bias in the choice of experts", "Several residual streams", "Doubly stochastic mixing", "Activation",
                "Partial RoPE", "Interleaved RoPE", "Scaled RoPE", "Scaled expert weights", "Multi-token prediction",
            },
        ),
        ("MiniMaxAI/MiniMax-M2", {"QK-norm", "Mixture of experts", "Router scores", "Bias in the choice of experts", "Partial RoPE", "Multi-token prediction"}),
        ("google/gemma-2-9b", {"Scaled embeddings", "Layers of several kinds", "Sliding-window attention", "Softcapped attention scores", "Softcapped logits", "Feed-forward", "Activation", "Placement of norms", "Tied embeddings"}),
        ("openai-community/gpt2", {"Positions", "Feed-forward", "Activation", "Norms", "Tied embeddings"}),
        ("deepseek-ai/DeepSeek-V3", {"Multi-head latent attention", "Feed-forwards of several kinds", "Low-rank queries", "Mixture of experts", "Shared expert", "Router scores", "Bias in the choice of experts", "Groups of experts", "Scaled expert weights", "Partial RoPE", "Interleaved RoPE", "Scaled RoPE", "Multi-token prediction"}),
    ],
)  # fmt: skip
def test_what_sets_models_apart(model: str, names: set[str]) -> None:
    assert names <= set(found(model))
    assert set(found(model)) - names <= {"Attention scale of its own", "Scaled RoPE"}


def test_each_departure_has_evidence() -> None:
    for model in ("Qwen/Qwen3.5-397B-A17B", "deepseek-ai/DeepSeek-V4-Flash", "google/gemma-4-26B-A4B"):
        assert [each.name for each in found(model).values() if not each.evidence] == []


def test_texts_say_numbers_and_where_only_some_layers_do_it() -> None:
    flash = found("deepseek-ai/DeepSeek-V4-Flash")
    assert "hash-routed" in flash["Hash routing"].text
    assert "compressed sparse attention" in flash["Indexer that chooses positions"].text
    assert (
        "45 of 60 layers mix positions by Gated DeltaNet"
        in found("Qwen/Qwen3.5-397B-A17B")["Gated DeltaNet layers"].text
    )


@pytest.mark.parametrize("model", ["google-t5/t5-small", "meta-llama/Llama-3.2-11B-Vision-Instruct"])
def test_layers_that_all_look_equally_far_are_no_mechanism_of_cheap_layers(model: str) -> None:
    layers = found(model)["Layers of several kinds"]
    assert (layers.small, layers.why) == (True, "")
    assert "look far" in found("google/gemma-2-9b")["Layers of several kinds"].why


def test_claims_add_what_no_fact_says() -> None:
    def claim(key: str, value: object) -> Claim:
        return Claim(key, value, stack="model.layers", indices=(0,))

    claims = [claim("rope.inverse", "attention output"), claim("moe.clamp", "≤ 10"), claim("rope.theta", 10000)]
    assert [(each.name, each.small) for each in claimed_departures(claims)] == [
        ("Rotation taken back", False), ("Clamped activation", True),
    ]  # fmt: skip


def test_what_positions_enter_by_is_told_beside_what_is_usual() -> None:
    assert found("openai-community/gpt2")["Positions"].text == "table of positions instead of RoPE"


def test_a_part_that_layers_share_sets_a_model_apart() -> None:
    """Zamba2's attention and feed-forward stand in nine layers and are stored once."""
    shared = found("transformers:zamba2")["A part shared by several layers"]
    assert shared.text == "`shared_transformer` of layers 12, 18, 24, 30, 36, 42, 47, 51 is that of layer 6"
    assert shared.evidence[0].where == "model.layers.12.shared_transformer.* = model.layers.6.shared_transformer.*"


def test_a_state_beside_attention_is_not_told_as_one_instead_of_a_cache() -> None:
    beside = found("transformers:falcon_h1")["Mamba-2 layers"]
    assert "all 32 layers mix positions by Mamba-2, all of them by attention too" in beside.text
    assert "instead of a cache" not in beside.why
    some = found("transformers:zamba2")["Mamba-2 layers"]
    assert "all 54 layers mix positions by Mamba-2, 9 of them by attention too" in some.text
    assert "only 9 layers keep a cache" in some.why
    assert "instead of a cache" in found("Qwen/Qwen3.5-397B-A17B")["Gated DeltaNet layers"].why


def test_what_keeps_no_state_is_not_told_as_one() -> None:
    mixed = found("transformers:fnet")["Fourier mixing layers"]
    assert mixed.text.startswith("all 12 layers mix positions by Fourier mixing")
    assert mixed.why == ""


def test_windows_to_both_sides_hide_nothing_that_comes_later() -> None:
    encoder = found("transformers:modernbert")
    window, mask = encoder["Sliding-window attention"], encoder["Attention to both sides"]
    assert window.text == "a query sees 64 tokens to each side"
    assert "cache" not in window.why
    assert (mask.text, mask.kinds) == ("nothing hides what comes later", ())
    assert found("google/gemma-2-9b")["Sliding-window attention"].text == "a query sees 4,096 tokens"


def test_norms_of_embeddings_and_factors_of_values_and_queries_are_told() -> None:
    bloom = found("bigscience/bloom")["Normalised embeddings"]
    assert (bloom.text, bool(bloom.evidence)) == ("embeddings are normalised before the first layer (LayerNorm)", True)
    muse = found("meta-models/Muse-Glimmer-30B")
    assert "embed_norm" in muse["Normalised embeddings"].text
    assert found("XiaomiMiMo/MiMo-V2-Flash")["Scaled values"].text == "values are multiplied by 0.707"
    assert "Normalised embeddings" not in found("Qwen/Qwen3.5-397B-A17B")


def test_residuals_that_are_weighted_before_the_sum_are_told() -> None:
    claim = Claim("residual.skip_scale", ["learned", "learned"], stack="model.layers", indices=(0,))
    told = next(iter(claimed_departures([claim])))
    assert (told.name, told.small) == ("Weighted residuals", False)
    assert list(claimed_departures([Claim("residual.skip_scale", ["× 0.5"], stack="model.layers", indices=(0,))])) == []
