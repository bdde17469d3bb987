#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
# ///
"""Draw a diagram config (JSON with `stages`) as PNG, SVG, PDF, TikZ or HTML, or write it as DOT."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

if importlib.util.find_spec("archviz") is None:  # run from a checkout that is not installed
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from archviz.emit.diagram_files import diagram_files
from archviz.errors import EXIT_DONE_WITH_GAPS, UsageError, run_reporting
from archviz.figure.diagram_config import load_diagram_config
from archviz.formats import ENGINES, Look
from archviz.outputs import check_output

_FORMATS = ("png", "svg", "pdf", "tex", "html")
_EXAMPLES = """examples:
  python scripts/visualize_architecture.py assets/example_config.json -o qwen35 -f png
  python scripts/visualize_architecture.py config.json -o out/model -f svg,pdf --markdown
  python scripts/visualize_architecture.py config.json -o model --dot-only
  python scripts/visualize_architecture.py config.json -o - -f svg > model.svg

exit status: 0 done, 1 internal fault, 2 wrong usage or a config that cannot be drawn,
             5 drawn, but something in the figure is wrong (it is told)
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, help="the diagram config, a JSON file")
    parser.add_argument(
        "-o",
        "--output",
        default="architecture",
        help="output path without extension (default: architecture); - is stdout",
    )
    parser.add_argument(
        "-f", "--format", default="png", help="png, svg, pdf, tex or html, or several with commas (default: png)"
    )
    parser.add_argument("--dot-only", action="store_true", help="write only the DOT file, draw nothing")
    parser.add_argument("--markdown", action="store_true", help="also write a Markdown document")
    parser.add_argument(
        "--engine",
        default="own",
        choices=ENGINES,
        help="what draws: the own layouter (default), or Graphviz from the DOT where it is installed",
    )
    parser.add_argument("--theme", default="light", choices=("light", "dark"))
    return parser


def _formats(options: argparse.Namespace) -> list[str]:
    names = list(dict.fromkeys(name.strip().lower() for name in options.format.split(",") if name.strip()))
    stray = [name for name in names if name not in _FORMATS]
    if stray or not names:
        shown = ", ".join(stray)[:80] or "nothing"
        raise UsageError(f"no such format: {shown}", hint=f"formats are {', '.join(_FORMATS)}; for DOT use --dot-only")
    chosen = ["dot"] if options.dot_only else names
    return [*chosen, "md"] if options.markdown else chosen


def _run(options: argparse.Namespace) -> int:
    formats = _formats(options)
    if options.output == "-" and len(formats) > 1:
        raise UsageError("only one format goes to stdout", hint="name an output with -o NAME")
    stem = Path(options.output)
    if stem.suffix.lower().removeprefix(".") in (*_FORMATS, "dot", "md"):
        stem = stem.with_suffix("")
    paths = {name: stem.with_name(f"{stem.name}.{name}") for name in formats} if options.output != "-" else {}
    for path in paths.values():
        check_output(path)
    files, findings = diagram_files(
        load_diagram_config(options.config), formats, Look(theme=options.theme, engine=options.engine)
    )
    for name, content in files.items():
        if name in paths:
            paths[name].write_bytes(content)
            print(paths[name])
        else:
            sys.stdout.buffer.write(content)
    for finding in findings:
        print(f"{finding.severity}: {finding.message}", file=sys.stderr)
    return EXIT_DONE_WITH_GAPS if any(finding.severity == "hard" for finding in findings) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    options = _parser().parse_args(argv)
    return run_reporting("visualize_architecture", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
