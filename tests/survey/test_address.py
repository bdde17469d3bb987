"""A paper or a repository asked for by its address: it itself, and the models that it may be about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archviz import pipeline
from archviz.cli import main
from archviz.settings import Settings
from archviz.survey.text import survey_text
from tests.lookup.conftest import Reply


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: 0.0)  # no three seconds between arXiv requests


def test_a_github_url_is_that_repository_and_not_what_is_named_like_it(services: Any, github: Any) -> None:
    survey = pipeline.sources("https://github.com/acme/Acme")
    assert (survey.status, survey.exit_status, survey.model_id) == ("ambiguous", 3, None)
    (repository,) = [entry for entry in survey.entries if entry.kind == "github"]
    assert repository.status == "found"
    assert "inference/model.py" in repository.what
    assert survey.candidates == (
        ("acme/Acme-1B", "its README links it"),
        ("acme/Sharded-1B", "its README links it"),
        ("other/Tuned-1B", "its README links it"),
    )
    assert [entry.url for entry in survey.entries if entry.kind == "paper"] == ["https://arxiv.org/abs/2505.09388"]
    assert not any("search" in asked.path for asked in github.asked)
    assert services.asked == []


def test_its_revision_and_its_new_name_are_kept(services: Any, github_data: Any) -> None:
    commit = github_data.repositories["acme/Acme"]["commit"]
    survey = pipeline.sources(f"https://github.com/oldacme/Acme/tree/{commit}/inference")
    assert survey.revision == commit
    assert survey_text(survey).startswith(f"oldacme/Acme@{commit}: ")
    assert (survey.entries[-1].kind, survey.entries[-1].status) == ("github", "renamed")
    assert "renamed from oldacme/Acme" in survey.entries[-1].what
    assert "not all of it was read" in pipeline.sources("https://github.com/acme/Acme/tree/nowhere").entries[0].what


def test_a_repository_that_is_not_there_is_missing(services: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "https://github.com/acme/Nothing", "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert [(row["kind"], row["status"]) for row in answer["sources"]] == [("github", "missing")]
    assert answer["candidates"] == []


def test_where_github_gives_no_answer_that_is_said_and_not_that_no_model_is_known(
    services: Any, github: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    github.answer = lambda _: Reply(401, b"{}", {"Content-Type": "application/json"})
    assert main(["sources", "https://github.com/acme/Acme", "--json"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["sources"][0]["status"]) == ("unreachable", "unknown")
    assert "gitHub" not in answer["message"]
    assert answer["message"].endswith("so which models it names is not known.")


def test_offline_it_is_unknown(services: Any, github: Any) -> None:
    survey = pipeline.sources("https://github.com/acme/Acme", settings=Settings(offline=True))
    assert [entry.status for entry in survey.entries] == ["unknown"]
    assert github.asked == []


def test_a_paper_s_id_is_that_paper_with_the_code_that_it_names(services: Any, arxiv_data: Any) -> None:
    arxiv_data.add("2601.00001", "Acme 2", comment="Code: https://github.com/acme/Acme")
    survey = pipeline.sources("arXiv:2601.00001")
    assert [(entry.kind, entry.status) for entry in survey.entries] == [("paper", "found"), ("github", "stated")]
    assert "PDF https://arxiv.org/pdf/2601.00001v1" in survey.entries[0].what
    assert survey.exit_status == 3


def test_a_paper_of_catalog_models_gives_them_as_candidates(
    services: Any, arxiv_data: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    survey = pipeline.sources("2505.09388")
    assert survey.status == "ambiguous"
    assert "Qwen/Qwen3-0.6B" in [each for each, _ in survey.candidates]
    assert main(["sources", "2505.09388"]) == 3
    assert "Models that it may be about" in capsys.readouterr().out
