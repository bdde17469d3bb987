"""What the tools answer: closed models, published as output schemas.  What is None is left out of the answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from archviz.formats import Format

JsonPart = dict[str, object] | list[object] | str | int | float | bool | None


class Answer(BaseModel):
    """Base of all answers.  `next` is what to do with it."""

    model_config = ConfigDict(extra="forbid")

    next: list[str] = []


class Candidate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    why: str


class ResolveAnswer(Answer):
    status: Literal["exact", "renamed", "ambiguous", "not_found", "gated", "unreachable"]
    model_id: str | None = None
    candidates: list[Candidate] = []
    more_candidates: int = 0
    source: str
    complete: bool
    facts_date: str | None = None
    commit: str | None = None
    derivation: str | None = None
    notes: list[str] = []
    message: str
    error: str | None = None
    retry_after: float | None = None
    hint: str | None = None


class PageBounds(BaseModel):
    """Items `offset` to `offset + returned` of `total`."""

    model_config = ConfigDict(extra="forbid")

    offset: int
    returned: int
    total: int


class DescribeAnswer(Answer):
    """Either `summary` with `parts`, or the `value` of the `part` that was asked for."""

    model: str
    class_name: str
    code: str | None = None
    summary: dict[str, object] | None = None
    parts: dict[str, str] | None = None
    part: str | None = None
    value: JsonPart = None
    page: PageBounds | None = None
    gaps: list[str] = []
    gaps_total: int = 0


class DrawnFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Format
    uri: str
    path: str
    bytes: int


class DrawAnswer(Answer):
    title: str
    model_id: str | None = None
    files: list[DrawnFile]
    image: Literal["inline", "too_large", "not_asked"]
    summary: dict[str, object]
    findings: list[str] = []
    gaps: list[str] = []
    gaps_total: int = 0
