"""Masks of official models: what queries may see, also where no padding is given and where compressed keys stand beside."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.architecture.mask_facts import FURTHER
from archviz.architecture.model import Fact
from archviz.settings import Settings


def fact(model: str, key: str) -> Fact:
    found = pipeline.describe(model, settings=Settings(offline=True)).fact(key)
    assert found is not None, key
    return found


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [
        ("transformers:llama", "attention_mask", "causal"),
        ("transformers:distilbert", "attention_mask", "bidirectional"),
        ("google-t5/t5-small", "attention_mask", "causal"),
        ("google-t5/t5-small", "encoder_attention_mask", "bidirectional"),
        ("openai/clip-vit-base-patch32", "vision_attention_mask", "none"),
        (
            "transformers:qwen2_5_vl",
            "vision_attention_mask",
            {"windowed_attention": "windows", "full_attention": "none"},
        ),
        (
            "google/gemma-3-27b-it",
            "attention_mask",
            {
                "sliding_attention": "sliding, and blocks of the data",
                "full_attention": "causal, and blocks of the data",
            },
        ),
        (
            "google/gemma-4-26B-A4B",
            "attention_mask",
            {"sliding_attention": "sliding, and blocks of the data", "full_attention": "causal"},
        ),
        ("google/gemma-3-1b-it", "attention_mask", {"sliding_attention": "sliding", "full_attention": "causal"}),
    ],
)
def test_a_mask_is_told_by_what_it_hides(model: str, key: str, value: object) -> None:
    assert fact(model, key).value == value


def test_a_mask_against_padding_names_the_line_that_makes_it() -> None:
    found = fact("transformers:distilbert", "attention_mask")
    assert [each.where.rpartition(":")[0] for each in found.evidence] == [
        "transformers/models/distilbert/modeling_distilbert.py"
    ]


def test_compressed_keys_stand_beside_the_mask_of_the_window() -> None:
    found = fact("deepseek-ai/DeepSeek-V4-Flash", "attention_mask")
    assert found.value == {
        "sliding_attention": "sliding",
        "compressed_sparse_attention": f"sliding, {FURTHER}",
        "heavily_compressed_attention": f"sliding, {FURTHER}",
    }
    assert len(found.evidence) == 2  # the mask, and where the further part joins it
