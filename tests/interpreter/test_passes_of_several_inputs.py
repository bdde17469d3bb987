"""Models that want more than token ids are given it: an image, features of regions with their boxes, patches with their places."""

from __future__ import annotations

import pytest

from archviz.architecture.model import Architecture
from archviz.pipeline import verify_source
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source


def described(model_type: str, class_name: str | None = None) -> Architecture:
    settings = Settings(offline=True)
    source = read_model_source(f"transformers:{model_type}", settings)
    return verify_source(source, class_name=class_name, settings=settings)[1]


@pytest.mark.parametrize("model_type", ["groupvit", "lxmert", "pix2struct"])
def test_the_whole_pass_is_understood(model_type: str) -> None:
    assert described(model_type).gaps == []


def test_towers_that_stand_side_by_side_feed_no_other() -> None:
    towers = {tower.id: (tower.title, tower.feeds) for tower in described("groupvit").towers}
    assert towers == {"text": ("Text encoder", None), "vision": ("Vision encoder", None)}


def test_what_translates_images_into_text_stands_above_the_image_tower() -> None:
    towers = {tower.id: tower for tower in described("kosmos-2.5", "Kosmos2_5ForConditionalGeneration").towers}
    labels = {name: [item.node.label for item in tower.column if item.node] for name, tower in towers.items()}
    assert labels["vision"][-1] == "image_to_text_projection"
    assert labels["text"][-1] == "LM head"


def test_a_mask_made_of_the_patches_is_no_input_of_attention() -> None:
    architecture = described("kosmos-2.5", "Kosmos2_5ForConditionalGeneration")
    stack = next(stack for stack in architecture.layers if stack.path.startswith("vision_model"))
    graph = architecture.block(stack.kinds[0].block)
    assert graph is not None
    assert [node.label for node in graph.nodes if node.role == "input"] == ["Input"]
    assert [node.label for node in graph.nodes if node.role == "norm"] == ["RMSNorm", "RMSNorm"]
