#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Write a diagram config (JSON with `stages`) as a Markdown document, with its DOT and JSON inside."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from skill_script import find_archviz

_EXAMPLES = """examples:
  python scripts/generate_markdown.py assets/example_config.json -o qwen35.md
  python scripts/generate_markdown.py config.json > model.md

exit status: 0 done, 1 internal fault or too large, 2 wrong usage or a config that cannot be used
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, help="the diagram config, a JSON file")
    parser.add_argument("-o", "--output", default="-", help="the Markdown file (default: -, which is stdout)")
    return parser


def _run(options: argparse.Namespace) -> int:
    from archviz.emit.diagram_files import diagram_files
    from archviz.errors import UsageError
    from archviz.figure.diagram_config import load_diagram_config
    from archviz.outputs import check_output, write_bytes

    if options.output == "-":
        files, _ = diagram_files(load_diagram_config(options.config), ["md"])
        sys.stdout.buffer.write(files["md"])
        return 0
    path = Path(options.output)
    check_output(path)
    if path.exists() and options.config.exists() and path.samefile(options.config):
        raise UsageError("the output is the config itself", where=str(path), hint="name another file, such as model.md")
    files, _ = diagram_files(load_diagram_config(options.config), ["md"])
    write_bytes(path, files["md"])
    print(path)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    options = _parser().parse_args(argv)
    find_archviz()
    from archviz.errors import run_reporting

    return run_reporting("archviz", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
