"""The rooms of the house know each other in one direction only, and no product code runs what it reads."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "archviz"

ORDER = (
    (
        "records",
        "late_patterns",
        "stack_room",
        "outlets",
    ),  # how small classes and regular expressions are made, deep calls, pipes
    ("progress",),  # who waits for a run
    ("errors", "spans", "settings"),
    ("folded_names", "formats", "free_names", "outputs", "json_text"),
    ("codesearch",),  # reads syntax alone, knows no model
    ("network",),  # knows addresses and bytes, no model
    ("lookup",),
    ("interpreter",),
    ("ops",),
    ("layers",),
    ("sources",),  # reads configuration classes with the interpreter
    ("readings",),  # gives the interpreter its tables and its sources
    ("formulas",),  # counts as products of configuration values
    ("patterns",),
    ("architecture",),
    ("numbers",),  # memory and compute, the way from a count to the published one
    ("verify",),
    ("pseudocode",),  # writes events as Python
    ("comparison",),  # holds Architectures against each other
    ("survey",),  # holds what was described beside what its sources say
    ("figure",),
    ("emit",),
    ("schemas", "doctor"),
    ("descriptions",),
    ("drawings",),
    ("conversions",),  # names in checkpoints
    ("measures", "validations"),
    ("estimator",),
    ("document",),
    ("pipeline",),
    ("answers", "trace_text"),
    ("service",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""A module may import its own room and rooms of earlier rows; `archviz` itself holds only the version."""

FORBIDDEN_PACKAGES = {"torch", "transformers", "pickle", "marshal", "shelve", "runpy", "code", "cloudpickle", "dill"}
FORBIDDEN_CALLS = {"exec", "eval", "__import__", "compile"}
MODULE_OF = {
    "pyyaml": "yaml",
    "beautifulsoup4": "bs4",
    "fonttools": "fontTools",
    "sse-starlette": "sse_starlette",
}  # requirement → import name, where they differ
BROUGHT_ALONG = {"httpcore2", "mcp_types", "pydantic_core"}  # by httpx2, mcp and pydantic, of one release with them
RANK = {room: rank for rank, row in enumerate(ORDER) for room in row}


def product_files() -> list[Path]:
    scripts = (ROOT / "scripts").glob("*.py")  # not scripts/dev: those make data, with the referee
    return [*PACKAGE.rglob("*.py"), *scripts, ROOT / "server.py"]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import with its line, wherever it stands: at the top, in a function, under TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            whole = base == "archviz"  # `from archviz import pipeline` names a room
            yield from ((node.lineno, f"archviz.{alias.name}" if whole else base) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
            argument = node.args[0] if node.args else None
            yield node.lineno, str(argument.value) if isinstance(argument, ast.Constant) else _beginning(argument)


def _beginning(argument: ast.expr | None) -> str:
    """What a computed module name begins with, when that is a room of archviz."""
    first = argument.values[0] if isinstance(argument, ast.JoinedStr) else None
    text = str(first.value) if isinstance(first, ast.Constant) else ""
    return text.rstrip(".") if re.fullmatch(r"archviz\.\w+\.", text) else "<computed>"


def wrong_imports(source: str, room: str) -> list[str]:
    faults = []
    for line, name in imports_of(ast.parse(source)):
        target = name.split(".")[1] if name.startswith("archviz.") else ""
        if name.startswith("."):
            faults.append(f"{line}: relative import {name}")
        if target in ("", "__version__", room):
            continue
        if RANK.get(target, len(ORDER)) >= RANK[room]:
            faults.append(f"{line}: {room} imports {name}")
    return faults


def forbidden_uses(source: str) -> list[str]:
    tree = ast.parse(source)
    faults = [
        f"{line}: imports {name}"
        for line, name in imports_of(tree)
        if name.split(".")[0] in FORBIDDEN_PACKAGES or name == "<computed>"
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            faults.append(f"{node.lineno}: calls {node.func.id}")
    return faults


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_rooms_below_its_own(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert list(imports_of(ast.parse(path.read_text("utf-8")))) == [(path_line(path), "__future__")]
        return
    assert wrong_imports(path.read_text("utf-8"), room) == []


def path_line(path: Path) -> int:
    return next(line for line, text in enumerate(path.read_text("utf-8").splitlines(), 1) if text.startswith("from"))


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms - set(RANK) == set()


@pytest.mark.parametrize("path", product_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_products_never_import_torch_or_transformers_and_never_run_code(path: Path) -> None:
    assert forbidden_uses(path.read_text("utf-8")) == []


def test_every_package_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split(r"[<>=]", row, maxsplit=1)[0] for row in project["dependencies"]]
    declared = {MODULE_OF.get(name, name) for name in names} | BROUGHT_ALONG
    imported = {
        name.split(".")[0] for path in product_files() for _, name in imports_of(ast.parse(path.read_text("utf-8")))
    }
    beside = {path.stem for path in (ROOT / "scripts").glob("*.py")}  # what a skill's scripts share
    assert imported - declared - beside - set(sys.stdlib_module_names) == {"archviz"}


@pytest.mark.parametrize(
    ("source", "room"),
    [
        ("from archviz.ops.registry import op", "interpreter"),
        ("import archviz.layers", "interpreter"),
        ("def late():\n    from archviz import pipeline", "figure"),
        ("from archviz.cli import main", "pipeline"),
        ("from importlib import import_module\nimport_module('archviz.service')", "emit"),
        ("from archviz.nowhere import x", "cli"),
        ("from . import layering", "figure"),
    ],
)
def test_a_wrong_import_is_found(source: str, room: str) -> None:
    assert wrong_imports(source, room)


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn as nn",
        "def late():\n    from transformers import AutoConfig",
        "exec(text)",
        "x = eval('1')",
        "__import__('os')",
        "import pickle",
        "import importlib\nimportlib.import_module(name)",
        "import importlib\nimportlib.import_module('torch')",
    ],
)
def test_a_forbidden_use_is_found(source: str) -> None:
    assert forbidden_uses(source)


def test_what_is_allowed_is_not_called_forbidden() -> None:
    source = "import re, ast\nfrom importlib import import_module\nre.compile('a')\nast.literal_eval('1')\nimport_module('typst')"
    assert forbidden_uses(source) == []
    assert wrong_imports("from archviz.errors import UsageError", "figure") == []
