"""`archviz checkpoint`: the stored tensors."""

from __future__ import annotations

import argparse
import sys

from archviz.commands.command import Command
from archviz.commands.options import settings_of
from archviz.commands.printing import list_on_stderr, print_json, say
from archviz.errors import EXIT_DONE_WITH_GAPS, printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="org/name[@revision], a folder, or a *.safetensors file")
    parser.add_argument("--csv", action="store_true", help="rows of kind,name,shape,dtype")


def run(options: argparse.Namespace) -> int:
    from archviz.sources.stored import read_checkpoint

    found = read_checkpoint(options.model, settings_of(options))
    if options.json:
        print_json(found.as_dict())
    elif options.csv:
        import csv

        csv.writer(sys.stdout, lineterminator="\n").writerows(map(printable, row) for row in found.csv_rows())
    else:
        for row in found.tensors:
            print(f"{printable(row.name)}  {list(row.shape)}  {row.dtype}  {row.file}")
    list_on_stderr(found.problems, "problems")
    say(f"{len(found.tensors):,} tensors stored")
    return EXIT_DONE_WITH_GAPS if found.problems else 0


COMMAND = Command(
    "checkpoint",
    "every tensor that is stored: name, shape, type, file; headers only, no weights",
    add_arguments,
    run,
    ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B --csv"),
)
