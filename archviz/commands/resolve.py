"""`archviz resolve`: whether a model of exactly this name exists."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import name_argument, settings_of
from archviz.commands.printing import print_json, say
from archviz.errors import printable


def run(options: argparse.Namespace) -> int:
    from archviz.lookup.resolve import resolve  # a name needs no interpreter, which the pipeline loads

    found = resolve(options.name, settings_of(options))
    if options.json:
        print_json(found.as_dict())
    elif found.model_id and not found.exit_status:
        print(found.model_id)
    else:
        for candidate in found.candidates:
            print(printable(f"{candidate.id}  ({candidate.why})"))
    say(f"{found.status}: {found.message}")
    if found.advice and found.exit_status:
        say(found.advice)
    return found.exit_status


COMMAND = Command(
    "resolve",
    "is there a model of exactly this name?",
    name_argument,
    run,
    ("Qwen/Qwen3.5-397B-A17B", "Qwen3.5 --json"),
)
