"""A program run under several hash seeds, which must not show in what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(program: str, seeds: tuple[str, ...] = ("0", "7")) -> set[str]:
    """What the program prints in a process of its own under each seed."""
    found = set()
    for seed in seeds:
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        found.add(done.stdout.strip())
    return found
