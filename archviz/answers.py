"""Results as plain data, for `--json` and for the service: what JSON cannot hold becomes what it can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archviz.pipeline import DrawResult


def plain(value: object) -> object:
    """`value` as dicts, lists and scalars: dataclasses by field, paths and anything else as text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value.as_posix() if isinstance(value, PurePath) else str(value)


def draw_answer(result: DrawResult) -> dict[str, object]:
    """What `archviz draw --json` prints."""
    return {
        "title": result.title,
        "model_id": result.model_id,
        "files": plain(result.files),
        "findings": plain(result.findings),
        "gaps": plain(result.gaps),
        "summary": plain(result.summary),
        **({"notes": result.notes} if result.notes else {}),
    }
