"""The development reference: where it lies, its rows, and the referee as a program of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
REFEREE = SHARED / "referee" / "referee.py"
DEFAULTS = SHARED / "referee" / "truth-defaults.jsonl"
CONFIGS = SHARED / "real-configs"
TABLES = ROOT / "tests" / "tables"
Row = dict[str, Any]


@dataclass(slots=True)
class Report:
    """What a check found: one summary line, and one line for each thing that differs.

    Args:
        name: The check.
        counts: What is counted → how many, in the order of the summary.
        lines: What differs, itemised.
        faults: How many of the lines break the contract; the exit status says whether there are any.
    """

    name: str
    counts: dict[str, float] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    faults: int = 0

    def count(self, what: str, number: float = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def fault(self, line: str) -> None:
        self.faults += 1
        self.lines.append(line)

    def print(self) -> None:
        for line in self.lines:
            print(f"  {line}")
        print(f"{self.name}: " + ", ".join(f"{number:g} {what}" for what, number in self.counts.items()))


def needed(path: Path) -> Path:
    """A path of the reference; says clearly when it is not there."""
    if not path.exists():
        sys.exit(f"the reference is not here: {path} (it is part of the development setup, not of the project)")
    return path


def rows(path: Path) -> Iterator[Row]:
    """The rows of a JSON-lines file of the reference."""
    with needed(path).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def load_module(path: Path) -> ModuleType:
    """A module of the reference (`compare`, `referee`) by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, needed(path))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def official_tensors(
    python: str | None, source: str | Row, class_name: str | None
) -> dict[str, list[int | None]] | None:
    """What PyTorch itself says of one model: name → shape; None when no Python with torch is at hand.

    Args:
        python: A Python that has torch and `transformers`.
        source: `transformers:TYPE`, or the values of a configuration.
        class_name: The class to build.
    """
    if python is None:
        return None
    if isinstance(source, str):
        return _asked(python, source, class_name)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.json"
        file.write_text(json.dumps(source), encoding="utf-8")
        return _asked(python, str(file), class_name)


def _asked(python: str, source: str, class_name: str | None) -> dict[str, list[int | None]]:
    chosen = ["--class", class_name] if class_name else []
    done = subprocess.run(  # noqa: S603 - the referee, with a Python that the caller named
        [python, str(needed(REFEREE)), "tensors", source, *chosen], capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(f"the referee refuses {source}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    tensors: dict[str, list[int | None]] = json.loads(done.stdout)["tensors"]
    return tensors


def user_seconds(command: list[str]) -> tuple[float, float, bytes]:
    """Run a cold process; wall seconds, user CPU seconds, and what it printed."""
    import resource
    import time

    before, start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603 - commands of this file's callers
        command, capture_output=True, check=False, env=environment
    )
    wall = time.perf_counter() - start
    if done.returncode not in {0, 5}:
        sys.exit(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return wall, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, done.stdout
