"""A repository as a source: what stored answers stand for is said, so that nothing old passes for fresh."""

from __future__ import annotations

from archviz.lookup.resolve import resolve
from archviz.network.session import Session, day_of
from archviz.settings import Limits, Settings
from archviz.sources.model_source import ModelSource, resolved_source
from tests.lookup.hub.conftest import hub as hub  # noqa: PLC0414 # the fixture
from tests.lookup.hub.loopback import LoopbackHub, Repository, slow, status
from tests.lookup.hub.repositories import CONFIG
from tests.lookup.hub.test_find import session

DAYS = 3 * 86_400.0
NAME = "acme/Single-1B"


def source(asking: Session, name: str = NAME) -> ModelSource:
    return resolved_source(resolve(name, asking.settings, asking), asking)


def old(found: ModelSource) -> list[str]:
    return [text for text, _, _ in found.remarks if "whether they still hold" in text]


def test_fresh_answers_need_no_word(hub: LoopbackHub) -> None:
    assert old(source(session())) == []
    assert old(source(session(ahead=DAYS))) == []  # asked again, and confirmed


def test_an_old_answer_offline_is_told_with_its_day(hub: LoopbackHub) -> None:
    first = source(session())
    found = source(session(Settings(offline=True), ahead=DAYS))
    assert found.revision == first.revision
    assert found.facts_date == first.facts_date
    assert [first.facts_date in text for text in old(found)] == [True]


def test_an_old_answer_for_a_hub_that_fails_is_told_with_its_day(hub: LoopbackHub) -> None:
    first = source(session())
    hub.fail("/api/models/", status(500))
    asking = session(ahead=DAYS)
    found = source(asking)
    assert [str(first.facts_date) in text for text in old(found)] == [True]
    assert any(day_of(asking.oldest or 0.0) in note for note in asking.notes)


def test_a_pinned_commit_is_never_old(hub: LoopbackHub) -> None:
    first = source(session())
    found = source(session(Settings(offline=True), ahead=DAYS), f"{NAME}@{first.revision}")
    assert old(found) == []


def test_a_tag_of_the_hub_never_displaces_the_catalog_s_paper_and_is_told_as_a_tag(hub: LoopbackHub) -> None:
    tags = ["arxiv:1910.01108", "arxiv:2505.09388"]
    for name in ("Qwen/Qwen3-0.6B", "acme/Fresh-1B"):
        hub.repositories[name] = Repository({"config.json": CONFIG}, tags=tags)
    known, fresh = source(session(), "Qwen/Qwen3-0.6B").links, source(session(), "acme/Fresh-1B").links
    assert (known["paper"], known["tagged paper"]) == (
        "https://arxiv.org/abs/2505.09388",
        "https://arxiv.org/abs/1910.01108",
    )
    assert list(fresh) == ["tagged paper", "tagged paper 2"]


def test_a_configuration_that_nothing_can_stand_for_is_waited_for_though_the_facts_are_kept(hub: LoopbackHub) -> None:
    limits = Limits(waiting_seconds=0.1, at_hand_seconds=0.1, in_vain_seconds=0.1)
    resolve(NAME, Settings(), session())
    hub.fail("config.json", slow(1.0))
    asking = session(Settings(limits=limits))
    assert source(asking).model_type == "qwen3"
    assert asking.at_hand  # of what else is asked for, such as a paper


def test_whether_kept_facts_are_of_a_gated_model_is_waited_for(hub: LoopbackHub) -> None:
    limits = Limits(waiting_seconds=0.1, at_hand_seconds=0.1, in_vain_seconds=0.1)
    resolve("acme/Gated-1B", Settings(), session())
    hub.fail("config.json", slow(1.0))
    settings = Settings(limits=limits)
    assert resolve("acme/Gated-1B", settings, session(settings)).status == "gated"
