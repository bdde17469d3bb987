"""`archviz papers`: the paper of an id or title."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import given, settings_of
from archviz.commands.printing import print_json, say
from archviz.errors import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="ID_OR_TITLE", help="an arXiv id or URL, or the whole title")
    parser.add_argument(
        "--sections",
        metavar="WHICH",
        type=given,
        help="architecture, all, or numbers and words of titles (2.1,tokenizer); the abstract alone by default",
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.lookup.papers import paper_text

    answer = pipeline.papers(options.name, sections=options.sections, settings=settings_of(options))
    if options.json:
        print_json(answer.as_dict())
    else:
        print(printable(paper_text(answer), lines=True), end="")
    say(f"{answer.status}: {answer.message}")
    return answer.exit_status


COMMAND = Command(
    "papers",
    "the paper of exactly this arXiv id or title; its architecture sections as text",
    add_arguments,
    run,
    ("2505.09388 --sections architecture", '"Qwen3 Technical Report" --json'),
)
