"""How words fill the lines that they have."""

from __future__ import annotations

import pytest

from archviz.figure.display import Text
from archviz.figure.fonts import measure
from archviz.figure.model import Box, Words
from archviz.figure.paint import MINOR, Frame, box_size, paint_box, paint_lines, side_style, wrap
from archviz.figure.quantities import plain, sentence
from archviz.figure.stack import BoxElement, Canvas
from archviz.figure.theme import LIGHT


def lines_of(box: Box) -> list[str]:
    canvas = Canvas(LIGHT, MINOR)
    element = BoxElement(box, MINOR)
    element.draw(canvas, 100, 100)
    (group,) = canvas.fronts
    return [item.content for item in group.items if hasattr(item, "content")]


def test_no_line_ends_with_a_space_that_would_push_words_on_the_right_away_from_their_edge() -> None:
    lines = wrap(sentence("Vocabulary of 50,304 logits capped at ±30 (tanh)"), 13.0, 100.0)
    assert len(lines) > 2
    assert all(plain(line) == plain(line).strip() for line in lines)
    (first, *_) = paint_lines(lines, 200, 0, LIGHT, anchor="end")
    assert first.content == "Vocabulary of"


def test_a_sign_stands_on_the_line_of_its_number() -> None:
    for width in range(60, 240, 4):
        lines = [plain(line) for line in wrap(sentence("logits capped at ±30 (tanh); 12, with more"), 13.0, width)]
        assert not [line for line in lines if line.endswith("±") or line.startswith((";", ","))]
        assert all(measure(line, 13.0, 700) <= width + 8 for line in lines)
        assert "".join(lines).replace(" ", "") == "logitscappedat±30(tanh);12,withmore"


def test_pieces_that_are_wider_than_a_line_together_are_parted_and_none_is_lost() -> None:
    line = (Words("averylongwordwithout"), Words("12345", accent=True), Words("anyspace"))
    lines = wrap(line, 13.0, 150.0)
    assert [plain(each) for each in lines] == ["averylongwordwithout", "12345anyspace"]


def test_details_break_after_commas_and_not_within_a_number_and_its_name() -> None:
    conv = Box("c", "convolution", "Conv2d", ("3072 → 6144, kernel 3 × 3, stride 2",))
    assert lines_of(conv) == ["Conv2d", "3072 → 6144,", "kernel 3 × 3,", "stride 2"]
    shared = Box("s", "shared_expert", "Shared expert", ("4096 → 2 × 1280 → 4096",))
    assert lines_of(shared) == ["Shared expert", "4096 → 2 × 1280", "→ 4096"]
    assert box_size(shared, MINOR)[1] > box_size(Box("s", "shared_expert", "Shared expert", ("4096",)), MINOR)[1]


def test_a_product_that_is_wider_than_a_line_breaks_at_its_signs() -> None:
    formula = (
        Words("q_proj  ", strong=True),
        Words("vision.d·vision.H_kv·vision.d_h + vision.d = "),
        Words("1,327,104", accent=True),
    )
    lines = [plain(line) for line in wrap(formula, 13.0, 130.0)]
    assert lines == ["q_proj  vision.d·", "vision.H_kv·", "vision.d_h + vision.d", "= 1,327,104"]


def test_sums_and_brackets_are_not_broken_where_as_few_lines_do() -> None:
    def details(line: str) -> list[str]:
        return lines_of(Box("box", "projection", "p", (line,)))[1:]

    assert details("26,880 → 512 + 64 + 64") == ["26,880", "→ 512 + 64 + 64"]
    assert details("40,960 → 16 × (4 + 12)") == ["40,960", "→ 16 × (4 + 12)"]
    assert details("sections 16 + 24 + 24") == ["sections", "16 + 24 + 24"]


@pytest.mark.parametrize(
    ("label", "details", "widest"),
    [("RoPE", (), 56), ("QK norm", (), 56), ("QK-norm", (), 76), ("RoPE", ("64 of 256 dims",), 76), ("RoPE", ("interleaved 64",), 126), ("RoPE", ("128 dims", "half-split"), 126)],
)  # fmt: skip
def test_a_box_beside_a_column_is_as_narrow_as_its_words_allow(
    label: str, details: tuple[str, ...], widest: float
) -> None:
    box = Box("side", "rope" if label == "RoPE" else "qk_norm", label, details)
    style = side_style(box)
    assert style.wide == widest
    width, height = box_size(box, style)
    painted = paint_box(box, Frame(0, 0, width, height), style, LIGHT)
    assert not any("…" in item.content for item in painted.items if isinstance(item, Text))
