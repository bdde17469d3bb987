"""The validation report: what was expected of a model, what each source says, and how its count leads to the published one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from archviz.architecture.model import Architecture
from archviz.architecture.words import value_words
from archviz.emit.markdown_text import line, link
from archviz.errors import UsageError
from archviz.outputs import check_output, write_text
from archviz.verify.claims import Check
from archviz.verify.report import Verification, checkpoint_lines

_MARKS = {"verified": "agrees", "conflict": "CONFLICT", "unverified": "not told, or a hint that differs"}
_SUFFIXES = (".md", ".json")


def check_report(path: Path) -> None:
    """Refuse a report that cannot be written.

    Raises:
        UsageError: Its suffix is neither .md nor .json, or its folder does not exist.
    """
    if path.suffix not in _SUFFIXES:
        raise UsageError(f"a report is .md or .json, not {path.suffix or 'without a suffix'}", where=f"--report {path}")
    check_output(path)


def write_report(found: Verification, architecture: Architecture, path: Path) -> None:
    """Write the report in the format of its suffix."""
    if path.suffix == ".md":
        text = validation_markdown(found, architecture)
    else:
        text = json.dumps(validation_data(found, architecture), indent=2, ensure_ascii=False) + "\n"
    write_text(path, text)


def validation_data(found: Verification, architecture: Architecture) -> dict[str, object]:
    """The report as JSON data."""
    identity, parameters = architecture.identity, architecture.parameters
    return {
        "model": identity.id,
        "class": identity.class_name,
        "revision": identity.revision,
        "result": "conflict" if found.conflicts else "gaps" if found.gaps else "valid",
        "exit_status": found.exit_status,
        "checks": [check.as_dict() for check in found.checks],
        "discrepancies": [check.as_dict() for check in found.checks if check.status != "verified"],
        "parameters": {
            "code": parameters.total,
            "published": parameters.published_total,
            "steps": [step.as_dict() for step in parameters.reconciliation],
            "unexplained": parameters.unexplained,
        },
        "checkpoint": found.checkpoint.as_dict() if found.checkpoint else None,
        "sources": [
            {"kind": "code", "name": identity.code, "files": [each.as_dict() for each in identity.files]},
            *found.as_dict()["sources"],  # type: ignore[misc]
        ],
        "claims": len(found.claims),
        "gaps": [gap.as_dict() for gap in found.gaps],
    }


def validation_markdown(found: Verification, architecture: Architecture) -> str:
    """The report as Markdown."""
    return "\n".join(_lines(found, architecture)) + "\n"


def _lines(found: Verification, architecture: Architecture) -> Iterator[str]:
    identity = architecture.identity
    yield f"# Validation of {line(identity.id)}"
    yield ""
    result = "**conflicts**" if found.conflicts else "valid, with gaps" if found.gaps else "valid"
    count = f"{found.statements} statement{'' if found.statements == 1 else 's'}"
    held = f"{count} held against it" if found.checks else "no statement was held against it"
    yield f"Class {line(identity.class_name)}; {held}; result: {result if found.checks or found.conflicts else 'nothing to judge'}."
    if found.checks:
        yield from ("", "## Expectations", "")
        yield "| expected | of | stated | found | result | source |"
        yield "|---|---|---|---|---|---|"
        yield from map(_row, found.checks)
    discrepancies = [check for check in found.checks if check.status != "verified"]
    if discrepancies:
        yield from ("", "## Discrepancies", "")
        for check in discrepancies:
            said = value_words(check.found, of_code=True) if check.found is not None else "nothing"
            place = f" at {line(check.evidence[0].where)}" if check.evidence else ""
            yield f"- {line(check.path)}: stated {line(value_words(check.stated, of_code=True))}, found {line(said)}{place} ({check.status})"
    yield from _parameters(architecture)
    if found.checkpoint is not None:
        yield from ("", "## Stored tensors", "")
        yield from (f"- {line(text)}" for text in checkpoint_lines(found.checkpoint))
    yield from _sources(found, architecture)
    if found.gaps:
        yield from ("", "## Gaps", "")
        yield from (
            f"- {line(gap.module or 'model')}: {line(gap.reason)} {line(gap.at or '')}".rstrip()
            for gap in found.gaps[:50]
        )


def _row(check: Check) -> str:
    place = "; ".join(item.where for item in check.evidence[:2])
    cells = [
        check.key, check.source, value_words(check.stated, of_code=True), value_words(check.found, of_code=True) if check.found is not None else "-",
        _MARKS.get(check.status, check.status), place,
    ]  # fmt: skip
    return "| " + " | ".join(line(str(cell)) for cell in cells) + " |"


def _parameters(architecture: Architecture) -> Iterator[str]:
    parameters = architecture.parameters
    yield from ("", "## Parameters", "")
    yield f"- code: {parameters.total:,}"
    for step in parameters.reconciliation:
        where = "".join(f", {line(each.where)}" for each in step.evidence)
        yield f"- {step.count:+,}: {line(step.title)} ({step.status}{where})"
    if parameters.published_total is not None:
        rest = f"; {parameters.unexplained:+,} not explained" if parameters.unexplained else ""
        yield f"- published: {parameters.published_total:,}{rest}"


def _sources(found: Verification, architecture: Architecture) -> Iterator[str]:
    identity = architecture.identity
    yield from ("", "## Sources", "")
    yield f"- code: {line(identity.code or '')}" + (f", {link(identity.url)}" if identity.url else "")
    yield from (f"  - {line(each.name)} sha256 {each.sha256[:16]}" for each in identity.files[:20])
    for each in found.sources:
        yield f"- {each.kind}: {line(each.name)}" + (f"; not read: {line(each.trouble)}" if each.trouble else "")
