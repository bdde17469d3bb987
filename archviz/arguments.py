"""What each command takes: its arguments and options, added to its parser."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from archviz.errors import UsageError
from archviz.formats import FORMATS, THEMES

_MODEL = "org/name[@revision], a folder or config.json, or transformers:MODEL_TYPE"
STATUSES = """exit status:
  0  done
  1  internal fault
  2  wrong usage, or a configuration or file that cannot be used
  3  no model of exactly this name, or an ambiguous name (candidates are listed)
  4  a source could not be reached, is gated or rate-limited
  5  done with gaps: the output is there, what was not understood is listed
  6  verification found a conflict
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


def model_arguments(parser: argparse.ArgumentParser, metavar: str = "MODEL", what: str = _MODEL) -> None:
    parser.add_argument("model", metavar=metavar, help=what)
    parser.add_argument(
        "--class", dest="class_name", metavar="NAME", type=_given, help="the model class; architectures[0] by default"
    )
    parser.add_argument(
        "--code", choices=("official", "custom"), default="official", help="prefer a folder's own code (auto_map)"
    )
    parser.add_argument(
        "--args",
        dest="arguments",
        metavar="JSON",
        help="for plain PyTorch (a folder or FILE.py, with --class): the constructor's arguments, or a .json file of them",
    )


def draw_arguments(parser: argparse.ArgumentParser) -> None:
    figure = "; or the JSON of a diagram config (it has stages) or of an Architecture (its schema is archviz/1)"
    model_arguments(parser, "MODEL|FIGURE.json", _MODEL + figure)
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=Path, help="path without suffix; the model's name by default"
    )
    parser.add_argument(
        "-f", "--format", metavar="F[,F…]", type=_given, help=f"of {', '.join(FORMATS)}; OUT's suffix or png by default"
    )
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument(
        "--figure-config", metavar="OUT.json", type=Path, help="also write a diagram config, to edit and draw"
    )


def trace_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument("--batch", type=_positive, default=1, metavar="N", help="batch size, 1 by default")
    parser.add_argument("--seq", type=_positive, default=64, metavar="N", help="number of tokens, 64 by default")
    parser.add_argument("--pixels", action="store_true", help="add an image to a text model")
    parser.add_argument("--module", metavar="PATH", help="only this module and what is below it")
    parser.add_argument(
        "--cache", choices=("none", "prefill", "decode"), default="none",
        help="with an empty cache, or one new token after a prefill of --seq tokens; what is cached is listed",
    )  # fmt: skip


def _given(text: str) -> str:
    if not text.strip(" ,"):
        raise argparse.ArgumentTypeError("it is empty; leave the option out for the default")
    return text


def _positive(text: str) -> int:
    """A size between 1 and a million."""
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a number from 1 to 1,000,000")
    return int(text)


def code_search_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", metavar="PATH", help="a Python file, a folder, or an archive (zip, whl, tar.gz) of them"
    )
    parser.add_argument(
        "--for",
        dest="topics",
        metavar="TOPIC[,TOPIC…]",
        action="append",
        type=_given,
        default=[],
        help="of rope, split, norm, moe, attention, kernels, cache, quantization; all by default",
    )
    parser.add_argument(
        "--class", dest="class_name", metavar="NAME", type=_given, help="only what stands in this class"
    )
    parser.add_argument("--limit", metavar="N", type=_positive, help="at most N matches; 1,000 by default")


def verify_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument(
        "--expect",
        metavar="KEY=VALUE[,…]",
        help="such as params=70e9±2%%,layers=80; an unknown key lists the known ones",
    )
    parser.add_argument(
        "--against", metavar="FIGURE.json", type=Path, help="a diagram config or an Architecture to check"
    )


def name_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the exact name: org/name, with version, sizes and suffix")


def sources_arguments(parser: argparse.ArgumentParser) -> None:
    name_argument(parser)
    parser.add_argument("--text", action="store_true", help="also the text of the card and of publishers' blogs")


def papers_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="ID_OR_TITLE", help="an arXiv id or URL, or the whole title")
    parser.add_argument(
        "--sections",
        metavar="WHICH",
        help="architecture, all, or numbers and words of titles (2.1,tokenizer); the abstract alone by default",
    )


def checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="org/name[@revision], a folder, or a *.safetensors file")
    parser.add_argument("--csv", action="store_true", help="rows of kind,name,shape,dtype")


def cache_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("info", "clear"), help="what it holds, or delete all of it")


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Only the options that all commands share."""
