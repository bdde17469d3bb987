"""Sums of elements of one tensor, each with a coefficient: what a linear step such as a rotation makes of them."""

from __future__ import annotations

from archviz.patterns.moves import NotFollowed

Number = float | complex


class LinearForm:
    """`Σ cᵢ xᵢ`: the coefficient of each element by its place in the tensor.

    >>> x = LinearForm({(0,): 1.0})
    >>> (2 * x - x).coefficients
    {(0,): 1.0}
    """

    __slots__ = ("coefficients",)

    def __init__(self, coefficients: dict[tuple[int, ...], Number]) -> None:
        self.coefficients = coefficients

    def __add__(self, other: LinearForm | Number) -> LinearForm:
        if not isinstance(other, LinearForm):
            if other == 0:
                return self
            raise NotFollowed("a number is added to what is rotated")
        total = dict(self.coefficients)
        for place, value in other.coefficients.items():
            total[place] = total.get(place, 0.0) + value
        return LinearForm({place: value for place, value in total.items() if value != 0})

    __radd__ = __add__

    def __neg__(self) -> LinearForm:
        return self * -1.0

    def __sub__(self, other: LinearForm | Number) -> LinearForm:
        return self + -other

    def __rsub__(self, other: LinearForm | Number) -> LinearForm:
        return -self + other

    def __mul__(self, other: LinearForm | Number) -> LinearForm:
        if isinstance(other, LinearForm):
            raise NotFollowed("a product of what is rotated with itself")
        return LinearForm({place: value * other for place, value in self.coefficients.items()})

    __rmul__ = __mul__

    def __truediv__(self, other: LinearForm | Number) -> LinearForm:
        if isinstance(other, LinearForm):
            raise NotFollowed("a quotient by what is rotated")
        return self * (1 / other)

    def part(self, *, imaginary: bool) -> LinearForm:
        """The real or the imaginary part, of real elements."""
        parts = {place: complex(value) for place, value in self.coefficients.items()}
        return LinearForm({place: value.imag if imaginary else value.real for place, value in parts.items()})
