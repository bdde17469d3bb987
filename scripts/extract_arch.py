#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Write the architecture of a model as arch.json: its units with shapes, formulas and parameters, its family and flags."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skill_script import find_archviz

_EXAMPLES = """examples:
  python scripts/extract_arch.py deepseek-ai/DeepSeek-V4-Flash --output arch.json
  python scripts/extract_arch.py ./config.json --output arch.json --offline
  python scripts/render_tikz.py arch.json --output figure.tex && bash scripts/compile.sh figure.tex

exit status: 0 done, 1 internal fault or too large, 2 wrong usage, 3 no such model, 4 a source was not reached, 5 done with gaps
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", help="org/name on the Hugging Face Hub, a folder, a config.json, transformers:MODEL_TYPE"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("arch.json"), help="the JSON file (default: arch.json)"
    )
    parser.add_argument("--class", dest="class_name", metavar="NAME", help="which model class to build")
    parser.add_argument("--offline", action="store_true", help="ask nobody on the network")
    return parser


def _run(options: argparse.Namespace) -> int:
    from archviz.architecture.units import units_document
    from archviz.descriptions import describe
    from archviz.errors import EXIT_DONE_WITH_GAPS
    from archviz.outputs import check_output, write_text
    from archviz.settings import Settings

    check_output(options.output)
    settings = replace(Settings(), offline=options.offline)
    architecture = describe(options.model, class_name=options.class_name, settings=settings)
    text = json.dumps(units_document(architecture), indent=2, ensure_ascii=False, default=_as_dict)
    write_text(options.output, text + "\n")
    print(options.output)
    for gap in architecture.gaps:
        print(f"gap: {gap.module}: {gap.reason}", file=sys.stderr)
    return EXIT_DONE_WITH_GAPS if architecture.gaps else 0


def _as_dict(part: object) -> object:
    return vars(part)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    options = _parser().parse_args(argv)
    find_archviz()
    from archviz.errors import run_reporting

    return run_reporting("archviz", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
