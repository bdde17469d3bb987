"""A model's own figure says nothing that the model contradicts (scripts/dev/own_figures.py sweeps over all defaults)."""

from __future__ import annotations

import pytest

from scripts.dev.own_figures import conflicts


@pytest.mark.parametrize(
    ("model_type", "class_name"),
    [
        ("hrm_text", "HrmTextModel"),  # two stacks whose layers run three times each
        ("inkling2_text", "Inkling2TextModel"),  # a softcap inside the feed-forward
        ("albert", "AlbertModel"),  # one set of weights for all layers
        ("kosmos-2.5", "Kosmos2_5ForConditionalGeneration"),  # a norm inside the feed-forward
        ("mobilevitv2", "MobileViTV2Model"),  # a feed-forward of convolutions, which is no part by its widths
        ("cpmant", "CpmAntForCausalLM"),  # a norm inside the part that attends
        ("rwkv", "RwkvForCausalLM"),  # a feed-forward named for its mixing
        ("sam2", "Sam2Model"),  # layers whose pass was not seen
    ],
)
def test_the_own_figure_of_a_model_has_no_conflict(model_type: str, class_name: str) -> None:
    assert conflicts(model_type, class_name) == []
