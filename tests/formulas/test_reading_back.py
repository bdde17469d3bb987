from __future__ import annotations

import pytest

from archviz.errors import UsageError
from archviz.formulas.reading_back import evaluate_formula


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2·d·f + 3·d", 66),
        ("d²·H ∕ f", 18),
        ("⌊f ∕ d⌋·H", 0),
        ("vision.d·(1 - 5)", -28),
        ("depths[2]¹⁰", 1024),
        ("7", 7),
    ],
)
def test_formulas_are_evaluated(text: str, expected: int) -> None:
    symbols = {"d": 6, "f": 4, "H": 2, "vision.d": 7, "depths[2]": 2}
    assert evaluate_formula(text, symbols) == expected


@pytest.mark.parametrize("text", ["d·", "e", "__import__('os')", "1 ∕ 0", "d < 2", "'a'"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        evaluate_formula(text, {"d": 6})
