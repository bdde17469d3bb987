"""Independent checks of the MCP server: other people's clients, inspector, conformance scenarios, app host and token counts."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.client.extension import advertise

from archviz.service.outputs import OutputRoot
from archviz.service.server import build_server
from archviz.settings import Settings

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "server_checks"
SNAPSHOT = ROOT / "tests" / "tables" / "mcp_schemas.json"
ERAS = ("legacy", "auto")
MODEL = "Qwen/Qwen3.5-397B-A17B"
APPS = "io.modelcontextprotocol/ui"
APP_MIME = "text/html;profile=mcp-app"
GENERIC = {  # scenarios that need no tools made for them; the others ask for tools named test_*
    "2025-11-25": (
        "server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "completion-complete", "tools-call-error",
        "server-sse-multiple-streams", "dns-rebinding-protection", "server-session-lifecycle",
    ),
    "2026-07-28": (
        "tools-list", "resources-list", "prompts-list", "completion-complete", "tools-call-error", "server-sse-multiple-streams",
        "dns-rebinding-protection", "sep-2164-resource-not-found", "caching", "http-header-validation",
        "input-required-result-missing-input-response", "input-required-result-unsupported-methods",
        "input-required-result-ignore-extra-params", "input-required-result-validate-input",
    ),
}  # fmt: skip
SKILLS = ("sep-2640-skills-directory", "sep-2640-skills-enumeration", "sep-2640-skills-manifest")


class Tools:
    """The folder with the programs of others: npm packages, and a virtual environment for fastmcp."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self.modules = self.folder / "node_modules"
        self.fastmcp = self.folder / "fastmcp" / "bin" / "python"

    def install(self) -> None:
        """Install what is missing, by npm and pip."""
        self.folder.mkdir(parents=True, exist_ok=True)
        wanted = (HERE / "package.json").read_text("utf-8")
        have = self.folder / "package.json"
        if not self.modules.is_dir() or not have.is_file() or have.read_text("utf-8") != wanted:
            have.write_text(wanted, "utf-8")
            run(["npm", "install", "--no-audit", "--no-fund"], cwd=self.folder)
        if not self.fastmcp.is_file():
            run([sys.executable, "-m", "venv", str(self.folder / "fastmcp")])
            run([str(self.fastmcp), "-m", "pip", "install", "-q", "fastmcp>=4,<5"])
        for script in HERE.glob("*.mjs"):
            shutil.copy(script, self.folder)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which node is the installed one."""
        ways = [self.modules / "node" / "bin", self.modules / ".bin"]
        path = os.pathsep.join([*map(str, ways), os.environ.get("PATH", "")])
        return {**os.environ, "PATH": path, "HOME": str(self.folder / "home"), "HF_HUB_OFFLINE": "1"}

    def node(self, script: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return run(["node", str(self.folder / script), *arguments], env=self.environment, **options)


def run(
    command: Sequence[str], *, check: bool = True, timeout: float = 900, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run it with its output kept; `CheckError` where its status is another than 0."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, **options)  # noqa: S603
    if check and done.returncode:
        raise CheckError(
            f"{' '.join(command)[:160]}: exit status {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return done


class CheckError(Exception):
    """A check that did not hold."""


def hold(holds: object, what: str) -> None:
    """Fail with these words unless it holds."""
    if not holds:
        raise CheckError(what)


def server_command() -> list[str]:
    return [sys.executable, "-m", "archviz", "serve", "--offline"]


@contextmanager
def served(environment: dict[str, str]) -> Iterator[str]:
    """A server over HTTP on a free port; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([*server_command(), "--http", f"127.0.0.1:{port}"], env=environment, cwd=ROOT)  # noqa: S603
    try:
        for _ in range(300):
            with socket.socket() as asking:
                if not asking.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(30)


# --- the checks ---


