from __future__ import annotations

import pytest

from archviz.verify.head_order import _sharing
from tests.verify.models import values, verified


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([0, 0, 0, 64, 64, 64], "3 query heads in a row share a key head"),
        ([0, 64, 0, 64, 0, 64], "query heads that are 2 apart share a key head"),
        ([0, 64, 64, 0], "in no order that is known"),
        ([0, 64, 128], None),
        ([0, 0, 0], None),
    ],
)
def test_sharing_is_told_by_where_the_keys_of_each_query_head_begin(places: list[int], words: str | None) -> None:
    assert _sharing(places) == words


def test_heads_turned_as_complex_numbers_share_keys_as_others_do() -> None:
    shared = values(verified("llama4_text"), "attention.head_sharing")
    assert shared == {"model.layers.{0-3}.self_attn": "5 query heads in a row share a key head"}  # 3 has no RoPE
