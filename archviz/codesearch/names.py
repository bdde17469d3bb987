"""Identifiers as words, and patterns over them: `rms_norm` is in `DeepseekV3RMSNorm`, `rope` is not in `property`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from archviz.late_patterns import late_pattern

_HUMP = late_pattern(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPELT = late_pattern("MoE|RoPE|YaRN|ALiBi")  # one word each, whatever their capitals say
_TRANSPARENT = frozenset({"forward", "__call__", "apply"})


@lru_cache(maxsize=20_000)
def snake(identifier: str) -> str:
    """An identifier as lower-case words.

    >>> snake("DeepseekV3RMSNorm"), snake("_split_heads"), snake("RoPEAttention")
    ('deepseek_v3_rms_norm', 'split_heads', 'rope_attention')
    """
    if not identifier.islower():
        identifier = _SPELT.sub(lambda found: found.group().capitalize(), identifier)
        identifier = _HUMP.sub("_", identifier).lower()
    return identifier.strip("_")


@lru_cache(maxsize=512)
def _word_pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    parts = "|".join(re.escape(pattern).replace(r"\*", "[^_]*") for pattern in patterns)
    return re.compile(rf"(?:^|_)(?:{parts})(?:_|$)")


@lru_cache(maxsize=200_000)
def has_words(identifier: str, patterns: tuple[str, ...]) -> bool:
    """Whether an identifier contains one of the word sequences; `*` stands for the rest of a word.

    >>> has_words("apply_rotary_pos_emb", ("rotary", "rope")), has_words("property", ("rope",))
    (True, False)
    >>> has_words("input_layernorm", ("*norm",)), has_words("normal_", ("*norm",))
    (True, False)
    """
    return bool(patterns) and _word_pattern(patterns).search(snake(identifier)) is not None


@lru_cache(maxsize=512)
def _dotted_pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    parts = "|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns)
    return re.compile(rf"(?:{parts})\Z", re.DOTALL)


@lru_cache(maxsize=200_000)
def is_dotted(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of these; `*` stands for anything.

    >>> is_dotted("torch.ops.aten.mm", ("torch.ops.*",)), is_dotted("torch.chunk", ("torch.chunk",))
    (True, True)
    """
    return bool(patterns) and _dotted_pattern(patterns).match(name) is not None


def family_prefix(classes: Sequence[str]) -> str:
    """What most classes of a file begin with, the name of the model family; it says nothing about what a class does.

    >>> family_prefix(["AcmeMoeNorm", "AcmeMoeAttention", "AcmeMoeModel", "Helper"])
    'acme_moe'
    """
    words = [snake(name).split("_") for name in classes]
    prefix: list[str] = []
    while True:
        nexts = Counter(row[len(prefix)] for row in words if len(row) > len(prefix) and row[: len(prefix)] == prefix)
        word, count = nexts.most_common(1)[0] if nexts else ("", 0)
        if count < 3 or 2 * count <= len(words):
            return "_".join(prefix)
        prefix.append(word)


def without_family(identifier: str, family: str) -> str:
    """An identifier without the name of its family, as words.

    >>> without_family("AcmeMoeNorm", "acme_moe"), without_family("AcmeMoe", "acme_moe")
    ('norm', 'acme_moe')
    """
    return snake(identifier).removeprefix(f"{family}_") if family else snake(identifier)


def last_part(name: str) -> str:
    """The identifier that says what is called: the last of a dotted name, or what its `forward` belongs to.

    >>> last_part("torch.nn.functional.softmax"), last_part("self.attn.forward"), last_part("forward")
    ('softmax', 'attn', 'forward')
    """
    parts = name.split(".")
    while len(parts) > 1 and parts[-1] in _TRANSPARENT and parts[-2] not in ("", "self"):
        parts.pop()
    return parts[-1]
