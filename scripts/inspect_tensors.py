#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""List the tensors of a model with their shapes: those that the code builds, or those that are stored (--stored: headers only)."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence

from skill_script import class_argument, output_argument, run_command, script_parser, shared_arguments

_EXAMPLES = (
    "Qwen/Qwen3-0.6B --match layers.0.",
    "Qwen/Qwen3.5-397B-A17B --json --output tensors.json",
    "Qwen/Qwen3-0.6B --stored --csv --output tensors.csv",
)


def _size(row: str) -> int:
    """How many numbers the tensor of a row has; an alias has none of its own."""
    shape = re.search(r"  \[([\d, ]*)\]", row)
    return math.prod(int(each) for each in shape[1].split(",") if each.strip()) if shape else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = script_parser(str(__doc__), _EXAMPLES, "inspect_tensors.py")
    parser.add_argument("model", help="org/name, a folder, a config.json, or transformers:MODEL_TYPE")
    parser.add_argument(
        "--match", metavar="TEXT", help="on stdout, only tensors whose name has this text, or is such as *.q_proj.*"
    )
    parser.add_argument("--stored", action="store_true", help="what the checkpoint stores, read off its headers")
    parser.add_argument("--csv", action="store_true", help="of --stored: rows of kind,name,shape,dtype")
    class_argument(parser)
    output_argument(parser)
    options = parser.parse_args(argv)
    if options.csv and not options.stored:
        parser.error("--csv is for --stored")
    if options.match and (options.output or options.json or options.csv):
        parser.error("--match is for what is printed as text")
    if options.stored and options.class_name:
        parser.error("--class is for what the code builds, --stored for the checkpoint")

    def matching(text: str) -> str:
        from archviz.numbers.name_pattern import matcher

        fits = matcher(options.match)
        head, _, rows = text.partition("\n\n")
        kept = [row for row in rows.splitlines() if row.strip() and fits(row.split()[0])]
        if not kept:
            sys.stderr.write(f"no tensor has such a name: {options.match!a}\n")
        total = sum(map(_size, kept))
        return f"{head}\nof these  {len(kept):,} tensors match, {total:,} parameters\n\n" + "".join(
            f"{row}\n" for row in kept
        )

    more = ["--csv"] if options.csv else []
    command = "checkpoint" if options.stored else "tensors"
    arguments = [command, options.model, *more, *shared_arguments(options)]
    return run_command(arguments, options.output, matching if options.match else None)


if __name__ == "__main__":
    sys.exit(main())
