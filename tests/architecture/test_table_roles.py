"""Tables that hold no words are called what they are: relative biases, hash buckets, vectors that no id chooses."""

from __future__ import annotations

import pytest

from archviz.architecture.text import describe_text
from tests.verify.models import read_model


@pytest.mark.parametrize(
    ("model_type", "line"),
    [
        ("mpnet", "Relative position bias  32 × 12  (beside the stack: added to the attention scores)"),
        ("layoutlmv3", "rel_pos_bias  32 → 12  (beside the stack: added to the attention scores)"),
        ("canine", "Hash embedding  16,384 × 96"),
        ("prophetnet", "Learned vectors  2 × 1,024  (concatenated with the stream)"),
        ("bert", "Token embedding  30,522 × 768"),
    ],
)
def test_a_table_is_told_by_what_its_rows_are(model_type: str, line: str) -> None:
    assert line in {each.strip() for each in describe_text(read_model(model_type)[1]).splitlines()}


def test_buckets_are_no_vocabulary() -> None:
    assert read_model("canine")[1].fact("vocabulary_size") is None
    assert read_model("mpnet")[1].fact("vocabulary_size") is not None
