#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Check claims about a model against its code, each with the line that proves it; or search any Python code by topic (--for)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skill_script import class_argument, output_argument, run_command, script_parser, shared_arguments

_EXAMPLES = (
    "Qwen/Qwen3.5-397B-A17B --expect layers=60,params=397B",
    "openai/gpt-oss-20b --against figure.json",
    "deepseek-ai/DeepSeek-V3 --report validation.md",
    "modeling_acme.py --for rope,split",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = script_parser(str(__doc__), _EXAMPLES, "verify_code.py")
    parser.add_argument("target", help="MODEL; with --for a file, folder, archive or GitHub URL of Python code")
    parser.add_argument("--expect", metavar="KEY=VALUE[,…]", help="what is stated: layers=60,params=397B")
    parser.add_argument("--against", metavar="FIGURE.json", help="a diagram config or an Architecture to check")
    parser.add_argument("--report", metavar="OUT.md", help="write a validation report")
    parser.add_argument(
        "--for",
        dest="topics",
        metavar="TOPIC[,…]",
        help="search code for rope, split, norm, moe, attention, kernels, cache, quantization",
    )
    class_argument(parser)
    output_argument(parser)
    options = parser.parse_args(argv)
    stated = [option for option in ("expect", "against", "report") if getattr(options, option)]
    if options.topics:
        if stated:
            parser.error(f"--{stated[0]} is for a model, --for is for code")
        searched = ["code-search", options.target, "--for", options.topics]
        return run_command([*searched, *shared_arguments(options)], options.output)
    if options.target.endswith(".py") and not options.class_name:
        parser.error("of a Python file give --for TOPIC to search it, or --class NAME to verify that class as a model")
    more = [word for option in stated for word in (f"--{option}", getattr(options, option))]
    return run_command(["verify", options.target, *more, *shared_arguments(options)], options.output)


if __name__ == "__main__":
    sys.exit(main())
