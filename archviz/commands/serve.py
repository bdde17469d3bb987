"""`archviz serve`: the MCP server."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import no_arguments, settings_of


def run(options: argparse.Namespace) -> int:
    from archviz.service.server import run_stdio

    run_stdio(settings_of(options))
    return 0


COMMAND = Command("serve", "the MCP server over stdio", no_arguments, run, ("", "--offline"))
