"""The topics of code search, one table a file.

How to add one: a file that holds a `TOPIC`, a row in `TOPICS`, and a test in `tests/codesearch/topics/` that shows what
it finds and what it leaves alone. Prefer words over full names (code is copied and renamed), and full names over methods.
"""

from __future__ import annotations

from archviz.codesearch.topic import Topic
from archviz.codesearch.topics import attention, cache, kernels, moe, norm, quantization, rope, split

TOPICS: dict[str, Topic] = {
    room.TOPIC.name: room.TOPIC for room in (rope, split, norm, moe, attention, kernels, cache, quantization)
}
