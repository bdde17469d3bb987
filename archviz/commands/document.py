"""`archviz document`: the written specification."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import given_path, model_arguments, settings_of
from archviz.commands.printing import print_json, with_gaps
from archviz.errors import UsageError, printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument("-o", "--output", metavar="FILE.md", type=given_path, help="where the document is written")
    parser.add_argument("--summary", action="store_true", help="print the short form for a chat")
    parser.add_argument(
        "--tensors", action="store_true", help="the JSON in the document also lists every single tensor"
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline

    if options.output is None and not options.summary:
        raise UsageError(
            "neither a file nor --summary is asked for", hint="archviz document MODEL -o FILE.md, or --summary"
        )
    result = pipeline.document(
        options.model,
        options.output,
        class_name=options.class_name,
        with_tensors=options.tensors,
        settings=settings_of(options),
    )
    if options.json:
        print_json(result.as_dict())
    else:
        if options.summary:
            print(printable(result.summary, lines=True), end="")
        if result.file is not None and not options.summary:
            print(printable(str(result.file)))
    with_gaps(result.gaps)
    return result.exit_status


COMMAND = Command(
    "document",
    "the model as a Markdown document with pseudocode, JSON and evidence; its short form for a chat",
    add_arguments,
    run,
    ("Qwen/Qwen3.5-397B-A17B -o qwen3.5.md", "MiniMaxAI/MiniMax-M2 --summary"),
)
"""A conflict among the claims is in the document's report; `archviz verify` makes it an exit status."""
