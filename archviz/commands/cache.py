"""`archviz cache`: what is kept of the network's answers."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.printing import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("info", "clear"), help="what it holds, or delete all of it")


def run(options: argparse.Namespace) -> int:
    from archviz.errors import UsageError
    from archviz.network.cache import Cache

    cache = Cache()
    info = cache.clear() if options.action == "clear" else cache.info()
    if options.action == "clear" and cache.trouble:
        raise UsageError(
            f"deleted {info.entries:,} entries, the others cannot be deleted: {cache.trouble}", where="cache clear"
        )
    if options.json:
        print_json({"action": options.action, **info.as_dict()})
    else:
        held = f"{info.entries:,} entries, {info.bytes:,} bytes"
        most = f" (at most {info.most_bytes:,})"
        print(f"deleted {held} of {info.folder}" if options.action == "clear" else f"{info.folder} holds {held}{most}")
    return 0


COMMAND = Command("cache", "what is kept of the network's answers", add_arguments, run, ("info", "clear --json"))
