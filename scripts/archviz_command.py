#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Run any archviz command that a page shows, where the program archviz is not installed: `archviz X` is `archviz_command.py X`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from skill_script import run_command

_EXAMPLES = """examples:
  python scripts/archviz_command.py doctor
  python scripts/archviz_command.py memory deepseek-ai/DeepSeek-V3 --context 4k,128k
  python scripts/archviz_command.py --to trace.json trace Qwen/Qwen3-0.6B --offline --json

What is printed is cut after 200 lines, and JSON that is too long is refused, unless --to names a file.

exit status: that of the command, see `archviz_command.py describe --help`; 2 for wrong usage
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="archviz_command.py",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--to", metavar="FILE", help="what the command prints goes to this file")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND …", help="an archviz command")
    options = parser.parse_args(argv)
    if not options.command:
        parser.error("no command is given; doctor is one")
    if options.command[0] == "serve":
        parser.error("serve speaks to a client over stdin and stdout: start archviz serve itself")
    return run_command(options.command, options.to)


if __name__ == "__main__":
    sys.exit(main())
