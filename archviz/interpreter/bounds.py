"""What a plain method or a plain operator of the host may cost: sizes are checked before anything is made.

Python's own methods run at the host's speed and take what memory they need, so everything here happens before the call:
endless iterators are counted out, results that would be far larger than what goes in are refused, containers that share
their parts are weighed as often as their text, hash or comparison would visit them.
"""

from __future__ import annotations

import re
import string
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.sizes import Size
from archviz.interpreter.values import Instance, Unknown

if TYPE_CHECKING:
    from archviz.interpreter.operators import Operators

CONTAINERS = (list, tuple, dict, set, frozenset, deque)
_NESTED = (*CONTAINERS, Instance)
DEEPEST = 400  # containers inside containers
WIDEST = 99_999  # characters of a format width
CHAIN_STEPS = 2_000  # what an iterator over an iterator costs: a long chain of them would end the host's stack
ELEMENTS_PER_STEP = 4  # copied for the price of one interpreted step
CHARACTERS_PER_STEP = 32
REGEX_STEPS = 200_000_000
SMALL_CHOICE = 0.25
_TAKE_ITERABLES = {
    "extend", "extendleft", "update", "union", "intersection", "difference", "symmetric_difference", "issubset",
    "issuperset", "isdisjoint", "join", "fromkeys", "intersection_update", "difference_update",
}  # fmt: skip
_READ_WHOLE = {
    "copy", "index", "count", "remove", "sort", "reverse", "insert", "union", "intersection", "difference", "replace",
    "symmetric_difference", "issubset", "issuperset", "upper", "lower", "encode", "decode", "split", "title",
}  # fmt: skip
_CONSTRUCTORS = (deque, Counter, OrderedDict, defaultdict, bytes)


