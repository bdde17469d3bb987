"""Heads for further tokens are told where a model has them: a class that ignores weights of their name is no evidence alone."""

from __future__ import annotations

import pytest

from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from archviz.figure.model import Box
from archviz.figure.overview import build_overview
from archviz.settings import Settings


def of_catalog(name: str) -> Architecture:
    return describe(name, settings=Settings(offline=True))


def beyond(architecture: Architecture) -> Box | None:
    return next((column.beyond for column in build_overview(architecture).columns if column.beyond), None)


def test_a_pattern_alone_is_no_head() -> None:
    assert of_catalog("transformers:qwen3_next").fact("mtp") is None


@pytest.mark.parametrize("name", ["moonshotai/Kimi-K2.5", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"])
def test_a_model_without_such_weights_has_none_whatever_its_class_ignores(name: str) -> None:
    found = of_catalog(name)
    assert (found.fact("mtp"), found.fact("mtp_layers")) == (None, None)
    assert beyond(found) is None


def test_published_weights_that_are_a_layer_more_are_evidence() -> None:
    found = of_catalog("Qwen/Qwen3-Next-80B-A3B-Instruct")
    fact, box = found.fact("mtp"), beyond(found)
    assert fact is not None
    assert (fact.value, fact.status) == ("not built by the class, which ignores its weights", "derived")
    assert fact.evidence[0].where.startswith("transformers/models/qwen3_next/modeling_qwen3_next.py:")
    assert fact.evidence[0].text == "the published total is 1,650,471,424 more than the class builds"
    assert box is not None
    assert (box.label, box.status) == ("MTP", "derived")
    assert box.description.startswith("Multi-token prediction, in the published weights but not built by the class")


@pytest.mark.parametrize(
    ("name", "label"),
    [("zai-org/GLM-4.5", "MTP"), ("MiniMaxAI/MiniMax-M2", "MTP × 3"), ("Qwen/Qwen3.5-397B-A17B", "MTP")],
)
def test_what_the_configuration_states_is_drawn_as_its_word_alone(name: str, label: str) -> None:
    box = beyond(of_catalog(name))
    assert box is not None
    assert (box.label, box.status) == (label, "config")
    assert box.description.startswith("Multi-token prediction, stated by the configuration but not built by the class")
