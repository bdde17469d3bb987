"""What the scripts of this folder share: where archviz is found, and how much they print.

A script answers in short: what would fill an agent's context goes to a file (`--output`), and a JSON answer is never cut.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_WRONG_USAGE = 2
_ANSWERED = (0, 5, 6)  # done, done with gaps, done with a conflict: the command's answer is whole
MOST_LINES = 200
MOST_JSON = 40_000  # characters of JSON on stdout, about 10,000 tokens


def find_archviz() -> None:
    """Make archviz importable: the installed package, else the checkout that this folder belongs to."""
    checkout = Path(__file__).resolve().parent.parent
    if importlib.util.find_spec("archviz") is not None:
        return
    if (checkout / "archviz" / "__init__.py").is_file():
        sys.path.insert(0, str(checkout))
        return
    name = Path(sys.argv[0]).name
    sys.stderr.write(
        f"{name}: the Python package archviz is not installed\n"
        f"  run the script by `uv run {sys.argv[0]} …`, which gets it from the package registry or, with --find-links FOLDER, from its wheel;"
        " or install the wheel first: pip install archviz-….whl\n"
    )
    sys.exit(_WRONG_USAGE)


if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs a script may have an older Python
    sys.stderr.write("archviz needs Python 3.11 or newer\n")
    sys.exit(_WRONG_USAGE)


def script_parser(what: str, examples: Sequence[str], script: str) -> argparse.ArgumentParser:
    """A parser with the options that all scripts share, examples and exit statuses.

    Args:
        what: What the script does, in a sentence.
        examples: Arguments that work.
        script: The script's file name.
    """
    find_archviz()
    from archviz.commands.command import STATUSES

    shown = "\n".join(f"  python scripts/{script} {example}" for example in examples)
    parser = argparse.ArgumentParser(
        prog=script,
        description=what,
        epilog=f"examples:\n{shown}\n\n{STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.add_argument("--offline", action="store_true", help="ask no network: the catalog and files only")
    return parser


def output_argument(parser: argparse.ArgumentParser, what: str = "the whole answer goes to this file") -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help=what)


def shared_arguments(options: argparse.Namespace) -> list[str]:
    """The shared options as the command line takes them."""
    class_name = getattr(options, "class_name", None)
    return [
        *(["--json"] if options.json else []),
        *(["--offline"] if options.offline else []),
        *(["--class", class_name] if class_name else []),
    ]


def class_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--class", dest="class_name", metavar="NAME", help="the model class; architectures[0] otherwise"
    )


def run_command(
    arguments: Sequence[str], output: str | None = None, shorten: Callable[[str], str] | None = None
) -> int:
    """Run one archviz command; what it prints goes whole to a file, or in short to stdout.

    Args:
        arguments: Of the command line.
        output: The file; None for stdout.
        shorten: Makes text that goes to stdout shorter; not used for JSON.

    Returns:
        The command's exit status; 2 where the answer is JSON that is too long for stdout, or the file cannot be written.
        Of a command that fails the file stays as it is: what it prints goes to stdout.
    """
    find_archviz()
    from archviz.errors import run_reporting

    return run_reporting("archviz", lambda: _run(arguments, Path(output) if output is not None else None, shorten))


def _run(arguments: Sequence[str], output: Path | None, shorten: Callable[[str], str] | None) -> int:
    from archviz.cli import main
    from archviz.outputs import check_output, write_text

    if output is not None:
        check_output(output)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = main(list(arguments))
    text = printed.getvalue()
    if text and output is not None and status in _ANSWERED:
        write_text(output, text)
        sys.stdout.write(f"{output}\n")
        return status
    if "--json" in arguments:
        if len(text) > MOST_JSON:
            sys.stderr.write(f"the JSON has {len(text):,} characters; write it to a file (--help says how)\n")
            return _WRONG_USAGE
        sys.stdout.write(text)
        return status
    lines = (shorten(text) if shorten and text else text).splitlines()
    sys.stdout.write("".join(line + "\n" for line in lines[:MOST_LINES]))
    if len(lines) > MOST_LINES:
        sys.stderr.write(f"… and {len(lines) - MOST_LINES:,} more lines; a file has all (--help says how)\n")
    return status
