"""What `compare` answers: the comparison, and the order of the family where it was asked for."""

from __future__ import annotations

from archviz.comparison.comparing import Comparison
from archviz.comparison.family import Step
from archviz.records import record


@record(frozen=True)
class ComparisonResult:
    comparison: Comparison
    steps: list[Step]

    def as_dict(self) -> dict[str, object]:
        """The comparison as JSON data; `family` stands there only where models were ordered."""
        family = {"family": [step.as_dict() for step in self.steps]} if self.steps else {}
        return {**self.comparison.as_dict(), **family}
