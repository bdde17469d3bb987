"""From tensors to the formula of their count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from archviz.formulas.products import Factor, Product, Sum, as_product, simplified, sorted_sum, sum_text, worth
from archviz.formulas.symbols import Named, Names
from archviz.interpreter.reading import ModelReading, TensorRecord
from archviz.interpreter.sizes import Expression
from archviz.records import record

Group = tuple[int, Sequence[TensorRecord]]
"""How many times these tensors are there."""


@record(frozen=True)
class Formula:
    """A count as a formula.

    Args:
        text: In symbols: `45·(2·d·f + d)`.
        numbers: The same with numbers.
        value: What it comes to.
    """

    text: str
    numbers: str
    value: int


class Formulas:
    """The formulas of one model; the symbols that they use are collected on the way.

    Args:
        reading: The model; `reading.sizes` says how its tensors' sizes came about.
        main: Path of the configuration of its main tower (`text_config.`, or empty).
    """

    def __init__(self, reading: ModelReading, main: str = "") -> None:
        self._sizes = reading.sizes
        self._names = Names(reading.config, main, reading.taken)
        self._simple: dict[Expression, Sum] = {}

    @property
    def symbols(self) -> list[Named]:
        """The symbols used so far."""
        return self._names.given

    def symbol(self, path: str, value: int) -> Factor | None:
        """The symbol of a key, where the key has this value."""
        try:
            found = self._names(path)
        except (KeyError, IndexError):
            return None
        return found if isinstance(found, Factor) and found.value == value else None

    def of(self, groups: Iterable[Group], times: Callable[[int], Factor | None] = lambda _: None) -> Formula | None:
        """The formula of the elements of tensors; None where a size was not understood.

        Args:
            groups: The tensors; those of each group are added up before they are multiplied.
            times: The symbol for a multiple, where it has one.
        """
        products: list[Product] = []
        for count, tensors in groups:
            if any(None in tensor.shape for tensor in tensors):
                return None
            each = sorted_sum(self._product(tensor) for tensor in tensors)
            if count == 1:
                products += each
                continue
            symbol = times(count)
            multiple = Product(1, ((symbol, 1),)) if symbol is not None else Product(count)
            if len(each) == 1 and each[0].coefficient == 1:
                products.append(multiple.times(each[0]))
            elif each:
                inner = as_product(each) if len(each) > 1 else _bracketed(each)
                products.append(multiple.times(inner))
        total = sorted_sum(products)
        return Formula(sum_text(total), sum_text(total, numbers=True), worth(total))

    def _product(self, tensor: TensorRecord) -> Product:
        product = Product(1)
        for expression in self._sizes.get(tensor.name, tensor.shape):
            if expression not in self._simple:
                self._simple[expression] = simplified(expression, self._names)
            product = product.times(as_product(self._simple[expression]))
        return product


def _bracketed(products: Sum) -> Product:
    """A product kept apart from its multiple: `60·(2·d)`."""
    text, numbers = sum_text(products), sum_text(products, numbers=True)
    return Product(1, ((Factor(f"({text})", f"({numbers})", worth(products), 3_000), 1),))
