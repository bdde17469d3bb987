"""The command line: arguments in, data on stdout, messages on stderr, one documented exit status.

Start reading at `main`; what each command does stands in `archviz.commands`, one file each.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from archviz import __version__
from archviz.commands import NAMES, load
from archviz.commands.command import STATUSES, HelpText, Parser, add_command
from archviz.commands.printing import fail
from archviz.errors import ArchvizError, UsageError, lacking_package
from archviz.outlets import outlast_readers
from archviz.stack_room import with_stack_room

INTERRUPTED = 130


def run() -> NoReturn:
    """The command of this process, which ends without taking apart what it built: that costs as much as the answer of a short one."""
    status = main()
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed by the caller
        sys.stdout.flush()
        sys.stderr.flush()
    if "threading" in sys.modules and sys.modules["threading"].active_count() > 1:
        sys.exit(status)
    os._exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; those of the process by default.

    Returns:
        The exit status; see `archviz --help`.
    """
    if argv is None:
        gc.disable()  # one command a process: looking for garbage among syntax trees costs a third of its time
        outlast_readers()
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks × still gets its answer
    status = _run(arguments)
    if sys.stdout is not None:  # closed by the caller
        sys.stdout.flush()
    return status


@with_stack_room
def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        _refuse_option_first(arguments)
        options = _parser(arguments).parse_args(arguments)
        status: int = options.run(options)
    except SystemExit as stop:  # --help and --version
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt:
        print("archviz: interrupted", file=sys.stderr)
        return INTERRUPTED
    except ArchvizError as error:
        return fail(error, as_json=as_json)
    except OSError as error:
        return fail(_file_error(error), as_json=as_json)
    except Exception as error:
        if "--debug" in arguments:
            import traceback

            traceback.print_exc()
        fault = ArchvizError(
            f"internal fault: {type(error).__name__}: {' '.join(str(error).split())[:300]}",
            hint="this is a bug of archviz; --debug shows where it is",
        )
        return fail(lacking_package(error) or fault, as_json=as_json)
    return status


def _refuse_option_first(arguments: Sequence[str]) -> None:
    """Refuse an option where a command belongs, which argparse would tell as a missing command."""
    first = arguments[0] if arguments else ""
    if first.startswith("-") and first not in ("-h", "--help", "--version") and not "--help".startswith(first):
        raise UsageError(
            f"no command, but the option {first[:60]!r}",
            hint="options stand behind the command: archviz describe MODEL --offline; archviz --help lists the commands",
        )


def _file_error(error: OSError) -> ArchvizError:
    """A file that cannot be read or written is the caller's to mend; any other system error is not."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        return UsageError(f"the output cannot be written: {reason}", hint="check the space and the target")
    if error.filename is None:
        return ArchvizError(f"internal fault: {reason}", hint="--debug shows where it is")
    return UsageError(f"{reason}: {str(error.filename)[:200]}", hint="check the path and its permissions")


def _parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser; where the first argument names a command, it knows no other."""
    named = [load(name) for name in NAMES if name in arguments[:1]] or [load(name) for name in NAMES]
    examples = "\n".join(f"  archviz {command.name} {command.examples[0]}".rstrip() for command in named)
    parser = Parser(
        prog="archviz",
        description="The exact architecture of a published model, read from its official code, described and drawn.",
        epilog=f"examples:\n{examples}\n\n{STATUSES}",
        formatter_class=HelpText,
    )
    parser.add_argument("--version", action="version", version=f"archviz {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in named:
        add_command(commands, command)
    return parser
