#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Write an arch.json (of extract_arch.py) as a TikZ source that xelatex, lualatex and pdflatex compile."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skill_script import find_archviz

_EXAMPLES = """examples:
  python scripts/render_tikz.py arch.json --output figure.tex                  # every operation with its formula
  python scripts/render_tikz.py arch.json --output column.tex --view overview --width 170mm --no-mtp
  bash scripts/compile.sh figure.tex                                           # figure.pdf and figure.png

exit status: 0 done, 1 internal fault or too large, 2 wrong usage or a file that is no arch.json,
             5 written, but something in the figure is wrong or was not understood (it is told)
"""


def _parser() -> argparse.ArgumentParser:
    from archviz.formats import THEMES, VIEWS

    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("arch", type=Path, help="the arch.json")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("figure.tex"), help="the source (default: figure.tex)"
    )
    parser.add_argument("--no-mtp", action="store_true", help="leave the prediction of further tokens out")
    parser.add_argument("--view", choices=[view for view in VIEWS if view != "module"], default="detailed")
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument("--width", help="of the figure: 170mm, 6.7in, 482pt or 1200px; its own by default")
    return parser


def _run(options: argparse.Namespace) -> int:
    from archviz.architecture.documents import read_architecture
    from archviz.architecture.units import SCHEMA
    from archviz.commands.printing import say
    from archviz.emit.architecture_files import architecture_files
    from archviz.errors import EXIT_DONE_WITH_GAPS, UsageError
    from archviz.formats import Look, parse_width
    from archviz.outputs import check_output, write_bytes
    from archviz.settings import Settings
    from archviz.sources.model_source import read_json

    check_output(options.output)
    document = read_json(options.arch, Settings())
    if document.get("schema") != SCHEMA:
        raise UsageError(
            f"the file is no arch.json ({SCHEMA})", where=str(options.arch), hint="make it by extract_arch.py"
        )
    architecture = read_architecture(document.get("architecture"), str(options.arch))
    if options.no_mtp:
        facts = [fact for fact in architecture.facts if not fact.key.startswith("mtp")]
        architecture = replace(architecture, facts=facts)
    look = Look(theme=options.theme, width=parse_width(options.width) if options.width else None)
    files, findings = architecture_files(architecture, ["tex"], look, options.view)
    write_bytes(options.output, files["tex"])
    print(options.output)
    for finding in findings:
        say(f"{finding.severity}: {finding.message}")
    hard = any(finding.severity == "hard" for finding in findings)
    return EXIT_DONE_WITH_GAPS if hard or architecture.gaps else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    find_archviz()
    from archviz.errors import run_reporting

    options = _parser().parse_args(argv)
    return run_reporting("archviz", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
