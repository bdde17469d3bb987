"""What a command is: its name, its arguments, what it runs; and the parser that knows it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from archviz.errors import UsageError
from archviz.records import record

STATUSES = """exit status:
  0  done
  1  internal fault, or too large: a bound on steps, size or time was reached
  2  wrong usage, a configuration or file that cannot be used, or a package that is not installed
  3  no model of exactly this name, or an ambiguous name (candidates are listed)
  4  a source could not be reached, is gated or rate-limited
  5  done with gaps: the output is there, what was not understood, or is wrong in a figure, is listed
  6  verification found a conflict
  130  interrupted
"""


class HelpText(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal; argparse makes one for every option, and would import `shutil` to ask for the width."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=terminal_columns() - 2)


def terminal_columns() -> int:
    """`$COLUMNS`, else the width of the terminal, else 80."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated) > 0:
        return int(stated)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr] # closed: caught
    except (AttributeError, OSError, ValueError):
        return 80


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are `UsageError`s, so that `--json` can answer them as data."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help shows what it takes")


@record(frozen=True)
class Command:
    """One command of the command line.

    Args:
        name: As it is typed.
        what: Its purpose, for `--help`; a sentence without its full stop.
        arguments: Adds to the parser what this command takes besides `--json`, `--offline` and `--debug`.
        run: Does it, prints, and returns the exit status.
        examples: Arguments that work; the first stands in `archviz --help`.
        notes: What else `--help` tells, before the exit statuses.
    """

    name: str
    what: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    examples: tuple[str, ...]
    notes: str = ""


def add_command(commands: argparse._SubParsersAction[Parser], command: Command) -> None:
    """Give the command line a parser for this command."""
    examples = "\n".join(f"  archviz {command.name} {example}".rstrip() for example in command.examples)
    notes = f"{command.notes}\n\n" if command.notes else ""
    parser = commands.add_parser(
        command.name,
        help=command.what,
        description=f"{command.what[0].upper()}{command.what[1:]}{'' if command.what.endswith('?') else '.'}",
        epilog=f"examples:\n{examples}\n\n{notes}{STATUSES}",
        formatter_class=HelpText,
    )
    command.arguments(parser)
    parser.add_argument("--json", action="store_true", help="data as JSON on stdout, errors too")
    parser.add_argument(
        "--offline", action="store_true", help="ask no network: what is stored, the catalog and files answer"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an internal fault")
    parser.set_defaults(run=command.run)
