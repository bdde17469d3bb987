"""Tensors that one projection gives together are told apart."""

from __future__ import annotations

from archviz.verify.fused_parts import is_fused, projection_of
from tests.verify.models import mutated, only, values, verified


def test_rotated_parts_of_a_fused_projection_are_named() -> None:
    found = verified("gpt_neox")
    assert only(found, "rope.tensors") == ["query_key_value (part 1 of 3)", "query_key_value (part 2 of 3)"]
    assert only(found, "rope.part") == "first 24 of 96"


def test_another_order_of_the_parts_changes_the_names() -> None:
    parts = "query_states, key_states, value_states = qkv.chunk(3, dim=-1)"
    found = mutated("gpt_neox", parts, "value_states, key_states, query_states = qkv.chunk(3, dim=-1)")
    assert only(found, "rope.tensors") == ["query_key_value (part 3 of 3)", "query_key_value (part 2 of 3)"]


def test_tensors_with_a_projection_each_go_by_its_name() -> None:
    assert only(verified("llama"), "rope.tensors") == ["q_proj", "k_proj"]


def test_the_projection_of_a_part_is_its_name_without_the_part() -> None:
    assert projection_of("attn.qkv ([..., :-2, :])") == "attn.qkv"
    assert is_fused("query_key_value (part 1 of 3)")
    assert not is_fused("q_proj")


def test_heads_of_a_fused_projection_are_as_wide_as_what_their_scores_are_products_of() -> None:
    assert only(verified("mgp-str"), "attention.head_dim") == 64


def test_names_of_one_assignment_over_several_lines_are_told_once() -> None:
    names = [c.value["names"] for c in verified("fuyu").claims if c.key == "split" and isinstance(c.value, dict)]
    assert names == [["query_rot", "query_pass"], ["key_rot", "key_pass"]]


def test_pieces_of_one_sequence_are_no_other_sequence() -> None:
    assert values(verified("canine"), "attention.cross") == {}
    assert set(values(verified("lightglue"), "attention.cross")) == {"transformer_layers.{0-8}.cross_attention"}
    layers = "local_feature_transformer.layers.{0-3}"  # images that are exchanged in the layer
    assert set(values(verified("efficientloftr"), "attention.cross")) == {f"{layers}.cross_attention.attention"}


def test_mixes_of_one_sequence_are_no_other_sequence() -> None:
    assert values(verified("inkling2_text"), "attention.cross") == {}
