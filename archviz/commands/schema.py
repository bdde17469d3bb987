"""`archviz schema`: the JSON schema of `describe --json`."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import no_arguments


def run(options: argparse.Namespace) -> int:
    from archviz.schemas import schema_text

    print(schema_text(), end="")
    return 0


COMMAND = Command("schema", "the JSON schema of describe --json", no_arguments, run, ("",))
