"""Build the image by the Dockerfile and use it as docs/clients/docker.md says: no root, nothing written but /out and /cache, no network.

    python scripts/dev/check_image.py                                 with docker
    python scripts/dev/check_image.py --engine podman --build "--isolation chroot --network host" --run "--runtime runc"
    python scripts/dev/check_image.py --no-build                      with the image that is there

Rows: `build`; `rights` (user, capabilities, what can be written); `stdio` and `http`: the scripted conversation of `check_server.py` in both eras,
without a network over stdio, with a token over HTTP, where a wrong token and a wrong host are refused, and a stop ends the container by itself;
`folder`: a model of a folder that is bound read-only. Needs what a development installation has, and a container engine.
Status 0: all pass; 1: something fails.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx2
from check_server import ERAS, HERE, ROOT, CheckError, hold, holds_step, run
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

NAME = "archviz-image-check"
UID = 10001
_PROBE = """
grep -E '^(Uid|CapEff|CapBnd)' /proc/self/status
for path in / /opt/archviz/lib /usr/bin /etc /tmp /out /cache; do touch $path/probe 2>/dev/null && echo "writes $path"; done; true
"""
_CONFIG = {
    "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 1000,
}  # fmt: skip


@dataclass(frozen=True)
class Engine:
    """A container engine, with what this machine asks of it besides.

    Args:
        program: `docker` or `podman`.
        building: More options of `build`.
        running: More options of `run`.
    """

    program: str
    building: list[str]
    running: list[str]

    def build(self) -> None:
        """Build the image."""
        run([self.program, "build", *self.building, "-t", NAME, str(ROOT)], timeout=3600)

    def command(self, *options: str) -> list[str]:
        """How the documentation runs the image; the arguments of archviz follow."""
        confined = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]  # noqa: S108 - the container's own
        volumes = ["-v", f"{NAME}-out:/out", "-v", f"{NAME}-cache:/cache"]
        return [self.program, "run", "--rm", "-i", *confined, *volumes, *self.running, *options, NAME]


def check_rights(engine: Engine) -> str:
    """Nobody in particular, without capabilities, who writes to three folders alone."""
    *command, image = engine.command("--network", "none", "--entrypoint", "/bin/sh")
    lines = run([*command, image, "-c", _PROBE]).stdout.split("\n")
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    hold(set(status["Uid"].split()) == {str(UID)}, f"user {status['Uid']}")
    hold(not int(status["CapEff"], 16) and not int(status["CapBnd"], 16), f"capabilities {status}")
    writes = [line.removeprefix("writes ") for line in lines if line.startswith("writes")]
    hold(writes == ["/tmp", "/out", "/cache"], f"writes to {writes}")  # noqa: S108
    return f"uid {UID}, no capabilities, writes to {', '.join(writes)}"


def check_stdio(engine: Engine) -> str:
    """The conversation without a network, as a client starts the container."""
    command = engine.command("--network", "none")
    for era in ERAS:
        _holds_conversation(f"stdio {era}", StdioServerParameters(command=command[0], args=command[1:]), era)
    return f"{len(ERAS)} conversations without a network"


def check_http(engine: Engine) -> str:
    """The conversation with a token; without it, or to another host, nothing."""
    token = secrets.token_hex(16)
    with _hosted(engine, token) as (url, process):
        _refuses(url, token)
        for era in ERAS:
            client = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=120, trust_env=False)
            _holds_conversation(f"http {era}", streamable_http_client(url, http_client=client), era)
        began = time.monotonic()
        run([engine.program, "stop", "-t", "20", f"{NAME}-http"])
        seconds = time.monotonic() - began
        process.wait(30)
        hold(seconds < 15, f"a stop took {seconds:.0f} s")
    return f"{len(ERAS)} conversations with a token; stopped in {seconds:.1f} s"


@contextmanager
def _hosted(engine: Engine, token: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    options = ["--name", f"{NAME}-http", "--stop-timeout", "20", "-p", "127.0.0.1:18765:8765", "-e", "ARCHVIZ_TOKEN"]
    serve = ["serve", "--offline", "--http", "0.0.0.0:8765", "--allow-host", "localhost"]
    environment = {**os.environ, "ARCHVIZ_TOKEN": token}
    process = subprocess.Popen([*engine.command(*options), *serve], env=environment)  # noqa: S603
    try:
        for _ in range(100):
            if _status("http://localhost:18765/health") == 200:
                break
            time.sleep(0.3)
        yield "http://localhost:18765/mcp", process
    finally:
        run([engine.program, "rm", "-f", f"{NAME}-http"], check=False)
        process.wait(30)


def _status(url: str, **headers: str) -> int:
    with httpx2.Client(trust_env=False, timeout=10) as client:
        try:
            return client.get(url, headers=headers).status_code
        except httpx2.TransportError:
            return 0


def _refuses(url: str, token: str) -> None:
    hold(_status(url) == 401, "no token was not refused")
    hold(_status(url, authorization=f"Bearer {token[::-1]}") == 401, "a wrong token was not refused")
    wrong = _status(url, authorization=f"Bearer {token}", host="elsewhere.example")
    hold(wrong in (403, 421), f"a wrong host is answered with {wrong}")


def _holds_conversation(name: str, server: Any, era: str) -> None:
    steps = json.loads((HERE / "conversation.json").read_text("utf-8"))
    for step, row in zip(steps, anyio.run(_talk, server, era, steps), strict=True):
        holds_step(name, step, row)


async def _talk(server: Any, era: str, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sys.path.insert(0, str(HERE))
    from talk_python import take_step

    async with Client(server, mode=era) as client:
        return [await take_step("mcp", client, step) for step in steps]


def check_folder(engine: Engine) -> str:
    """A model that somebody has in a folder, bound read-only."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "config.json").write_text(json.dumps(_CONFIG), "utf-8")
        command = engine.command("--network", "none", "-v", f"{folder}:/models/small:ro")
        said = run([*command, "describe", "/models/small", "--offline"]).stdout
    hold("layers:" in said, said[-500:])
    return "described"


CHECKS: dict[str, Callable[[Engine], str]] = {
    "rights": check_rights,
    "stdio": check_stdio,
    "http": check_http,
    "folder": check_folder,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", choices=[*CHECKS, []], help="all by default")
    parser.add_argument("--engine", default="docker", help="docker (default) or podman")
    parser.add_argument("--build", default="", metavar="OPTIONS", help="more options of the engine's build")
    parser.add_argument("--run", default="", metavar="OPTIONS", help="more options of the engine's run")
    parser.add_argument("--no-build", action="store_true", help=f"take the image {NAME} that is there")
    options = parser.parse_args()
    engine, failed = Engine(options.engine, shlex.split(options.build), shlex.split(options.run)), 0
    if not options.no_build:
        engine.build()
    for name in options.checks or CHECKS:
        try:
            said = CHECKS[name](engine)
        except CheckError as error:
            said, failed = f"FAILED: {error}", failed + 1
        print(f"{name}: {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
