#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Say which published model a name stands for; near names are listed, never chosen."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skill_script import run_command, script_parser, shared_arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    examples = ("Qwen/Qwen3.5-397B-A17B", "Qwen3.5 --json", "MiniMax-M2 --offline")
    parser = script_parser(str(__doc__), examples, "resolve_model.py")
    parser.add_argument("name", help="the name as the user wrote it, whole: Qwen3.5-397B-A17B")
    options = parser.parse_args(argv)
    return run_command(["resolve", options.name, *shared_arguments(options)])


if __name__ == "__main__":
    sys.exit(main())
