#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""List what exists for a model (code, configuration, paper, GitHub, card), or read the paper of exactly an id or title."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skill_script import output_argument, run_command, script_parser, shared_arguments

_EXAMPLES = (
    "Qwen/Qwen3.5-397B-A17B",
    "deepseek-ai/DeepSeek-V3 --text --output sources.txt",
    "2412.19437 --paper --sections architecture --output paper.txt",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = script_parser(str(__doc__), _EXAMPLES, "find_sources.py")
    parser.add_argument("name", help="the exact name of a model; with --paper an arXiv id or a whole title")
    parser.add_argument("--text", action="store_true", help="also the text of the card and of publishers' blogs")
    parser.add_argument("--paper", action="store_true", help="the name is that of a paper")
    parser.add_argument("--sections", metavar="WHICH", help="of the paper: architecture, all, or numbers and words")
    output_argument(parser)
    options = parser.parse_args(argv)
    if options.paper:
        more = ["--sections", options.sections] if options.sections else []
        return run_command(["papers", options.name, *more, *shared_arguments(options)], options.output)
    if options.sections:
        parser.error("--sections is for --paper")
    more = ["--text"] if options.text else []
    return run_command(["sources", options.name, *more, *shared_arguments(options)], options.output)


if __name__ == "__main__":
    sys.exit(main())
