"""`archviz compare`: models side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from archviz.commands.command import Command
from archviz.commands.draw import look_arguments, look_of
from archviz.commands.options import MODEL, given, given_path, settings_of
from archviz.commands.printing import list_on_stderr, print_json, with_gaps
from archviz.errors import printable
from archviz.formats import parse_formats, split_suffix

if TYPE_CHECKING:
    from archviz.comparison.comparing import Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL", nargs="+", help=f"two or more: {MODEL}")
    parser.add_argument(
        "--family", action="store_true", help="order related models by what changed from one to the next"
    )
    parser.add_argument(
        "-f", "--format", metavar="F[,F…]", type=given, help="draw two models on one frame: svg, png, pdf, tex"
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=given_path, help="path of the figure without suffix")
    look_arguments(parser)
    parser.add_argument("--markdown", metavar="FILE.md", type=given_path, help="write the comparison as Markdown")


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.comparison.text import comparison_text, family_text

    result = pipeline.compare(
        options.models, family=options.family, markdown=options.markdown, settings=settings_of(options)
    )
    if options.format or options.output:
        return _draw(options, result.comparison)
    if options.json:
        print_json(result.as_dict())
    elif options.markdown:
        print(printable(str(options.markdown)))
    else:
        text = family_text(result.steps) if options.family else comparison_text(result.comparison)
        print(printable(text, lines=True), end="")
    return with_gaps([gap for model in result.comparison.models for gap in model.gaps])


def _draw(options: argparse.Namespace, comparison: Comparison) -> int:
    """The figure of two models; its files on stdout."""
    from archviz.drawings import draw_comparison

    names = [name.rpartition("/")[2] for name in comparison.names]
    output, suffix = split_suffix(options.output or Path("-vs-".join(names)[:120]))
    drawn = draw_comparison(comparison, output, parse_formats(options.format or suffix or "png"), look_of(options))
    if options.json:
        from archviz.answers import draw_answer

        print_json(draw_answer(drawn))
    else:
        print(*(printable(str(path)) for path in drawn.files), sep="\n")
    list_on_stderr([f"{finding.severity}: {finding.message}" for finding in drawn.findings], "findings")
    with_gaps(drawn.gaps)
    return drawn.exit_status


COMMAND = Command(
    "compare",
    "two models or more side by side: facts, layers, blocks and code that differ",
    add_arguments,
    run,
    (
        "MiniMaxAI/MiniMax-M2 Qwen/Qwen3-235B-A22B-FP8",
        "deepseek-ai/DeepSeek-V3 zai-org/GLM-5 deepseek-ai/DeepSeek-V4-Flash --family",
        "google/gemma-2-9b google/gemma-3-27b-it --markdown gemma.md",
        "deepseek-ai/DeepSeek-V3 zai-org/GLM-5 -o v3-glm5 -f svg,png",
    ),
)
