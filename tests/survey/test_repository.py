"""Whether a repository on GitHub is a model's own is told by its README; a name that begins alike proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from archviz import pipeline
from archviz.lookup.card.card import parse_card
from archviz.survey.entries import Entry, Survey
from archviz.survey.repository import RepositoryRead, why_own
from tests.lookup.hub.loopback import LoopbackHub

CODE = "[code](https://github.com/{})"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: 0.0)  # no three seconds between arXiv requests


def github(survey: Survey) -> list[Entry]:
    return [entry for entry in survey.entries if entry.kind == "github"]


def card(services: LoopbackHub, text: str) -> Survey:
    services.repositories["acme/Acme-1B"].files["README.md"] = text.encode()
    return pipeline.sources("acme/Acme-1B")


@pytest.mark.parametrize(
    ("readme", "said"),
    [
        ("see acme/Acme-1B.", "its README names acme/Acme-1B"),
        ("https://huggingface.co/ACME/acme-1b/tree/main", None),
        ("https://huggingface.co/acme/Acme-1B", "its README links acme/Acme-1B"),
        ("acme/Acme-1B-Instruct", None),
        ("acme/Acme-1B.5", None),
        ("not-acme/Acme-1B", None),
        ("[p](https://arxiv.org/pdf/2505.09388v3)", "its README links the model's paper arXiv:2505.09388"),
        ("[p](https://arxiv.org/abs/2505.09389)", None),
        ("[c](https://huggingface.co/collections/acme/all-123)", "the publisher's page on the Hub, acme"),
        ("[c](https://huggingface.co/acme)", "the publisher's page on the Hub, acme"),
        ("[c](https://huggingface.co/datasets/acme/x)", None),
        ("[c](https://huggingface.co/acme-labs/x)", None),
        ("[c](https://evil.example/acme/Acme)", None),
        ("", None),
    ],
)
def test_what_a_readme_says_of_a_model(readme: str, said: str | None) -> None:
    read = RepositoryRead("x/y", "", readme=readme, card=parse_card(readme))
    reason = why_own(read, "acme/Acme-1B", {"2505.09388"}, is_alike=True)
    if "tree/main" in readme:  # letter case differs, which the Hub lets be the same
        assert reason is not None
    else:
        assert (reason or "").endswith(said or "")
        assert (reason is None) == (said is None)


@pytest.mark.parametrize(
    ("readme", "is_own"),
    [
        ("serve acme/Acme-1B", False),
        ("[models](https://huggingface.co/acme)", False),
        ("[weights](https://huggingface.co/acme/Acme-1B)", True),
        ("[paper](https://arxiv.org/abs/2505.09388)", True),
    ],
)
def test_of_a_repository_that_is_called_otherwise_only_a_link_counts(readme: str, is_own: bool) -> None:
    read = RepositoryRead("vllm-project/vllm", "", readme=readme, card=parse_card(readme))
    assert (why_own(read, "acme/Acme-1B", {"2505.09388"}, is_alike=False) is not None) == is_own


def test_the_readme_of_the_own_repository_is_quoted_as_the_reason(services: Any) -> None:
    own = github(pipeline.sources("acme/Acme-1B"))[0]
    assert own.status == "found"
    assert own.what.endswith("its README links acme/Acme-1B")


def test_a_repository_of_the_right_name_whose_readme_is_silent_is_unverified(services: Any, github_data: Any) -> None:
    github_data.add("acme-fan/Acme", {"model.py": "", "README.md": "My notes."})
    (only,) = github(card(services, CODE.format("acme-fan/Acme")))
    assert only.status == "unverified"
    assert "nothing in its README says that it is about this model" in only.what


@pytest.mark.parametrize("folder", ["docs/", ".github/"])
def test_a_readme_is_found_where_github_finds_it(services: Any, github_data: Any, folder: str) -> None:
    github_data.add(
        "acme-fan/Acme", {"model.py": "", f"{folder}README.md": "https://hf.co/acme/Acme-1B", "x/README.md": ""}
    )
    (only,) = github(card(services, CODE.format("acme-fan/Acme")))
    assert (only.status, only.what.endswith("its README links acme/Acme-1B")) == ("found", True)


def test_the_next_lead_is_asked_where_the_first_is_not_the_model_s_own(
    services: Any, arxiv: Any, github_data: Any, github_raw: Any, request: pytest.FixtureRequest
) -> None:
    api = request.getfixturevalue("github")
    github_data.add("acme-fan/Acme", {"README.md": "My notes."})
    github_data.add("lab/networks", {"README.md": "Weights: https://hf.co/acme/Acme-1B"})
    leads = [CODE.format("acme-fan/Acme"), CODE.format("lab/networks"), CODE.format("lab/other")]
    for second, asked in ("stated", 6), ("found", 8):  # what six requests do not reach the next run does
        found = github(card(services, " ".join(leads)))
        assert [(entry.status, entry.what.partition(";")[0]) for entry in found] == [
            ("unverified", "acme-fan/Acme"),
            (second, "lab/networks"),
            ("stated", "lab/other"),
        ]
        assert sum(len(each.asked) for each in (services, arxiv, api, github_raw)) == asked


def test_no_more_than_two_are_asked(services: Any, github: Any, github_data: Any) -> None:
    for index in range(4):
        github_data.add(f"acme-{index}/Acme", {"README.md": "nothing"})
    for _ in range(2):
        found = card(services, " ".join(CODE.format(f"acme-{index}/Acme") for index in range(4)))
    assert [entry.status for entry in found.entries if entry.kind == "github"] == [
        "unverified",
        "unverified",
        "stated",
        "stated",
    ]
    assert len(github.asked) == 2
