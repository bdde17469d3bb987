"""`archviz cache`: what is kept of the network's answers."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.printing import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("info", "clear"), help="what it holds, or delete all of it")


def run(options: argparse.Namespace) -> int:
    from archviz.network.cache import Cache

    cache = Cache()
    info = cache.clear() if options.action == "clear" else cache.info()
    if options.json:
        print_json({"action": options.action, **info.as_dict()})
    else:
        what = "deleted" if options.action == "clear" else "holds"
        print(f"{info.folder} {what} {info.entries:,} entries, {info.bytes:,} bytes (at most {info.most_bytes:,})")
    return 0


COMMAND = Command("cache", "what is kept of the network's answers", add_arguments, run, ("info", "clear --json"))
