"""`find_sources` and `inspect_tensors` where a source gives nothing: which error it is, and when to come again; and who is asked which model is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp.server.mcpserver.resolve import Elicit
from mcp_types import (
    ClientCapabilities,
    ElicitationCapability,
    FormElicitationCapability,
    UrlElicitationCapability,
)

from archviz.errors import ArchvizError
from archviz.service.callers import CALLER, Caller
from archviz.service.desk import Desk
from archviz.service.failures import failure
from archviz.service.outputs import OutputRoot
from archviz.service.tools.inspecting import InspectingTools
from archviz.service.tools.naming import NamingTools
from archviz.service.workshop import Workshop
from archviz.settings import Settings
from tests.lookup.conftest import Reply
from tests.lookup.conftest import arxiv as arxiv  # noqa: PLC0414 # the fixtures of the services
from tests.lookup.conftest import arxiv_data as arxiv_data  # noqa: PLC0414
from tests.lookup.hub.conftest import hub as hub  # noqa: PLC0414
from tests.lookup.hub.loopback import LoopbackHub, Repository, status
from tests.lookup.hub.repositories import CONFIG

KNOWN = "Qwen/Qwen3-0.6B"  # to the catalog
WAIT = status(429, Retry_After="17")
NO_FILES = status(403, X_Error_Code="GatedRepo")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: 0.0)


@pytest.fixture
def online(tmp_path: Path) -> Iterator[Workshop]:
    token = CALLER.set(Caller(OutputRoot(tmp_path / "out")))
    yield Workshop(Settings())
    CALLER.reset(token)


def refused(call: Any, *arguments: Any, **more: Any) -> dict[str, Any]:
    with pytest.raises(ArchvizError) as caught:
        call(*arguments, **more)
    return failure(caught.value)


@pytest.mark.parametrize(
    ("pattern", "fault", "code"),
    [
        ("", WAIT, "rate_limited"),
        ("README", WAIT, "rate_limited"),
        ("README", NO_FILES, "gated"),
        ("README", status(500), "unreachable"),
        ("", status(403, X_Error_Code="GatedRepo"), "gated"),
    ],
)
@pytest.mark.parametrize("name", [KNOWN, "acme/Acme-1B"])
def test_a_card_that_is_not_given_is_the_error_of_who_keeps_it(
    hub: LoopbackHub, online: Workshop, name: str, pattern: str, fault: Any, code: str
) -> None:
    hub.repositories[name] = Repository({"config.json": CONFIG, "README.md": b"# A card"})
    hub.fail(pattern, fault)
    told = refused(NamingTools(online).find_sources, name, read="card")
    assert told["error"] == code
    assert told.get("retry_after") == (17 if fault is WAIT else None)


@pytest.mark.parametrize("name", [KNOWN, "acme/Acme-1B"])
def test_a_card_on_a_host_that_is_not_reached_is_unreachable(
    hub: LoopbackHub, online: Workshop, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert refused(NamingTools(online).find_sources, name, read="card")["error"] == "unreachable"


def test_a_repository_without_a_card_is_told_as_such_and_a_name_nobody_has_is_not_found(
    hub: LoopbackHub, online: Workshop
) -> None:
    hub.repositories["acme/Acme-1B"] = Repository({"config.json": CONFIG})
    tools = NamingTools(online)
    assert refused(tools.find_sources, "acme/Acme-1B", read="card")["error"] == "usage"
    assert refused(tools.find_sources, "acme/None-1B", read="card")["error"] == "not_found"


@pytest.mark.parametrize(("fault", "code"), [(WAIT, "rate_limited"), (NO_FILES, "gated")])
def test_stored_tensors_that_the_hub_does_not_give_are_its_error(
    hub: LoopbackHub, online: Workshop, fault: Any, code: str
) -> None:
    hub.repositories[KNOWN] = Repository({"config.json": CONFIG}, gated=True)
    hub.fail("", fault)
    told = refused(InspectingTools(online).inspect_tensors, KNOWN, stored=True)
    assert told["error"] == code
    assert told.get("retry_after") == (17 if fault is WAIT else None)


def test_a_paper_that_arxiv_does_not_give_now_is_told_with_the_seconds(
    arxiv: Any, arxiv_data: Any, online: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHVIZ_CACHE", str(tmp_path / "cache"))
    arxiv_data.add("2505.09388", "Acme Technical Report")
    arxiv.next = [Reply(429, headers={"Retry-After": "17"})] * 9
    told = refused(NamingTools(online).find_sources, "2505.09388", read="paper")
    assert (told["error"], told["retry_after"]) == ("rate_limited", 17)


def test_sections_that_arxiv_does_not_give_now_are_to_be_asked_for_again(
    arxiv: Any, arxiv_data: Any, online: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHVIZ_CACHE", str(tmp_path / "cache"))
    arxiv_data.add("2505.09388", "Acme Technical Report")
    answer = arxiv.answer
    arxiv.answer = lambda asked: Reply(429, headers={"Retry-After": "17"}) if "/html/" in asked.path else answer(asked)
    told: Any = NamingTools(online).find_sources("2505.09388", read="paper")
    assert (
        told.structured_content["next"][0]
        == "Its sections were not read (rate_limited). Wait 17 seconds, then call again."
    )


@pytest.mark.parametrize(
    ("stated", "is_asked"),
    [
        (ElicitationCapability(), True),
        (ElicitationCapability(form=FormElicitationCapability()), True),
        (ElicitationCapability(form=FormElicitationCapability(), url=UrlElicitationCapability()), True),
        (ElicitationCapability(url=UrlElicitationCapability()), False),
        (None, False),
    ],
)
def test_only_a_client_that_shows_forms_is_given_the_question(
    workshop: Any, stated: ElicitationCapability | None, is_asked: bool
) -> None:
    asking: Any = SimpleNamespace(client_capabilities=ClientCapabilities(elicitation=stated))
    asked = anyio.run(NamingTools(workshop).ask_which, "Qwen3.5", asking)
    assert isinstance(asked, Elicit) == is_asked


def test_what_is_looked_up_for_the_question_takes_a_place_at_the_desk(workshop: Any) -> None:
    asking: Any = SimpleNamespace(client_capabilities=ClientCapabilities(elicitation=ElicitationCapability()))
    workshop.desk = Desk(most=0)
    assert not isinstance(anyio.run(NamingTools(workshop).ask_which, "Qwen3.5", asking), Elicit)


def test_a_revision_that_was_asked_for_goes_on_into_the_next_call(hub: LoopbackHub, online: Workshop) -> None:
    hub.repositories["acme/Acme-1B"] = Repository({"config.json": CONFIG}, branches={"v2": "b" * 40})
    tools = NamingTools(online)
    for name in ("acme/Acme-1B@v2", "https://huggingface.co/acme/Acme-1B/tree/v2"):
        for found in (tools.resolve_model(name), tools.find_sources(name)):
            told: Any = found.structured_content
            assert told["next"][0].endswith("model=acme/Acme-1B@v2")
    plain: Any = tools.resolve_model("acme/Acme-1B").structured_content
    assert plain["next"][0].endswith("model=acme/Acme-1B")


def test_a_renamed_model_whose_files_are_kept_is_described_next_by_the_name_that_answers(
    hub: LoopbackHub, online: Workshop
) -> None:
    hub.repositories["acme/Kept-1B"] = Repository({"config.json": CONFIG}, gated=True)
    hub.renamed["Qwen/Qwen3-0.6B"] = "acme/Kept-1B"
    tools = NamingTools(online)
    for found in (tools.resolve_model("Qwen/Qwen3-0.6B"), tools.find_sources("Qwen/Qwen3-0.6B")):
        told: Any = found.structured_content
        assert (told["status"], told["model_id"]) == ("renamed", "acme/Kept-1B")
        assert told["next"][0].endswith("model=Qwen/Qwen3-0.6B")
