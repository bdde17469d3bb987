"""What exists for a model: each source with status and link, what the description rests on, where they disagree."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archviz import pipeline
from archviz.cli import main
from archviz.errors import AmbiguousNameError
from archviz.network.cache import Cache
from archviz.settings import Settings
from archviz.survey.entries import ORDER, Survey
from archviz.survey.text import survey_text
from tests.lookup.conftest import Reply
from tests.lookup.hub.loopback import Repository, status
from tests.lookup.hub.repositories import TINY
from tests.survey.conftest import CARD


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: 0.0)  # no three seconds between arXiv requests


def by_kind(survey: Survey, kind: str) -> list[tuple[str, str]]:
    return [(entry.status, entry.what) for entry in survey.entries if entry.kind == kind]


def test_every_source_is_there_with_status_and_link_in_the_order_of_truth(services: Any) -> None:
    survey = pipeline.sources("acme/Acme-1B")
    kinds = [entry.kind for entry in survey.entries]
    assert kinds == sorted(kinds, key=ORDER.index)
    assert by_kind(survey, "paper") == [("found", "Acme Technical Report (arXiv:2505.09388v2)")]
    (own, other) = by_kind(survey, "github")
    assert own[0] == "found"
    assert own[1].startswith("acme/Acme; at ")
    assert "inference/model.py; its README links acme/Acme-1B" in own[1]
    assert other == ("stated", "vllm-project/vllm")
    assert by_kind(survey, "blog") == [("stated", "blog")]
    assert all(entry.url for entry in survey.entries)
    assert survey.exit_status == 0


def test_the_description_rests_on_code_and_configuration_at_the_commit(services: Any) -> None:
    survey = pipeline.sources("acme/Acme-1B")
    resting = [entry for entry in survey.entries if entry.rests]
    assert [entry.kind for entry in resting] == ["code", "configuration"]
    assert survey.revision is not None
    assert f"config.json at {survey.revision[:12]}" == resting[1].what
    assert survey.revision in str(resting[1].url)


def test_disagreements_say_who_says_what_and_what_counts(services: Any) -> None:
    found = {each.about: each for each in pipeline.sources("acme/Acme-1B").disagreements}
    assert set(found) == {"size", "parameters", "layers", "licence", "base model"}
    assert found["layers"].says == {"card": "Number of Layers: 3", "code": "2"}
    assert "code counts" in found["layers"].settled
    assert found["licence"].says == {"card": "mit", "Hub": "apache-2.0"}
    assert found["base model"].says == {"card": "acme/Other-Base", "Hub": "acme/Acme-Base"}


def test_what_agrees_is_no_disagreement(services: Any) -> None:
    about = [each.about for each in pipeline.sources("acme/Sharded-1B").disagreements]
    assert about == ["parameters", "size"]  # the made-up checkpoint is another model's


def test_the_card_s_text_comes_only_when_asked_for_and_as_the_weakest_evidence(services: Any) -> None:
    plain = pipeline.sources("acme/Acme-1B").as_dict()
    assert "text" not in json.dumps([row for row in plain["sources"] if row["kind"] == "card"])  # type: ignore[attr-defined]
    survey = pipeline.sources("acme/Acme-1B", with_text=True)
    (card,) = (entry.as_dict() for entry in survey.entries if entry.kind == "card")
    assert "Number of Layers: 3" in str(card["text"])
    assert card["evidence"] == "weakest"
    assert "the weakest evidence" in survey_text(survey)


def test_a_page_on_a_host_that_is_not_read_is_never_asked_for(services: Any) -> None:
    survey = pipeline.sources("acme/Acme-1B", with_text=True)
    assert by_kind(survey, "blog") == [("stated", "blog")]


def test_a_cold_model_costs_six_requests_and_a_known_one_none(
    services: Any, arxiv: Any, github: Any, github_raw: Any
) -> None:
    for _ in range(2):
        survey = pipeline.sources("acme/Acme-1B")
        assert [len(each.asked) for each in (services, arxiv, github, github_raw)] == [3, 1, 1, 1]
        assert by_kind(survey, "github")[0][0] == "found"
        assert survey.notes == []


@pytest.mark.parametrize(("states_commits", "is_cut"), [(False, False), (True, True)])
def test_a_repository_that_github_states_under_no_sure_commit_is_known_by_its_readme_too(
    services: Any, arxiv: Any, github: Any, github_raw: Any, github_data: Any, states_commits: bool, is_cut: bool
) -> None:
    github_data.states_commits, github_data.is_cut = states_commits, is_cut
    survey = pipeline.sources("acme/Acme-1B")
    assert [len(each.asked) for each in (services, arxiv, github, github_raw)] == [3, 1, 2, 0]
    status, what = by_kind(survey, "github")[0]
    assert (status, what.endswith("its README links acme/Acme-1B"), survey.notes) == ("found", True, [])
    assert "in the tree that GitHub lists as" in what


def test_a_readme_that_github_does_not_list_is_not_said_to_be_silent(services: Any, github_data: Any) -> None:
    github_data.repositories["acme/Acme"]["files"] = {"model.py": ""}
    github_data.is_cut = True
    status, what = by_kind(pipeline.sources("acme/Acme-1B"), "github")[0]
    assert (status, what.endswith("its README is not among the files that GitHub lists")) == ("unverified", True)


def test_a_view_that_would_cost_more_is_finished_by_the_next_run(
    services: Any, arxiv: Any, github: Any, github_raw: Any
) -> None:
    places = (services, arxiv, github, github_raw)
    card = CARD.replace("github.com/acme/Acme", "github.com/oldacme/Acme").encode()
    services.repositories["acme/Acme-1B"].files["README.md"] = card  # the redirect is one more
    first = pipeline.sources("acme/Acme-1B")
    assert sum(len(each.asked) for each in places) == 6
    status, what = by_kind(first, "github")[0]
    assert status == "unverified"
    assert "renamed from oldacme/Acme" in what
    assert "its README was not read: GitHub was not asked: one run asks 6 times" in what
    assert any("run it again" in note for note in first.notes)
    second = pipeline.sources("acme/Acme-1B")
    assert sum(len(each.asked) for each in places) == 7
    status, what = by_kind(second, "github")[0]
    assert (status, what.endswith("its README links acme/Acme-1B")) == ("renamed", True)
    assert second.notes == []
    Cache().clear()
    assert by_kind(pipeline.sources("acme/Acme-1B", with_text=True), "github")[0][0] == "renamed"  # asks for all


@pytest.mark.parametrize(
    ("name", "code_files"),
    [
        ("acme/Acme-1B", 0), ("acme/Sharded-1B", 0), ("acme/Gated-1B", 0), ("acme/Old-Name-1B", 0), ("acme/Elder-1B", 2),
        ("acme/Pickled-1B", 0), ("acme/Adapter-1B", 0), ("acme/Missing-1B", 0), ("acme/Sharded-1B-FP8", 0), ("GPT-4o", 0),
        ("Acme-2B", 0), ("arXiv:2505.09388", 0), ("https://github.com/oldacme/Acme", 0),
    ],
)  # fmt: skip
def test_no_view_costs_more_than_six_requests_and_one_a_code_file(
    services: Any, arxiv: Any, github: Any, github_raw: Any, monkeypatch: pytest.MonkeyPatch, name: str, code_files: int
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_valid")
    for repository in services.repositories.values():
        repository.files.setdefault("README.md", CARD.encode())
    main(["sources", name, "--json"])
    asked = [each.path for place in (services, arxiv, github, github_raw) for each in place.asked]
    assert 0 < len(asked) <= 6 + code_files
    assert len([path for path in asked if path.endswith(".py")]) == code_files


def test_offline_it_answers_from_the_cache(services: Any, arxiv: Any, github: Any) -> None:
    first = pipeline.sources("acme/Acme-1B")
    again = pipeline.sources("acme/Acme-1B", settings=Settings(offline=True))
    assert [entry.what for entry in again.entries] == [entry.what for entry in first.entries]
    assert again.disagreements == first.disagreements


def test_offline_and_unknown_it_answers_from_the_catalog_and_says_what_is_not_known(services: Any) -> None:
    survey = pipeline.sources("Qwen/Qwen3.5-397B-A17B", settings=Settings(offline=True))
    assert services.asked == []
    assert survey.status == "exact"
    assert by_kind(survey, "configuration") == [("found", "the embedded catalog's record, facts of 2026-11-21")]
    assert "the card was not read, so its links are not known" in survey.not_known
    assert any(each.about == "parameters" for each in survey.disagreements)


def test_a_service_out_of_reach_is_unknown_and_the_rest_is_there(services: Any, github: Any, arxiv: Any) -> None:
    github.answer = arxiv.answer = lambda _: Reply(404, b"{}", {"Content-Type": "application/json"})
    survey = pipeline.sources("acme/Acme-1B")
    assert by_kind(survey, "paper")[0][0] == "unknown"
    assert by_kind(survey, "github")[0][0] == "missing"
    assert any(entry.rests for entry in survey.entries)
    assert any(row.startswith("paper: ") for row in survey.not_known)


def test_a_gated_model_shows_what_is_readable(services: Any) -> None:
    survey = pipeline.sources("acme/Gated-1B")
    assert (survey.status, survey.exit_status) == ("gated", 4)
    assert by_kind(survey, "hub")[0][0] == "gated"
    assert not any(entry.rests for entry in survey.entries)


def test_a_gated_model_that_the_catalog_answers_for_is_told_as_gated_and_of_no_commit(services: Any, hub: Any) -> None:
    hub.repositories["Qwen/Qwen3-0.6B"] = Repository({"config.json": json.dumps(TINY).encode()}, gated=True)
    survey = pipeline.sources("Qwen/Qwen3-0.6B")
    assert (survey.status, survey.exit_status, survey.revision) == ("exact", 0, None)
    assert by_kind(survey, "hub")[0][0] == "gated"
    assert "the embedded catalog's record" in by_kind(survey, "configuration")[0][1]


def test_a_gated_model_that_was_renamed_rests_on_the_record_of_its_old_name(services: Any, hub: Any) -> None:
    hub.renamed["Qwen/Qwen3-0.6B"] = "acme/Gated-1B"
    survey = pipeline.sources("Qwen/Qwen3-0.6B")
    assert (survey.status, survey.model_id, survey.exit_status) == ("renamed", "acme/Gated-1B", 0)
    assert "the embedded catalog's record" in by_kind(survey, "configuration")[0][1]
    assert by_kind(survey, "hub")[0][0] == "gated"


def test_a_configuration_that_could_not_be_read_is_unknown_and_an_absent_one_missing(services: Any, hub: Any) -> None:
    hub.repositories["acme/Bare-1B"] = Repository({"notes.txt": b"-"})
    assert by_kind(pipeline.sources("acme/Bare-1B"), "configuration")[0][0] == "missing"
    hub.fail("/acme/Sharded-1B/resolve/", status(500))
    survey = pipeline.sources("acme/Sharded-1B")
    assert by_kind(survey, "configuration")[0][0] == "unknown"
    assert any("configuration: " in text for text in survey.not_known)


def test_a_renamed_model_is_said_to_be_renamed(services: Any) -> None:
    survey = pipeline.sources("acme/Old-Name-1B")
    assert (survey.status, survey.model_id, by_kind(survey, "hub")[0][0]) == ("renamed", "acme/New-Name-1B", "renamed")


def test_own_code_of_the_repository_is_what_it_rests_on(services: Any) -> None:
    (code,) = by_kind(pipeline.sources("acme/Elder-1B"), "code")
    assert code == ("found", "the repository's own code: configuration_elder.py, modeling_elder.py")


def test_a_derivative_is_told_with_its_base(services: Any) -> None:
    (hub,) = by_kind(pipeline.sources("acme/Sharded-1B-FP8"), "hub")
    assert "acme/Sharded-1B" in hub[1]


def test_a_closed_model_has_only_unverified_sources(services: Any) -> None:
    survey = pipeline.sources("GPT-4o")
    assert (survey.status, survey.model_id, survey.exit_status) == ("unverified", None, 3)
    assert by_kind(survey, "paper") == [
        ("unverified", "GPT-4o System Card (arXiv:2410.00001v1; PDF https://arxiv.org/pdf/2410.00001v1)")
    ]
    assert by_kind(survey, "github") == [("unverified", "someone/gpt-4o, an unofficial implementation at most")]
    assert by_kind(survey, "code")[0][0] == "unknown"  # GitHub searches code only for those with a token
    assert not any(entry.rests for entry in survey.entries)
    assert "unverified" in survey_text(survey)


def test_code_that_was_looked_for_in_vain_is_missing(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_valid")
    assert by_kind(pipeline.sources("GPT-4o"), "code")[0][0] == "missing"


def test_a_name_that_could_not_be_looked_up_is_not_said_to_be_missing(services: Any) -> None:
    survey = pipeline.sources("GPT-4o", settings=Settings(offline=True))
    assert (survey.status, survey.exit_status) == ("unverified", 3)
    assert "not every place could be asked" in survey.message
    assert {entry.status for entry in survey.entries} == {"unknown"}
    assert [each.partition(":")[0] for each in survey.not_known] == ["paper", "github", "code"]


def test_nothing_named_like_a_longer_or_shorter_name_stands_for_it(services: Any) -> None:
    survey = pipeline.sources("GPT-4")
    assert not any(entry.status == "unverified" for entry in survey.entries)


def test_an_ambiguous_name_is_refused_with_candidates(services: Any) -> None:
    with pytest.raises(AmbiguousNameError) as caught:
        pipeline.sources("Qwen3.5", settings=Settings(offline=True))
    assert "Qwen/Qwen3.5-27B" in caught.value.candidates


def test_the_command_prints_the_view_and_its_data(services: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "acme/Acme-1B"]) == 0
    text = capsys.readouterr().out
    assert "* code" in text
    assert "Where they disagree" in text
    assert main(["sources", "acme/Acme-1B", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert len(data["rests_on"]) == 2
    assert {"kind", "status", "what", "url", "by", "rests", "evidence"} <= data["sources"][0].keys()


def test_without_official_code_public_code_that_defines_the_class_is_offered_unverified(
    services: Any, github_data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {**TINY, "model_type": "acme9", "architectures": ["Acme9ForCausalLM"]}
    services.repositories["acme/Acme9-1B"] = Repository({"config.json": json.dumps(values).encode()})
    survey = pipeline.sources("acme/Acme9-1B")
    assert any("Acme9ForCausalLM" in each and "GITHUB_TOKEN" in each for each in survey.not_known)
    github_data.code = [
        {"path": f"{name}.py", "html_url": f"https://github.com/x/{name}", "repository": {"full_name": f"x/{name}"},
         "text_matches": [{"fragment": text}]}
        for name, text in (("use", "Acme9ForCausalLM(config)"), ("own", "class Acme9ForCausalLM(nn.Module):"))
    ]  # fmt: skip
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_valid")
    survey = pipeline.sources("acme/Acme9-1B")
    assert by_kind(survey, "github") == [("unverified", "x/own: own.py defines Acme9ForCausalLM")]
    assert by_kind(survey, "code")[0][0] == "missing"
    assert not any("GITHUB_TOKEN" in each for each in survey.not_known)


def test_the_abstract_of_a_closed_model_s_paper_is_given_and_said_to_be_unverified(services: Any) -> None:
    survey = pipeline.sources("GPT-4o")
    (paper,) = (entry for entry in survey.entries if entry.kind == "paper")
    assert paper.status == "unverified"
    assert paper.text == "We present a model. It has layers."
    assert "--- abstract, unverified: https://arxiv.org/abs/2410.00001v1" in survey_text(survey)


def test_the_official_code_of_a_gated_model_is_named_though_nothing_is_described(services: Any) -> None:
    survey = pipeline.sources("acme/Gated-1B")
    assert (survey.status, survey.exit_status) == ("gated", 4)
    ((status, what),) = by_kind(survey, "code")
    assert status == "found"
    assert "transformers/models/qwen3/modeling_qwen3.py, class Qwen3ForCausalLM; not described" in what
    assert not any(entry.rests for entry in survey.entries)
    services.repositories["acme/Gated-1B"].files["config.json"] = b'{"model_type": "x9", "architectures": ["X9Model"]}'
    Cache().clear()
    assert by_kind(pipeline.sources("acme/Gated-1B"), "code")[0][0] == "unknown"


@pytest.mark.parametrize("name, by", [("Qwen/Qwen3-0.6B", "the catalog"), ("acme/Fresh-1B", "the card")])
def test_each_paper_is_told_by_who_leads_to_it_and_a_tag_stands_last(
    services: Any, arxiv_data: Any, name: str, by: str
) -> None:
    arxiv_data.add("1910.01108", "DistilBERT, a distilled version of BERT")
    files = {"config.json": json.dumps(TINY).encode(), "README.md": b"[Report](https://arxiv.org/abs/2505.09388)"}
    services.repositories[name] = Repository(files, tags=["arxiv:1910.01108", "arxiv:2505.09388"])
    found = [(each.status, each.what, each.by) for each in pipeline.sources(name).entries if each.kind == "paper"]
    assert found == [
        ("found", "Acme Technical Report (arXiv:2505.09388v2)", by),
        ("stated", "1910.01108", "the Hub's tags"),
    ]


def test_a_repository_does_not_prove_itself_by_a_paper_that_only_a_tag_names(services: Any, github_data: Any) -> None:
    github_data.add("stray/code", {"README.md": "[paper](https://arxiv.org/abs/1910.01108)"})
    card = b"[code](https://github.com/stray/code) [report](https://arxiv.org/abs/2505.09388)"
    files = {"config.json": json.dumps(TINY).encode(), "README.md": card}
    services.repositories["acme/Fresh-1B"] = Repository(files, tags=["arxiv:1910.01108"])
    assert [status for status, _ in by_kind(pipeline.sources("acme/Fresh-1B"), "github")] == ["unverified"]


def test_code_of_a_newer_release_that_could_not_be_looked_for_is_not_told_as_absent(services: Any, github: Any) -> None:
    config = {**TINY, "model_type": "brandnew", "architectures": ["BrandNewForCausalLM"]}
    services.repositories["acme/New-1B"] = Repository({"config.json": json.dumps(config).encode()})
    github.next += [Reply(500)] * 3
    survey = pipeline.sources("acme/New-1B")
    ((status, what),) = by_kind(survey, "code")
    assert (status, "newer code was not read: GitHub answers with status 500" in what) == ("unknown", True)
    assert any("newer code was not read" in each for each in survey.not_known)
