"""A run tells who follows it what it does next, and ends when nobody waits for it any more."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from archviz import pipeline
from archviz.interpreter.build import deep_recursion
from archviz.progress import Follower, RunStopped, enter_stage, followed_by, follower, stop_if_unwanted
from archviz.settings import Settings

OFFLINE = Settings(offline=True)


def test_a_follower_is_told_each_stage_of_a_description_in_order() -> None:
    stages: list[str] = []
    with followed_by(Follower(stages.append)):
        pipeline.describe("transformers:qwen3", settings=OFFLINE)
    assert stages == [
        "building the modules from the code",
        "following a forward pass over shapes",
        "describing what was read",
    ]
    assert follower() is None


def test_without_a_follower_stages_are_nobodys_business() -> None:
    enter_stage("nothing")
    stop_if_unwanted()


def test_a_stopped_run_ends_inside_the_interpretation() -> None:
    waits = Follower(lambda stage: waits.stop())
    with followed_by(waits), pytest.raises(RunStopped):
        pipeline.describe("transformers:qwen3", settings=OFFLINE)
    assert pipeline.describe("transformers:qwen3", settings=OFFLINE).parameters.total > 0


def test_readings_of_two_threads_come_one_after_the_other() -> None:
    """Both would set the recursion limit and the collector of the whole process."""
    inside, order = threading.Event(), []

    def second() -> None:
        inside.wait(5)
        with deep_recursion():
            order.append("second")

    other = threading.Thread(target=second)
    other.start()
    with deep_recursion(), deep_recursion():
        inside.set()
        other.join(0.2)
        order.append("first")
    other.join(5)
    assert order == ["first", "second"]


def test_a_reading_that_waits_for_another_one_can_be_stopped() -> None:
    ended: list[str] = []

    def second(waits: Follower) -> None:
        try:
            with followed_by(waits), deep_recursion():
                ended.append("read")
        except RunStopped:
            ended.append("stopped")

    waits = Follower(str)
    other = threading.Thread(target=second, args=(waits,))
    with deep_recursion():
        other.start()
        waits.stop()
        other.join(10)
        assert ended == ["stopped"]


def test_writing_a_document_is_a_stage_of_its_own(tmp_path: Path) -> None:
    stages: list[str] = []
    with followed_by(Follower(stages.append)):
        pipeline.document("Qwen/Qwen3-0.6B", tmp_path / "document.md", settings=Settings(offline=True))
    assert stages[-1] == "writing the document"
