"""`archviz serve`: the MCP server."""

from __future__ import annotations

import argparse
import os

from archviz.commands.command import Command
from archviz.commands.options import given, given_path, settings_of
from archviz.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--http", metavar="HOST:PORT", type=given, help="over streamable HTTP at /mcp; stdin and stdout by default"
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        type=given_path,
        help="lines of TOKEN or NAME TOKEN; or ARCHVIZ_TOKEN in the environment",
    )
    parser.add_argument(
        "--allow-host", metavar="NAME[,NAME…]", type=given, help="names by which clients of another machine reach it"
    )
    parser.add_argument(
        "--read", metavar="FOLDER", type=given_path, action="append", default=[],
        help="a folder whose models may be read; over stdio every one by default, over HTTP none",
    )  # fmt: skip
    parser.add_argument("--output", metavar="FOLDER", type=given_path, help="where files go; ARCHVIZ_OUTPUT by default")


def run(options: argparse.Namespace) -> int:
    from archviz.service.outputs import OutputRoot
    from archviz.service.reach import reach_of

    remote = options.http is not None
    outputs, reach = OutputRoot(options.output), reach_of(options.read, remote=remote)
    outputs.check()
    if not remote:
        if options.token_file or options.allow_host:
            raise UsageError("tokens and host names are for --http", hint="archviz serve --http 127.0.0.1:8765")
        from archviz.service.stdio import run_stdio

        run_stdio(settings_of(options), outputs, reach=reach)
        return 0
    from archviz.service.http import Hosting, parse_address, parse_names, run_http
    from archviz.service.tokens import read_tokens

    host, port = parse_address(options.http)
    tokens = read_tokens(os.environ.get("ARCHVIZ_TOKEN"), options.token_file)
    names = parse_names(options.allow_host) if options.allow_host else ()
    run_http(Hosting(host, port, tokens, names), settings_of(options), outputs, reach=reach)
    return 0


COMMAND = Command(
    "serve",
    "the MCP server, over stdio or HTTP",
    add_arguments,
    run,
    (
        "",
        "--offline",
        "--http 127.0.0.1:8765",
        "--http 0.0.0.0:8765 --token-file tokens.txt --allow-host archviz.example.org",
    ),
)
