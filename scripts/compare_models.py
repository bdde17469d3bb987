#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Hold models against each other: facts, layers, blocks and code that differ; --figure draws two of them on one frame."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skill_script import output_argument, run_command, script_parser, shared_arguments

_EXAMPLES = (
    "MiniMaxAI/MiniMax-M2 Qwen/Qwen3-235B-A22B-FP8",
    "deepseek-ai/DeepSeek-V3 zai-org/GLM-5 deepseek-ai/DeepSeek-V4-Flash --family",
    "deepseek-ai/DeepSeek-V3 zai-org/GLM-5 --figure v3-glm5.svg --output v3-glm5.txt",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = script_parser(str(__doc__), _EXAMPLES, "compare_models.py")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="two or more, each by its exact name")
    parser.add_argument("--family", action="store_true", help="order them by what changed from one to the next")
    parser.add_argument("--figure", metavar="OUT.svg", help="draw two models: OUT.svg, OUT.png, OUT.pdf or OUT.tex")
    parser.add_argument("--markdown", metavar="OUT.md", help="write the comparison as Markdown")
    output_argument(parser)
    options = parser.parse_args(argv)
    more = ["--family"] if options.family else []
    more += ["-o", options.figure] if options.figure else []
    more += ["--markdown", options.markdown] if options.markdown else []
    return run_command(["compare", *options.models, *more, *shared_arguments(options)], options.output)


if __name__ == "__main__":
    sys.exit(main())
