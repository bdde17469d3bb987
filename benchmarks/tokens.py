"""How many tokens the MCP server costs its clients, counted with the vocabulary o200k_base that npm's js-tiktoken brings.

    python benchmarks/tokens.py --tools FOLDER              the list of tools, and default answers of every twelfth catalog model
    python benchmarks/tokens.py --tools FOLDER --every 1    of all of them, which takes about twenty minutes

FOLDER is where `scripts/dev/check_server.py` has installed js-tiktoken. Pictures are not counted. The limits are assertions: exit status 1
names what is over them, 2 says why tokens cannot be counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from archviz.lookup.catalog import model_ids
from archviz.service.outputs import OutputRoot
from archviz.service.server import build_server
from archviz.settings import Settings

MOST_OF_LIST = 2_500
MOST_OF_ANSWER = 2_000
_AT_ONCE = 200


def calls(models: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every tool on every model, with nothing but its required arguments; pairs of neighbours are compared."""
    for model, other in zip(models, [*models[1:], models[0]], strict=True):
        yield "resolve_model", {"name": model}
        yield "resolve_model", {"name": model.rpartition("/")[2][:-1]}
        yield "find_sources", {"name": model}
        yield "describe_architecture", {"model": model}
        yield "verify_code", {"model": model}
        yield "inspect_tensors", {"model": model}
        yield "draw_architecture", {"model": model}
        yield "write_document", {"model": model}
        if model != other:
            yield "compare_models", {"models": [model, other]}


async def texts(models: Sequence[str], folder: Path) -> list[tuple[str, str]]:
    """What a client's language model is given: of the list of tools, and of each answer without its picture."""
    server = build_server(Settings(offline=True), OutputRoot(folder))
    found = []
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        whole = {"tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]}
        found.append(("tools/list", json.dumps(whole, ensure_ascii=False, separators=(",", ":"))))
        for tool, arguments in calls(models):
            result: Any = await client.call_tool(tool, arguments)
            parts = [
                item.text if item.type == "text" else _link(item) for item in result.content if item.type != "image"
            ]
            error = "!" if result.is_error else ""
            found.append((f"{tool}{error} {' '.join(map(str, arguments.values()))}", "\n".join(parts)))
            sys.stderr.write(f"\r{len(found)} answers" if sys.stderr.isatty() else "")
    return found


def _link(item: Any) -> str:
    return json.dumps({"name": item.name, "uri": item.uri, "mimeType": item.mime_type})


class CountError(Exception):
    """Tokens cannot be counted; the text says why."""


def count(rows: Sequence[str], tools: Path) -> list[int]:
    """The tokens of each text, a few hundred texts at a time.

    Raises:
        CountError: node or js-tiktoken is missing or fails.
    """
    return [
        number for start in range(0, len(rows), _AT_ONCE) for number in _counted(rows[start : start + _AT_ONCE], tools)
    ]


def _counted(rows: Sequence[str], tools: Path) -> list[int]:
    path = os.pathsep.join([str(tools / "node_modules" / "node" / "bin"), os.environ.get("PATH", "")])
    given = "".join(json.dumps(row) + "\n" for row in rows)
    try:
        done = subprocess.run(
            ["node", str(tools / "tokens.mjs")], input=given, capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": path},
        )  # fmt: skip
    except OSError as error:
        raise CountError(f"node does not start: {error.strerror}") from None
    numbers = [int(line) for line in done.stdout.split() if line.isdecimal()]
    if done.returncode or len(numbers) != len(rows):
        said = (done.stderr or done.stdout)[-1_500:]
        raise CountError(f"{len(numbers)} of {len(rows)} texts counted, exit status {done.returncode}\n{said}")
    return numbers


def check_counter(tools: Path) -> None:
    """Count two words before the models are read, which takes long.

    Raises:
        CountError: They are not two tokens.
    """
    try:
        counted = count(["hello world"], tools)
    except CountError as error:
        raise CountError(f"{error}\ninstall it by: python scripts/dev/check_server.py tokens") from None
    if counted != [2]:
        raise CountError(f"'hello world' is 2 tokens of o200k_base, not {counted}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, default=Path("~/.cache/archviz-dev/server-checks"))
    parser.add_argument("--every", type=int, default=12, help="ask about every so many models of the catalog")
    options = parser.parse_args()
    tools = options.tools.expanduser().resolve()
    try:
        check_counter(tools)
        with tempfile.TemporaryDirectory() as folder:
            rows = anyio.run(texts, model_ids()[:: options.every], Path(folder))
        counts = count([text for _, text in rows], tools)
    except CountError as error:
        print(f"cannot count: {error}", file=sys.stderr)
        return 2
    counted = list(zip(counts, [name for name, _ in rows], [len(text.encode()) for _, text in rows], strict=True))
    over = [row for row in counted if row[0] > (MOST_OF_LIST if row[1] == "tools/list" else MOST_OF_ANSWER)]
    print(f"{'tokens':>7} {'median':>7} {'bytes a token':>14}  largest")
    for tool in dict.fromkeys(name.split()[0] for _, name, _ in counted):
        of_tool = sorted(row for row in counted if row[1].split()[0] == tool)
        most, median = of_tool[-1], of_tool[len(of_tool) // 2]
        print(f"{most[0]:>7} {median[0]:>7} {most[2] / most[0]:>14.2f}  {most[1]}")
    for tokens, name, _ in over:
        print(f"over the limit: {tokens} {name}")
    print(
        f"{len(counted)} texts, tools/list {counts[0]} tokens, largest answer {max(counts[1:])}, {len(over)} over the limit"
    )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
