"""`archviz compare`: models side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from archviz.commands.command import Command
from archviz.commands.options import MODEL, settings_of
from archviz.commands.printing import gap_row, print_json, printable, with_gaps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL", nargs="+", help=f"two or more: {MODEL}")
    parser.add_argument(
        "--family", action="store_true", help="order related models by what changed from one to the next"
    )
    parser.add_argument("--markdown", metavar="FILE.md", type=Path, help="write the comparison as Markdown")


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.comparison.text import comparison_text, family_text

    result = pipeline.compare(
        options.models, family=options.family, markdown=options.markdown, settings=settings_of(options)
    )
    if options.json:
        print_json(result.as_dict())
    elif options.markdown:
        print(printable(str(options.markdown)))
    else:
        text = family_text(result.steps) if options.family else comparison_text(result.comparison)
        print(printable(text, lines=True), end="")
    return with_gaps([gap_row(gap) for model in result.comparison.models for gap in model.gaps])


COMMAND = Command(
    "compare",
    "two models or more side by side: facts, layers, blocks and code that differ",
    add_arguments,
    run,
    (
        "MiniMaxAI/MiniMax-M2 Qwen/Qwen3-235B-A22B-FP8",
        "deepseek-ai/DeepSeek-V3 zai-org/GLM-5 deepseek-ai/DeepSeek-V4-Flash --family",
        "google/gemma-2-9b google/gemma-3-27b-it --markdown gemma.md",
    ),
)
