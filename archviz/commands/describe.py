"""`archviz describe`: the architecture as text or JSON."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import model_arguments, settings_of
from archviz.commands.printing import with_gaps


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline

    architecture = pipeline.describe(options.model, class_name=options.class_name, settings=settings_of(options))
    print(architecture.to_json(indent=2) if options.json else pipeline.describe_text(architecture).rstrip("\n"))
    return with_gaps(architecture.gaps)


COMMAND = Command(
    "describe",
    "the architecture as a text tree",
    model_arguments,
    run,
    ("Qwen/Qwen3.5-397B-A17B", "./config.json --json"),
)