def charge(interp: Operators, count: int, per_step: int = ELEMENTS_PER_STEP) -> None:
    """Let a long value cost steps, so that the sum of all values is bounded as well as each."""
    if count >= per_step:
        interp.spend(count // per_step)


def check_length(
    interp: Operators,
    count: int,
    what: str = "a sequence",
    *,
    new: int | None = None,
    per_step: int = ELEMENTS_PER_STEP,
) -> None:
    """Refuse to make something of too many elements, and charge for it otherwise (for `new` of them, if not for all)."""
    if count > interp.limits.items:
        raise BudgetSpentError(f"{what} of more than {interp.limits.items:,} elements", interp.here())
    charge(interp, count if new is None else new, per_step)


def weigh(interp: Operators, value: Any) -> None:
    """Refuse a container whose text, hash or comparison would take too long; shared parts count each time."""
    if value.__class__ is tuple and len(value) + 1 < ELEMENTS_PER_STEP and _are_numbers(value):
        return
    count = 0
    stack = [(value, 0)] if isinstance(value, _NESTED) else []
    while stack:
        each, depth = stack.pop()
        if isinstance(each, Instance):
            each = each.payload
        if not isinstance(each, CONTAINERS):
            continue
        count += len(each) + 1
        if count > interp.limits.items or depth > DEEPEST:
            raise BudgetSpentError("a container nested too deep or shared too often", interp.here())
        for part in [*each.keys(), *each.values()] if isinstance(each, dict) else each:
            if isinstance(part, (str, bytes)):
                count += len(part) // CHARACTERS_PER_STEP
            elif isinstance(part, _NESTED):
                stack.append((part, depth + 1))
    charge(interp, count)


def _are_numbers(values: tuple[Any, ...]) -> bool:
    for each in values:  # a generator would take twice as long
        if each.__class__ is not int and each.__class__ is not float and each.__class__ is not Size:
            return False
    return True


def weigh_key(interp: Operators, key: Any) -> None:
    """Refuse a key whose hash would take too long."""
    if type(key) is tuple or type(key) is frozenset:
        weigh(interp, key)


def spliced(interp: Operators, value: Any, new: Any) -> Any:
    """What is put into a slice of a list, whose length stays bounded; an iterator is read."""
    values = value.payload if isinstance(value, Instance) else value
    if not isinstance(values, list) or isinstance(new, Unknown):
        return new
    parts = list(interp.iterate(new))
    check_length(interp, len(values) + len(parts))
    return parts


def is_iterator(value: Any) -> bool:
    """Whether a value is an iterator of the host (an interpreted object only looks like one)."""
    return isinstance(value, Iterator) and not isinstance(value, Instance)


def lazily(interp: Operators, value: Any) -> Any:
    """An argument of a lazy iterator function: counted while it is read, so that no endless one is read at once."""
    if isinstance(value, (list, tuple, dict, set, str, int, float)) or value is None or callable(value):
        return value
    if is_iterator(value):
        interp.spend(CHAIN_STEPS)
    return interp.iterate(value)


def host_call(interp: Operators, function: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Check a call of a plain type or method.

    Returns:
        The receiver of a method (None for a type), and the arguments with iterators read out.
    """
    name = getattr(function, "__name__", "")
    receiver = getattr(function, "__self__", None)
    rest = args
    if receiver is None and args and hasattr(function, "__objclass__"):  # `str.join` with its text as an argument
        receiver, rest = args[0], args[1:]
    read_out = name in _TAKE_ITERABLES if receiver is not None else function in _CONSTRUCTORS
    if read_out:
        read = [_read_out(interp, each) for each in rest]
        args, rest = [*args[: len(args) - len(rest)], *read], read
    if isinstance(receiver, (str, bytes)) or name in _READ_WHOLE or name in _TAKE_ITERABLES:
        _charge_sizes(interp, receiver if name in _READ_WHOLE else None, rest)
    elif receiver is None:
        _charge_sizes(interp, None, rest)
    if isinstance(receiver, (str, bytes)):
        _check_text(interp, receiver, name, rest)
    elif isinstance(receiver, re.Pattern):
        check_regex(interp, receiver.pattern, [*rest, *kwargs.values()])
    elif isinstance(receiver, range) and rest and not isinstance(rest[0], int):
        raise ValueError(f"{rest[0]!r} is not in range")
    elif isinstance(receiver, CONTAINERS):
        _check_container(interp, receiver, name, rest)
    elif function in (str, bytes) and args:
        _check_conversion(interp, function, args[0])
    elif function in (set, frozenset, Counter) and args and not isinstance(args[0], (dict, Instance)):
        args = [[_weighed(interp, each) for each in interp.iterate(args[0])], *args[1:]]
    elif function in (dict, OrderedDict) and args and (isinstance(args[0], (list, tuple)) or is_iterator(args[0])):
        pairs = list(interp.iterate(args[0]))
        weigh(interp, pairs)
        args = [pairs, *args[1:]]
    return receiver, args


def _read_out(interp: Operators, value: Any) -> Any:
    if isinstance(value, range) or is_iterator(value):
        return list(interp.iterate(value))
    return value


def _weighed(interp: Operators, key: Any) -> Any:
    weigh_key(interp, key)
    return key


def _charge_sizes(interp: Operators, receiver: Any, args: Sequence[Any]) -> None:
    for each in (receiver, *args):
        if isinstance(each, (str, bytes)):
            charge(interp, len(each), CHARACTERS_PER_STEP)
        elif isinstance(each, CONTAINERS):
            charge(interp, len(each))


def _check_conversion(interp: Operators, function: Any, value: Any) -> None:
    if function is bytes and isinstance(value, int):
        check_length(interp, value, "bytes")
    else:
        weigh(interp, value)


def _check_container(interp: Operators, receiver: Any, name: str, args: Sequence[Any]) -> None:
    if name in ("extend", "extendleft") and args and hasattr(args[0], "__len__"):
        check_length(interp, len(receiver) + len(args[0]), "a list", new=len(args[0]))
    elif name in ("index", "count", "remove", "sort"):
        weigh(interp, receiver)
    elif isinstance(receiver, (dict, set)):
        for each in args:
            weigh_key(interp, each)
            if isinstance(each, CONTAINERS) and name in _TAKE_ITERABLES:
                weigh(interp, each)


def _check_text(interp: Operators, receiver: Any, name: str, args: Sequence[Any]) -> None:
    if name == "join" and args and isinstance(args[0], CONTAINERS):
        total = sum(len(each) for each in args[0] if isinstance(each, (str, bytes)))
        check_length(interp, total + len(receiver) * len(args[0]), "a text", per_step=CHARACTERS_PER_STEP)
    elif name in ("ljust", "rjust", "center", "zfill", "expandtabs") and args and isinstance(args[0], int):
        width = args[0] * (len(receiver) if name == "expandtabs" else 1)
        check_length(interp, max(width, len(receiver)), "a text", per_step=CHARACTERS_PER_STEP)
    elif name == "translate" and args and isinstance(args[0], dict):
        longest = max((len(each) for each in args[0].values() if isinstance(each, str)), default=1)
        check_length(interp, len(receiver) * max(1, longest), "a text", per_step=CHARACTERS_PER_STEP)
    elif name == "replace" and len(args) >= 2 and isinstance(args[1], str):
        times = len(receiver) // max(1, len(args[0])) + 1
        check_length(interp, len(receiver) + times * len(args[1]), "a text", per_step=CHARACTERS_PER_STEP)


# -- text ---------------------------------------------------------------------------------------------------------------


class _Fields(string.Formatter):
    """`str.format` whose fields reach only what the interpreted program itself could reach."""

    def __init__(self, interp: Operators) -> None:
        self.interp = interp
        self.unknown: Unknown | None = None

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        import _string  # type: ignore[import-not-found]  # what `string.Formatter` itself uses

        first, path = _string.formatter_field_name_split(field_name)
        found = self.get_value(first, args, kwargs)
        for is_attribute, part in path:
            found = self.interp.get_attribute(found, part) if is_attribute else self.interp.get_item(found, part)
        if isinstance(found, Unknown):
            self.unknown = self.unknown or found
        return found, first

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return value if conversion is None else self.interp.format_value(value, "", ord(conversion))

    def format_field(self, value: Any, format_spec: str) -> Any:
        return self.interp.format_value(value, format_spec, -1)


def format_text(interp: Operators, text: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """`text.format(…)`, within bounds."""
    interp.guard_format(text)
    fields = _Fields(interp)
    result = fields.vformat(text, args, kwargs)
    return fields.unknown or interp.bounded_text(result)


def check_percent(interp: Operators, text: str, values: Any) -> None:
    """Refuse `text % values` where a width alone would fill memory."""
    interp.guard_format(text)
    weigh(interp, values)
    given = values if isinstance(values, tuple) else (values,)
    if "*" in text and any(isinstance(each, int) and abs(each) > WIDEST for each in given):
        raise BudgetSpentError(f"a format width of more than {WIDEST:,}", interp.here())
    lengths = [
        len(each)
        for each in (given if not isinstance(values, dict) else values.values())
        if isinstance(each, (str, bytes))
    ]
    total = sum(lengths) if not isinstance(values, dict) else max(lengths, default=0) * text.count("%")
    check_length(interp, len(text) + total, "a text", per_step=CHARACTERS_PER_STEP)


# -- regular expressions ------------------------------------------------------------------------------------------------


class RefusedPatternError(ValueError):
    """A regular expression that may backtrack for longer than the bounds allow."""


def check_regex(interp: Operators, pattern: Any, texts: Sequence[Any]) -> None:
    """Refuse a search that may backtrack for too long, or a replacement that would explode.

    Raises:
        RefusedPatternError: With the reason.
    """
    repeats = variable_repeats(pattern) if isinstance(pattern, str) else None
    if repeats is None:
        raise RefusedPatternError("nested repeats, which can take exponential time")
    lengths = [len(each) for each in texts if isinstance(each, str)]
    longest = max(lengths, default=0)
    if (longest + 1) ** (repeats + 1) > REGEX_STEPS:
        raise RefusedPatternError(f"{repeats:g} repeats over a text of {longest} characters")
    if len(lengths) > 1:
        check_length(interp, (longest + 1) * (min(lengths) + 1), "a text", per_step=CHARACTERS_PER_STEP)


@lru_cache(maxsize=512)
def variable_repeats(pattern: str) -> float | None:
    """How many repeats of a pattern may take more or fewer rounds; None where one contains another.

    An optional part or a set of alternatives counts a little: it multiplies the ways to match by a number, not by a length.

    >>> variable_repeats(r"layers\\.(\\d+)\\.(\\w+)")
    2
    >>> variable_repeats(r"(a|aa)+") is None
    True
    """
    if len(pattern) > 2000:
        return None
    import re._parser as parser  # type: ignore[import-not-found]  # the tree that `re` itself compiles

    try:
        return _repeats(parser.parse(pattern), inside=False)
    except (re.error, OverflowError):
        return 0  # it will not compile


def _repeats(tree: Any, *, inside: bool) -> float | None:
    total: float = 0
    for op, value in tree:
        name = str(op)
        if name == "BRANCH":
            if inside:
                return None
            total += SMALL_CHOICE
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, body = value
            counts = int(high) > 1
            if inside and low != high:
                return None
            total += 0 if low == high else 1 if counts else SMALL_CHOICE
            parts = [(body, inside or counts)]
        elif name == "GROUPREF":
            total, parts = total + 1, []
        else:
            parts = [(each, inside) for each in _subtrees(value)]
        for part, deeper in parts:
            found = _repeats(part, inside=deeper)
            if found is None:
                return None
            total += found
    return total


def _subtrees(value: Any) -> Iterator[Any]:
    """The pattern trees below a node: groups, branches, look-arounds."""
    if hasattr(value, "pattern") or type(value).__name__ == "SubPattern":
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _subtrees(each)
