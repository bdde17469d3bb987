"""Work at the desk: a few at a time, told about, ended when nobody waits, and never more than may wait."""

from __future__ import annotations

import threading
import time
from typing import Any

import anyio
import pytest

from archviz.errors import UsageError
from archviz.progress import enter_stage, stop_if_unwanted
from archviz.service.desk import BusyError, Desk, EndingError


def test_work_gives_its_result_or_its_error_and_leaves_the_desk_empty() -> None:
    desk = Desk()
    assert anyio.run(desk.run, lambda: 7) == 7

    def fail() -> None:
        raise UsageError("no")

    with pytest.raises(UsageError):
        anyio.run(desk.run, fail)
    assert desk.count == 0


def test_not_more_than_the_workers_are_at_work_at_once() -> None:
    desk, at_work, most = Desk(workers=2), [], []

    def work() -> None:
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.03)
        at_work.pop()

    async def run() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(desk.run, work)

    anyio.run(run)
    assert max(most) == 2
    assert desk.count == 0


def test_more_than_may_wait_are_told_to_come_again() -> None:
    desk, gate = Desk(workers=1, most=2), threading.Event()

    async def run() -> list[Any]:
        refused: list[Any] = []

        async def ask() -> None:
            try:
                await desk.run(lambda: gate.wait(5))
            except BusyError as error:
                refused.append(error.as_dict()["retry_after"])

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)
            await anyio.sleep(0.05)
            gate.set()
        return refused

    assert anyio.run(run) == [2.0, 2.0]
    assert desk.count == 0


def test_a_call_that_nobody_waits_for_ends_and_its_place_is_free_when_it_has() -> None:
    desk, ended = Desk(), threading.Event()

    def work() -> None:
        try:
            while True:
                stop_if_unwanted()
                time.sleep(0.005)
        finally:
            ended.set()

    async def run() -> None:
        with anyio.move_on_after(0.1):
            await desk.run(work)

    anyio.run(run)
    assert ended.wait(5)
    for _ in range(200):
        if not desk.count:
            break
        time.sleep(0.01)
    assert desk.count == 0


def test_a_call_that_is_given_up_while_it_waits_for_its_turn_never_runs() -> None:
    desk, gate, ran = Desk(workers=1), threading.Event(), []

    async def run() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(desk.run, lambda: gate.wait(5))
            await anyio.sleep(0.05)
            with anyio.move_on_after(0.05):
                await desk.run(lambda: ran.append(1))
            gate.set()

    anyio.run(run)
    assert (ran, desk.count) == ([], 0)


def test_who_waits_is_told_the_stage_after_a_while_and_not_of_quick_work() -> None:
    told: list[str] = []

    async def report(seconds: float, stage: str) -> None:
        told.append(stage)

    def work(seconds: float) -> None:
        enter_stage("reading")
        time.sleep(seconds)

    anyio.run(Desk(first_word=30.0).run, lambda: work(0.0), report)
    assert told == []
    anyio.run(Desk(first_word=0.05).run, lambda: work(0.5), report)
    assert told[-1] == "reading"


def test_a_call_that_was_cancelled_counts_among_the_workers_until_its_thread_ends() -> None:
    desk, gate, at_work = Desk(workers=1), threading.Event(), []

    def work() -> None:
        at_work.append(threading.current_thread())
        gate.wait(5)
        at_work.pop()

    def next_work() -> int:
        return len(at_work)

    async def run() -> list[int]:
        found: list[int] = []
        with anyio.move_on_after(0.1):
            await desk.run(work)
        assert at_work

        async def ask() -> None:
            found.append(await desk.run(next_work))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.sleep(0.1)
            assert not found
            gate.set()
        return found

    assert anyio.run(run) == [0]
    assert desk.count == 0


def test_when_the_desk_closes_all_who_wait_are_told_and_nobody_else_is_taken() -> None:
    desk, ran = Desk(workers=1), []

    def work() -> None:
        while True:
            stop_if_unwanted()
            time.sleep(0.005)

    async def run() -> list[str]:
        told: list[str] = []

        async def ask(what: Any) -> None:
            try:
                await desk.run(what)
            except EndingError as error:
                told.append(error.code)

        async with anyio.create_task_group() as group:
            group.start_soon(ask, work)
            group.start_soon(ask, lambda: ran.append(1))
            await anyio.sleep(0.1)
            desk.close()
        await ask(lambda: ran.append(2))
        return told

    assert anyio.run(run) == ["shutting_down"] * 3
    assert not ran
