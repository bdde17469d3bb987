"""What a model makes itself and hands to its layers, such as the tokens that a decoder begins with, is data there."""

from __future__ import annotations

from tests.verify.models import only, values, verified


def test_a_decoder_that_begins_with_tokens_of_its_own_is_told_like_any_other() -> None:
    found = verified("dia")
    layer, attention = "decoder.layers.{0-1}", "decoder.layers.{0-1}.self_attention"
    assert only(found, "model.positions") == "RoPE"
    assert values(found, "rope.tensors")[attention] == ["q_proj", "k_proj"]
    assert values(found, "residual.count")[layer] == 3
    assert values(found, "norm.places")[layer] == dict.fromkeys(
        ("pre_sa_norm", "pre_ca_norm", "pre_mlp_norm"), "before a branch"
    )
    assert values(found, "attention.cross") == {"decoder.layers.{0-1}.cross_attention": True}
