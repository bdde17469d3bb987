"""What a claim is about, in a reader's words: `RoPE layout` finds `rope.layout`, `kv heads` finds `attention.kv_heads`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archviz.verify.claims import Claim

_BETWEEN = re.compile(r"[\s_./:-]+")
_ALIKE = 0.7
_MOST_OFFERED = 10


def subjects(about: str | None) -> list[list[str]]:
    """The subjects that were named, separated by commas, each as its words.

    >>> subjects("RoPE layout, kv_heads")
    [['rope', 'layout'], ['kv', 'head']]
    """
    return [words for phrase in (about or "").split(",") if (words := _words(phrase))]


def about_claims(claims: Sequence[Claim], asked: Sequence[Sequence[str]]) -> tuple[list[Claim], str]:
    """The claims with all words of one of the subjects in key, scope, value or status; all where nothing is asked.

    Returns:
        The claims; where none has all words those with one of them, and a sentence that says so.
    """
    said = [" ".join(_words(f"{claim.key} {claim.scope} {claim.value} {claim.status}")) for claim in claims]
    pairs = list(zip(claims, said, strict=True))
    whole = [claim for claim, text in pairs if not asked or any(all(word in text for word in words) for words in asked)]
    if whole:
        return whole, ""
    partly = [claim for claim, text in pairs if any(word in text.split() for words in asked for word in words)]
    return partly, "No claim has all these words; these have one of them." if partly else ""


def near_keys(claims: Iterable[Claim], asked: Sequence[Sequence[str]]) -> list[str]:
    """Keys of claims that share a word with a subject or are written alike, the nearest first; else what keys begin with."""
    keys = list(dict.fromkeys(claim.key for claim in claims))
    words = [word for each in asked for word in each]
    score = {key: sum(_alike(word, _words(key)) for word in words) for key in keys}
    near = sorted((key for key in keys if score[key]), key=lambda key: -score[key])
    return near[:_MOST_OFFERED] or list(dict.fromkeys(key.partition(".")[0] for key in keys))


def _alike(word: str, others: Sequence[str]) -> float:
    best = max((1.0 if word in each else SequenceMatcher(None, word, each).ratio() for each in others), default=0.0)
    return best if best >= _ALIKE else 0.0


def _words(text: str) -> list[str]:
    """Words in small letters; heads are as good as a head."""
    return [_single(word) for word in _BETWEEN.split(text.lower()) if word]


def _single(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
