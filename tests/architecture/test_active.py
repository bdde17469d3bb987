from __future__ import annotations

import pytest

from archviz.architecture.active import active_words, stand_apart, zero_expert_words
from archviz.architecture.towers import Column


def column(name: str, encodes: bool = False) -> Column:
    return Column(name, name.capitalize(), name, [], encodes=encodes)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([column("text")], "one text token: everything in the text path"),
        ([column("text"), column("vision", True)], "one text token: everything in the text path"),
        ([column("text", True)], "one text token: everything in the encoder"),
        ([column("decoder"), column("encoder", True)], "a target token through the decoder"),
        ([column("vision", True)], "one image patch"),
        ([column("audio", True)], "one audio frame"),
    ],
)
def test_whose_token_is_counted_depends_on_the_towers(columns: list[Column], words: str) -> None:
    assert not stand_apart(columns)
    assert words in active_words(columns, {})


def test_encoders_side_by_side_have_no_count_and_say_why() -> None:
    columns = [column("text", True), column("vision", True)]
    assert stand_apart(columns)
    told = active_words(columns, {"text": 1_000, "vision": 2_000})
    assert told.startswith("Not counted")
    assert "text 1,000, vision 2,000" in told


def test_what_reads_features_alone_writes_no_text() -> None:
    reader = column("text_2")
    assert not stand_apart([column("text", True), reader, column("vision", True)])
    reader.looks_ids_up = False
    assert stand_apart([column("text", True), reader, column("vision", True)])
    assert not stand_apart([column("text"), reader, column("vision", True)])
    decoder = column("decoder")
    decoder.looks_ids_up = False  # of queries (Grounding DINO)
    assert not stand_apart([column("text", True), decoder, column("vision", True)])


def test_choices_that_may_fall_on_experts_without_weights_are_told_with_their_range() -> None:
    assert zero_expert_words(1, 16, 1, (0, 16 / 17, 1)) == (
        "Of 1 choice, 0 to 1 fall on the 16 experts with weights, the others on 1 zero expert without; "
        "counted are 0.941, as if all were chosen alike."
    )
