"""Names of tensors by a part of them, or by a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate


def matcher(pattern: str | None) -> Callable[[str], bool]:
    """Whether a name fits: it holds the text, or is what the pattern with * and ? says.

    >>> matcher("q_proj")("layers.0.q_proj.weight"), matcher("*.bias")("layers.0.q_proj.weight")
    (True, False)
    """
    if not pattern:
        return lambda name: True
    if "*" in pattern or "?" in pattern:
        whole = re.compile(translate(re.sub(r"\*+", "*", pattern).replace("[", "[[]")))
        return lambda name: whole.fullmatch(name) is not None
    return lambda name: pattern in name
