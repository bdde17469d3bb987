from __future__ import annotations

import pytest

from archviz.architecture.column_path import APART, UNREAD
from archviz.descriptions import describe
from archviz.settings import Settings

OFFLINE = Settings(offline=True)


def test_only_what_the_stream_passes_through_is_a_step_of_the_column() -> None:
    """SAM: the decoder's heads read different things, and the image's positions and the prompts are no part of its encoder."""
    towers = {tower.title: tower for tower in describe("transformers:sam", settings=OFFLINE).towers}
    notes = {
        item.node.code_name: item.note for tower in towers.values() for item in tower.column if item.node and item.taps
    }
    assert notes["shared_image_embedding"] == UNREAD
    assert notes["prompt_encoder"] == notes["upscale_conv1"] == notes["iou_prediction_head"] == APART
    steps = [item.node.label for item in towers["Mask decoder"].column if item.node and not item.taps]
    assert steps == ["Features", "final_attn_token_to_image", "Final LayerNorm", "output_hypernetworks_mlps"]


@pytest.mark.parametrize("model", ["openai/whisper-tiny", "google/gemma-3-27b-it", "openai/clip-vit-base-patch32"])
def test_what_lies_on_the_way_stays_a_step(model: str) -> None:
    towers = describe(model, settings=OFFLINE).towers
    assert {item.note for tower in towers for item in tower.column} & {APART, UNREAD} == set()
