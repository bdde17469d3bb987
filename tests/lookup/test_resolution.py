from __future__ import annotations

import json
from typing import get_args

import pytest

from archviz.errors import AmbiguousNameError, GatedError, ModelNotFoundError, SourceUnavailableError
from archviz.lookup.resolution import Candidate, Resolution, ResolutionStatus

EXIT = {"exact": 0, "renamed": 0, "ambiguous": 3, "not_found": 3, "gated": 4, "unreachable": 4}


def answer(status: ResolutionStatus) -> Resolution:
    near = (Candidate("org/name", "adds size 7B", "name"),)
    return Resolution(status, "nam", "No model.", "catalog", complete=False, candidates=near)


@pytest.mark.parametrize("status", get_args(ResolutionStatus))
def test_every_status_has_its_documented_exit_status(status: ResolutionStatus) -> None:
    assert answer(status).exit_status == EXIT[status]


def test_the_answer_as_data_has_the_keys_of_the_contract() -> None:
    data = json.loads(json.dumps(answer("not_found").as_dict()))
    assert {"status", "model_id", "candidates", "source"} <= data.keys()
    assert data["candidates"] == [{"id": "org/name", "why": "adds size 7B", "group": "name"}]
    assert data["complete"] is False


@pytest.mark.parametrize(
    "status, kind",
    [
        ("ambiguous", AmbiguousNameError),
        ("not_found", ModelNotFoundError),
        ("gated", GatedError),
        ("unreachable", SourceUnavailableError),
    ],
)
def test_a_refusal_as_an_exception_keeps_exit_status_and_candidates(status: ResolutionStatus, kind: type) -> None:
    error = answer(status).as_error()
    assert type(error) is kind
    assert error.exit_status == EXIT[status]
    assert status == "gated" or "org/name" in str(error)  # of a gated model the name is known
