"""Which files of a repository hold a model's code or configuration, by their paths alone, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from archviz.late_patterns import late_pattern
from archviz.lookup.github.address import is_plain_segment

MOST_LISTED = 60
MOST_BYTES = 4_000_000
DEEPEST = 12

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("modelling", re.compile(r"(?:.*/)?modeling_\w+\.py")),
    ("modelling", re.compile(r"(?:.*/)?inference/(?:model|kernel|generate|convert)\w*\.py")),
    ("modelling", re.compile(r"(?:.*/)?models?(?:_?\w+)?\.py")),
    ("configuration", re.compile(r"(?:.*/)?configuration_\w+\.py")),
    ("configuration", re.compile(r"(?:.*/)?config(?:[_-][\w.-]+)?\.json")),
    ("configuration", re.compile(r"(?:.*/)?(?:inference/)?configs?/[\w.-]+\.json")),
)
_ASIDE = late_pattern(
    r"(?:^|/)(?:tests?|docs?|examples?|third_party|vendor|node_modules|\.[\w-]+|benchmarks?|evals?)/|test_"
)


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of a repository's tree at one commit."""

    path: str
    size: int
    sha: str = ""


@dataclass(frozen=True, slots=True)
class ModellingFile:
    """A file that seems to hold a model's code (`modelling`) or its values (`configuration`)."""

    path: str
    kind: str
    size: int


def modelling_files(tree: Iterable[TreeFile], most: int | None = MOST_LISTED) -> tuple[ModellingFile, ...]:
    """The files of a tree that hold a model's code or configuration; those of tests and examples come last.

    Args:
        most: How many of them; None for all.
    """
    found = []
    for file in tree:
        segments = file.path.split("/")
        if len(segments) > DEEPEST or not all(map(is_plain_segment, segments)) or file.size > MOST_BYTES:
            continue
        order = next((place for place, (_, form) in enumerate(_KINDS) if form.fullmatch(file.path)), None)
        if order is not None:
            kind = _KINDS[order][0]
            aside = bool(_ASIDE.search(file.path))
            found.append(((aside, order, len(segments), file.path), ModellingFile(file.path, kind, file.size)))
    return tuple(each for _, each in sorted(found, key=lambda pair: pair[0])[:most])
