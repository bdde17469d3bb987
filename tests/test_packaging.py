"""The package declares what it needs and what travels with it."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def requirements(rows: list[str]) -> dict[str, str]:
    return {re.split(r"[<>=]", row, maxsplit=1)[0]: row for row in rows}


def test_every_requirement_has_an_upper_bound() -> None:
    for row in PROJECT["project"]["dependencies"]:
        assert "<" in row or "==" in row, row


def test_the_official_code_is_pinned_to_the_version_that_the_digests_hold_for() -> None:
    assert requirements(PROJECT["project"]["dependencies"])["transformers"] == "transformers==5.23.0"


def test_the_console_script_is_the_command_line() -> None:
    from archviz.cli import run

    module, _, function = PROJECT["project"]["scripts"]["archviz"].partition(":")
    assert (module, function) == (run.__module__, run.__name__)


@pytest.mark.parametrize("source", PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"])
def test_what_the_wheel_carries_from_outside_the_package_is_there(source: str) -> None:
    assert (ROOT / source).exists()


def test_every_ignored_lint_rule_has_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = text.partition("\nignore = [\n")[2].partition("\n]\n")[0].splitlines()
    assert len(listed) == len(PROJECT["tool"]["ruff"]["lint"]["ignore"])
    assert all(re.fullmatch(r'  "[A-Z]+\d*", +# .{5,}', line) for line in listed)


def test_modules_have_telling_names_and_are_not_too_long() -> None:
    for path in [*(ROOT / "archviz").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        assert path.stem not in {"utils", "common", "helpers", "misc"}, path
        assert len(path.read_text("utf-8").splitlines()) <= 500, path


def test_functions_are_not_too_long() -> None:
    for path in [*(ROOT / "archviz").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno <= 80, f"{path}:{node.lineno} {node.name}"
