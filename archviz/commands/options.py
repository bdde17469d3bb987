"""The arguments that several commands take, and the settings that they give."""

from __future__ import annotations

import argparse
from pathlib import Path

from archviz.commands.printing import say
from archviz.settings import Settings

MODEL = "org/name[@revision], a folder or config.json, or transformers:MODEL_TYPE"


def model_arguments(parser: argparse.ArgumentParser, metavar: str = "MODEL", what: str = MODEL) -> None:
    parser.add_argument("model", metavar=metavar, help=what)
    parser.add_argument(
        "--class", dest="class_name", metavar="NAME", type=given, help="the model class; architectures[0] by default"
    )
    parser.add_argument(
        "--code",
        choices=("official", "custom"),
        default="official",
        help="custom: the model's own code (auto_map) also where transformers has the class",
    )
    parser.add_argument(
        "--args",
        dest="arguments",
        metavar="JSON",
        help="for plain PyTorch (a folder or FILE.py, with --class): the constructor's arguments, or a .json file of them",
    )


def name_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the exact name: org/name, with version, sizes and suffix")


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Only the options that all commands share."""


def given(text: str) -> str:
    if not text.strip(" ,"):
        raise argparse.ArgumentTypeError("it is empty; leave the option out for the default")
    return text


def given_path(text: str) -> Path:
    """A path as it is written; an empty one would be the current folder."""
    return Path(given(text))


def positive(text: str) -> int:
    """A size between 1 and a million."""
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a number from 1 to 1,000,000")
    return int(text)


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(
        offline=options.offline,
        code=getattr(options, "code", "official"),
        arguments=getattr(options, "arguments", None) or "",
        say=say,
    )
