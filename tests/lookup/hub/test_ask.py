"""Names on the command's way: the Hub, what is stored of it, the catalog; each says who answered and of when."""

from __future__ import annotations

import socket
import time

import pytest

from archviz.errors import OfflineError
from archviz.lookup.resolution import Resolution
from archviz.lookup.resolve import resolve
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source
from archviz.sources.stored import read_checkpoint
from tests.lookup.hub.loopback import TOKEN, LoopbackHub, Repository, status
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


def test_an_old_name_without_organisation_is_the_hubs_to_know(hub: LoopbackHub) -> None:
    hub.renamed["tiny"] = "acme/Single-1B"
    found = ask("tiny")
    assert (found.status, found.model_id) == ("renamed", "acme/Single-1B")


@pytest.mark.parametrize("code", [404, 500, 503])
def test_where_the_hub_does_not_answer_the_catalog_does_with_its_date(hub: LoopbackHub, code: int) -> None:
    hub.fail("Qwen3-0.6B", status(code))
    found = ask(QWEN)
    assert (found.status, found.model_id, found.source) == ("exact", QWEN, "catalog")
    assert found.facts_date is not None
    assert found.facts_date in found.message
    assert found.message.startswith("The Hub")


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
