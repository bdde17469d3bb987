"""Compile the TikZ of every catalog model with every TeX engine that is installed, and report what does not compile.

On Debian 12: apt install texlive-xetex texlive-luatex texlive-latex-extra texlive-pictures texlive-fonts-recommended.

    python scripts/dev/compile_tikz.py
    python scripts/dev/compile_tikz.py --engines xelatex Qwen/Qwen3-0.6B

Exit status: 0 everything compiles without overfull boxes, 1 something does not, 2 an engine that was asked for is not there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from archviz.descriptions import describe  # noqa: E402
from archviz.emit.architecture_files import architecture_files  # noqa: E402
from archviz.errors import ArchvizError  # noqa: E402
from archviz.formats import THEMES, VIEWS, Look, Theme, View  # noqa: E402
from archviz.lookup.catalog import model_ids  # noqa: E402
from archviz.settings import Settings  # noqa: E402

_ENGINES = ("xelatex", "lualatex", "pdflatex")


def faults(source: bytes, engine: str) -> Iterator[str]:
    """What an engine says against a source."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.tex"
        path.write_bytes(source)
        command = ["bash", str(ROOT / "scripts/compile.sh"), str(path), engine]
        try:
            done = subprocess.run(  # noqa: S603
                command, env={**os.environ, "PNG": "no"}, capture_output=True, text=True, timeout=600, check=False
            )
        except subprocess.TimeoutExpired:
            yield "still running after 600 s"
            return
        if not path.with_suffix(".pdf").exists():
            yield " ".join(done.stderr.split())[:300] or f"exit status {done.returncode}"
        elif done.stderr.strip():
            yield " ".join(done.stderr.split())[:300]


def _report(model: str, theme: Theme, view: View, engines: Sequence[str]) -> int:
    started = time.monotonic()
    try:
        architecture = describe(model, settings=Settings(offline=True))
        source = architecture_files(architecture, ["tex"], Look(theme=theme), view)[0]["tex"]
    except ArchvizError as error:
        print(f"{model}: not drawn: {error}", flush=True)
        return 1
    found = [f"{engine}: {fault}" for engine in engines for fault in faults(source, engine)]
    spent = time.monotonic() - started
    print(f"{model}: {'; '.join(found) or 'compiles'} ({len(source) / 1000:.0f} kB, {spent:.0f} s)", flush=True)
    return len(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="catalog models; all by default")
    parser.add_argument("--engines", default=",".join(_ENGINES), help="of xelatex, lualatex, pdflatex")
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument("--view", choices=VIEWS, default="overview")
    options = parser.parse_args()
    engines = options.engines.split(",")
    if missing := [engine for engine in engines if shutil.which(engine) is None]:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 2
    models = options.models or model_ids()
    wrong = sum(_report(model, options.theme, options.view, engines) > 0 for model in models)
    print(f"{len(models) - wrong} of {len(models)} compile with {', '.join(engines)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
