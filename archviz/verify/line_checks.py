"""Each line of a figure, after its statements are read: held against the line written from the model, and what is left is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from archviz.verify.claims import Check
from archviz.verify.statements import Statement
from archviz.verify.text_differences import Difference, Spans, differences, partner, unread
from archviz.verify.words_of_kind import GROUPS, kinds_of, numbers_of
from archviz.verify.written_figure import Written, written_value

Stated = Sequence[tuple[Statement, Check]]


def text_checks(
    path: str, text: str, written: Written | None, stated: Stated, orders: Sequence[Check], vocabulary: str | None
) -> Iterator[Check]:
    """Checks of what no statement was read from.

    Args:
        written: What is written from the model of the same block; None for a block of the author's own.
        stated: Statements read already, with their checks; `orders` the orders of layers.
        vocabulary: All that is written from the model; None where nothing is.
    """
    lines, own = text.splitlines(), written.text.splitlines() if written else []
    for number, line in enumerate(lines):
        here = [(s, check) for s, check in stated if s.line == number]
        read = [(s.start, s.end) for s, _ in here]
        read += [(at, at + len(c.quote)) for c in orders if c.quote and (at := line.find(c.quote)) >= 0]
        if written is not None and _stands(number, lines, own):
            yield from _confirmed(path, line, written, read)
            continue
        other = own[0] if own and not path.endswith("details") else partner(line, own, lines)
        wrong = [check for _, check in here if check.status == "conflict"]
        found = unread(line, read, "" if own else vocabulary) if other is None else differences(line, other, read)
        new = [_check(path, line, item, other, written) for item in found if not _told(item, wrong)]
        yield from new
        if written is not None and not new and not wrong and not read and _letters(line) != _letters(other or ""):
            yield Check(path, "words", line, other, "unverified", written.evidence, line)


def _stands(number: int, lines: Sequence[str], own: Sequence[str]) -> bool:
    """Whether a line is written from the model, as often as it stands here, or in the same place."""
    line = lines[number]
    return line in own and (lines.count(line) <= own.count(line) or own[number : number + 1] == [line])


def _confirmed(path: str, line: str, written: Written, read: Spans) -> Iterator[Check]:
    """A line exactly as it is written from the model, where it says more than what was read."""
    if any(not any(a < n.end and n.start < b for a, b in read) for n in numbers_of(line)):
        yield Check(path, "line", line, line, "verified", written.evidence, line)


def _check(path: str, line: str, item: Difference, other: str | None, written: Written | None) -> Check:
    evidence = written.evidence if written is not None else ()
    if item.wrong:
        return Check(path, item.key, item.stated, f"{item.found} ({other})", "conflict", evidence, line)
    return Check(path, item.key, item.stated, None, "unverified", (), line)


def _told(item: Difference, wrong: Sequence[Check]) -> bool:
    """A statement that conflicts already says so."""
    return any(item.stated in (check.quote or "") for check in wrong)


def configuration_checks(stated: object, own: Mapping[str, Written], done: Sequence[Check]) -> Iterator[Check]:
    """Each row of the configuration table against the model's fact of the same key, and rows that nothing has read."""
    read = {check.path for check in done}
    wrong = {check.path for check in done if check.status == "conflict"}
    for key, value in stated.items() if isinstance(stated, Mapping) else ():
        path, text = f"configuration[{str(key)!r}]", written_value(value)
        written = own.get(path)
        if path in wrong:
            continue
        if written is None:
            yield from _unknown_row(path, text, path in read)
        elif text == written.text:
            if path not in read:
                yield Check(path, str(key), value, value, "verified", written.evidence)
        else:
            yield from _row_differences(path, str(key), text, written, path in read)


def _unknown_row(path: str, text: str, read: bool) -> Iterator[Check]:
    if not read and (list(numbers_of(text)) or any(kinds_of(text, group) for group in GROUPS)):
        yield Check(path, "value", text, None, "unverified", (), text)


def _row_differences(path: str, key: str, text: str, written: Written, read: bool) -> Iterator[Check]:
    everything = [(0, len(text))] if read else []
    found = list(differences(text, written.text, everything))
    said, known = _letters(text), _letters(written.text)
    if not read and not any(item.wrong for item in found) and said not in known and known not in said:
        yield Check(path, key, text, written.text, "conflict", written.evidence, text)
        return
    for item in found:
        yield _check(path, text, item, written.text, written)


def _letters(text: str) -> str:
    """Only letters, in small: `half_split` and `Half-split` are the same words."""
    return re.sub(r"[\W_\d]+", "", text.lower())
