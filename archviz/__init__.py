"""archviz: the exact architecture of a published model, read from its official code, described and drawn.

In: the exact name of a model, a configuration, or a hand-written diagram config. Out: an `Architecture`
(`archviz.architecture.model`) and figures. Start reading at `archviz.pipeline`, which wires the rooms together;
`tests/test_import_order.py` says which room may know which.
"""

from __future__ import annotations

__version__ = "0.1.0"
