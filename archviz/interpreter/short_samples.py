"""Models that walk over positions one by one: how few tokens tell what they keep.

A loop with a round for each token (RWKV, Mamba without its kernels) makes a pass over hundreds of tokens long, and shows nothing that a
few do not show, where all that is kept is of constant size or counts the tokens.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from archviz.interpreter.caches import PAIR, CachedPass, CacheLayer
from archviz.interpreter.forks import Fork

SHORT = (16, 32)
"""Tokens in the caches of such a model: so few that no window of them could be full unseen, and what grows with them grows as they do."""
_PLAIN = frozenset({"full", "sliding", "linear", "linear + full", "linear + sliding", "state"})


def walks(forks: Iterable[Fork], tokens: int) -> bool:
    """Whether a loop of a pass had a round for each of so many tokens."""
    return any(isinstance(fork.node, ast.For) and fork.rounds == tokens for fork in forks)


def suffice(passes: Sequence[CachedPass]) -> bool:
    """Whether passes of two lengths that walk over positions tell all that is kept at any length.

    Each tensor is of one size at both, or it is keys or values of which each token has one, up to a window that is stated and longer. What
    is compressed, or kept for a number of tokens, may show itself later.
    """
    if len(passes) != 2 or not all(each.walks and each.is_whole and each.layers for each in passes):
        return False
    first, second = passes
    pairs = list(zip(first.layers, second.layers, strict=False))
    return len(first.layers) == len(second.layers) and all(_is_plain(one, two, first, second) for one, two in pairs)


def _is_plain(short: CacheLayer, long: CacheLayer, first: CachedPass, second: CachedPass) -> bool:
    alike = short.kind == long.kind and short.window == long.window and set(short.tensors) == set(long.tensors)
    if short.part != "self" or short.kind not in _PLAIN or not alike:
        return False
    filled = long.window is not None and long.window <= second.tokens
    for name, tensor in long.tensors.items():
        before, after = short.tensors[name].shape, tensor.shape
        if before is None or after is None or len(before) != len(after):
            return False
        grown = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        counts = grown == [(first.tokens, second.tokens)] and before[-2:-1] == (first.tokens,)
        if grown and not (counts and name in PAIR and not filled):
            return False
    return True
