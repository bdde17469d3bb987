from __future__ import annotations

from archviz.figure.formulas import Formula
from archviz.figure.ledger import worked_out


def test_a_sum_that_would_fill_the_page_is_told_by_its_number_alone() -> None:
    assert worked_out(Formula("d·f", 12)) == "d·f = "
    assert worked_out(Formula("12", 12)) == ""
    assert worked_out(Formula(" + ".join(["24·8²·6·floor(388 / 8)²"] * 60), 12)) == ""