def check_inspector(tools: Tools, url: str) -> str:
    """Schemas without a portability problem, 200 calls without an error, the skill's digests, the app's metadata."""
    inspect = ["mcp-inspector", "--cli", "--connect-timeout", "60000"]
    ways = [
        (sys.executable, "server.py"),
        (url, "--transport", "http"),
        (url, "--transport", "http", "--protocol-era", "modern"),
    ]
    for way in ways:
        run([*inspect, *way, "--method", "tools/list", "--strict"], env=tools.environment, cwd=ROOT)
    call = ["--method", "tools/call", "--tool-name", "resolve_model", "--tool-arg", f"name={MODEL}"]
    done = run([*inspect, *ways[2], *call, "--load", "--load-requests", "200"], env=tools.environment)
    load = json.loads(done.stdout)
    hold(load["ok"] == 200 and not load["errors"], f"load: {load}")
    verified = run([*inspect, *ways[2], "--method", "skills/list", "--verify"], env=tools.environment)
    hold('"ok": true' in verified.stdout or '"ok":true' in verified.stdout, f"skills: {verified.stdout[-500:]}")
    app = [*inspect, *ways[2], "--advertise-apps", "--method", "tools/list", "--app-info"]
    hold('"resourceUri":"ui://archviz/viewer.html"' in run(app, env=tools.environment).stdout, "the app is not found")
    return f"load: 200 calls, p50 {load['latencyMs']['p50']} ms"


def check_conformance(tools: Tools, url: str) -> str:
    """The generic scenarios of both revisions, and those of the skills extension."""
    count = 0
    for revision, scenarios in GENERIC.items():
        for scenario in scenarios:
            _conforms(tools, url, scenario, revision)
            count += 1
    for scenario in SKILLS:
        _conforms(tools, url, scenario, "2026-07-28", "--force")
        count += 1
    return f"{count} scenarios"


def _conforms(tools: Tools, url: str, scenario: str, revision: str, *more: str) -> None:
    command = ["conformance", "server", "--url", url, "--scenario", scenario, "--spec-version", revision, *more]
    said = run(command, env=tools.environment, check=False)
    passed = [line for line in said.stdout.splitlines() if line.startswith("Passed:")]
    hold(
        said.returncode == 0 and passed and " 0 failed" in passed[-1],
        f"{scenario} at {revision}: {said.stdout[-1500:]}",
    )
    hold(scenario not in SKILLS or " 0 warnings" in passed[-1], f"{scenario}: warnings\n{said.stdout[-1500:]}")


def check_conversations(tools: Tools, url: str) -> str:
    """Draw Qwen3.5, from the ambiguous name to the document, through three clients, both eras, stdio and HTTP."""
    environment = {**tools.environment, "CONVERSATION": str(HERE / "conversation.json"), "PYTHONPATH": str(ROOT)}
    talkers = [
        *(("mcp.Client", [sys.executable, str(HERE / "talk_python.py"), "mcp", era]) for era in ERAS),
        ("fastmcp", [str(tools.fastmcp), str(HERE / "talk_python.py"), "fastmcp", "auto"]),
        *(("TypeScript", ["node", str(tools.folder / "talk.mjs"), era]) for era in ERAS),
    ]
    steps = json.loads((HERE / "conversation.json").read_text("utf-8"))
    count = 0
    for name, command in talkers:
        for way in (server_command(), [url]):
            done = run([*command, *way], env=environment, cwd=ROOT)
            told = json.loads(done.stdout.splitlines()[-1])
            hold(len(told) == len(steps), f"{name}: {len(told)} answers")
            for step, row in zip(steps, told, strict=True):
                holds_step(f"{name} {command[-1]} {way[0][:20]}", step, row)
            count += 1
    return f"{count} conversations of {len(steps)} steps"


def holds_step(name: str, step: dict[str, Any], row: dict[str, Any]) -> None:
    """Hold one answer of the scripted conversation against what the script expects."""
    place = f"{name}: {step['tool']}({step['arguments']})"
    if "error" in step:
        hold(row["isError"] and json.loads(row["text"])["error"] == step["error"], f"{place}: {row['text'][:300]}")
        return
    hold(not row["isError"], f"{place}: {row['text'][:300]}")
    for path, value in step.get("expect", {}).items():
        found: Any = row["data"]
        for key in path.split("."):
            found = found[key]
        hold(found == value, f"{place}: {path} is {found!r}")
    hold(step.get("says", "") in row["text"], f"{place}: does not say {step.get('says')!r}")
    hold(row["types"] == step.get("content", row["types"]), f"{place}: content {row['types']}")
    hold(
        str(row.get("read", "")).lstrip().startswith(step.get("read", "")),
        f"{place}: read {str(row.get('read'))[:80]!r}",
    )


