"""Names of tensors by a part of them, or by a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate

from archviz.folded_names import folded_expression, is_folded


def matcher(pattern: str | None) -> Callable[[str], bool]:
    """Whether a name fits: it holds the text, or is what the pattern with * and ? says; numbers in braces are any of these.

    >>> matcher("q_proj")("layers.0.q_proj.weight"), matcher("*.bias")("layers.0.q_proj.weight")
    (True, False)
    >>> fits = matcher("layers.{0-2,4}.q_proj")
    >>> fits("layers.2.q_proj.weight"), fits("layers.3.q_proj.weight")
    (True, False)
    """
    if not pattern:
        return lambda name: True
    if "*" in pattern or "?" in pattern:
        whole = folded_expression(pattern, lambda text: translate(re.sub(r"\*+", "*", text).replace("[", "[[]")))
        return lambda name: whole.fullmatch(name) is not None
    if is_folded(pattern):
        part = folded_expression(pattern, re.escape)
        return lambda name: part.search(name) is not None
    return lambda name: pattern in name
