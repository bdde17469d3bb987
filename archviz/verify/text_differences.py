"""A text held against the one that is written from the model: the numbers and kinds that differ, and what nothing has read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from archviz.late_patterns import late_pattern
from archviz.verify.words_of_kind import GROUPS, Number, kinds_of, numbers_of

_ALIKE = 0.5  # how alike two lines must be to be about the same thing
_LABEL = late_pattern(r"^(?:\d+\. )?([^:←→\d]+)[:←]")
_STEP = late_pattern(r"^\d+\. ")
_TOKEN = late_pattern(r"\d+(?:[,._]\d+)*(?:e[+-]?\d+)?|\w+|[^\w\s]")

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of one line.

    Args:
        key: `number`, or the group of the word (`norm`, `activation`).
        stated, found: What the line says, and what is written from the model; None where it writes nothing comparable.
        wrong: It contradicts; else it is only not told.
    """

    key: str
    stated: str
    found: str | None
    wrong: bool


def partner(line: str, own: Sequence[str], others: Sequence[str]) -> str | None:
    """The written line that a changed one stands for.

    Args:
        own: All lines written of the block; `others` all lines of the figure's block.
    """
    free = [text for text in own if text not in others] or list(own)
    frame = skeleton(line)
    same = next((text for text in free if skeleton(text) == frame), None)
    if same is not None:
        return same
    step = _STEP.match(line)
    numbered = [text for text in free if step and text.startswith(step[0])]
    if len(numbered) == 1:
        return numbered[0]
    label = _LABEL.match(line)
    if label:
        named = [text for text in free if (m := _LABEL.match(text)) and m[1].strip() == label[1].strip()]
        if len(named) == 1:
            return named[0]
    ranked = sorted(free, key=lambda text: -SequenceMatcher(None, text, line).ratio())
    return ranked[0] if ranked and SequenceMatcher(None, ranked[0], line).ratio() >= _ALIKE else None


def skeleton(text: str) -> str:
    """The text with every number left out: `16 × 128` and `99 × 128` have the same."""
    return re.sub(r"\d+(?:[,._]\d+)*", "#", text)


def differences(line: str, written: str, read: Spans) -> Iterator[Difference]:
    """Where a line departs from what is written from the model.

    Args:
        read: Places of the line that were held against the code already.
    """
    same = skeleton(line) == skeleton(written)
    paired: set[int] = set()
    for stated, found in _pairs(line, written, same):
        paired.add(stated.start)
        if not stated.agrees(found.value) and (same or not _covers(read, stated)):
            yield Difference("number", stated.text, found.text, True)
    for stated in numbers_of(line):
        if stated.start not in paired and not _covers(read, stated):
            yield Difference("number", stated.text, None, False)
    for group in GROUPS:
        yield from _kinds(line, written, group, read)


def _pairs(line: str, written: str, same: bool) -> Iterator[tuple[Number, Number]]:
    """Numbers that stand in the same place of both lines."""
    stated, found = list(numbers_of(line)), list(numbers_of(written))
    if same and len(stated) == len(found):
        yield from zip(stated, found, strict=True)
        return
    a, b = list(_TOKEN.finditer(written)), list(_TOKEN.finditer(line))
    at_a, at_b = {n.start: n for n in found}, {n.start: n for n in stated}
    for tag, i, j, k, m in SequenceMatcher(None, [t[0] for t in a], [t[0] for t in b], autojunk=False).get_opcodes():
        old = [at_a[t.start()] for t in a[i:j] if t.start() in at_a]
        new = [at_b[t.start()] for t in b[k:m] if t.start() in at_b]
        if tag in ("equal", "replace") and len(old) == len(new):
            yield from zip(new, old, strict=True)


def _kinds(line: str, written: str, group: str, read: Spans) -> Iterator[Difference]:
    stated, found = kinds_of(line, group), kinds_of(written, group)
    names, known = [name for name, _ in stated], [name for name, _ in found]
    if not names or names == known:
        return
    new = [name for name, at in stated if name.lower() not in {own.lower() for own in known}]
    open_ = [name for name, at in stated if name in new and not any(a <= at < b for a, b in read)]
    if new and known:
        yield Difference(group, ", ".join(new), ", ".join(dict.fromkeys(known)), True)
    elif open_:
        yield Difference(group, ", ".join(open_), None, False)
    elif len(names) == len(known):
        yield Difference(group, ", ".join(names), ", ".join(known), sorted(names) == sorted(known))


def unread(line: str, read: Spans, vocabulary: str | None) -> Iterator[Difference]:
    """What a line with no written counterpart says and nothing has read.

    Args:
        vocabulary: All that is written from the model; a kind named there is not told as unknown; None where nothing
            is written, and kinds are left alone.
    """
    open_ = [number.text for number in numbers_of(line) if not _covers(read, number)]
    if open_:
        yield Difference("number", ", ".join(open_), None, False)
    for group in GROUPS if vocabulary is not None else ():
        known = {name for name, _ in kinds_of(vocabulary or "", group)}
        new = [
            name for name, at in kinds_of(line, group) if name not in known and not any(a <= at < b for a, b in read)
        ]
        if new:
            yield Difference(group, ", ".join(new), None, False)


def _covers(read: Spans, number: Number) -> bool:
    return any(start < number.end and number.start < end for start, end in read)
