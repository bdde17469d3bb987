"""Names on the command's way: the Hub, what is stored of it, the catalog; each says who answered and of when."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archviz.cli import main
from archviz.errors import ModelNotFoundError, OfflineError, SourceUnavailableError
from archviz.lookup.resolution import Resolution
from archviz.lookup.resolve import resolve
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source
from archviz.sources.stored import read_checkpoint
from tests.lookup.hub.loopback import TOKEN, LoopbackHub, Repository, slow, status
from tests.lookup.hub.repositories import CONFIG
from tests.lookup.hub.test_find import session

QWEN = "Qwen/Qwen3-0.6B"  # in the embedded catalog


def ask(name: str, **changes: bool) -> Resolution:
    asking = session(Settings(**changes))
    return resolve(name, asking.settings, asking)


def test_an_exact_id_is_answered_by_the_hub_at_a_commit(hub: LoopbackHub) -> None:
    found = ask("acme/Sharded-1B")
    assert (found.status, found.model_id, found.source, found.complete) == ("exact", "acme/Sharded-1B", "hub", True)
    assert found.as_dict()["hub"]["commit"] == hub.repositories["acme/Sharded-1B"].commit
    assert len(hub.asked) == 1


def test_a_rename_is_reported(hub: LoopbackHub) -> None:
    found = ask("acme/Old-Name-1B")
    assert (found.status, found.model_id, found.exit_status) == ("renamed", "acme/New-Name-1B", 0)
    assert "acme/Old-Name-1B was renamed" in found.message


def test_letter_case_differs_only_where_the_hub_says_so(hub: LoopbackHub) -> None:
    found = ask("acme/sharded-1b")
    assert (found.status, found.model_id) == ("exact", "acme/Sharded-1B")
    assert "letter case" in found.message
    assert ask("acme/single-1b").model_id is None


def test_a_derivative_is_told_as_one(hub: LoopbackHub) -> None:
    assert "quantised form of acme/Sharded-1B" in ask("acme/Sharded-1B-FP8").message


def test_a_revision_is_asked_for_and_pinned(hub: LoopbackHub) -> None:
    commit = hub.repositories["acme/Single-1B"].commit
    found = ask(f"acme/Single-1B@{commit}")
    assert (found.status, found.revision, found.hub.commit) == ("exact", commit, commit)
    missing = ask("acme/Single-1B@nowhere")
    assert (missing.status, missing.exit_status) == ("not_found", 3)
    assert "no revision nowhere" in missing.message


def test_an_id_keeps_its_letters_at_the_beginning_of_a_sentence(hub: LoopbackHub) -> None:
    for name in ("acme/Gated-1B", "acme/Single-1B@nowhere"):
        message = ask(name).message
        assert "acme/" in message
        assert "Acme/" not in message


def test_where_only_the_revision_is_wrong_the_repository_itself_is_the_candidate(hub: LoopbackHub) -> None:
    found = ask("acme/Single-1B@nowhere")
    assert [(each.id, each.why) for each in found.candidates][:1] == [
        ("acme/Single-1B", "exactly this name, without the revision nowhere")
    ]


def test_a_private_name_is_not_offered_to_those_who_asked_for_it(hub: LoopbackHub) -> None:
    assert ask("acme/Private-1B").candidates == ()


def test_gated_private_and_missing_are_told_apart_as_far_as_the_hub_lets_one(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated = ask("acme/Gated-1B")
    assert (gated.status, gated.model_id, gated.exit_status) == ("gated", "acme/Gated-1B", 4)
    assert gated.as_error().code == "gated"
    assert "HF_TOKEN" in str(gated.as_error())
    for name in ("acme/Private-1B", "acme/Missing-1B"):
        hidden = ask(name)
        assert (hidden.status, hidden.model_id, hidden.exit_status) == ("not_found", None, 3)
        assert "private" in hidden.message
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert ask("acme/Gated-1B").status == "exact"
    assert ask("acme/Private-1B").status == "exact"


def test_a_missing_name_gets_candidates_of_the_hubs_search_and_none_is_chosen(hub: LoopbackHub) -> None:
    found = ask("Sharded-1B")
    assert (found.status, found.model_id, found.exit_status) == ("ambiguous", None, 3)
    assert {"acme/Sharded-1B", "acme/Sharded-1B-FP8"} <= {item.id for item in found.candidates}


def test_what_no_hub_name_can_be_is_never_asked(hub: LoopbackHub) -> None:
    for name in ("acme/Sharded–1B", "Qwen3--0.6B", "acme/Shаrded-1B", "$(id)", "acme/x;y"):
        assert ask(name).model_id is None
    assert hub.asked == []


def test_a_bare_catalog_name_is_confirmed_by_the_hub_under_its_id(hub: LoopbackHub) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG})
    found = ask("Qwen3-0.6B")
    assert (found.status, found.model_id, found.source) == ("exact", QWEN, "hub")


@pytest.mark.parametrize("name", [QWEN, "Qwen3-0.6B"])
def test_a_catalog_model_with_another_name_now_is_renamed_though_its_files_are_kept(
    hub: LoopbackHub, name: str
) -> None:
    date = ask(QWEN, offline=True).facts_date
    hub.renamed[QWEN] = "acme/Gated-1B"
    found = ask(name)
    assert (found.status, found.model_id, found.source, found.exit_status) == ("renamed", "acme/Gated-1B", "catalog", 0)
    assert (found.record_id, found.facts_date) == (QWEN, date)
    assert f"{QWEN} was renamed to acme/Gated-1B" in found.message
    source = read_model_source(name, Settings())
    assert (source.origin, source.id) == ("catalog", QWEN)
    assert any("was renamed to acme/Gated-1B" in note for note in source.notes)


def test_an_old_name_of_a_catalog_model_is_answered_from_its_record(hub: LoopbackHub) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG}, gated=True)
    hub.renamed["acme/Old-Qwen"] = QWEN
    found = ask("acme/Old-Qwen")
    assert (found.status, found.asked, found.model_id, found.source) == ("renamed", "acme/Old-Qwen", QWEN, "catalog")
    assert found.liberties == ()
    assert read_model_source("acme/Old-Qwen", Settings()).id == QWEN
    other = ask("acme/Old-Qwen@dev")
    assert (other.model_id, other.exit_status) == (None, 3)  # the repository has no such revision


@pytest.mark.parametrize("name", ["acme/Was-Gated", "was-gated"])
def test_an_old_name_of_a_gated_repository_is_not_said_to_differ_in_letter_case(hub: LoopbackHub, name: str) -> None:
    hub.renamed[name] = "acme/Gated-1B"
    found = ask(name)
    assert (found.status, found.model_id, found.liberties) == ("gated", "acme/Gated-1B", ())
    assert f"{name} was renamed to acme/Gated-1B" in found.message
    assert "letter case" not in found.message
    assert "only catalog model" not in found.message


def test_a_catalog_model_that_was_renamed_is_answered_from_its_record_where_its_files_are_not_given(
    hub: LoopbackHub,
) -> None:
    hub.renamed[QWEN] = "acme/New-Name-1B"
    hub.fail("/New-Name-1B/resolve/", status(429, Retry_After="300"))
    source = read_model_source(QWEN, Settings())
    assert (source.origin, source.id) == ("catalog", QWEN)
    assert any(f"{QWEN} was renamed to acme/New-Name-1B" in note for note in source.notes)
    offline = read_model_source(QWEN, Settings(offline=True))  # by the stored answer it has another name now
    assert (offline.origin, offline.id) == ("catalog", QWEN)


@pytest.mark.parametrize("revision", ["dev", "1" * 40])
def test_the_catalog_never_stands_for_another_revision(hub: LoopbackHub, revision: str) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG}, branches={"dev": "1" * 40})
    hub.fail("/resolve/", status(503))
    assert read_model_source(QWEN, Settings()).origin == "catalog"
    with pytest.raises(SourceUnavailableError):
        read_model_source(f"{QWEN}@{revision}", Settings())


def test_a_configuration_that_the_catalog_cannot_stand_for_is_waited_for(hub: LoopbackHub) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG}, branches={"dev": "1" * 40})
    assert ask(f"{QWEN}@dev").status == "exact"  # its facts are stored, and stand for no file
    hub.fail("/resolve/", slow(3.2))
    assert read_model_source(f"{QWEN}@dev", Settings()).revision == "1" * 40


def test_an_old_name_without_organisation_is_the_hubs_to_know(hub: LoopbackHub) -> None:
    hub.renamed["tiny"] = "acme/Single-1B"
    found = ask("tiny")
    assert (found.status, found.model_id) == ("renamed", "acme/Single-1B")


@pytest.mark.parametrize("code", [418, 500, 503])
def test_where_the_hub_does_not_answer_the_catalog_does_with_its_date(hub: LoopbackHub, code: int) -> None:
    hub.fail("Qwen3-0.6B", status(code))
    found = ask(QWEN)
    assert (found.status, found.model_id, found.source) == ("exact", QWEN, "catalog")
    assert found.facts_date is not None
    assert found.facts_date in found.message
    assert found.message.startswith("The Hub")


@pytest.mark.parametrize("code", [401, 404])
def test_what_the_hub_denies_is_not_found_and_what_the_catalog_holds_is_said(hub: LoopbackHub, code: int) -> None:
    hub.fail("Qwen3-0.6B", status(code))
    found = ask(QWEN)
    assert (found.status, found.exit_status, found.model_id) == ("not_found", 3, None)
    assert "the Hub shows no repository" in found.message.replace("The", "the")
    assert (
        f"catalog holds facts of {ask(QWEN, offline=True).facts_date} about {QWEN}; --offline uses them"
        in found.message
    )
    assert found.candidates
    assert QWEN not in [each.id for each in found.candidates]
    with pytest.raises(ModelNotFoundError):
        read_model_source(QWEN, Settings())


def test_another_letter_case_of_a_catalog_id_is_a_candidate_where_the_hub_denies_it(hub: LoopbackHub) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG})
    found = ask(QWEN.lower())
    assert (found.status, found.exit_status) == ("not_found", 3)
    assert (found.candidates[0].id, found.candidates[0].why) == (QWEN, "the same name in other letter case")
    bare = ask("QWEN3-0.6b")
    assert (bare.status, bare.model_id, bare.candidates[0].id) == ("ambiguous", None, QWEN)
    assert "/api/models/QWEN3-0.6b" in hub.paths  # asked for as it was written


def test_every_liberty_is_told_by_all_that_read_the_model(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG})
    for name, liberty in (("Qwen3-0.6B", "organisation was not given"), ("acme/sharded-1b", "letter case")):
        assert liberty in ask(name).message
        assert any(liberty in note for note in read_model_source(name, Settings()).notes)
        assert main(["describe", name]) == 0
        assert liberty in capsys.readouterr().err
    assert main(["describe", QWEN.lower(), "--offline"]) == 0
    assert "letter case" in capsys.readouterr().err


@pytest.mark.parametrize("code", [401, 403, 404, 418])
def test_a_search_that_fails_offers_none_and_costs_no_candidate(hub: LoopbackHub, code: int) -> None:
    hub.fail(r"/api/models\?", status(code))
    family = ask("Qwen3.5")
    assert (family.status, family.complete) == ("ambiguous", False)
    assert "Qwen/Qwen3.5-27B" in [each.id for each in family.candidates]
    missing = ask("acme/Missing-1B")
    assert (missing.status, missing.complete) == ("not_found", False)
    assert "no repository acme/Missing-1B" in missing.message
    paper = ask("2505.09388")
    assert (paper.status, len(paper.candidates) > 1) == ("ambiguous", True)
    for found in (family, missing, paper):
        assert any("could not be searched" in note for note in found.notes)
    unknown = ask("no such family")
    assert (unknown.status, unknown.exit_status, unknown.as_error().code) == ("unreachable", 4, "bad_response")


@pytest.mark.parametrize("code", [401, 403, 404, 200])
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/plain"])
def test_the_page_of_a_network_says_nothing_about_a_model(hub: LoopbackHub, code: int, kind: str) -> None:
    hub.fail("/api/", lambda handler: handler.reply(code, b"<html>Blocked</html>", Content_Type=kind))
    found = ask("acme/Single-1B")
    assert (found.status, found.exit_status, found.complete) == ("unreachable", 4, False)
    assert (found.as_error().code, found.as_dict()["error"]) == ("bad_response", "bad_response")
    known = ask(QWEN)
    assert (known.status, known.source, known.complete) == ("exact", "catalog", False)


def test_a_copy_that_stands_for_a_hub_that_fails_is_not_complete(hub: LoopbackHub) -> None:
    assert ask("acme/Single-1B").complete is True
    hub.fail("/api/", status(503))
    asking = session(ahead=40 * 86_400.0)
    found = resolve("acme/Single-1B", asking.settings, asking)
    assert (found.status, found.source, found.complete) == ("exact", "hub", False)
    assert found.notes


def test_what_the_hub_denied_is_no_candidate_for_a_name_without_organisation_either(hub: LoopbackHub) -> None:
    found = ask("Qwen3-0.6B")
    assert (found.status, found.model_id) == ("not_found", None)
    assert QWEN not in [candidate.id for candidate in found.candidates]


def test_what_the_hub_denied_since_is_not_answered_from_the_copy(hub: LoopbackHub) -> None:
    ask("acme/Single-1B")
    del hub.repositories["acme/Single-1B"]
    later = session(ahead=86_400.0)
    assert resolve("acme/Single-1B", later.settings, later).status == "not_found"
    hub.fail("/api/", status(503))
    failing = session(ahead=86_400.0)
    assert resolve("acme/Single-1B", failing.settings, failing).status == "unreachable"
    assert ask("acme/Single-1B", offline=True).model_id is None


def test_a_bare_name_is_unreachable_rather_than_missing_when_the_hub_is(hub: LoopbackHub) -> None:
    hub.fail("/api/", status(503))
    found = ask("no such family")
    assert (found.status, found.exit_status, found.model_id) == ("unreachable", 4, None)
    assert ask("Qwen3.5").status == "ambiguous"


def test_an_ambiguous_name_offers_no_other_version(hub: LoopbackHub) -> None:
    hub.repositories["meta-llama/Llama-3.1-8B"] = Repository({"config.json": CONFIG})
    found = ask("Llama 3")
    assert found.status == "ambiguous"
    assert not any("3.1" in each.id for each in found.candidates)


@pytest.mark.parametrize(
    "name, nearest",
    [
        ("acme/Lynx-9-8B-Instruct", "acme/Lynx-9-8B"),
        ("acme/Lynx-9-7B", "acme/Lynx-9-8B"),
        ("acme/Lynx-9-8B.", "acme/Lynx-9-8B"),
        ("acme/Lynx-9-8B,", "acme/Lynx-9-8B"),
        ("acme/Lynx-9-8B FP8", "acme/Lynx-9-8B"),
        ('"acme/Lynx-9-8B"', "acme/Lynx-9-8B"),
        ("`acme/Lynx-9-8B`", "acme/Lynx-9-8B"),
        ("acme/Lynx-9-8B.git", "acme/Lynx-9-8B"),
        ("acme/Lynx-9-8B?token=hf_secret", "acme/Lynx-9-8B"),
    ],
)
def test_a_near_miss_is_helped_by_the_hub_and_none_is_chosen(hub: LoopbackHub, name: str, nearest: str) -> None:
    hub.repositories["acme/Lynx-9-8B"] = Repository({"config.json": CONFIG})
    found = ask(name)
    assert (found.status, found.model_id, found.exit_status) == ("not_found", None, 3)
    assert found.candidates[0].id == nearest
    assert "secret" not in f"{found.message}{found.candidates}"


def test_the_address_of_a_clone_is_the_repository_s(hub: LoopbackHub) -> None:
    assert ask("https://huggingface.co/acme/Single-1B.git").model_id == "acme/Single-1B"


def test_only_repositories_whose_tags_name_a_paper_link_it(hub: LoopbackHub) -> None:
    found = ask("2505.09388")
    assert "acme/Sharded-1B" in [each.id for each in found.candidates]
    assert "acme/Single-1B" not in [each.id for each in found.candidates]
    rows = [{"_id": "0", "id": "acme/Single-1B", "tags": ["transformers"], "private": False}]
    hub.fail("/api/models", lambda each: each.reply(200, json.dumps(rows).encode(), Content_Type="application/json"))
    later = session(ahead=86_400.0)  # a mirror that does not know the filter
    assert "acme/Single-1B" not in [each.id for each in resolve("2505.09388", later.settings, later).candidates]


def test_a_search_is_stored_for_the_account_that_asked(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "acme/Private-1B" not in [each.id for each in ask("Private").candidates]
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert "acme/Private-1B" in [each.id for each in ask("Private").candidates]
    monkeypatch.delenv("HF_TOKEN")
    assert "acme/Private-1B" not in [each.id for each in ask("Private").candidates]


def test_a_rate_limit_is_not_waited_for_beyond_the_bound(hub: LoopbackHub) -> None:
    hub.fail("/api/", status(429, RateLimit='"api";r=0;t=42'))
    found = ask("acme/Sharded-1B")
    assert (found.status, found.exit_status) == ("unreachable", 4)
    assert "42 s" in found.message
    assert len(hub.asked) == 1


def test_offline_nobody_is_asked(hub: LoopbackHub) -> None:
    assert ask("acme/Sharded-1B", offline=True).status == "not_found"
    assert ask(QWEN, offline=True).source == "catalog"
    assert ask("Sharded 1B", offline=True).status == "not_found"
    assert hub.asked == []


def test_offline_answers_from_what_is_stored_of_the_hub_and_says_how_old_it_is(hub: LoopbackHub) -> None:
    ask("acme/Sharded-1B")
    hub.asked.clear()
    found = ask("acme/Sharded-1B", offline=True)
    assert (found.status, found.source, found.complete) == ("exact", "hub", False)
    assert time.strftime("%Y-%m-%d", time.gmtime(found.hub.fetched)) in found.message
    assert hub.asked == []


def test_offline_a_checkpoint_needs_no_stored_configuration(hub: LoopbackHub) -> None:
    stored = read_checkpoint("acme/Sharded-1B", Settings())
    hub.asked.clear()
    assert read_checkpoint("acme/Sharded-1B", Settings(offline=True)).tensors == stored.tensors
    with pytest.raises(OfflineError):  # what needs the configuration says that it is not there
        read_model_source("acme/Sharded-1B", Settings(offline=True))
    assert hub.asked == []


def test_an_unknown_name_is_unreachable_rather_than_missing_when_the_hub_is(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        found = ask("acme/Sharded-1B")
    assert (found.status, found.exit_status, found.model_id) == ("unreachable", 4, None)


def test_blanks_around_the_endpoint_are_none_of_it(tmp_path: Path) -> None:
    given = os.environ | {"HF_ENDPOINT": " http://127.0.0.1:1 ", "ARCHVIZ_CACHE": str(tmp_path), "HF_HUB_OFFLINE": ""}
    command = [sys.executable, "-m", "archviz", "resolve", "acme/Nothing-1B"]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "the connection was refused" in done.stderr) == (4, True), done.stderr
    assert "huggingface_hub" not in done.stderr


_ENVIRONMENT = """
import os
before = dict(os.environ)
from archviz.lookup.resolve import resolve
from archviz.settings import Settings
found = resolve("acme/Sharded-1B", Settings())
assert os.environ == before, set(os.environ.items()) ^ set(before.items())
print(found.status)
"""


def test_the_process_s_environment_stays_as_it_is(hub: LoopbackHub, tmp_path: Path) -> None:
    given = {name: value for name, value in os.environ.items() if name != "HF_HUB_DISABLE_TELEMETRY"}
    given |= {"HF_ENDPOINT": f" {hub.endpoint} ", "ARCHVIZ_CACHE": str(tmp_path), "HF_HUB_OFFLINE": ""}
    done = subprocess.run(
        [sys.executable, "-c", _ENVIRONMENT], env=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["exact"], done.stderr
