from __future__ import annotations

import pytest

from archviz.pseudocode.sizes import Sizes

FORMS = {
    "B": lambda b, t: b, "T": lambda b, t: t, "B * T": lambda b, t: b * t, "8 * B": lambda b, t: 8 * b, "4 * T": lambda b, t: 4 * t,
    "T + 1": lambda b, t: t + 1, "T - 3": lambda b, t: t - 3, "64 - T": lambda b, t: 64 - t, "2 * T - 1": lambda b, t: 2 * t - 1, "-T": lambda b, t: -t,
}  # fmt: skip


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize("sizes", [Sizes(), Sizes((2, 263), (5, 267))])
def test_each_form_is_told_from_all_others(text: str, sizes: Sizes) -> None:
    assert sizes.text(FORMS[text](*sizes.first), FORMS[text](*sizes.second)) == text


WINDOWS = {
    "T // 4": lambda t: t // 4, "T // 128": lambda t: t // 128, "T // 128 * 128": lambda t: t // 128 * 128, "T // 4 * 4": lambda t: t // 4 * 4,
    "T + T // 4": lambda t: t + t // 4, "T // 4 + 1": lambda t: t // 4 + 1,
}  # fmt: skip


@pytest.mark.parametrize("text", WINDOWS)
@pytest.mark.parametrize("sizes", [Sizes((2, 263), (5, 1020)), Sizes((2, 1031), (5, 4092))])
def test_windows_of_tokens_are_whole_divisions(text: str, sizes: Sizes) -> None:
    assert sizes.text(WINDOWS[text](sizes.first[1]), WINDOWS[text](sizes.second[1])) == text


BEGUN = {
    "(T + 63) // 64": lambda t: -(-t // 64), "(T + 63) // 64 * 64": lambda t: -(-t // 64) * 64, "(T + 63) // 64 + 1": lambda t: -(-t // 64) + 1,
    "-T % 64": lambda t: -t % 64, "T // 64 * 64": lambda t: t // 64 * 64,
}  # fmt: skip


@pytest.mark.parametrize("text", BEGUN)
def test_windows_that_are_known_may_be_begun(text: str) -> None:
    sizes = Sizes((2, 135), (5, 255), 64)
    assert sizes.text(BEGUN[text](135), BEGUN[text](255)) == text


def test_sizes_of_no_form_are_told() -> None:
    assert Sizes().has_form((2, 7, 64), (5, 11, 64))
    assert not Sizes().has_form((2, 7), (2, 9))


@pytest.mark.parametrize(("first", "second", "text"), [(7, 7, "7"), (7, None, "7"), (2, 9, "2")])
def test_what_is_no_form_stays_a_number(first: int, second: int | None, text: str) -> None:
    assert Sizes().text(first, second) == text


def test_shapes_are_written_with_their_unknown_sizes() -> None:
    assert Sizes().shape((2, 7, None, 128), (5, 11, None, 128)) == "[B, T, ?, 128]"
    assert Sizes().shape(None, None) == "?"
