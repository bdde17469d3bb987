from __future__ import annotations

import pytest

from archviz.descriptions import describe
from archviz.settings import Settings


def test_a_token_passes_its_experts_alone_where_they_lie_in_two_modules_and_in_the_attention() -> None:
    architecture = describe("transformers:jetmoe", settings=Settings(offline=True))
    found, values = architecture.parameters, {fact.key: fact.value for fact in architecture.facts}
    width, inner, layers = 2048, 5632, 12
    rows = {row.label: row for row in found.breakdown if row.parent and row.parent.startswith("layers/")}
    assert rows["Experts"].count == layers * 8 * 3 * width * inner
    assert rows["Experts of the projections"].count == layers * 8 * 2 * width * width
    assert (
        next(row for label, row in rows.items() if label.startswith("Other")).count == layers * width
    )  # the bias behind the experts
    routed = rows["Experts"].count + rows["Experts of the projections"].count
    assert found.active == found.total - routed * 3 // 4
    assert (values["expert_hidden_size"], values["activation"]) == (inner, "SiLU")
    assert values["attention_experts"] == "8 for its projections, 2 per token"


@pytest.mark.parametrize("model", ["transformers:qwen3_moe", "transformers:doge"])
def test_plain_projections_are_no_experts(model: str) -> None:
    architecture = describe(model, settings=Settings(offline=True))
    assert architecture.fact("attention_experts") is None
    assert not any("projections" in row.label and "of the" in row.label for row in architecture.parameters.breakdown)
