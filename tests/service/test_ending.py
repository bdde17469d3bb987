"""A process that is asked to end while long calls are at work: each is answered, and the log stays clean."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

ROOT = Path(__file__).parents[2]
SERVE = """
import os, sys, time
import archviz.pipeline, archviz.service.http, archviz.service.stdio
from archviz.cli import main
from archviz.progress import stop_if_unwanted

def describe(model, **_):
    print("began", file=sys.stderr, flush=True)
    while True:
        stop_if_unwanted()
        time.sleep(0.02)

archviz.pipeline.describe = describe
archviz.service.http.GRACE_SECONDS = archviz.service.stdio.GRACE_SECONDS = int(os.environ["GRACE"])
sys.exit(main(["serve", "--offline", *sys.argv[1:]]))
"""
INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip


def started(folder: Path, *arguments: str, grace: int = 3) -> Any:
    """A server in a process of its own, which goes on so many seconds at most."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, *arguments], cwd=ROOT, text=True, env={"ARCHVIZ_OUTPUT": str(folder), "GRACE": str(grace)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("era", ["legacy", "auto"])
def test_calls_that_do_not_end_in_time_are_told(era: str, tmp_path: Path) -> None:
    server = started(tmp_path, "--http", "127.0.0.1:0")
    try:
        answers = anyio.run(asked_to_end, server, era)
        said = server.communicate(timeout=30)[1]
    finally:
        server.kill()
    assert [answer.structured_content["error"] for answer in answers] == ["shutting_down"] * 2
    assert said == ""


async def asked_to_end(server: Any, era: str) -> list[Any]:
    """The answers of two calls that are at work when the process is asked to end."""
    url = re.search(r"http://\S+", server.stderr.readline())
    assert url is not None
    answers: list[Any] = []

    async def ask(model: str) -> None:
        async with Client(url[0], mode=era) as client:
            answers.append(await client.call_tool("describe_architecture", {"model": model}))

    async with anyio.create_task_group() as group:
        for model in ("acme/one", "acme/two"):
            group.start_soon(ask, model)
            assert await anyio.to_thread.run_sync(server.stderr.readline) == "began\n"
        server.send_signal(signal.SIGTERM)
    return answers


def tell(server: Any, message: dict[str, Any]) -> None:
    server.stdin.write(json.dumps(message) + "\n")
    server.stdin.flush()


def calling(number: int, tool: str, **arguments: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_over_stdio_calls_that_do_not_end_in_time_are_told_though_the_client_says_nothing_more(
    asked: signal.Signals, tmp_path: Path
) -> None:
    server = started(tmp_path)
    try:
        tell(server, INITIALIZE)
        server.stdout.readline()
        tell(server, calling(2, "describe_architecture", model="acme/one"))
        assert server.stderr.readline() == "began\n"
        server.send_signal(asked)
        refused = next(
            answer
            for _ in range(200)  # the signal is on its way
            if "no new calls" in (answer := ask(server, calling(3, "resolve_model", name="Qwen3.5")))
        )
        told = server.stdout.readline()
        assert server.wait(30) == (130 if asked == signal.SIGINT else -asked)
    finally:
        server.kill()
    for answer, number in ((refused, 3), (told, 2)):
        data = json.loads(answer)
        assert (data["id"], data["result"]["structuredContent"]["error"]) == (number, "shutting_down")


def ask(server: Any, message: dict[str, Any]) -> str:
    tell(server, message)
    return str(server.stdout.readline())


@pytest.mark.parametrize("times", [1, 2])
def test_over_stdio_an_idle_server_ends_at_the_first_signal_and_a_busy_one_at_the_second(
    times: int, tmp_path: Path
) -> None:
    server = started(tmp_path, grace=300)
    try:
        tell(server, INITIALIZE)
        server.stdout.readline()
        if times == 2:
            tell(server, calling(2, "describe_architecture", model="acme/one"))
            server.stderr.readline()
        for _ in range(times):
            server.send_signal(signal.SIGINT)
            time.sleep(0.2)  # two at once are one to the system
        assert server.wait(30) == 130
        answer = server.stdout.readline()
    finally:
        server.kill()
    assert ("shutting_down" in answer) == (times == 2)


def test_without_stdin_the_server_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m archviz serve --offline <&-"],
        cwd=ROOT, text=True, capture_output=True, check=False, env={"ARCHVIZ_OUTPUT": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "no stdin" in done.stderr
