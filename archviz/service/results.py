"""What the tools answer: closed models, published as output schemas.  What is None or empty is left out of the answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Rows = list[dict[str, Any]]


class Answer(BaseModel):
    """Base of all answers.

    Args:
        gaps: What was not understood, in short, and how many places that are in all.
        page: `offset`, `returned` and `total` of what is shown in pages.
        notes: What a reader must know beside the answer.
        next: What to do with it.
    """

    model_config = ConfigDict(extra="forbid")

    next: list[str] = []

    @property
    def verbatim(self) -> frozenset[str]:
        """Entries that are stated as they are, nulls and all: parts of a document."""
        return frozenset({"value"}) & self.model_fields_set


class AboutModel(Answer):
    model: str
    class_name: str | None = None
    gaps: list[str] = []
    gaps_total: int = 0
    notes: list[str] = []


class ResolveAnswer(Answer):
    status: Literal["exact", "renamed", "ambiguous", "not_found", "gated", "unreachable"]
    message: str
    model_id: str | None = None
    candidates: Rows = []
    more_candidates: int = 0
    source: str
    complete: bool
    facts_date: str | None = None
    commit: str | None = None
    derivation: str | None = None
    error: str | None = None
    retry_after: float | None = None
    hint: str | None = None
    notes: list[str] = []


class SourcesAnswer(Answer):
    """Either `sources` of a model, or `text` of a paper or card in pages."""

    status: str
    message: str
    model_id: str | None = None
    sources: Rows = []
    disagreements: Rows = []
    candidates: Rows = []
    not_known: list[str] = []
    paper: dict[str, Any] | None = None
    contents: list[str] = []
    text: str | None = None
    page: dict[str, Any] | None = None
    notes: list[str] = []


class DescribeAnswer(AboutModel):
    """Either `summary` with `parts`, or the `value` of the `part` that was asked for."""

    code: str | None = None
    summary: dict[str, Any] | None = None
    parts: dict[str, Any] | None = None
    part: str | None = None
    value: Any = None
    page: dict[str, Any] | None = None


class VerifyAnswer(Answer):
    """Of a model: `claims` and `checks`; of code: `matches`."""

    subject: str
    class_name: str | None = None
    statuses: dict[str, Any] = {}
    conflicts: list[str] = []
    checks: list[str] = []
    claims: list[str] = []
    matches: list[str] = []
    topics: dict[str, Any] = {}
    skipped: list[str] = []
    page: dict[str, Any] | None = None
    gaps: list[str] = []
    gaps_total: int = 0
    notes: list[str] = []


class TensorsAnswer(AboutModel):
    """`parameters`, `count` and `dtypes` are of the tensors that match, `whole` of the model."""

    parameters: int | None = None
    count: int | None = None
    whole: dict[str, Any] = {}
    dtypes: dict[str, Any] = {}
    tensors: dict[str, Any] = {}
    tied: dict[str, Any] = {}
    problems: list[str] = []
    page: dict[str, Any]


class DrawAnswer(AboutModel):
    model: str | None = None  # type: ignore[assignment] # a hand-written figure is of no model
    title: str
    image: Literal["inline", "too_large", "not_asked"]
    files: Rows
    summary: dict[str, Any] = {}
    findings: list[str] = []


class CompareAnswer(Answer):
    models: Rows
    differ: dict[str, Any] = {}
    equal: list[str] = []
    layers: Rows = []
    blocks: Rows = []
    left_out: dict[str, Any] = {}
    image: Literal["inline", "too_large", "not_asked"]
    files: Rows
    findings: list[str] = []
    gaps: list[str] = []
    gaps_total: int = 0
    notes: list[str] = []


class DocumentAnswer(AboutModel):
    kind: str
    files: Rows = []
    text: str | None = None
    summary: dict[str, Any] = {}
    checks: list[str] = []
