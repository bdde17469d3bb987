from __future__ import annotations

import pytest

from archviz.verify.head_order import _sharing


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
