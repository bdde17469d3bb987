"""Exchanges that are hung up end whole, whether the application had begun to answer or not."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from archviz.service.exchanges import DISCONNECT, Exchanges

START = {"type": "http.response.start", "status": 200, "headers": []}


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def exchange(answered: list[dict[str, Any]], *, hang_up: bool, method: str = "GET") -> tuple[list[Any], list[int]]:
    """What is sent to a client whose application sends something and then waits for it to go, and the calls meanwhile."""
    exchanges, sent, calls = Exchanges(), [], []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in answered:
            await send(message)
        calls.append(exchanges.calls)
        if hang_up:
            assert await receive() == {"type": DISCONNECT}

    async def never() -> Any:
        await anyio.sleep_forever()

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(exchanges.serve, app, {"type": "http", "method": method}, never, send)
            await anyio.sleep(0.02)
            if hang_up:
                exchanges.hang_up()
        calls.append(exchanges.calls)

    anyio.run(run)
    return sent, calls


def test_a_stream_gets_its_end() -> None:
    sent, calls = exchange([START, part(b"a", more=True)], hang_up=True)
    assert sent == [START, part(b"a", more=True), part(b"", more=False)]
    assert calls == [0, 0]


def test_an_answer_that_is_whole_gets_nothing_more() -> None:
    whole = [START, part(b"a", more=False)]
    assert exchange(whole, hang_up=True)[0] == whole
    assert exchange(whole, hang_up=False)[0] == whole


def test_what_was_not_begun_is_refused() -> None:
    sent, _ = exchange([], hang_up=True)
    assert sent[0]["status"] == 503
    assert b"shutting_down" in sent[1]["body"]


@pytest.mark.parametrize(("method", "count"), [("POST", 1), ("GET", 0)])
def test_only_messages_count_as_calls(method: str, count: int) -> None:
    assert exchange([START], hang_up=True, method=method)[1] == [count, 0]
