"""States of several layers that a tower hands on side by side."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.settings import Settings


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "meta-llama/Llama-3.2-11B-Vision-Instruct",
            "6 × 1,280 = 7,680: the last and what layers 3, 7, 15, 23 and 30 give",
        ),
        ("transformers:vipllava", "5 × 1,024 = 5,120: what layers 22, 19, 16, 13 and 5 give"),
        ("transformers:llava", None),
        ("transformers:qwen3_vl", None),
    ],
)
def test_joined_states_are_counted_and_their_layers_named(model: str, words: str | None) -> None:
    found = pipeline.describe(model, settings=Settings(offline=True)).fact("vision_states_joined")
    assert (found and found.value) == words


def test_the_projector_that_reads_the_joined_states_says_so() -> None:
    towers = pipeline.describe("meta-llama/Llama-3.2-11B-Vision-Instruct", settings=Settings(offline=True)).towers
    nodes = {item.node.label: item.node for tower in towers for item in tower.column if item.node}
    assert "6 × 1,280: the last, layers 3, 7, 15, 23, 30" in nodes["multi_modal_projector"].details
