"""Whether a refusal that ends a pass is the configuration's: it comes back whatever else the model is given."""

from __future__ import annotations

from collections.abc import Collection

from archviz.interpreter.reading import Gap
from archviz.interpreter.tracing import Recorder
from archviz.late_patterns import late_pattern
from archviz.spans import RAISES

Pass = tuple[Recorder, list[Gap]]
_ERROR = late_pattern(r"(Value|Runtime|Type|Index|Key)Error: ")


class Refusal:
    """The refusal that ended the first pass of a model, if any did.

    Args:
        given: The names of what the first pass was given.
        first: That pass.
    """

    def __init__(self, given: Collection[str], first: Pass) -> None:
        own = any(gap.reason.startswith(RAISES) for gap in first[1])
        self._words = first[0].ended_by if own else None
        self._given = {frozenset(given)}
        self._furthest = first

    def meet(self, given: Collection[str], other: Pass) -> None:
        """Take note of another pass."""
        if other[0].ended_by is not None and other[0].ended_by == self._words:
            self._given.add(frozenset(given))
            if len(other[0].events) > len(self._furthest[0].events):
                self._furthest = other

    def instead_of(self, best: Pass) -> Pass:
        """The furthest of the passes that ended so, where the best came to its end over errors that PyTorch would have stopped at."""
        comes_back = self._words is not None and len(self._given) > 1
        over_errors = best[0].ended_by is None and any(_ERROR.match(gap.reason) for gap in best[1])
        return self._furthest if comes_back and over_errors else best
