from __future__ import annotations

import pytest

from archviz.estimator.specs import _input_biases
from tests.estimator.models import pieces, reading


@pytest.mark.parametrize(
    "model",
    [
        "Qwen/Qwen3.5-397B-A17B", "MiniMaxAI/MiniMax-M2", "deepseek-ai/DeepSeek-V4-Flash", "openai-community/gpt2", "google-t5/t5-small",
        "openai/whisper-tiny", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "google/gemma-4-26B-A4B", "Qwen/Qwen3-0.6B",
        "moonshotai/Kimi-Linear-48B-A3B-Instruct", "transformers:albert", "openai/clip-vit-base-patch32", "openai/gpt-oss-20b",
    ],
)  # fmt: skip
def test_every_parameter_belongs_to_exactly_one_piece(model: str) -> None:
    found = pieces(model).values()
    assert sum(piece.total for piece in found) == reading(model)[1].parameters.total
    names = [tensor.name for piece in found for tensor in piece.tensors]
    assert len(names) == len(set(names))


def test_a_hybrid_model_of_experts_comes_apart() -> None:
    found = pieces("Qwen/Qwen3.5-397B-A17B")
    assert {name: piece.count for name, piece in found.items() if piece.tower == "text"} == {
        "embedding": 1, "gated_deltanet": 45, "gated_attention": 15, "moe_router": 60, "moe_experts": 60, "shared_expert": 60,
        "shared_expert_gate": 60, "norm": 121, "lm_head": 1,
    }  # fmt: skip
    attention = found["gated_attention"]
    assert (attention.kind, attention.layers[:3], attention.each) == ("attention", [3, 7, 11], 104_858_112)
    assert attention.needs == ("num_kv_heads", "head_dim", "output_gate")
    assert found["moe_experts"].specs["parameters_per_expert"] == 3 * 4096 * 1024
    assert found["gated_deltanet"].specs["head_k_dim"] == 128


def test_tied_heads_are_pieces_without_parameters_of_their_own() -> None:
    head = pieces("Qwen/Qwen3-0.6B")["lm_head"]
    assert (head.total, head.tied) == (0, ["lm_head.weight = model.embed_tokens.weight"])
    assert head.specs["vocab_size"] == 151_936


def test_latent_attention_knows_its_ranks_and_the_two_parts_of_a_head() -> None:
    specs = pieces("deepseek-ai/DeepSeek-V3")["mla"].specs
    wanted = ("q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "num_heads")
    assert [specs[key] for key in wanted] == [1536, 512, 128, 64, 128, 128]


def test_layers_that_share_their_tensors_are_counted_once() -> None:
    found = pieces("transformers:albert")
    assert sum(piece.total for piece in found.values()) == reading("transformers:albert")[1].parameters.total


def test_weights_of_experts_that_are_looked_up_are_normalised_too() -> None:
    specs = pieces("deepseek-ai/DeepSeek-V4-Flash")["moe_router_hash_routed"].specs
    assert (specs["hash_routed"], specs["normalised"]) == (True, True)


def test_a_projection_that_alone_has_no_bias_is_told_from_the_others() -> None:
    assert _input_biases(["q", "k", "v"], ["q", "v"]) == {"biased_projections": ["q", "v"]}
    assert _input_biases(["q", "k", "v"], ["q", "k", "v", "o"]) == {"qkv_bias": True}
    assert _input_biases(["q", "k", "v"], ["o"]) == {"qkv_bias": False}


def test_grouped_outputs_and_indexers_have_their_sizes() -> None:
    found = pieces("deepseek-ai/DeepSeek-V4-Flash")
    specs = found["compressed_sparse_attention"].specs
    wanted = ("index_topk", "index_n_heads", "index_head_dim", "o_groups", "o_lora_rank")
    assert [specs.get(key) for key in wanted] == [512, 64, 128, 8, 1024]
    assert found["moe_router_hash_routed"].specs["routed_scaling_factor"] == 1.5


def test_what_a_layer_has_besides_makes_its_attention_no_other_kind() -> None:
    found = pieces("google-t5/t5-small")
    assert {found[f"{tower}_attention{more}"].kind for tower in ("encoder", "decoder") for more in ("", "_with_relative_attention_bias")} == {
        "attention"
    }  # fmt: skip


def test_a_router_beside_the_experts_in_its_layer_is_a_router() -> None:
    """Gemma-4's decoder layer calls both itself."""
    router = pieces("google/gemma-4-26B-A4B")["moe_router"]
    assert (router.kind, router.each) == ("moe_router", 2816 + 128 + 128 * 2816)
    assert [router.specs[key] for key in ("num_experts", "top_k", "score_function")] == [128, 8, "softmax"]


def test_dimensions_whose_frequency_is_zero_do_not_turn() -> None:
    found = pieces("google/gemma-4-26B-A4B")
    assert [found[name].specs["rope_dim"] for name in ("sliding_attention", "full_attention")] == [256, 128]
