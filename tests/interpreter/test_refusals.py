"""A refusal that comes back whatever else a model is given is what its configuration lacks, not what the pass was given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.descriptions import describe
from archviz.interpreter.reading import Gap
from archviz.interpreter.refusals import Pass, Refusal
from archviz.interpreter.tracing import Recorder
from archviz.settings import Settings

OWN = "with these values the code raises ValueError: no window"
SHAPE = "ValueError: not enough or too many values to unpack (expected 4, got 5)"


def ended(words: str | None, *reasons: str) -> Pass:
    recorder = Recorder({})
    recorder.ended_by = words
    return recorder, [Gap("", reason, None) for reason in reasons]


@pytest.mark.parametrize(
    ("given", "words", "reason", "kept"),
    [
        ({"input_ids", "pixel_values"}, "ValueError: no window", SHAPE, True),
        ({"input_ids"}, "ValueError: no window", SHAPE, False),  # never met with anything else
        ({"input_ids", "pixel_values"}, "ValueError: no images", SHAPE, False),  # what it was given mattered
        ({"input_ids", "pixel_values"}, "ValueError: no window", "an operator of einops", False),  # no error of PyTorch
    ],
)
def test_a_refusal_that_comes_back_stands_before_a_pass_over_errors(
    given: set[str], words: str, reason: str, kept: bool
) -> None:
    first, over_errors = ended("ValueError: no window", OWN), ended(None, reason)
    refusal = Refusal({"input_ids"}, first)
    refusal.meet(given, ended(words, OWN))
    assert (refusal.instead_of(over_errors) is first) == kept


def test_a_configuration_that_the_code_refuses_is_the_one_gap(tmp_path: Path) -> None:
    text = {
        "num_hidden_layers": 4,
        "layer_types": ["full_attention"] * 4,
        "mlp_layer_types": ["dense", "dense", "dense", "sparse"],
    }
    values = {"model_type": "step3p7", "text_config": text, "vision_config": {"num_hidden_layers": 1}}
    (tmp_path / "config.json").write_text(json.dumps(values))
    found = describe(str(tmp_path), settings=Settings(offline=True))
    assert [gap.reason for gap in found.gaps] == [
        "with these values the code raises ValueError: Could not find a `sliding_window` argument in the config, or it is not set"
    ]
    assert {tower.id: tower.feeds for tower in found.towers} == {"text": None, "vision": "text"}
