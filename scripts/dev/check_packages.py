"""Hold what people install against the validators of those who read it, and count tokens; needs PyPI and npm.

    python scripts/dev/check_packages.py                  build, install the validators in a throwaway folder, run all
    python scripts/dev/check_packages.py --tools DIR      install into DIR, or take what is there from an earlier run
    python scripts/dev/check_packages.py --only skillsaw,tokens

Each row is one check: `agentskills` and `skillsaw` on the built skill folder, `skillsaw` on the repository (manifests, server.json),
`claude` on plugin and marketplace (and that a plugin installed from here connects its server), `mcpb` on the bundle and its manifest, `uvx` and
`uv run` (the built scripts, with the built wheel and nothing else), and `tokens` (SKILL.md and references by the o200k vocabulary).
Validators run with a HOME of their own, without a login. Status 0: all pass; 1: something fails (its output is shown); 2: wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from build_packages import PARTS, SKILL, build
from set_version import ROOT

PYTHON_TOOLS = ("skillsaw==0.22.0", "skills-ref==0.1.1", "uv==0.13.9")
NODE_TOOLS = ("node@22", "@anthropic-ai/mcpb@2.1.2", "@anthropic-ai/claude-code@2", "js-tiktoken@1.0.21")
MOST_SKILL_TOKENS = 5_000
MOST_REFERENCE_TOKENS = 5_000
_COUNT = """
const { getEncoding } = require("js-tiktoken"), fs = require("fs"), encoding = getEncoding("o200k_base");
console.log(JSON.stringify(process.argv.slice(2).map(file => encoding.encode(fs.readFileSync(file, "utf8")).length)));
"""


class CheckError(Exception):
    """A check that fails; its text is shown."""


@dataclass(frozen=True)
class Bench:
    """Where validators are and work.

    Args:
        tools: The folder with `py` (a virtual environment) and `node_modules`.
        dist: The built packages.
        work: An empty folder for the checks.
    """

    tools: Path
    dist: Path
    work: Path

    @property
    def skill(self) -> Path:
        return self.dist / SKILL

    def run(self, *command: str | Path, cwd: Path | None = None, seconds: int = 600, **more: str) -> str:
        """Run a validator with a HOME of its own.

        Raises:
            CheckError: It fails, or does not end.
        """
        home = self.work / "home"
        home.mkdir(exist_ok=True)
        path = os.pathsep.join([str(self.tools / "node_modules/.bin"), str(self.tools / "py/bin"), os.environ["PATH"]])
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "UV_", "npm_", "SSL_", "LANG"))
        }
        environment = {**kept, "HOME": str(home), "PATH": path, "CI": "true", **more}
        try:
            done = subprocess.run(  # noqa: S603 - the validators, with arguments of our own
                [str(word) for word in command], cwd=cwd or self.work, env=environment, capture_output=True, text=True,
                check=False, timeout=seconds, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise CheckError(f"{command[0]} did not end in {seconds} s") from None
        if done.returncode:
            raise CheckError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr


def install(tools: Path) -> None:
    """Install the validators into a folder, those that are not there."""
    tools.mkdir(parents=True, exist_ok=True)
    if not (tools / "py/bin/uv").exists():
        _installed([sys.executable, "-m", "venv", "py"], tools)
        _installed(["py/bin/pip", "install", "-q", "--disable-pip-version-check", *PYTHON_TOOLS], tools)
    if not (tools / "node_modules/.bin/mcpb").exists():
        (tools / "package.json").write_text('{"private": true}')
        _installed(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *NODE_TOOLS], tools)


def _installed(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def copy_of_tree(target: Path) -> Path:
    """The files that git knows, or would: what a client gets that installs from the repository."""
    command = [shutil.which("git") or "git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


# --- the checks: each returns what it found, or raises CheckError ---


def check_agentskills(bench: Bench) -> str:
    return bench.run("agentskills", "validate", bench.skill)


def check_skillsaw(bench: Bench) -> str:
    found = [bench.run("skillsaw", "lint", "--strict", bench.skill)]
    found.append(bench.run("skillsaw", "lint", "--strict", copy_of_tree(bench.work / "linted")))
    return "; ".join(line.strip() for text in found for line in text.splitlines() if "Grade:" in line)


def check_claude(bench: Bench) -> str:
    tree = copy_of_tree(bench.work / "plugin")
    bench.run("claude", "plugin", "validate", tree, "--strict")
    bench.run("claude", "plugin", "validate", tree / ".claude-plugin/plugin.json", "--strict")
    bench.run("claude", "plugin", "marketplace", "add", tree)
    bench.run("claude", "plugin", "install", "archviz@archviz")
    details = bench.run("claude", "plugin", "details", "archviz@archviz")
    if SKILL not in details:
        raise CheckError(f"the plugin has no skill\n{details}")
    servers = bench.run("claude", "mcp", "list", MCP_TIMEOUT="120000")
    if "plugin:archviz:archviz" not in servers or "Connected" not in servers:
        raise CheckError(f"the plugin's server does not connect\n{servers}")
    return "plugin and marketplace valid; its skill is there, its server connects"


def check_mcpb(bench: Bench) -> str:
    bench.run("mcpb", "validate", ROOT / "packaging/mcpb/manifest.json")
    (bundle,) = bench.dist.glob("*.mcpb")
    unpacked = bench.work / "unpacked"
    bench.run("mcpb", "unpack", bundle, unpacked)
    bench.run("mcpb", "validate", unpacked / "manifest.json")
    answer = bench.run("uv", "run", "--directory", unpacked, "--no-dev", "server.py", "--help")
    if "usage: archviz serve" not in answer:
        raise CheckError(f"the bundle's server does not start\n{answer}")
    return f"{bundle.stat().st_size / 1e6:.1f} MB, starts by uv"


def check_uvx(bench: Bench) -> str:
    (wheel,) = bench.dist.glob("*.whl")
    answer = bench.run("uvx", "--from", wheel, "archviz", "resolve", "Qwen/Qwen3.5-397B-A17B", "--offline")
    (bench.work / "config.json").write_text(json.dumps({"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}))
    script = bench.skill / "scripts/visualize_architecture.py"
    bench.run("uv", "run", "--find-links", bench.dist, script, "config.json", "-o", "drawn", "-f", "png", "--offline")
    if not (bench.work / "drawn.png").read_bytes().startswith(b"\x89PNG"):
        raise CheckError("the built scripts draw nothing")
    return f"uvx: {answer.split()[0]}; the built skill draws a config.json with its scripts alone"


def check_tokens(bench: Bench) -> str:
    (bench.work / "count.cjs").write_text(_COUNT)
    pages = [bench.skill / "SKILL.md", *sorted((bench.skill / "references").glob("*.md"))]
    text = bench.run("node", "count.cjs", *pages, NODE_PATH=str(bench.tools / "node_modules"))
    counts = dict(zip((page.name for page in pages), json.loads(text), strict=True))
    long = [
        name for name, n in counts.items() if n > (MOST_SKILL_TOKENS if name == "SKILL.md" else MOST_REFERENCE_TOKENS)
    ]
    generous = [page.name for page in pages if counts[page.name] > page.stat().st_size / 3]
    if long or generous:
        raise CheckError(f"too long: {long}; more tokens than bytes / 3, by which tests estimate: {generous}; {counts}")
    rest = [n for name, n in counts.items() if name != "SKILL.md"]
    return f"SKILL.md {counts['SKILL.md']:,} of {MOST_SKILL_TOKENS:,}; references {min(rest):,} to {max(rest):,}"


CHECKS: dict[str, Callable[[Bench], str]] = {
    "agentskills": check_agentskills,
    "skillsaw": check_skillsaw,
    "claude": check_claude,
    "mcpb": check_mcpb,
    "uvx": check_uvx,
    "tokens": check_tokens,
}


def run_checks(names: Sequence[str], tools: Path, work: Path) -> int:
    """Build, and run the checks; returns how many fail."""
    dist = work / "dist"
    for part in PARTS:
        build(part, dist)
    failed = 0
    for name in names:
        (work / name).mkdir()
        start = time.monotonic()
        try:
            row = f"pass  {name:12} {' '.join(CHECKS[name](Bench(tools, dist, work / name)).split())[:200]}"
        except CheckError as error:
            failed += 1
            row = f"FAIL  {name:12} {error}"
        print(f"{row}  ({time.monotonic() - start:.0f} s)", flush=True)
    return failed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, metavar="DIR", help="keep the validators there for another run")
    parser.add_argument("--only", default=",".join(CHECKS), metavar="NAME[,…]", help=f"of {', '.join(CHECKS)}")
    options = parser.parse_args(argv)
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    if stray := [name for name in names if name not in CHECKS]:
        parser.error(f"no such check: {', '.join(stray)}")
    with tempfile.TemporaryDirectory(prefix="archviz-check-") as folder:
        tools = (options.tools or Path(folder) / "tools").resolve()
        install(tools)
        (Path(folder) / "work").mkdir()
        failed = run_checks(names, tools, Path(folder) / "work")
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
