"""`archviz sources`: what exists for a model."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import name_argument, settings_of
from archviz.commands.printing import print_json
from archviz.errors import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    name_argument(parser)
    parser.add_argument(
        "--text",
        action="store_true",
        help="also the text of the card and of publishers' blogs, with as many requests as all of it takes",
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.survey.text import survey_text

    survey = pipeline.sources(options.name, with_text=options.text, settings=settings_of(options))
    if options.json:
        print_json(survey.as_dict())
    else:
        print(printable(survey_text(survey), lines=True), end="")
    return survey.exit_status


COMMAND = Command(
    "sources",
    "what exists for a model: code, configuration, paper, GitHub, card; where they disagree",
    add_arguments,
    run,
    ("Qwen/Qwen3.5-397B-A17B", "GPT-4o --json"),
)
