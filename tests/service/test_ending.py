"""A process that is asked to end while long calls are at work: each is answered, and the log stays clean."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

ROOT = Path(__file__).parents[2]
SERVE = """
import sys, time
import archviz.pipeline, archviz.service.http
from archviz.cli import main
from archviz.progress import stop_if_unwanted

def describe(model, **_):
    print("began", file=sys.stderr, flush=True)
    while True:
        stop_if_unwanted()
        time.sleep(0.02)

archviz.pipeline.describe = describe
archviz.service.http.GRACE_SECONDS = 3
sys.exit(main(["serve", "--http", "127.0.0.1:0", "--offline"]))
"""


@pytest.mark.parametrize("era", ["legacy", "auto"])
def test_calls_that_do_not_end_in_time_are_told(era: str, tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=ROOT,
        text=True,
        stderr=subprocess.PIPE,
        env={"ARCHVIZ_OUTPUT": str(tmp_path)},
    )
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
