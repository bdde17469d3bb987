"""A Python with torch beside the check, asked and answering line by line."""

from __future__ import annotations

import subprocess


def start_referee(python: str, program: str) -> subprocess.Popen[str]:
    """Start a program in a Python that the caller names.

    Args:
        program: Reads a question from each line of its input and prints one line as the answer.
    """
    return subprocess.Popen(  # noqa: S603 - a Python that the caller named
        [python, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
