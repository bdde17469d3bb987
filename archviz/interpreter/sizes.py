"""Integers of a configuration that remember, through arithmetic, which of its keys they come from.

While a model is built its configuration holds `Size`s: `config.num_heads * config.head_dim * 2` is the number that it would be, and knows
the product that gave it. So the shape of every tensor says how the code computed it. A quotient or a product with a short fraction
remembers it too, for the `int(…)` that makes a size of it again (`int(hidden_size / num_heads)`, `int(hidden_size * mlp_ratio)`); what else
arithmetic does not reach (a sum over a list, a square root) is a plain number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from archviz.interpreter.values import Instance, ModuleInstance, Shape
from archviz.interpreter.walk import distinct_modules

Expression = Any
"""A key path (text), a number, or `(operator, left, right)` with one of `_OPERATIONS`."""

_OPERATIONS: dict[str, Callable[[int, int], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "**": operator.pow,
}  # fmt: skip
OVERRIDES = "_heterogeneity_spec"  # where transformers keeps what differs by layer
MOST = 64  # integers of one list or table of a configuration; longer ones are no sizes
DEEPEST = 12  # operations in one another: what is nested deeper is a number of its own


class Size(int):
    """An integer with the expression that gave it."""

    expression: Expression
    depth: int

    def __copy__(self) -> Size:
        return self

    def __deepcopy__(self, memo: Any) -> Size:
        return self


Size.__name__ = "int"  # error texts of the interpreted program name the type


class Fraction(float):
    """A number that a division of sizes gave, or a product of one with a fraction; `whole` is the size that `int` makes of it."""

    whole: Size


Fraction.__name__ = "float"


def sized(value: int, expression: Expression, depth: int = 0) -> Size:
    size = Size(value)
    size.expression, size.depth = expression, depth
    return size


def _combined(sign: str, plain: Callable[[int, Any], Any], *, swapped: bool) -> Any:
    def combine(self: Size, other: Any) -> Any:
        result = plain(self, other)
        kind = other.__class__
        if result.__class__ is not int or (kind is not int and kind is not Size):
            return result  # of other kinds, or NotImplemented
        depth = self.depth + 1
        there: Any = other
        if kind is Size:
            there = other.expression
            depth = max(depth, other.depth + 1)
        if depth > DEEPEST:
            return result
        size = Size(result)
        size.depth = depth
        size.expression = (sign, there, self.expression) if swapped else (sign, self.expression, there)
        return size

    return combine


for _name, _sign in {"add": "+", "sub": "-", "mul": "*", "floordiv": "//"}.items():
    setattr(Size, f"__{_name}__", _combined(_sign, getattr(int, f"__{_name}__"), swapped=False))
    setattr(Size, f"__r{_name}__", _combined(_sign, getattr(int, f"__r{_name}__"), swapped=True))
Size.__pow__ = _combined("**", int.__pow__, swapped=False)  # type: ignore[method-assign]


def quotient(left: Any, right: Any) -> Any:
    """`left / right`; of sizes it remembers them."""
    if left.__class__ in _SIZES and right.__class__ in _SIZES:
        return _fraction(left / right, left // right)
    return left / right


def product(left: Any, right: Any) -> Any:
    """`left * right`; of a size and a factor such as 4.0, 0.5 or 1.3125 it remembers the size, of others (1.3, 1/3) not."""
    if left.__class__ is float and right.__class__ is Size:
        return _scaled(right, left)
    if left.__class__ is Size and right.__class__ is float:
        return _scaled(left, right)
    return left * right


def _scaled(size: Size, factor: float) -> float:
    above, below = factor.as_integer_ratio() if isfinite(factor) else (0, 0)
    if not 0 < below <= FINEST:
        return size * factor
    whole = size if above == 1 else size * above
    return _fraction(size * factor, whole if below == 1 else whole // below)


_SIZES = frozenset({int, Size})
FINEST = 64  # what a factor of a size may be a fraction of


def _fraction(value: float, whole: int) -> float:
    """The number, with the size that it is without its fraction."""
    if whole.__class__ is not Size or whole < 0 or int(value) != whole:
        return value
    fraction = Fraction(value)
    fraction.whole = whole
    return fraction


def evaluated(expression: Expression, values: Callable[[str], int]) -> int:
    """The number that an expression stands for.

    >>> evaluated(("*", ("+", "heads", 1), 64), {"heads": 2}.__getitem__)
    192
    """
    if isinstance(expression, str):
        return values(expression)
    if isinstance(expression, int):
        return expression
    sign, left, right = expression
    result: int = _OPERATIONS[sign](evaluated(left, values), evaluated(right, values))
    return result


def expression_of(value: Any) -> Expression:
    """How a size was computed; the number itself where that is not known."""
    return value.expression if value.__class__ is Size else value


class Tagged:
    """A configuration whose integers remember their keys, until `plain` makes them numbers again.

    Args:
        config: The configuration object; those inside it are reached by the path of their keys.
        given: The configuration as it was given. What its class keeps for some layers alone (`num_key_value_heads` of global
            layers) goes by the given key that says it (`num_global_key_value_heads`).
    """

    def __init__(self, config: Any, given: Mapping[str, Any]) -> None:
        self.taken: dict[str, int] = {}  # keys that the class takes under no name of their own
        self._changed: list[tuple[dict[Any, Any], Any, Any, Any]] = []
        self._tag(config, "", set(), given)
        for values, name, _, tagged in self._changed:
            values[name] = tagged

    def _tag(self, config: Any, prefix: str, seen: set[int], given: Mapping[str, Any]) -> None:
        if not isinstance(config, Instance) or id(config) in seen:
            return
        seen.add(id(config))
        for name, value in config.attrs.items():
            if isinstance(value, Instance) and name == OVERRIDES:
                self._tag_layers(value.attrs.get("per_layer_overrides"), config, prefix, given)
                continue
            if isinstance(value, Instance):
                inner = given.get(name)
                self._tag(value, f"{prefix}{name}.", seen, inner if isinstance(inner, dict) else {})
                continue
            if value.__class__ is dict and len(value) <= MOST:
                self._tag_table(value, prefix + name)
                continue
            tagged = _tagged(prefix + name, value)
            if tagged is not value:
                self._changed.append((config.attrs, name, value, tagged))

    def _tag_table(self, table: dict[Any, Any], path: str) -> None:
        """The integers of a table of the configuration: `compress_rates[heavily_compressed_attention]`."""
        for key, value in table.items():
            if value.__class__ is int and key.__class__ is str and key.isidentifier():
                self._changed.append((table, key, value, sized(value, f"{path}[{key}]")))

    def _tag_layers(self, layers: Any, config: Instance, prefix: str, given: Mapping[str, Any]) -> None:
        """The integers that differ by layer."""
        further = {key: value for key, value in given.items() if value.__class__ is int and key not in config.attrs}
        for overrides in layers.values() if isinstance(layers, dict) else ():
            for name, value in overrides.items() if isinstance(overrides, dict) else ():
                words = set(name.split("_"))
                keys = [key for key in further if further[key] == value and words <= set(key.split("_"))]
                if value.__class__ is int and len(keys) == 1:
                    self.taken[prefix + keys[0]] = value
                    self._changed.append((overrides, name, value, sized(value, prefix + keys[0])))

    def plain(self, model: ModuleInstance) -> dict[int, tuple[Expression, ...]]:
        """Make the integers of configuration and model plain numbers; returns how each tensor's sizes were computed, by its identity."""
        for values, name, value, tagged in self._changed:
            if values.get(name) is tagged:
                values[name] = value
        found: dict[int, tuple[Expression, ...]] = {}
        shapes: dict[
            int, tuple[Shape, Shape, tuple[Expression, ...]]
        ] = {}  # layers built alike share those of their tensors
        for module in distinct_modules(model):
            for name, value in module.attrs.items():
                if value.__class__ in _HOLDING:
                    module.attrs[name] = _plain(value)
            for tensor in (*module.parameters.values(), *module.buffers.values()):
                if tensor is not None and tensor.shape is not None and id(tensor) not in found:
                    shape = tensor.shape
                    if id(shape) not in shapes:
                        shapes[id(shape)] = (shape, Shape(map(int, shape)), tuple(map(expression_of, shape)))
                    _, tensor.shape, found[id(tensor)] = shapes[id(shape)]
        return found


_HOLDING = frozenset({Size, Fraction, list, tuple, dict})


def _tagged(path: str, value: Any) -> Any:
    if value.__class__ is int:
        return sized(value, path)
    if value.__class__ in (list, tuple) and 0 < len(value) <= MOST and all(each.__class__ is int for each in value):
        return value.__class__(sized(each, f"{path}[{index}]") for index, each in enumerate(value))
    return value


def _plain(value: Any) -> Any:
    if value.__class__ is Size:
        return int(value)
    if value.__class__ is Fraction:
        return float(value)
    if value.__class__ is dict:
        if Size in map(type, value.values()):
            value.update({key: int(each) for key, each in value.items() if each.__class__ is Size})
        return value
    if Size in map(type, value):
        return value.__class__([int(each) if each.__class__ is Size else each for each in value])
    return value
