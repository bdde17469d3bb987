"""Claims are found by the words of a reader, and keys are offered where none is."""

from __future__ import annotations

import pytest

from archviz.service.subject import about_claims, near_keys, subjects
from archviz.verify.claims import Claim

KEYS = ("rope.layout", "rope.part", "attention.kv_heads", "moe.shared_expert", "embedding.tied", "layers")
CLAIMS = [Claim(key, 8) for key in KEYS]


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ("RoPE layout", ["rope.layout"]),
        ("kv heads", ["attention.kv_heads"]),
        ("attention-heads", ["attention.kv_heads"]),
        ("shared experts", ["moe.shared_expert"]),
        ("tied embeddings", ["embedding.tied"]),
        ("rope part, embedding.tied", ["rope.part", "embedding.tied"]),
        ("qk norm", []),
        ("", list(KEYS)),
        (" , ", list(KEYS)),
    ],
)
def test_claims_are_found_by_all_words_of_a_subject(about: str, found: list[str]) -> None:
    claims, said = about_claims(CLAIMS, subjects(about))
    assert ([claim.key for claim in claims], said) == (found, "")


def test_near_keys_are_offered_where_no_claim_has_all_words() -> None:
    assert near_keys(CLAIMS, subjects("rope theta"))[0].startswith("rope.")
    assert near_keys(CLAIMS, subjects("embeding size"))[0] == "embedding.tied"
    assert near_keys(CLAIMS, subjects("positional")) == ["rope", "attention", "moe", "embedding", "layers"]


def test_claims_with_one_of_the_words_are_given_where_none_has_all_and_that_is_said() -> None:
    claims, said = about_claims(CLAIMS, subjects("rope theta"))
    assert [claim.key for claim in claims] == ["rope.layout", "rope.part"]
    assert "one of them" in said
    assert about_claims(CLAIMS, subjects("edd")) == ([CLAIMS[4]], "")
    assert about_claims(CLAIMS, subjects("the heart of it")) == ([], "")
