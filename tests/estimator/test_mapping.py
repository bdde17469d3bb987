from __future__ import annotations

from pathlib import Path

import pytest

from archviz.estimator.mapping import Mapping, map_piece, map_pieces
from archviz.estimator.supported import read_layer_classes
from archviz.estimator.vocabulary import plain_name
from tests.estimator.models import SAMPLES, pieces

QWEN, LLAMA, MINIMAX = "Qwen/Qwen3.5-397B-A17B", "meta-llama/Llama-3.3-70B-Instruct", "MiniMaxAI/MiniMax-M2"


def mapped(tmp_path: Path, model: str, piece: str, text: str) -> Mapping:
    (tmp_path / "layers.py").write_text(text, encoding="utf-8")
    return map_piece(pieces(model)[piece], read_layer_classes(tmp_path), "bfloat16")


def test_the_parameters_of_the_seed_come_out() -> None:
    found = map_piece(pieces(LLAMA)["attention"], read_layer_classes(SAMPLES), "bfloat16")
    assert found.layer is not None
    assert found.layer.name == "GroupedQueryAttentionLayer"
    assert found.arguments == {
        "layer_idx": 0, "hidden_size": 8192, "num_heads": 64, "num_kv_heads": 8, "head_dim": 128, "parameter_count": 150_994_944,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "piece", "text", "why"),
    [
        (LLAMA, "attention", "class MHA:\n    def __init__(self, d_model, n_heads): ...", "num_kv_heads"),
        (QWEN, "gated_attention", "class GQALayer:\n    def __init__(self, dim, n_heads, n_kv_heads, head_dim): ...", "output_gate"),
        (LLAMA, "swiglu", "class MLPLayer:\n    '''Two projections.'''\n    def __init__(self, dim, hidden_dim): ...", "does not say that it is gated"),
        (QWEN, "vision_mlp", "class SwiGLU:\n    def __init__(self, dim, hidden_dim): ...", "stands for"),
        (LLAMA, "attention", "class MQA:\n    def __init__(self, dim, n_heads, n_kv_heads): ...", "one KV head"),
        (LLAMA, "attention", "class SlidingWindowAttention:\n    def __init__(self, dim, n_heads, n_kv_heads, window): ...", "has a window"),
        (LLAMA, "swiglu", "class SwiGLU:\n    def __init__(self, dim, d_ff, wafer_count): ...", "requires wafer_count"),
        (LLAMA, "norm", "class Norm:\n    '''Some norm.'''\n    def __init__(self, dim): ...", "does not say that it is RMSNorm"),
    ],
    ids=["MHA has no KV heads", "no gate", "two matrices", "three for two", "one KV head", "window", "asks for more", "which norm"],
)  # fmt: skip
def test_a_class_that_would_describe_another_layer_is_refused(
    tmp_path: Path, model: str, piece: str, text: str, why: str
) -> None:
    found = mapped(tmp_path, model, piece, text)
    assert found.layer is None
    assert why in found.why


def test_other_words_for_the_same_sizes_are_understood(tmp_path: Path) -> None:
    text = (
        "class GQA:\n    def __init__(self, d_model, n_heads, n_kv_heads, d_head, *, tp_size, batch_size, dtype): ..."
    )
    found = mapped(tmp_path, LLAMA, "attention", text)
    assert found.layer is not None
    assert found.arguments == {"d_model": 8192, "n_heads": 64, "n_kv_heads": 8, "d_head": 128, "dtype": "bfloat16"}


def test_hidden_dim_is_the_inner_width_beside_a_width_and_the_width_alone(tmp_path: Path) -> None:
    beside = mapped(tmp_path, LLAMA, "swiglu", "class SwiGLU:\n    def __init__(self, dim, hidden_dim): ...")
    assert beside.arguments == {"dim": 8192, "hidden_dim": 28_672}
    alone = mapped(tmp_path, LLAMA, "norm", "class RMSNorm:\n    def __init__(self, hidden_dim): ...")
    assert alone.arguments == {"hidden_dim": 8192}


def test_what_a_class_cannot_express_is_said() -> None:
    found = map_piece(pieces(MINIMAX)["attention"], read_layer_classes(SAMPLES), "bfloat16")
    assert found.layer is not None
    assert "qk_norm" in found.why


def test_a_class_for_the_whole_mixture_gets_router_experts_and_shared_expert_as_one(tmp_path: Path) -> None:
    text = (
        "class MoELayer:\n    def __init__(self, hidden_size, moe_intermediate_size, num_experts, top_k, "
        "shared_expert_intermediate_size=0): ..."
    )
    (tmp_path / "moe.py").write_text(text)
    found = {
        piece.name: (piece, mapping)
        for piece, mapping in map_pieces(list(pieces(QWEN).values()), read_layer_classes(tmp_path), "bf16")
    }
    piece, mapping = found["moe"]
    assert mapping.arguments == {
        "hidden_size": 4096, "moe_intermediate_size": 1024, "num_experts": 512, "top_k": 10, "shared_expert_intermediate_size": 1024,
    }  # fmt: skip
    assert piece.each == 6_457_135_104
    assert not {"moe_router", "moe_experts", "shared_expert"} & set(found)
    assert sum(p.total for p, _ in found.values()) == 396_802_360_816


@pytest.mark.parametrize(
    ("name", "plain"), [("MoERouterLayer", "moerouter"), ("Layer", "layer"), ("RMS_Norm", "rmsnorm")]
)
def test_names_are_compared_without_what_says_only_layer(name: str, plain: str) -> None:
    assert plain_name(name) == plain
