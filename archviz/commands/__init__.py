"""The commands of the command line: one file each.

In: parsed arguments. Out: data on stdout, messages on stderr, an exit status. A command holds no logic: it calls
`archviz.pipeline`, or the room below it that needs no interpreter, and prints (`printing`).

To add one: a file named after it (`-` written `_`) with `add_arguments`, `run` and `COMMAND`, its name in `NAMES` here, a row in
`references/contracts.md`. Imports that cost time stand in `run`: `archviz --help` loads none of them, and a command that is run loads
no other.
"""

from __future__ import annotations

from importlib import import_module

from archviz.commands.command import Command

NAMES = (
    "resolve",
    "tensors",
    "trace",
    "describe",
    "draw",
    "document",
    "compare",
    "memory",
    "export",
    "code-search",
    "verify",
    "sources",
    "papers",
    "checkpoint",
    "cache",
    "schema",
    "doctor",
    "serve",
)
"""In the order of `archviz --help`."""


def load(name: str) -> Command:
    """The command of a name in `NAMES`."""
    command: Command = import_module(f"archviz.commands.{name.replace('-', '_')}").COMMAND
    return command
