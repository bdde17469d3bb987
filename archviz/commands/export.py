"""`archviz export`: the model for a performance estimator."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import given_path, model_arguments, settings_of
from archviz.commands.printing import print_json, with_gaps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument(
        "--estimator",
        metavar="FOLDER",
        type=given_path,
        required=True,
        help="the estimator's layer classes: a folder of Python files, read and never imported",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=given_path,
        required=True,
        help="where {model_id}.json and gaps/ are written",
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline

    result = pipeline.export(
        options.model,
        options.estimator,
        options.output,
        class_name=options.class_name,
        settings=settings_of(options),
    )
    if options.json:
        print_json(result.as_dict())
    else:
        print(*result.files, sep="\n")
    return with_gaps(result.gaps)


COMMAND = Command(
    "export",
    "the model as layers of a performance estimator, with a report on each that it lacks",
    add_arguments,
    run,
    (
        "Qwen/Qwen3.5-397B-A17B --estimator assets/estimator_layers -o export",
        "deepseek-ai/DeepSeek-V4-Flash --estimator path/to/layers -o export --json",
    ),
)
