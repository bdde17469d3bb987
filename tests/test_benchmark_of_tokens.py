"""The counter of tokens says why it cannot count before models are read, and loses no count to a large input."""

from __future__ import annotations

import importlib.util
import stat
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tokens() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_tokens", ROOT / "benchmarks" / "tokens.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def node_that(folder: Path, script: str) -> Path:
    """A program `node` of a few lines, first on the path."""
    program = folder / "node_modules" / "node" / "bin" / "node"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def test_texts_are_counted_in_portions(tokens: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = node_that(tmp_path, "while read -r line; do echo 2; done")
    monkeypatch.setattr(tokens, "_AT_ONCE", 3)
    tokens.check_counter(tools)
    assert tokens.count(["a\nb\u2028c"] * 8, tools) == [2] * 8


@pytest.mark.parametrize("script", ["echo no module >&2; exit 1", "echo 2; echo 2", "echo 3"])
def test_a_counter_that_fails_is_told_before_models_are_read(
    tokens: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    tools = node_that(tmp_path, script)
    with pytest.raises(tokens.CountError) as caught:
        tokens.check_counter(tools)
    assert "check_server.py tokens" in str(caught.value) or "not [3]" in str(caught.value)
