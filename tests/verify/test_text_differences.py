from __future__ import annotations

import pytest

from archviz.verify.text_differences import differences, partner, unread
from archviz.verify.words_of_kind import kinds_of, numbers_of


@pytest.mark.parametrize(
    ("line", "written", "expected"),
    [
        ("16 Q / 8 KV heads", "16 Q / 8 KV heads", []),
        ("16 Q / 9 KV heads", "16 Q / 8 KV heads", [("number", "9", "8", True)]),
        ("Layers 0–30: Attention", "Layers 0–27: Attention", [("number", "30", "27", True)]),
        ("GELU MLP", "SwiGLU", [("feed-forward", "GELU MLP", "SwiGLU", True), ("activation", "GELU", None, False)]),
        ("Grouped-query, 16 Q", "GQA, 16 Q", []),
        ("full, sliding", "sliding, full", [("span", "full, sliding", "sliding, full", True)]),
        ("1,024 → 2,048, kernel 4", "1,024 → 2,048", [("number", "4", None, False)]),
        ("397B", "396802360816", []),
        ("390B", "396802360816", [("number", "390B", "396802360816", True)]),
    ],
)
def test_numbers_and_kinds_that_depart_are_found(line: str, written: str, expected: list[tuple[object, ...]]) -> None:
    assert [(d.key, d.stated, d.found, d.wrong) for d in differences(line, written, [])] == expected


def test_a_changed_line_is_paired_by_its_frame_its_step_or_its_label() -> None:
    own = ["1. RMSNorm: 64", "2. Residual add", "q_proj: 64 → 32 ← Input", "k_proj: 64 → 16 ← Input"]
    assert partner("1. RMSNorm: 99", own, []) == own[0]
    assert partner("2. Multiply", own, []) == own[1]
    assert partner("k_proj: sixty-four to 16 ← Norm", own, []) == own[3]
    assert partner("a remark of the author", own, []) is None


def test_what_was_read_is_not_told_again() -> None:
    assert [d.stated for d in unread("12 heads of 64", [(0, 2)], None)] == ["64"]
    assert [d.stated for d in unread("SiLU gate", [], "GELU")] == ["SiLU"]
    assert list(unread("SiLU gate", [], "SiLU")) == []


def test_digits_in_names_are_no_numbers() -> None:
    assert [n.value for n in numbers_of("layer_0, Qwen3-0.6B, q_proj2, v1.5x: 1,024 and 1e-6")] == [1024, 1e-6]


def test_two_kinds_of_plain_mlp_are_told_apart() -> None:
    assert [name for name, _ in kinds_of("GELU MLP + ReLU MLP", "feed-forward")] == ["GELU MLP", "ReLU MLP"]
