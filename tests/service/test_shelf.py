from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from archviz.service.shelf import MOST_KEPT, MOST_MADE, Shelf
from archviz.settings import Settings


@pytest.fixture
def shelf(fake_pipeline: Any) -> Shelf:
    return Shelf(Settings(offline=True))


def asked(fake_pipeline: Any) -> int:
    return len(fake_pipeline.asked)


def test_a_model_is_read_once(shelf: Shelf, fake_pipeline: Any) -> None:
    assert shelf.described("acme/Small-1B") is shelf.described(" acme/Small-1B ")
    shelf.described("acme/Small-1B", "Other")
    assert asked(fake_pipeline) == 2
    assert shelf.names() == ["acme/Small-1B", "acme/Small-1B"]


def test_a_folder_is_read_each_time_because_it_changes(shelf: Shelf, fake_pipeline: Any) -> None:
    fake_pipeline.architecture.identity.origin = "folder"
    shelf.described("./model")
    shelf.described("./model")
    assert asked(fake_pipeline) == 2


def test_what_the_hub_said_is_asked_again_after_a_while(
    shelf: Shelf, fake_pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_pipeline.architecture.identity.origin = "hub"
    shelf.described("acme/Small-1B")
    shelf.described("acme/Small-1B")
    assert asked(fake_pipeline) == 1
    monkeypatch.setattr("archviz.service.shelf.MOVES_AFTER", -1.0)
    fresh = Shelf(Settings(offline=True))
    fresh.described("acme/Small-1B")
    fresh.described("acme/Small-1B")
    assert asked(fake_pipeline) == 3


def test_a_catalog_that_stood_in_for_the_hub_does_not_do_so_for_ever(fake_pipeline: Any) -> None:
    assert Shelf(Settings()).described("acme/Small-1B").until < float("inf")
    assert Shelf(Settings(offline=True)).described("acme/Small-1B").until == float("inf")


def test_only_so_many_are_kept_and_those_used_last_stay(shelf: Shelf, fake_pipeline: Any) -> None:
    for number in range(MOST_KEPT):
        shelf.described("acme/Small-1B", f"Class{number}")
    shelf.described("acme/Small-1B", "Class0")
    shelf.described("acme/Small-1B", "New")
    count = asked(fake_pipeline)
    shelf.described("acme/Small-1B", "Class0")
    assert asked(fake_pipeline) == count
    shelf.described("acme/Small-1B", "Class1")
    assert asked(fake_pipeline) == count + 1


def test_the_data_of_a_description_is_made_once(shelf: Shelf) -> None:
    kept = shelf.described("acme/Small-1B")
    assert kept.document is kept.document
    assert '"schema"' in kept.text


def test_what_was_made_is_kept_for_some_minutes_by_all_that_was_asked(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def ask(*asked: str, model: str = "acme/Small-1B") -> str:
        return shelf.made("document", model, asked, lambda: made.append(",".join(asked)) or str(len(made)))  # type: ignore[func-returns-value]

    assert (ask("a"), ask("b"), ask("a"), len(made)) == ("1", "2", "1", 2)
    ask("a", model="./model")
    ask("a", model="./model")
    assert len(made) == 4
    for number in range(MOST_MADE):
        ask(f"x{number}")
    assert ask("a") == str(len(made))
    monkeypatch.setattr("archviz.service.shelf.MOVES_AFTER", -1.0)
    ask("late")
    count = len(made)
    ask("late")
    assert len(made) == count + 1


def test_who_asks_for_what_is_being_made_waits_for_it(fake_pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, begun, goes_on, describe = Shelf(Settings(offline=True)), Event(), Event(), fake_pipeline.describe

    def slow(model: str, **options: Any) -> Any:
        begun.set()
        assert goes_on.wait(20)
        return describe(model, **options)

    monkeypatch.setattr("archviz.pipeline.describe", slow)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(shelf.described, "acme/Small-1B")
        assert begun.wait(20)
        others = [threads.submit(shelf.described, "acme/Small-1B") for _ in range(3)]
        goes_on.set()
        assert {id(each.result(20)) for each in (first, *others)} == {id(first.result())}
    assert asked(fake_pipeline) == 1


def test_who_waits_makes_it_where_the_first_one_failed(shelf: Shelf) -> None:
    def fail() -> str:
        raise ValueError

    with pytest.raises(ValueError):
        shelf.made("document", "acme/Small-1B", (), fail)
    assert shelf.made("document", "acme/Small-1B", (), lambda: "made") == "made"


def test_what_is_larger_than_all_that_may_be_kept_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.service.shelf.MOST_BYTES", 50_000)
    shelf, made = Shelf(Settings(offline=True)), []

    def ask(size: int) -> None:
        shelf.made("document", "acme/Small-1B", (size,), lambda: made.append(size) or "x" * size)  # type: ignore[func-returns-value]

    for size in (60_000, 60_000, 30_000, 30_000, 10_000, 15_000, 30_000, 15_000):
        ask(size)
    assert made == [60_000, 60_000, 30_000, 10_000, 15_000, 30_000]
