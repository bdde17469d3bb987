"""`python -m archviz` is the command line."""

from __future__ import annotations

import sys

from archviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
