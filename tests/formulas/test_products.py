from __future__ import annotations

from archviz.formulas.products import Factor, simplified, sum_text, worth
from archviz.interpreter.sizes import Expression

VALUES = {"d": 12, "H": 4, "g": 5, "f": 30}


def name(key: str) -> Factor:
    return Factor(key, str(VALUES[key]), VALUES[key], "dHgf".index(key))


def shown(expression: Expression) -> tuple[str, str, int]:
    found = simplified(expression, name)
    return sum_text(found), sum_text(found, numbers=True), worth(found)


def test_like_terms_add_up() -> None:
    assert shown(("+", ("*", "d", "f"), ("*", ("*", 2, "f"), "d"))) == ("3·d·f", "3·12·30", 1080)


def test_powers_are_raised() -> None:
    assert shown(("*", ("*", "d", "d"), ("**", "H", 2))) == ("d²·H²", "12²·4²", 2304)


def test_an_even_quotient_cancels() -> None:
    assert shown(("*", ("//", "d", "H"), "H"))[0] == "d"
    assert shown(("//", ("*", "f", "d"), "H")) == ("d·f ∕ H", "12·30 ∕ 4", 90)


def test_an_uneven_quotient_is_rounded_down() -> None:
    assert shown(("*", 2, ("//", "d", "g"))) == ("2·⌊d ∕ g⌋", "2·⌊12 ∕ 5⌋", 4)


def test_a_sum_that_is_multiplied_stands_in_parentheses() -> None:
    assert shown(("*", ("+", "d", ("*", 2, "g")), "f")) == ("f·(d + 2·g)", "30·(12 + 2·5)", 660)


def test_differences_are_subtracted() -> None:
    assert shown(("-", "f", ("+", "d", 3))) == ("f - d - 3", "30 - 12 - 3", 15)
    assert shown(("-", "f", "f")) == ("0", "0", 0)
