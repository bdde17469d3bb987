"""How long the MCP server takes: its first answer beside that of an empty server, and warm answers.

    python benchmarks/serving.py --runs 5

The first answer is measured over stdio, from the start of the process to the answer to `initialize`, in turn with a bare `MCPServer`; the
ratio of the fastest runs is what counts, since both run on the same machine at the same time. Warm answers are the second and later ones in
one process, without a transport: median wall time, and CPU time beside it. The limits are assertions, on CPU seconds where a busy
machine would decide otherwise.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from archviz.service.outputs import OutputRoot
from archviz.service.server import build_server
from archviz.settings import Settings

MODEL = "Qwen/Qwen3.5-397B-A17B"
MOST_RATIO = 1.2
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    pairs = [(first_answer(BARE), first_answer(OURS)) for _ in range(options.runs + 1)][1:]
    bare, ours = (min(row[place] for row in pairs) for place in (0, 1))
    over = ours / bare > MOST_RATIO
    print(f"initialize: bare {bare:.3f} s, archviz {ours:.3f} s, ratio {ours / bare:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        for tool, (wall, cpu) in anyio.run(warm, options.runs, Path(folder)).items():
            over = over or cpu > WARM[tool][1]
            print(f"{tool}, warm: {wall * 1000:.0f} ms, CPU {cpu * 1000:.0f} ms")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
