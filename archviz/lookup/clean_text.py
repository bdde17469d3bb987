"""Text from outside as it may be shown: on one line, without characters that hide or turn anything."""

from __future__ import annotations

import unicodedata


def clean(text: str) -> str:
    """Text on one line, without control, invisible and direction-changing characters.

    >>> clean("a\\u202e b\\x00\\n c\\u200b")
    'a b c'
    """
    return " ".join("".join(char for char in text if _is_shown(char)).split())


def _is_shown(char: str) -> bool:
    return char in "\n\t " or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
