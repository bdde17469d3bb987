"""The figure that is written from the model itself: for each text of another figure the one that stands for the same module."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archviz.architecture.model import Architecture, Evidence
from archviz.late_patterns import late_pattern

_PLACE = late_pattern(r"\.\w+:\d+$")


@dataclass(frozen=True, slots=True)
class Written:
    """What is written of the same thing.

    Args:
        text: The text.
        evidence: The places in code, config keys or tensors that it was read from.
    """

    text: str
    evidence: tuple[Evidence, ...]


def items(value: object) -> list[Mapping[str, object]]:
    """The objects of a JSON list; empty for anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def class_line(architecture: Architecture) -> tuple[Evidence, ...]:
    """Where the model class is defined: the place of last resort."""
    return (Evidence(kind="code", where=architecture.modules.at),) if architecture.modules.at else ()


def written_texts(
    figure: Mapping[str, object], written: Mapping[str, object], architecture: Architecture
) -> dict[str, Written]:
    """Path of a text of `figure` → the text of `written` about the same block, stage, edge or configuration key.

    A block is the same where it has the same id, and the same source or the same name: ids alone are the author's own.
    """
    found: dict[str, Written] = {}
    blocks = {str(b["id"]): (b, stage) for stage in items(written.get("stages")) for b in items(stage.get("blocks")) if b.get("id")}  # fmt: skip
    last = class_line(architecture)
    for s, stage in enumerate(items(figure.get("stages"))):
        for b, block in enumerate(items(stage.get("blocks"))):
            own, home = blocks.get(str(block.get("id")), (None, None))
            if own is None or home is None or not _is_same(block, own):
                continue
            evidence = _places(own.get("source")) or last
            for name in ("type", "details"):
                found[f"stages[{s}].blocks[{b}].{name}"] = Written(str(own.get(name) or ""), evidence)
            found.setdefault(f"stages[{s}].name", Written(str(home.get("name", "")), evidence))
    found |= _edges(figure, written, last)
    found |= dict(_configuration(figure, written, architecture))
    return found


def _is_same(block: Mapping[str, object], own: Mapping[str, object]) -> bool:
    if block.get("source") or own.get("source"):
        return block.get("source") == own.get("source")
    return block.get("type") == own.get("type")


def _places(source: object) -> tuple[Evidence, ...]:
    """The places that a block names: `a.py:1, b.py:2 and 4 more`."""
    if not source:
        return ()
    names = re.sub(r" and \d+ more$", "", str(source)).split(", ")
    return tuple(Evidence(kind="code" if _PLACE.search(name) else "tensor", where=name) for name in names)


def _edges(
    figure: Mapping[str, object], written: Mapping[str, object], evidence: tuple[Evidence, ...]
) -> Iterator[tuple[str, Written]]:
    labels = {(e.get("from"), e.get("to")): e.get("label") for e in items(written.get("custom_edges"))}
    for n, edge in enumerate(items(figure.get("custom_edges"))):
        label = labels.get((edge.get("from"), edge.get("to")))
        if label:
            yield f"custom_edges[{n}].label", Written(str(label), evidence)


def _configuration(
    figure: Mapping[str, object], written: Mapping[str, object], architecture: Architecture
) -> Iterator[tuple[str, Written]]:
    own, other = written.get("configuration"), figure.get("configuration")
    if not isinstance(own, Mapping) or not isinstance(other, Mapping):
        return
    for key in other:
        if key in own:
            fact = architecture.fact(str(key))
            evidence = tuple(fact.evidence) if fact is not None else ()
            yield f"configuration[{str(key)!r}]", Written(written_value(own[key]), evidence or class_line(architecture))


def written_value(value: object) -> str:
    """A configuration value as text, truth values as yes and no."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
