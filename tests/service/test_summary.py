from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archviz.architecture.model import Fact, ParameterRow, ReconciledStep
from archviz.service.paging import ANSWER_BYTES, size_of
from archviz.service.summary import parts_of, ranges, summarise

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("indices", "text"),
    [
        ([], ""),
        ([4], "4"),
        ([0, 1, 2], "0-2"),
        ([3, 7, 11], "3-11/4"),
        ([0, 1, 2, 4, 5, 6], "0-2,4-6"),
        ([0, 5], "0,5"),
        ([2, 1, 0], "0-2"),
    ],
)
def test_indices_are_written_in_short(indices: list[int], text: str) -> None:
    assert ranges(indices) == text


def test_many_ranges_are_shown_by_their_ends(architecture_of: Make) -> None:
    architecture = architecture_of()
    architecture.layers[0].kinds[0].indices = [index for index in range(60) if index % 4 < 3]
    summary: Any = summarise(architecture)
    assert summary["layers"][0]["kinds"][0]["layers"] == "0-2,4-6,8-10,…,56-58"


def test_the_breakdown_stops_at_mixer_and_feed_forward(architecture_of: Make) -> None:
    architecture = architecture_of()
    for key in ("layers/a", "layers/a/mixer", "layers/a/mixer/projections"):
        architecture.parameters.breakdown.append(ParameterRow(key=key, label=key, count=80, each=10, times=8))
    summary: Any = summarise(architecture)
    assert summary["breakdown"] == ["layers: 800", "layers/a: 80 = 8 × 10", "layers/a/mixer: 80 = 8 × 10"]


def test_the_summary_tells_pattern_kinds_counts_and_facts(architecture_of: Make) -> None:
    summary: Any = summarise(architecture_of())
    assert summary["layers"][0]["pattern"] == "2 × (3 × linear + MoE, 1 × full + MoE)"
    assert [kind["layers"] for kind in summary["layers"][0]["kinds"]] == ["0-2,4-6", "3,7"]
    assert (summary["parameters"]["total"], summary["parameters"]["active"]) == (1000, 680)
    assert summary["facts"] == {"hidden_size": 64, "context_length": "4096 tokens"}
    assert "left_out" not in summary


def test_a_fact_that_is_not_verified_is_a_caution(architecture_of: Make) -> None:
    architecture = architecture_of()
    architecture.facts.append(Fact(key="experts", value=8, status="conflict"))
    summary: Any = summarise(architecture)
    assert summary["cautions"] == ["experts: conflict"]


def test_a_summary_of_a_huge_model_still_fits_an_answer(architecture_of: Make) -> None:
    architecture = architecture_of()
    architecture.facts = [Fact(key=f"key_number_{index}", value="v" * 50) for index in range(500)]
    architecture.blocks = architecture.blocks * 200
    summary: Any = summarise(architecture)
    assert size_of(summary) < ANSWER_BYTES
    assert summary["left_out"]["facts"] > 0
    assert summary["layers"][0]["pattern"]


def test_every_part_that_is_offered_exists(architecture_of: Make) -> None:
    document = architecture_of().as_dict()
    assert {pointer.removeprefix("/") for pointer in parts_of(architecture_of())} <= set(document)


def test_the_steps_to_the_published_total_are_called_what_the_skill_calls_them(architecture_of: Make) -> None:
    architecture = architecture_of()
    step = ReconciledStep(key="mtp", title="a prediction layer", count=7, status="config")
    architecture.parameters.reconciliation = [step]
    summary: Any = summarise(architecture)
    assert summary["parameters"]["reconciliation"] == ["a prediction layer: +7 (config)"]


def test_what_layers_share_and_call_of_their_own_is_said(architecture_of: Make) -> None:
    architecture = architecture_of()
    kind = architecture.layers[0].kinds[0]
    plain: Any = summarise(architecture)
    assert not {"together", "each_calls_its_own_of"} & plain["layers"][0]["kinds"][0].keys()
    kind.together, kind.chosen = 77, ["adapters: 0-3"]
    told: Any = summarise(architecture)
    assert told["layers"][0]["kinds"][0]["together"] == 77
    assert told["layers"][0]["kinds"][0]["each_calls_its_own_of"] == ["adapters: 0-3"]
