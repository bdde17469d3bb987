"""`archviz verify`: claims with their lines, and what others state."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import given_path, model_arguments, settings_of
from archviz.commands.printing import print_json, with_gaps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument(
        "--expect",
        metavar="KEY=VALUE[,…]",
        action="append",
        help="such as params=70e9±2%%,layers=80; a part that the model lacks is 0 (experts=0), an unknown key lists the known ones",
    )
    parser.add_argument(
        "--report",
        metavar="OUT.md|OUT.json",
        type=given_path,
        help="write a validation report with its sources; headers, card and paper are asked for it",
    )
    parser.add_argument(
        "--against", metavar="FIGURE.json", type=given_path, help="a diagram config or an Architecture to check"
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.verify.report import verification_text

    result = pipeline.verify(
        options.model,
        expect=None if options.expect is None else ",".join(options.expect),
        against=options.against,
        report=options.report,
        class_name=options.class_name,
        settings=settings_of(options),
    )
    if options.json:
        print_json(result.as_dict())
    else:
        print(verification_text(result), end="")
    with_gaps(result.gaps)
    return result.exit_status


NOTES = """formulas (a = norm(x); x + mlp(a)):
  x, x2 what a module is given; t, i, mask other tensors; a, b … names for steps; last the result, or results
  · by element, @ matrix product, ᵀ turned over, a[part 2 of 3] a cut, S the number of positions
  references/verification-checklist.md explains all of it"""

COMMAND = Command(
    "verify",
    "claims about the architecture with the lines that prove them; what others state, checked",
    add_arguments,
    run,
    ("Qwen/Qwen3.5-397B-A17B --expect layers=60,params=397B", "Qwen/Qwen3.5-397B-A17B --against mine.json --json"),
    NOTES,
)
