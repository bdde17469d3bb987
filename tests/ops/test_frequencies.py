"""Tables of waves keep the frequencies that they are made with; whatever else is made of them does not."""

from __future__ import annotations

import pytest

from archviz.interpreter.frequencies import frequencies_of
from tests.interpreter.programs import MODEL_HEADER, value

ROW = "row = 1.0 / (100 ** (torch.arange(0, 4, 2) / 4))\nplaces = torch.arange({count}).float()\n"


def made(expression: str, count: int = 5000) -> tuple[float, ...] | None:
    found = frequencies_of(value(MODEL_HEADER + ROW.format(count=count) + f"result = {expression}"))
    return None if found is None else tuple(round(each, 6) for each in found.numbers)


@pytest.mark.parametrize(
    "expression",
    [
        "places[:, None] * row",
        "torch.outer(places, row)",
        "torch.einsum('i,j->ij', places, row)",
        "torch.cat((torch.sin(places[:, None] * row), torch.cos(places[:, None] * row)), dim=1)",
        "nn.Buffer(torch.stack([torch.outer(places, row)] * 2, dim=-1), persistent=False)",
    ],
)
@pytest.mark.parametrize("count", [8, 4000])
def test_a_table_of_positions_keeps_its_frequencies(expression: str, count: int) -> None:
    assert made(expression, count) == (1.0, 0.1)


@pytest.mark.parametrize(
    "expression",
    [
        "row * row",
        "row",
        "torch.zeros(3, 2) * row",
        "torch.cat((torch.outer(places, row), torch.outer(places, row * 2)), dim=-1)",
        "torch.outer(places, row) + 1",
        "nn.Linear(2, 2).weight * row",
    ],
)
def test_other_tensors_have_none(expression: str) -> None:
    assert made(expression, 8) is None
