"""How long the MCP server takes: its first answer beside that of an empty server, and warm answers.

    python benchmarks/serving.py --runs 5
    python benchmarks/serving.py --clients 32     and so many clients that draw at once over HTTP, each its own model

The first answer is measured over stdio, from the start of the process to the answer to `initialize`, in turn with a bare `MCPServer`; the
ratio of the fastest runs is what counts, since both run on the same machine at the same time. Warm answers are the second and later ones in
one process, without a transport: median wall time, and CPU time beside it. The limits are assertions, on CPU seconds where a busy
machine would decide otherwise. Of many clients each has to get its own figure, and the server's memory stays below a bound.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from archviz.lookup.catalog import model_ids
from archviz.service.outputs import OutputRoot
from archviz.service.server import build_server
from archviz.settings import Settings

MODEL = "Qwen/Qwen3.5-397B-A17B"
MOST_RATIO = 1.2
MOST_MEGABYTES = 1_500
WARM: dict[str, tuple[dict[str, Any], float]] = {
    "describe_architecture": ({"model": MODEL}, 0.050),
    "draw_architecture": ({"model": MODEL, "formats": ["svg"]}, 0.150),
}
BARE = "from mcp.server import MCPServer; MCPServer('bare').run()"
OURS = "from archviz.cli import main; main(['serve', '--offline'])"
INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "b", "version": "1"}},
}  # fmt: skip


def first_answer(program: str) -> float:
    """Seconds from the start of a server to its answer to `initialize`."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    took = time.perf_counter() - began
    assert "serverInfo" in answer["result"], answer
    process.stdin.close()
    process.wait(30)
    process.stdout.close()
    return took


async def warm(runs: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Median wall and CPU seconds of each warm answer."""
    found = {}
    async with Client(build_server(Settings(offline=True), OutputRoot(folder))) as client:
        for tool, (arguments, _) in WARM.items():
            times = []
            for _ in range(runs + 1):
                wall, cpu = time.perf_counter(), time.process_time()
                result: Any = await client.call_tool(tool, arguments)
                assert not result.is_error
                times.append((time.perf_counter() - wall, time.process_time() - cpu))
            found[tool] = (
                statistics.median(row[0] for row in times[1:]),
                statistics.median(row[1] for row in times[1:]),
            )
    return found


def models(count: int) -> list[str]:
    """So many models of the catalog, from everywhere in it."""
    known = model_ids()
    return [known[number * len(known) // count] for number in range(count)]


async def draw_at_once(url: str, wanted: list[str]) -> list[str]:
    """Every model drawn by a client of its own, all at once; those that did not get their own figure."""
    wrong: list[str] = []

    async def draw(model: str) -> None:
        async with Client(url) as client:
            result: Any = await client.call_tool("draw_architecture", {"model": model, "formats": ["svg"]})
            if result.is_error:
                wrong.append(f"{model}: {result.content[0].text[:200]}")
                return
            read: Any = await client.read_resource(result.structured_content["files"][0]["uri"])
            if model.rpartition("/")[2] not in read.contents[0].text or result.structured_content["model"] != model:
                wrong.append(f"{model}: got {result.structured_content['title']}")

    async with anyio.create_task_group() as group:
        for model in wanted:
            group.start_soon(draw, model)
    return wrong


def many_clients(count: int) -> tuple[list[str], int, float]:
    """What went wrong, the largest memory of the server in MB, and its seconds."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        program = f"from archviz.cli import main; main(['serve', '--offline', '--http', '127.0.0.1:{port}', '--output', {folder!r}])"
        process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
        assert process.stderr is not None
        process.stderr.readline()  # it listens
        try:
            began = time.perf_counter()
            wrong = anyio.run(draw_at_once, f"http://127.0.0.1:{port}/mcp", models(count))
            took = time.perf_counter() - began
            status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
            peak = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        finally:
            process.terminate()
            process.wait(60)
    return wrong, peak, took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--clients", type=int, default=0, help="so many clients draw at once over HTTP (Linux)")
    options = parser.parse_args()
    pairs = [(first_answer(BARE), first_answer(OURS)) for _ in range(options.runs + 1)][1:]
    bare, ours = (min(row[place] for row in pairs) for place in (0, 1))
    over = ours / bare > MOST_RATIO
    print(f"initialize: bare {bare:.3f} s, archviz {ours:.3f} s, ratio {ours / bare:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        for tool, (wall, cpu) in anyio.run(warm, options.runs, Path(folder)).items():
            over = over or cpu > WARM[tool][1]
            print(f"{tool}, warm: {wall * 1000:.0f} ms, CPU {cpu * 1000:.0f} ms")
    if options.clients:
        wrong, peak, took = many_clients(options.clients)
        over = over or bool(wrong) or peak > MOST_MEGABYTES
        print(
            f"{options.clients} clients at once: {len(wrong)} wrong, {took:.0f} s, at most {peak} MB", *wrong, sep="\n"
        )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
