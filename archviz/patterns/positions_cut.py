"""Cuts along the positions of a pass, in symbols of its length: a pass is as long as it has to be, a model is not."""

from __future__ import annotations

from collections.abc import Iterable

from archviz.records import record

_MORE = 8  # positions that padding or a sink adds to a row of them


@record(frozen=True)
class Positions:
    """How long a pass is.

    Args:
        length: Positions, S.
        rates: How many positions become one, where the module pools them.
    """

    length: int
    rates: tuple[int, ...] = ()

    def words(self, start: int, stop: int, total: int) -> str | None:
        """A cut of an axis of positions, as `0 to S of S + 3`; None where the axis is one of features.

        >>> Positions(263, (4,)).words(0, 328, 329)
        '0 to S + S/4 of S + S/4 + 1'
        """
        ends = [self._symbol(size) for size in (stop, total)]
        exact = any(size == base for size in (stop, total, stop - start) for _, base in self._bases())
        if None in ends or not exact:
            return None
        first = self._symbol(start) if start > _MORE else (str(start), 0)
        return f"{first[0]} to {' of '.join(text for text, _ in filter(None, ends))}" if first is not None else None

    def index_words(self, index: str) -> str:
        """An index that keeps positions of one axis, as `:, :, :S`; other indices, such as steps of a loop, as they are.

        >>> Positions(7).index_words(":, :, :7"), Positions(7).index_words(":, -7:"), Positions(7).index_words("..., 7, :7")
        (':, :, :S', ':, -S:', '..., 7, :7')
        >>> Positions(263, (128,)).index_words(":, :256")
        ':, :S − S mod 128'
        """
        bounds = index.split(", ")
        told = {f":{self.length}": ":S", f"-{self.length}:": "-S:", f"{self.length}:": "S:"}
        told |= {f":{self.length // rate * rate}": f":S − S mod {rate}" for rate in self.rates if self.length % rate}
        places = [place for place, bound in enumerate(bounds) if bound in told]
        if len(places) != 1 or bounds.count(":") != len(bounds) - 1:
            return index
        return ", ".join(told.get(bound, bound) for bound in bounds)

    def size_words(self, size: float, *, least: int = _MORE) -> str | None:
        """A number that is how many positions there are, or how many of them pooled; None for others, and for so few that it may be chance.

        >>> Positions(263, (4,)).size_words(65), Positions(263, (4,)).size_words(64), Positions(7, (4,)).size_words(7)
        ('S/4', None, None)
        """
        return next((text for text, base in self._bases() if size == base > least), None)

    def filled(self, more: int) -> str:
        """How many positions are added to all: `64 − S` where they are filled up to a round number.

        >>> Positions(7).filled(57), Positions(7).filled(3)
        ('64 − S', '3')
        """
        return f"{self.length + more} − S" if more > _MORE else str(more)

    def _symbol(self, size: int) -> tuple[str, int] | None:
        """A size in symbols of the length, and how many positions it has beyond that."""
        for more in range(_MORE + 1):
            for text, base in self._bases():
                if size == base + more:
                    return (f"{text} + {more}" if more else text), more
        return None

    def _bases(self) -> Iterable[tuple[str, int]]:
        yield "S", self.length
        for rate in self.rates:
            pooled = self.length // rate
            if pooled:
                yield f"S + S/{rate}", self.length + pooled
            if pooled > _MORE:
                yield f"S/{rate}", pooled
