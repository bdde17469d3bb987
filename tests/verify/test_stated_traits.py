"""Ranks, router scores, fractions, totals and what attention has or has not, as hand-written figures state them."""

from __future__ import annotations

import pytest

from tests.verify.test_against_figure import checked, conflicts, figure

V3, OSS, GEMMA, QWEN = "deepseek_v3", "gpt_oss", "gemma2", "qwen3_5_moe_text"


@pytest.mark.parametrize(
    ("model_type", "details", "key", "stated", "found"),
    [
        (V3, "query LoRA rank 1,024", "query_rank", 1024, 1536),
        (V3, "kv rank 256", "kv_rank", 256, 512),
        (V3, "value head dim 192", "value_head_dim", 192, 128),
        (V3, "Grouped-query attention", "attention_kind", "GQA", "MLA"),
        (V3, "2 MTP layers", "mtp_layers", 2, 1),
        (V3, "16 expert groups", "expert_groups", 16, 8),
        (V3, "8 of 8 groups", "group_limit", "8 of 8 groups", "4 of 8 groups"),
        (V3, "routed scaling factor 1.0", "routed_scale", 1, 2.5),
        (V3, "softmax router", "router_score", "softmax", "sigmoid"),
        (V3, "2 shared experts", "shared_count", 2, 1),
        (V3, "7,168 -> 14,336 -> 7,168", "inner_width", 14336, [18432, 2048]),
        (V3, "q_b_proj 1,536 -> 16,384", "q_b_proj projection", "1536 → 16384", "1536 → 24576"),
        (V3, "eps 1e-5", "norm_eps", "1e-5", 1e-06),
        (V3, "attention sinks", "has_sinks", "True", "False"),
        (V3, "QK-norm per head", "has_qk_norm", "True", "False"),
        (V3, "softcap 50", "softcap", 50, "none"),
        (V3, "sliding window 4,096", "window", 4096, "no window"),
        (V3, "hash routing", "hash_routing", "hash", "by scores"),
        (V3, "no correction bias", "has_correction_bias", "False", "True"),
        (OSS, "sigmoid router with bias correction", "has_correction_bias", "True", "False"),
        (OSS, "without sinks", "has_sinks", "False", "True"),
        (OSS, "output gate", "has_gate", "True", "False"),
        (OSS, "YaRN factor 40", "rope_factor", 40, 32),
        (OSS, "1 shared expert of 32 experts", "shared_count", 1, 0),
        (GEMMA, "softcap 40", "softcap", 40, [30.0, 50.0]),
        (QWEN, "no QK-norm", "has_qk_norm", "False", "True"),
        (QWEN, "router weights not normalised", "router_normalised", "False", "True"),
    ],
)  # fmt: skip
def test_each_false_trait_is_found(model_type: str, details: str, key: str, stated: object, found: object) -> None:
    checks = checked(model_type, figure(details))
    wrong = {check.key: check for check in checks if check.status == "conflict"}
    assert key in wrong, [(check.status, check.key, check.stated) for check in checks]
    shown = wrong[key].found
    assert (wrong[key].stated, sorted(shown, key=float) if isinstance(found, list) and key == "softcap" else shown) == (
        stated, found,
    )  # fmt: skip
    assert wrong[key].evidence


@pytest.mark.parametrize(
    ("block", "details", "wrong"),
    [
        ("MoE", "256 experts, 1 shared expert, GELU", {"activation": "GELU"}),
        ("Dense MLP", "7,168 -> 18,432 -> 7,168, ReLU²", {"activation": "ReLU²"}),
        ("Dense MLP", "swish", {}),
        ("Attention and MoE", "GELU", {}),
        ("MLP", "GELU ← gate_proj", {}),
    ],
)
def test_an_activation_is_held_against_those_of_feed_forwards(block: str, details: str, wrong: dict[str, str]) -> None:
    found = [check for check in checked(V3, figure(details, block)) if check.status == "conflict"]
    assert {check.key: check.stated for check in found} == wrong


@pytest.mark.parametrize(
    ("model_type", "details", "block"),
    [
        (V3, "q LoRA rank 1,536, kv rank 512\nhead dim 192, value dim 128", "MLA"),
        (V3, "1 shared expert, expert width 2,048\nsigmoid router, 4 of 8 groups, routed scaling factor 2.5", "MoE"),
        (V3, "7,168 -> 18,432 -> 7,168", "Dense SwiGLU MLP"),
        (V3, "eps 1e-6", "RMSNorm"),
        (V3, "1 MTP layer, no QK-norm, without sinks", "Model"),
        (V3, "256 experts, 1 shared expert, correction bias, swish", "MoE"),
        (GEMMA, "gated, GELU", "MLP"),
        (OSS, "attention sinks, YaRN factor 32, attention scale 0.125, no QK-norm", "Attention"),
        (GEMMA, "softcap 50, attention scale 0.0625", "Attention"),
        (QWEN, "QK-norm, output gate", "Gated attention"),
    ],
)
def test_no_right_trait_is_accused(model_type: str, details: str, block: str) -> None:
    checks = checked(model_type, figure(details, block))
    assert conflicts(checks) == {}
    assert any(check.status == "verified" for check in checks)
