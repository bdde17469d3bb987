"""The MCP server: `python server.py [--offline] [--http HOST:PORT]`, the same as `archviz serve`."""

from __future__ import annotations

import sys

from archviz.cli import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
