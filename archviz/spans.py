"""Where a fact comes from: places in code, configuration keys, tensors, papers."""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["verified", "config", "derived", "unverified", "conflict"]
RAISES = "with these values the code raises "
"""How the reason of a gap begins that is the code's own refusal in its forward pass, and not something that was not understood."""
EvidenceKind = Literal["code", "config", "tensor", "catalog", "card", "paper", "figure"]


class Span(NamedTuple):
    """A line of a source file, named as a reader would look it up (never a path of this machine).

    >>> str(Span("transformers/models/qwen3/modeling_qwen3.py", 61))
    'transformers/models/qwen3/modeling_qwen3.py:61'
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
