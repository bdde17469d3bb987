from __future__ import annotations

import pytest

from archviz.descriptions import describe
from archviz.errors import UsageError
from archviz.settings import Settings
from archviz.verify.claims import Check
from archviz.verify.expectations import KNOWN, check_expectations, parse_expectations
from tests.verify.models import read_model


def checked(model_type: str, text: str) -> dict[str, Check]:
    return {c.key: c for c in check_expectations(parse_expectations(text), read_model(model_type)[1])}


def test_true_expectations_are_verified_with_their_places() -> None:
    found = checked("deepseek_v3", "layers=4,hidden=7168,heads=128,experts=256,top_k=8,vocab=129280,attention=mla")
    assert {check.status for check in found.values()} == {"verified"}
    assert all(check.evidence for check in found.values())


def test_a_false_expectation_says_what_the_code_has_and_where() -> None:
    check = checked("deepseek_v3", "layers=61")["layers"]
    assert (check.status, check.stated, check.found) == ("conflict", 61, 4)
    assert any("modeling_deepseek_v3.py:" in item.where for item in check.evidence)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("901290240", "verified"),
        ("0.9B", "verified"),  # within 1 %
        ("910M", "verified"),
        ("0.92B", "conflict"),
        ("0.92B±5%", "verified"),
        ("920M+-20M", "verified"),
        ("9.2e8±1000", "conflict"),
    ],
)
def test_parameters_agree_within_one_percent_or_the_tolerance(value: str, status: str) -> None:
    assert checked("gemma2", f"params={value}")["params"].status == status


def test_other_numbers_are_exact_unless_a_tolerance_is_given() -> None:
    assert checked("gemma2", "hidden=2305")["hidden"].status == "conflict"
    assert checked("gemma2", "hidden=2305±1")["hidden"].status == "verified"


def test_a_value_of_some_kinds_of_layers_agrees() -> None:
    assert checked("gemma4_text", "head_dim=512")["head_dim"].status == "verified"
    assert checked("gemma4_text", "head_dim=128")["head_dim"].status == "conflict"


def test_what_a_model_does_not_have_contradicts_the_expectation() -> None:
    check = checked("gemma2", "experts=8")["experts"]
    assert (check.status, check.found) == ("conflict", 0)
    assert check.evidence


@pytest.mark.parametrize("text", ["experts=0", "mtp_layers=0", "vision_layers=0", "kv_rank=0", "window=0", "top_k=0"])
def test_none_is_expected_of_what_a_model_does_not_have(text: str) -> None:
    (check,) = checked("qwen3", text).values()
    assert (check.status, check.found) == ("verified", 0)
    assert check.evidence


def test_a_word_of_what_a_model_does_not_have_contradicts_with_none() -> None:
    check = checked("mamba2", "attention=mla")["attention"]
    assert (check.status, check.found) == ("conflict", "none")


def test_what_is_there_without_its_number_is_not_told() -> None:
    model = describe("Qwen/Qwen3-Next-80B-A3B-Instruct", settings=Settings(offline=True))
    assert model.fact("mtp") is not None
    for text in ("mtp_layers=0", "mtp_layers=1"):
        (check,) = check_expectations(parse_expectations(text), model)
        assert (check.status, check.found) == ("unverified", None)
        assert check.evidence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layer=4", "unknown expectation 'layer'"),
        ("layers", "key=value"),
        ("layers=", "key=value"),
        ("layers=many", "expects a number"),
        ("layers=4,layers=5", "expected twice"),
        ("params=70B±%", "expects a number"),
        ("params=70B±1.2.3%", "no tolerance"),
        (" , ", "nothing is expected"),
        ("layers=1e999", "finite number"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_expectations(text)


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        parse_expectations("depth=4")
    assert all(key in str(caught.value.hint) for key in KNOWN)


@pytest.mark.parametrize(
    ("text", "room"), [("17B", 5e8), ("1.5B", 5e7), ("17B±1%", 17e7), ("17e9", 17e7), ("397B", 3.97e9)]
)
def test_a_rounded_count_is_compared_at_its_own_precision(text: str, room: float) -> None:
    (found,) = parse_expectations(f"active={text}")
    assert found.tolerance == pytest.approx(room)


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("context=128k", 131_072, True), ("context=128k", 128_000, True), ("context=128k", 130_000, False), ("window=1m", 1_048_576, True),
        ("layers=1k", 1024, False),
    ],
)  # fmt: skip
def test_k_of_a_length_in_tokens_may_be_1024(text: str, value: int, agrees: bool) -> None:
    (expectation,) = parse_expectations(text)
    assert expectation.allows(value) is agrees


@pytest.mark.parametrize("text", ["params=-1", "layers=-80", "rope_theta=-1e6"])
def test_what_is_never_negative_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="never negative"):
        parse_expectations(text)


def test_an_expected_count_that_is_the_published_one_is_told_with_its_way() -> None:
    model = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True))
    (check,) = check_expectations(parse_expectations("params=290.9B±0.1B"), model)
    assert check.status == "conflict"
    assert "the published total is 290,944,616,402" in check.evidence[0].where
    assert "a layer that predicts a further token" in check.evidence[0].where
    (other,) = check_expectations(parse_expectations("params=100B"), model)
    assert "published" not in other.evidence[0].where
