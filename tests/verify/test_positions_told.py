"""How positions enter where neither a weight nor a rotation tells it; what scales embeddings; layers that run again."""

from __future__ import annotations

import pytest

from tests.verify.models import claim_of, mutated, only, values, verified


@pytest.mark.parametrize(
    ("model_type", "words"),
    [
        ("m2m_100", "fixed table of positions"),
        ("ctrl", "fixed table of positions"),
        ("inkling2_text", "relative bias"),
        ("jamba", "none (NoPE)"),
        ("gpt2", "table of positions"),
        ("layoutlmv3", "relative bias and table of positions"),
        ("kosmos-2.5", "fixed table of positions"),
    ],
)
def test_positions_are_told_by_what_is_added(model_type: str, words: str) -> None:
    assert only(verified(model_type), "model.positions") == words


def test_rows_for_time_steps_are_no_vocabulary() -> None:
    assert values(verified("decision_transformer"), "model.vocabulary_size") == {}
    assert only(verified("gpt2"), "model.vocabulary_size") == 50257


def test_a_mask_on_embeddings_is_no_scale() -> None:
    assert values(verified("deberta-v2"), "embedding.scale") == {}


def test_a_weight_on_embeddings_is_named() -> None:
    assert only(verified("zaya"), "embedding.scale") == "stored: input_hidden_states_scale"


def test_layers_that_run_again_in_two_lists_are_counted_together() -> None:
    assert only(verified("hrm_text"), "model.layers") == 2 * 2 * (3 + 1)


DYNAMIC = "attn_mask = attn_mask.masked_fill(attention_mask[:, :, :, : attn_mask.shape[-1]] != 0, min_dtype)"


def test_a_mask_over_a_bias_of_data_is_told_and_gone_without_it() -> None:
    place = "model.layers.{0-1}.self_attn"
    assert values(verified("doge"), "attention.mask")[place] == "causal"
    assert values(mutated("doge", DYNAMIC, "pass"), "attention.mask").get(place) is None
    assert values(mutated("doge", DYNAMIC, DYNAMIC.replace("!= 0", "== 0")), "attention.mask").get(place) != "causal"


def test_a_bias_that_a_table_beside_the_layers_gives_all_of_them_is_told_with_its_sizes() -> None:
    claim = claim_of(verified("mpnet"), "attention.position_bias")
    assert claim.value == "relative bias, 32 buckets × 12 heads, computed once by encoder.relative_attention_bias"
    assert claim.status == "verified"
    assert claim.evidence[0].text == (
        "self.relative_attention_bias = nn.Embedding(config.relative_attention_num_buckets, self.n_heads)"
    )
    left = mutated("mpnet", "attention_scores += position_bias", "pass")
    assert values(left, "attention.position_bias") == {}
