#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Write about a model: its specification (default), a summary for a chat, a validation report, memory, or an estimator's configuration."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from skill_script import class_argument, run_command, script_parser, shared_arguments

KINDS = ("document", "summary", "validation", "memory", "estimator")
_EXAMPLES = (
    "Qwen/Qwen3.5-397B-A17B --output qwen3.5.md",
    "MiniMaxAI/MiniMax-M2 --kind summary",
    "openai/gpt-oss-20b --kind validation --expect layers=24 --output validation.md",
    "deepseek-ai/DeepSeek-V3 --kind memory --context 4k,128k",
    "Qwen/Qwen3.5-397B-A17B --kind estimator --estimator path/to/layers --output export",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = script_parser(str(__doc__), _EXAMPLES, "write_document.py")
    parser.add_argument("model", help="org/name, a folder, a config.json, or transformers:MODEL_TYPE")
    parser.add_argument("--kind", choices=KINDS, default="document", help="what to write (default: document)")
    parser.add_argument("-o", "--output", metavar="FILE", help="the file; of an estimator the folder")
    parser.add_argument(
        "--expect", metavar="KEY=VALUE[,…]", help="of a validation: what is stated, layers=60,params=397B"
    )
    parser.add_argument("--context", metavar="N[,…]", help="of memory: lengths in tokens, 4k,128k")
    parser.add_argument(
        "--estimator",
        "--layers",
        metavar="FOLDER",
        help="of an estimator: its layer classes, read and never imported",
    )
    class_argument(parser)
    options = parser.parse_args(argv)
    for option, kind in (("expect", "validation"), ("context", "memory"), ("estimator", "estimator")):
        if getattr(options, option) and options.kind != kind:
            parser.error(f"--{option} is for --kind {kind}")
    if options.kind in ("document", "validation", "estimator") and not options.output:
        parser.error(f"--kind {options.kind} needs --output")
    if options.kind == "estimator" and not options.estimator:
        parser.error("--kind estimator needs --estimator")
    shared = shared_arguments(options)
    if options.kind == "document":
        return run_command(["document", options.model, "-o", options.output, *shared])
    if options.kind == "summary":
        return run_command(["document", options.model, "--summary", *shared], options.output)
    if options.kind == "validation":
        stated = ["--expect", options.expect] if options.expect else []
        return run_command(["verify", options.model, *stated, "--report", options.output, *shared])
    if options.kind == "memory":
        lengths = ["--context", options.context] if options.context else []
        return run_command(["memory", options.model, *lengths, *shared], options.output)
    return run_command(["export", options.model, "--estimator", options.estimator, "-o", options.output, *shared])


if __name__ == "__main__":
    sys.exit(main())
