"""DOT drawn by Graphviz: the program `dot` where it is on PATH, else the library that the `pygraphviz` wheel brings.

Either runs as a process of its own, with the bundled fonts and no others, a fixed date, and a bounded time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from archviz.figure.fonts import font_folder
from archviz.figure.lint import Finding
from archviz.records import record

DRAWN = ("svg", "png", "pdf")
_SECONDS = 120.0
_DATE = re.compile(rb"(/CreationDate \(D:)([^)]*)\)")  # some versions take it from the clock whatever one says
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""
_LIBRARY = """
import sys
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


@record(frozen=True)
class Drawn:
    """What Graphviz drew, by format, and what is to be told: who drew it, or why nobody did."""

    files: dict[str, bytes]
    told: str


def graphviz_files(dot: str, formats: Sequence[str]) -> tuple[dict[str, bytes], list[Finding]]:
    """Those of the formats that Graphviz draws, and a soft finding that says who drew, or why the own layouter has to."""
    wanted = [name for name in formats if name in DRAWN]
    if not wanted:
        return {}, []
    drawn = draw(dot, wanted)
    told = drawn.told if drawn.files else f"drawn by the own layouter: {drawn.told}"
    return drawn.files, [Finding("soft", "engine", told)]


def draw(dot: str, formats: Sequence[str]) -> Drawn:
    """A DOT text as files; no files where there is no Graphviz, or where it fails.

    Args:
        formats: Of `svg`, `png`, `pdf`.
    """
    reasons: list[str] = []
    for name, command in _engines():
        try:
            files = {each: _run(command, dot, each) for each in formats}
        except (OSError, subprocess.SubprocessError) as error:
            reasons.append(f"{name} failed ({_reason(error)})")
            continue
        return Drawn(files, f"drawn by Graphviz: {name}")
    return Drawn({}, "; ".join(reasons) or "there is neither dot on PATH nor the pygraphviz package")


def _engines() -> Iterator[tuple[str, list[str]]]:
    """Names and commands, the better first; the format is joined to the last argument."""
    program = shutil.which("dot")
    if program:
        yield "dot on PATH", [program, "-T"]
    if find_spec("pygraphviz") is not None:
        yield "the pygraphviz package", [sys.executable, "-c", _LIBRARY, ""]


def _run(command: list[str], dot: str, form: str) -> bytes:
    with _surroundings() as environment:
        done = subprocess.run(  # noqa: S603 (a program that is found on PATH, its arguments are ours)
            [*command[:-1], command[-1] + form],
            input=dot.encode(), capture_output=True, check=True, timeout=_SECONDS, env=environment,
        )  # fmt: skip
    if not done.stdout:
        raise subprocess.SubprocessError("it drew nothing")
    return (
        _DATE.sub(lambda found: found[1] + b"0" * len(found[2]) + b")", done.stdout) if form == "pdf" else done.stdout
    )


@contextmanager
def _surroundings() -> Iterator[dict[str, str]]:
    """An environment in which Graphviz finds the bundled fonts, and the date stands still."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "fonts.conf"
        settings.write_text(_FONTS.format(fonts=_in_xml(font_folder()), cache=_in_xml(Path(folder))), encoding="utf-8")
        yield {**os.environ, "FONTCONFIG_FILE": str(settings), "SOURCE_DATE_EPOCH": "0", "SERVER_NAME": "archviz"}


def _in_xml(path: Path) -> str:
    return str(path).replace("&", "&amp;").replace("<", "&lt;")


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"still drawing after {_SECONDS:.0f} s"
    if isinstance(error, subprocess.CalledProcessError):
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return said[-1][:200] if said else f"exit status {error.returncode}"
    return str(error)[:200]
