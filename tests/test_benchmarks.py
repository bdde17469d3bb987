from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_benchmark_prints_a_row_for_each_command() -> None:
    command = [sys.executable, "benchmarks/cold.py", "--runs", "1", "--only", "resolve", "--models", "Qwen/Qwen3-0.6B"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    head, row = done.stdout.splitlines()
    assert head.split() == ["command", "min", "s", "median", "s", "ratio", "warm", "s", "model"]
    name, *figures, model = row.split()
    assert (name, model) == ("resolve", "Qwen/Qwen3-0.6B")
    assert all(float(figure) >= 0 for figure in figures)
    assert float(figures[2]) > 0


def test_the_benchmark_of_dead_networks_prints_seconds_and_tells_what_took_too_long() -> None:
    command = [sys.executable, "benchmarks/unreachable.py", "--only", "refused", "--commands", "resolve"]
    done = subprocess.run([*command, "--most", "60"], cwd=ROOT, capture_output=True, text=True, check=False)
    head, row = done.stdout.splitlines()
    assert (done.returncode, head.split()) == (0, ["command", "offline", "refused"])
    assert all(float(figure) > 0 for figure in row.split()[1:])
    assert subprocess.run([*command, "--most", "0"], cwd=ROOT, capture_output=True, check=False).returncode == 1


def test_the_benchmark_of_figures_holds_each_step_against_its_limit() -> None:
    command = [sys.executable, "benchmarks/figures.py", "--every", "1000", "--slack", "100"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *rows, last = done.stdout.splitlines()
    assert [row.partition(" median")[0].strip() for row in rows] == ["layout and svg", "png", "pdf"]
    assert last == "1 models, 0 over a limit"
