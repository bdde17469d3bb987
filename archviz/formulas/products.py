"""The algebra of formulas: sums of products of named sizes, where like terms add up and exact quotients cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod

from archviz.interpreter.sizes import Expression
from archviz.records import record


@record(frozen=True)
class Factor:
    """What a product is made of: a symbol, a sum in parentheses, or a quotient that does not come out even.

    Args:
        text: As it stands in a formula.
        numbers: The same with numbers.
        value: What it is worth.
        rank: Where it stands in a product.
    """

    text: str
    numbers: str
    value: int
    rank: int


Powers = tuple[tuple[Factor, int], ...]
"""Factors with their powers; negative ones divide, and the whole comes out even."""
Name = Callable[[str], Factor | int]
"""What a configuration key is called; its number where it has no name."""


@record(frozen=True)
class Product:
    """`coefficient` times powers of factors."""

    coefficient: int
    powers: Powers = ()

    @property
    def value(self) -> int:
        return self.coefficient * _worth(self.powers, 1) // _worth(self.powers, -1)

    def times(self, other: Product) -> Product:
        powers = dict(self.powers)
        for factor, power in other.powers:
            powers[factor] = powers.get(factor, 0) + power
        return Product(self.coefficient * other.coefficient, _ordered(powers))

    def over(self, other: Product) -> Product | None:
        """The quotient; None where it does not come out even."""
        if other.value == 0 or self.value % other.value or self.coefficient % other.coefficient:
            return None
        return self.times(Product(1, tuple((factor, -power) for factor, power in other.powers))).scaled(
            other.coefficient
        )

    def scaled(self, divisor: int) -> Product:
        return Product(self.coefficient // divisor, self.powers)

    def text(self, *, numbers: bool = False) -> str:
        above = [_power(f, p, numbers=numbers) for f, p in self.powers if p > 0]
        below = [_power(f, -p, numbers=numbers) for f, p in self.powers if p < 0]
        if self.coefficient != 1 or not above:
            above.insert(0, str(self.coefficient))
        text = "·".join(above)
        if not below:
            return text
        return f"{text} ∕ {below[0]}" if len(below) == 1 else f"{text} ∕ ({'·'.join(below)})"


def _worth(powers: Powers, sign: int) -> int:
    return prod(factor.value ** (sign * power) for factor, power in powers if sign * power > 0)


def _ordered(powers: dict[Factor, int]) -> Powers:
    return tuple(sorted(((f, p) for f, p in powers.items() if p), key=lambda pair: (pair[0].rank, pair[0].text)))


def _power(factor: Factor, power: int, *, numbers: bool) -> str:
    text = factor.numbers if numbers else factor.text
    return text if power == 1 else f"{text}{str(power).translate(_RAISED)}"


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
Sum = tuple[Product, ...]
"""Products with different powers, none with coefficient 0."""


def added(products: Iterable[Product]) -> Sum:
    """The sum of products: those with the same powers are one."""
    found: dict[Powers, int] = {}
    for each in products:
        found[each.powers] = found.get(each.powers, 0) + each.coefficient
    return tuple(Product(coefficient, powers) for powers, coefficient in found.items() if coefficient)


def sorted_sum(products: Iterable[Product]) -> Sum:
    """The sum of products, the largest first."""
    return tuple(sorted(added(products), key=lambda each: -each.value))


def sum_text(products: Sum, *, numbers: bool = False) -> str:
    """`2·d·f + 3·d`; a negative product is subtracted."""
    text = ""
    for each in products:
        if each.coefficient < 0 and text:
            text += " - " + Product(-each.coefficient, each.powers).text(numbers=numbers)
        else:
            text += (" + " if text else "") + each.text(numbers=numbers)
    return text or "0"


def worth(products: Sum) -> int:
    return sum(each.value for each in products)


def as_product(products: Sum) -> Product:
    """A sum as one product: of several terms it becomes a factor in parentheses."""
    if not products:
        return Product(0)
    if len(products) == 1:
        return products[0]
    rank = 1_000 + min(factor.rank for each in products for factor, _ in each.powers or ((_NOTHING, 1),))
    text = f"({sum_text(products)})"
    return Product(1, ((Factor(text, f"({sum_text(products, numbers=True)})", worth(products), rank), 1),))


_NOTHING = Factor("", "", 0, 0)


def simplified(expression: Expression, name: Name) -> Sum:
    """The sum of products that an expression of sizes is."""
    if isinstance(expression, str):
        named = name(expression)
        return (Product(1, ((named, 1),)),) if isinstance(named, Factor) else added([Product(named)])
    if isinstance(expression, int):
        return added([Product(expression)])
    sign, left, right = expression
    one, other = simplified(left, name), simplified(right, name)
    if sign == "+":
        return added([*one, *other])
    if sign == "-":
        return added([*one, *(Product(-each.coefficient, each.powers) for each in other)])
    if sign == "*":
        return added([as_product(one).times(as_product(other))])
    if sign == "//":
        return added([_quotient(as_product(one), as_product(other))])
    return added([_raised(as_product(one), worth(other))])


def _quotient(one: Product, other: Product) -> Product:
    even = one.over(other)
    if even is not None:
        return even
    below = other.text() if len(other.powers) + (other.coefficient != 1) == 1 else f"({other.text()})"
    text, numbers = f"⌊{one.text()} ∕ {below}⌋", f"⌊{one.text(numbers=True)} ∕ {other.value}⌋"
    return Product(1, ((Factor(text, numbers, one.value // other.value if other.value else 0, 2_000), 1),))


def _raised(base: Product, power: int) -> Product:
    result = Product(1)
    for _ in range(power if 0 <= power <= 8 else 0):
        result = result.times(base)
    return result if 0 <= power <= 8 else Product(base.value**power)
