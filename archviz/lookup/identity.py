"""The identity in a model's name: family, version, size, active size, suffix; how two names differ.

A repository name is read as an ordered list of parts. `Qwen3.5-397B-A17B` is family `qwen`, version `3.5`, size `397b`,
active size `a17b`; `DeepSeek-V3.1` is family `deepseek`, version `v3.1`. Parts are compared whole, so that version
3 never equals 3.5, nor a size another size.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from archviz.late_patterns import late_pattern
from archviz.records import record

PartKind = Literal["word", "version", "size", "active", "experts", "stamp"]

_SEPARATORS = late_pattern(r"[\s/-]+|_(?!\d)|(?<![-\s]\d)_")  # the `_` of Qwen-1_8B is a decimal point
_FAMILY_VERSION = late_pattern(r"([A-Za-z]+)(\d+(?:\.\d+)*)")
_FORMS: tuple[tuple[PartKind, re.Pattern[str]], ...] = (
    ("active", late_pattern(r"a\d+(?:\.\d+)?[bm]")),
    ("experts", late_pattern(r"\d+e")),
    ("size", late_pattern(r"e?(?:\d+x)?\d+(?:[._]\d+)?[bmt]")),
    ("stamp", late_pattern(r"\d{4,}")),
    ("version", late_pattern(r"v?\d+(?:\.\d+)*")),
)
_UNITS = {"m": 1e6, "b": 1e9, "t": 1e12}
_LABELS: dict[PartKind, str] = {
    "version": "version ",
    "size": "size ",
    "active": "active size ",
    "experts": "experts ",
    "stamp": "stamp ",
    "word": "",
}


@record(frozen=True)
class Part:
    """One part of a name: `value` in lower case for comparing, `text` as it was written."""

    kind: PartKind
    value: str
    text: str

    @property
    def key(self) -> tuple[PartKind, str]:
        """What two parts are compared by."""
        return (self.kind, self.value)


@lru_cache(maxsize=4096)
def identity(repository: str) -> tuple[Part, ...]:
    """The parts of a repository name, in order: `Qwen3.5-27B` → word qwen, version 3.5, size 27b."""
    tokens = [token for token in _SEPARATORS.split(repository) if token]
    parts: list[Part] = []
    for token in tokens:
        match = _FAMILY_VERSION.fullmatch(token) if not parts else None
        if match:  # only the family's own number is a version of its own: `FP8` and `V3` stay whole
            parts += [_part(match[1]), Part("version", match[2], match[2])]
        else:
            parts.append(_part(token))
    return tuple(parts)


def _part(token: str) -> Part:
    value = token.lower()
    kind: PartKind = next((kind for kind, form in _FORMS if form.fullmatch(value)), "word")
    return Part(kind, value, token)


def values(parts: tuple[Part, ...], kind: PartKind) -> tuple[str, ...]:
    """The values of one kind of part, in the name's order."""
    return tuple(part.value for part in parts if part.kind == kind)


def size_of(parts: tuple[Part, ...]) -> float | None:
    """The size that a name states, in parameters; `8x7B` counts as 56B for ordering."""
    for size in values(parts, "size"):
        number, unit = size.removeprefix("e")[:-1].replace("_", "."), size[-1]
        return math.prod(float(factor) for factor in number.split("x")) * _UNITS[unit]
    return None


def readings(asked: tuple[Part, ...], organisation: str) -> Iterator[tuple[Part, ...]]:
    """The asked name, then what it says after words in front that name this publisher: `google gemma 3` → also `gemma 3`."""
    yield asked
    own = {organisation.lower(), *organisation.lower().split("-")}
    for start, part in enumerate(asked[:-1], 1):
        if part.value not in own:
            return
        rest = identity(" ".join(each.text for each in asked[start:]))
        if rest and rest[0].kind == "word":  # a family; a number alone is none
            yield rest


def fitting(asked: tuple[Part, ...], repository: str, organisation: str) -> tuple[Part, ...] | None:
    """The reading of the asked name whose every part stands in this model's name, in order, from its family on; None without one.

    A publisher's own name in front may stand in either (`Meta-Llama-3-8B`); no other part may differ.
    """
    return next((each for each in readings(asked, organisation) if _fits(each, repository, organisation)), None)


def _fits(asked: tuple[Part, ...], repository: str, organisation: str) -> bool:
    offered, wanted = identity(repository), [part.key for part in asked]
    keys = [part.key for part in offered]
    own = set(organisation.lower().split("-"))
    for start, part in enumerate(offered):
        if wanted and part.key == wanted[0] and _is_subsequence(wanted, keys[start:]):
            return True
        if part.value not in own:
            return False
    return False


def _is_subsequence(wanted: list[tuple[PartKind, str]], offered: list[tuple[PartKind, str]]) -> bool:
    rest = iter(offered)
    return all(key in rest for key in wanted)


def line(repository: str) -> str:
    """What a name says before its first size: `Qwen3-VL-30B-A3B-Instruct` → `Qwen3-VL`."""
    tokens = repository.split("-")
    for index, token in enumerate(tokens):
        if index and _part(token).kind in ("size", "experts", "active"):
            return "-".join(tokens[:index])
    return repository


def differences(asked: tuple[Part, ...], repository: str) -> str:
    """What a model's name says otherwise than the asked one: `size 397B instead of 400B; adds active size A17B`."""
    offered = identity(repository)
    instead, adds, lacks = [], [], []
    for kind, label in _LABELS.items():
        here = " ".join(part.text for part in offered if part.kind == kind and part.value not in values(asked, kind))
        there = " ".join(part.text for part in asked if part.kind == kind and part.value not in values(offered, kind))
        if here and there:
            instead.append(f"{label}{here} instead of {there}")
        elif here:
            adds.append(label + here)
        elif there:
            lacks.append(label + there)
    said = [*instead, *(["adds " + ", ".join(adds)] if adds else []), *(["lacks " + ", ".join(lacks)] if lacks else [])]
    return "; ".join(said) or "the same parts, written differently"