def check_app(tools: Tools, url: str) -> str:
    """The app in a window, with the official host's half at its other end: a carried page, a page it reads, a picture."""
    with tempfile.TemporaryDirectory() as folder:
        page, drawn, plain = anyio.run(_drawings, Path(folder))
        files = []
        for name, content in (("page.html", page), ("drawn.json", drawn), ("plain.json", plain)):
            files.append(str(Path(folder, name)))
            Path(folder, name).write_text(content, "utf-8")
        said = tools.node("app_bridge.mjs", *files, check=False)
        hold(said.returncode == 0, (said.stdout + said.stderr)[-2000:])
    return "3 hosts"


async def _drawings(folder: Path) -> tuple[str, str, str]:
    """The app's page, and a drawing for a host that shows apps and for one that does not."""
    server = build_server(Settings(offline=True), OutputRoot(folder / "out"))
    call = ("draw_architecture", {"model": MODEL})
    async with Client(server, extensions=[advertise(APPS, {"mimeTypes": [APP_MIME]})]) as client:
        page: Any = await client.read_resource("ui://archviz/viewer.html")
        drawn = await client.call_tool(*call)
    async with Client(server) as client:
        plain = await client.call_tool(*call)
    data = [json.dumps(each.model_dump(mode="json", by_alias=True, exclude_none=True)) for each in (drawn, plain)]
    return str(page.contents[0].text), data[0], data[1]


def check_tokens(tools: Tools, url: str) -> str:
    """The token counts of benchmarks/tokens.py."""
    command = [sys.executable, str(ROOT / "benchmarks" / "tokens.py"), "--tools", str(tools.folder)]
    return run(command, env={**tools.environment, "PYTHONPATH": str(ROOT)}, cwd=ROOT).stdout.splitlines()[-1]


def check_speed(tools: Tools, url: str) -> str:
    """The latencies of benchmarks/serving.py."""
    command = [sys.executable, str(ROOT / "benchmarks" / "serving.py"), "--clients", "32"]
    return run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT).stdout.strip().replace("\n", "; ")


CHECKS: dict[str, Callable[[Tools, str], str]] = {
    "inspector": check_inspector,
    "conformance": check_conformance,
    "conversations": check_conversations,
    "app": check_app,
    "tokens": check_tokens,
    "speed": check_speed,
}


async def _published() -> dict[str, Any]:
    async with Client(build_server(Settings(offline=True))) as client:
        lists = {
            "tools": (await client.list_tools()).tools,
            "prompts": (await client.list_prompts()).prompts,
            "templates": (await client.list_resource_templates()).resource_templates,
        }
    return {
        name: [item.model_dump(mode="json", by_alias=True, exclude_none=True) for item in items]  # type: ignore[attr-defined]
        for name, items in lists.items()
    }


def write_schemas() -> None:
    """Take the schemas as they are for those that the tests hold."""
    text = json.dumps(anyio.run(_published), indent=1, ensure_ascii=False)
    SNAPSHOT.write_text(f"{text}\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="asks nobody but the package registries, and them once"
    )
    parser.add_argument("checks", nargs="*", choices=[*CHECKS, []], help="all by default")
    parser.add_argument(
        "--tools",
        type=Path,
        default=Path("~/.cache/archviz-dev/server-checks"),
        help="where programs of others are installed",
    )
    parser.add_argument(
        "--write-schemas", action="store_true", help="only write the snapshot of schemas that tests hold"
    )
    options = parser.parse_args()
    if options.write_schemas:
        write_schemas()
        return 0
    tools, failed = Tools(options.tools), 0
    tools.install()
    with (
        tempfile.TemporaryDirectory() as outputs,
        served({**os.environ, "PYTHONPATH": str(ROOT), "ARCHVIZ_OUTPUT": outputs}) as url,
    ):
        for name in options.checks or CHECKS:
            began = time.monotonic()
            try:
                said = CHECKS[name](tools, url)
            except CheckError as error:
                said, failed = f"FAILED: {error}", failed + 1
            print(f"{name}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
