"""Numbers of windows and blocks that an attention keeps, told although a short pass shows none of them."""

from __future__ import annotations

import pytest

from archviz.verify.local_settings import _is_told
from tests.verify.models import claim_of, mutated, only, values, verified


def test_blocks_that_a_short_pass_exchanges_for_full_attention_are_told_with_their_lines() -> None:
    claim = claim_of(verified("big_bird"), "attention.settings")
    assert claim.value == "num_random_blocks 3, block_size 64"
    assert [item.text for item in claim.evidence] == [
        "self.num_random_blocks = config.num_random_blocks",
        "self.block_size = config.block_size",
    ]
    assert only(verified("big_bird"), "attention.heads") == 12
    assert values(mutated("big_bird", "= config.num_random_blocks\n", "= 5\n"), "attention.settings") != {}
    assert only(mutated("big_bird", "= config.num_random_blocks\n", "= 5\n"), "attention.settings") == (
        "num_random_blocks 5, block_size 64"
    )


def test_a_window_to_each_side_is_told() -> None:
    assert only(verified("longformer"), "attention.settings") == "one_sided_attn_window_size 256"
    assert values(verified("llama"), "attention.settings") == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("block_len", 128, True),
        ("window_size", [7, 7], True),
        ("sliding_window", 4096, False),  # attention.window
        ("block_index", 2, False),
        ("local_radius", 0, False),
        ("blockwise", True, False),
    ],
)
def test_numbers_that_say_which_tokens_meet_are_told(name: str, value: object, told: bool) -> None:
    assert _is_told(name, value) is told


def test_scores_of_global_tokens_that_are_joined_are_no_sinks() -> None:
    assert values(verified("longformer"), "attention.sinks") == {}
    assert only(verified("gpt_oss"), "attention.sinks") is True
