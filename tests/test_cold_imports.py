"""A cold process loads what its command needs: never torch or transformers, and nothing heavy without need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODEL = "Qwen/Qwen3.5-397B-A17B"
REPORT = """
import json, sys
from archviz.cli import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_after(*arguments: str) -> tuple[int, set[str]]:
    """The exit status of a command in a process of its own, and what that process had loaded at the end."""
    command = [sys.executable, "-c", REPORT, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    status, modules = json.loads(done.stderr.splitlines()[-1])
    return status, set(modules)


def packages(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


def test_describe_loads_neither_torch_nor_transformers_nor_anything_to_draw_or_serve() -> None:
    status, modules = modules_after("describe", MODEL, "--offline")
    assert status == 0
    assert packages(modules) & {"torch", "transformers", "huggingface_hub"} == set()
    assert packages(modules) & {"pydantic", "typst", "uharfbuzz", "fontTools", "mcp", "graphviz"} == set()
    assert packages(modules) & {"numpy", "shutil", "difflib", "httpx2", "email"} == set()
    assert not {name for name in modules if name.startswith(("archviz.figure", "archviz.emit", "archviz.service"))}


@pytest.mark.parametrize("command", ["tensors", "trace"])
def test_reading_a_model_loads_nothing_that_describes_or_draws(command: str) -> None:
    status, modules = modules_after(command, "transformers:qwen3", "--offline", "--json")
    assert status == 0
    assert packages(modules) & {"pydantic", "torch", "transformers", "huggingface_hub"} == set()
    assert not {name for name in modules if name.startswith(("archviz.architecture", "archviz.figure"))}


@pytest.mark.parametrize(
    ("formats", "unneeded"),
    [
        ("svg,png,pdf,dot", {"mcp", "pydantic"}),
        ("svg", {"mcp", "pydantic", "typst"}),
        ("png", {"mcp", "pydantic"}),
    ],
)
def test_draw_loads_neither_torch_nor_transformers_and_only_what_its_formats_need(
    tmp_path: Path, formats: str, unneeded: set[str]
) -> None:
    status, modules = modules_after("draw", MODEL, "--offline", "-o", str(tmp_path / "figure"), "-f", formats)
    assert status == 0
    assert packages(modules) & {"torch", "transformers", "huggingface_hub"} == set()
    assert packages(modules) & unneeded == set()
    for name in formats.split(","):
        assert (tmp_path / f"figure.{name}").stat().st_size > 1_000


def test_resolving_a_name_loads_nothing_that_reads_or_draws() -> None:
    status, modules = modules_after("resolve", MODEL)
    assert status == 0
    rooms = {name.split(".")[1] for name in modules if name.startswith("archviz.")}
    assert not rooms & {"ops", "layers", "architecture", "figure", "emit", "service"}
    assert packages(modules) & {"torch", "transformers", "huggingface_hub", "pydantic", "mcp"} == set()


def test_help_loads_almost_nothing() -> None:
    _, modules = modules_after("--help")
    assert packages(modules) & {"pydantic", "mcp", "torch", "transformers", "numpy"} == set()
    rooms = {name for name in modules if name.startswith("archviz.") and not name.startswith("archviz.commands.")}
    assert rooms == {
        "archviz.cli",
        "archviz.commands",
        "archviz.errors",
        "archviz.outlets",
        "archviz.formats",
        "archviz.records",
        "archviz.settings",
        "archviz.stack_room",
    }


def test_a_model_written_as_a_diagram_config_can_be_drawn_again(tmp_path: Path) -> None:
    config = tmp_path / "mine.json"
    wrote, _ = modules_after(
        "draw", MODEL, "--offline", "-o", str(tmp_path / "model"), "-f", "dot", "--figure-config", str(config)
    )
    drew, modules = modules_after("draw", str(config), "-o", str(tmp_path / "again"), "-f", "svg")
    assert (wrote, drew) == (0, 0)
    assert (tmp_path / "again.svg").stat().st_size > 1_000
    assert not {name for name in modules if name.startswith(("archviz.ops", "archviz.layers"))}  # no model was read
