"""`python -m archviz` is the command line."""

from __future__ import annotations

from archviz.cli import run

if __name__ == "__main__":
    run()
