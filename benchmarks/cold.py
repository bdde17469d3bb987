"""How long archviz takes: each command as a process of its own, and once more in a process that has run it before.

    python benchmarks/cold.py                      all commands on three models, five runs each
    python benchmarks/cold.py --runs 9 --only describe,draw-png --models Qwen/Qwen3-0.6B

Times are CPU seconds of the process, as the operating system counts them, minimum and median. `ratio` is the median in
units of a fixed pure-Python workload that is timed in the same run, in turn with the commands: it compares machines, and
busy hours of one machine. Bytecode is kept in a temporary folder, as an installed package has it; the first run of each
command fills it and does not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODELS = ("Qwen/Qwen3.5-397B-A17B", "Qwen/Qwen3-0.6B", "google/gemma-2-2b-it")
COMMANDS = {
    "resolve": ["resolve", "MODEL", "--offline"],
    "tensors": ["tensors", "MODEL", "--offline"],
    "describe": ["describe", "MODEL", "--offline"],
    "trace": ["trace", "MODEL", "--offline"],
    "draw-svg": ["draw", "MODEL", "--offline", "-o", "OUT", "-f", "svg"],
    "draw-png": ["draw", "MODEL", "--offline", "-o", "OUT", "-f", "png"],
}
_COLD = "import sys; from archviz.cli import main; sys.argv[0] = 'archviz'; sys.exit(main())"
_WARM = """
import contextlib, io, sys, time
from archviz.cli import main
for _ in range(2):
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        main(sys.argv[1:])
print("second:", time.process_time() - start, file=sys.stderr)
"""


def reference() -> float:
    """CPU seconds of a fixed workload: names, dictionaries and calls, as an interpreter has them."""
    start = time.process_time()
    table: dict[str, int] = {}
    for number in range(150_000):
        name = f"layer.{number % 997}"
        table[name] = table.get(name, 0) + len(name.split("."))
    assert sum(table.values()) == 300_000
    return time.process_time() - start


def cold(arguments: Sequence[str], environment: dict[str, str]) -> float:
    """CPU seconds of one command as a process of its own."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", _COLD, *arguments], check=False, env=environment, cwd=ROOT, capture_output=True
    )
    after = os.times()
    if done.returncode not in (0, 5):  # done, done with gaps
        sys.exit(f"archviz {' '.join(arguments)}: {done.stderr.decode()}")
    return after.children_user - before.children_user + after.children_system - before.children_system


def warm(arguments: Sequence[str], environment: dict[str, str]) -> float:
    """CPU seconds of a command that runs a second time in one process."""
    command = [sys.executable, "-c", _WARM, *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stderr.rpartition("second:")[2])


def measure(arguments: Sequence[str], environment: dict[str, str], runs: int) -> tuple[list[float], float, list[float]]:
    """Cold times, the second call of a process, and the reference, which is timed in turn with the command."""
    cold(arguments, environment)
    times, references = [], []
    for _ in range(runs):
        references.append(reference())
        times.append(cold(arguments, environment))
    return times, warm(arguments, environment), references


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each command, 5 by default")
    parser.add_argument("--models", default=",".join(MODELS), help="names with commas between them")
    parser.add_argument("--only", default=",".join(COMMANDS), help=f"of {', '.join(COMMANDS)}")
    options = parser.parse_args(argv)
    if unknown := set(options.only.split(",")) - set(COMMANDS):
        parser.error(f"no such command: {', '.join(sorted(unknown))}")
    print(f"{'command':<10}{'min s':>8}{'median s':>10}{'ratio':>8}{'warm s':>8}  model")
    with tempfile.TemporaryDirectory(prefix="archviz-bench-") as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for model in options.models.split(","):
            for name in options.only.split(","):
                put = {"MODEL": model, "OUT": str(Path(folder, "figure"))}
                arguments = [put.get(word, word) for word in COMMANDS[name]]
                times, second, references = measure(arguments, environment, options.runs)
                middle = statistics.median(times)
                ratio = middle / statistics.median(references)
                print(f"{name:<10}{min(times):8.2f}{middle:10.2f}{ratio:8.1f}{second:8.2f}  {model}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
