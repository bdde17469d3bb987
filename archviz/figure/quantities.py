"""Numbers and sentences as a reader wants them: `397B`, `262,144`, and the numbers of a sentence marked."""

from __future__ import annotations

from archviz.architecture.words import grouped, value_words
from archviz.figure.model import Sentence, Words
from archviz.late_patterns import late_pattern

_SUFFIXES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
_NUMBER = late_pattern(r"(?<![\w.-])(\d[\d,]*(?:\.\d+)?(?:\s?[kMBT]\b)?)(?![\w])")


def compact(count: float) -> str:
    """Three significant digits with a suffix.

    >>> compact(396_802_360_816), compact(16_954_000_000), compact(4096)
    ('397B', '17B', '4.1k')
    """
    for size, suffix in _SUFFIXES:
        if abs(count) >= size * 0.9995:
            digits = 2 if size == 1000 else 3
            return f"{_significant(count / size, digits)}{suffix}"
    return _significant(count, 3)


def _significant(value: float, digits: int) -> str:
    whole = len(str(int(abs(value))))
    text = f"{value:.{max(digits - whole, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def written(value: object) -> str:
    """A fact's value in words; of one that differs between kinds of layers, each value with its kinds.

    >>> written(262144), written(1e7), written([1, 2]), written(True)
    ('262,144', '10,000,000', '1, 2', 'yes')
    >>> written({"sliding_attention": 128, "full_attention": 0})
    '128 (sliding attention); 0 (full attention)'
    """
    if isinstance(value, dict):
        return "; ".join(f"{words} ({', '.join(names)})" for words, names in grouped(value).items())
    return value_words(value)


def sentence(text: str) -> Sentence:
    """The text with its numbers marked.

    >>> [words.text for words in sentence("10 of 512 experts") if words.accent]
    ['10', '512']
    """
    parts = _NUMBER.split(text)
    return tuple(Words(part, accent=index % 2 == 1) for index, part in enumerate(parts) if part)


def plain(words: Sentence) -> str:
    return "".join(piece.text for piece in words)
