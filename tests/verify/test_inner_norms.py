"""Norms that stand between the projections of a feed-forward are told as such, and not as norms of the layer."""

from __future__ import annotations

from tests.verify.models import mutated, only, verified


def test_a_norm_inside_the_feed_forward_is_no_norm_around_it() -> None:
    found = verified("bitnet")
    assert only(found, "norm.placement") == "pre-norm"
    assert only(found, "norm.count") == 2
    assert only(found, "feed_forward.norms") == {"ffn_sub_norm": "RMSNorm"}


def test_a_product_left_out_of_a_feed_forward_with_a_norm_is_told() -> None:
    assert only(verified("bitnet"), "feed_forward.gated") is True
    changed = mutated(
        "bitnet", "self.act_fn(self.gate_proj(x)) * self.up_proj(x)", "self.act_fn(self.gate_proj(x)) + self.up_proj(x)"
    )
    assert only(changed, "feed_forward.gated") is False
