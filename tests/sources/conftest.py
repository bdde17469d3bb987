"""The fixtures are read as text by archviz, never imported: pytest must not import them for their docstrings either."""

from __future__ import annotations

collect_ignore_glob = ["fixtures/*"]
