#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Describe the architecture of a model: configuration, layer pattern, parameters with formulas, gaps; --full adds the module tree."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skill_script import class_argument, output_argument, run_command, script_parser, shared_arguments

_EXAMPLES = (
    "Qwen/Qwen3.5-397B-A17B",
    "./config.json --full",
    "Qwen/Qwen3.5-397B-A17B --json --output architecture.json",
)


def without_modules(text: str) -> str:
    """The description without its module tree, the longest section."""
    before, heading, rest = text.partition("\nModules\n")
    if not heading:
        return text
    after = rest.partition("\n\n")[2]
    return f"{before}\nModules: left out here, --full shows their tree\n\n{after}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = script_parser(str(__doc__), _EXAMPLES, "describe_architecture.py")
    parser.add_argument("model", help="org/name, a folder, a config.json, or transformers:MODEL_TYPE")
    parser.add_argument("--full", action="store_true", help="with the tree of all modules")
    class_argument(parser)
    output_argument(parser)
    options = parser.parse_args(argv)
    shorten = None if options.full else without_modules
    return run_command(["describe", options.model, *shared_arguments(options)], options.output, shorten)


if __name__ == "__main__":
    sys.exit(main())
