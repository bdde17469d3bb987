"""Which keys a query may see, as arithmetic on positions: what the code that makes an attention mask says, without numbers.

A mask of causal attention is made by comparing positions (`key <= query`), a window by comparing them with a shift
(`key > query - window`), a chunk by comparing quotients (`key // size == query // size`).  Each is a set of distances
`d = query - key`, so joins, meets and complements of masks are those of intervals.

>>> both(Relation(low=0), Relation(high=3)).kind
'sliding'
"""

from __future__ import annotations

from math import inf

from archviz.records import record, replace
from archviz.spans import Span

BLOCKING = -1e3  # a number this low, added to a score, makes its weight vanish


@record(frozen=True)
class Position:
    """A tensor of positions that run along one axis: `(place + shift) // chunk`; `axis` counts from the right (-1 keys, -2 queries)."""

    axis: int
    shift: int = 0
    chunk: int = 1


@record(frozen=True)
class Distance:
    """A tensor of `sign * (query - key) + shift`, or of its absolute value."""

    sign: int
    shift: int = 0
    absolute: bool = False


@record(frozen=True)
class Constant:
    """A tensor of one number."""

    value: float


@record(frozen=True)
class Bias:
    """A tensor that is added to scores for what it says about positions, and is no mask: a table of distances, ALiBi.

    Args:
        linear: It grows in proportion to the distance (ALiBi).
    """

    linear: bool = False


@record(frozen=True)
class Marks:
    """A number for every place along an axis, made of positions: which part of an image the place belongs to.

    Args:
        source: The tensor that holds them.
        axis: Along keys (-1) or queries (-2).
    """

    source: int
    axis: int


@record(frozen=True)
class OtherMarks:
    """A tensor that is 0 for the pairs of places with equal marks."""


@record(frozen=True)
class Pattern:
    """A tensor made of positions in a way that is not understood: as a mask it hides more than padding, nobody knows what."""


@record(frozen=True)
class Relation:
    """A set of pairs of query and key, by their distance `d = query - key`.

    Args:
        low, high: Least and greatest distance in the set.
        chunk: Both lie in the same chunk of this size.
        chunk_shift: What is added to the place of the query, but not to that of the key, before chunks are counted.
        outside: The set is the complement of what the others say.
        narrowed: Data (padding, packed sequences) takes some pairs away.
        widened: Data (blocks of image tokens) adds some pairs.
        marked: The pairs of places with equal marks, whatever their distance.
        rows: The axis of the queries, counted from the right; that of the keys is the last.
        at: The line that made the mask.
    """

    low: float = -inf
    high: float = inf
    chunk: int | None = None
    chunk_shift: int = 0
    outside: bool = False
    narrowed: bool = False
    widened: bool = False
    marked: bool = False
    rows: int = -2
    at: Span | None = None

    @property
    def kind(self) -> str | None:
        """`causal`, `sliding`, `chunked`, `bidirectional` or `regions`; None for any other set."""
        if self.outside:
            return None
        if self.marked:
            return "regions"
        if self.chunk is not None:
            return "chunked" if self.low == 0 and not self.chunk_shift else None
        if self.low == -inf and self.high == inf:
            return "bidirectional"
        if self.low == 0 and self.high == inf:
            return "causal"
        return "sliding" if self.low in (0, -self.high) and self.high < inf else None

    @property
    def window(self) -> int | None:
        """Keys that a query sees, itself included; where it looks both ways, how far; the size of a chunk."""
        if self.kind == "chunked":
            return self.chunk
        if self.kind != "sliding":
            return None
        return int(self.high) + (1 if self.low == 0 else 0)

    @property
    def hides(self) -> bool:
        """Whether it takes pairs away by their positions, not by data alone."""
        return self.outside or self.marked or self.chunk is not None or self.low > -inf or self.high < inf

    @property
    def looks_ahead(self) -> bool:
        return self.low < 0


@record(frozen=True)
class Additive:
    """A tensor that blocks all pairs but those of a relation when it is added to scores; for these it is 0, or a bias."""

    allowed: Relation
    bias: Bias | None = None


@record(frozen=True)
class Scores:
    """Products of queries and keys.

    Args:
        mask: What was masked so far; None when nothing was.
        obscured: Something not understood was added, which may be a mask or a bias.
        lost: They were masked by something not understood, so that `mask` is not all.
        rows: The axes that may be the queries', counted from the right; a product in einsum's letters may have them before the heads'.
        bias: What was added to them for what it says about positions.
    """

    mask: Relation | None = None
    obscured: bool = False
    lost: bool = False
    rows: tuple[int, ...] = (-2,)
    bias: Bias | None = None


@record(frozen=True)
class Counts:
    """How often each of some things was chosen (`archviz/ops/counts.py`).

    Args:
        total: How many choices there were.
    """

    total: int


@record(frozen=True)
class Tally:
    """How many of the truth values along an axis hold, which are data: a pass takes all of them as true, so as many everywhere."""


Meaning = (
    Position | Distance | Constant | Bias | Pattern | Marks | OtherMarks | Relation | Additive | Scores | Counts | Tally
)
EVERYTHING = Relation()
NOTHING = Relation(low=inf, high=-inf)


def _is_empty(relation: Relation) -> bool:
    return relation.low > relation.high and not relation.outside


def complement(relation: Relation) -> Relation:
    """The pairs that are not in a set; half-lines stay intervals."""
    rest = replace(relation, outside=not relation.outside)
    if relation.marked:
        return rest
    if _is_empty(relation):
        rest = EVERYTHING
    elif not relation.outside and relation.chunk is None and relation.low == -inf:
        rest = NOTHING if relation.high == inf else Relation(low=relation.high + 1)
    elif not relation.outside and relation.chunk is None and relation.high == inf:
        rest = Relation(high=relation.low - 1)
    return replace(rest, at=relation.at, narrowed=relation.widened, widened=relation.narrowed, rows=relation.rows)


def both(one: Relation, other: Relation) -> Relation | None:
    """The pairs in two sets; None when that is no single interval, or their queries lie along different axes."""
    rows = {each.rows for each in (one, other) if each.hides}
    found = (
        None
        if len(rows) > 1
        else _meet(one, other)
        if not one.marked and not other.marked
        else _meet_marked(one, other)
    )
    if found is None:
        return None
    return replace(
        found,
        narrowed=one.narrowed or other.narrowed,
        widened=one.widened or other.widened,
        rows=next(iter(rows), one.rows),
        at=one.at if one != EVERYTHING and one.at else other.at or one.at,
    )


def _meet_marked(one: Relation, other: Relation) -> Relation | None:
    """The meet of sets of which one goes by marks: known where the other is the same or hides nothing."""
    if one.marked and other.marked:
        return one if one.outside == other.outside else None
    marked, rest = (one, other) if one.marked else (other, one)
    return marked if not rest.hides else None


def difference(one: Relation, other: Relation) -> Relation | None:
    """The pairs in exactly one of two sets, the second of which lies in the first; None for others."""
    shared = both(one, other)
    if shared is None or replace(shared, at=None) != replace(other, at=None):
        return None
    return both(one, complement(other))


def either(one: Relation, other: Relation) -> Relation | None:
    """The pairs in one of two sets; None when that is no single interval."""
    found = both(complement(one), complement(other))
    return None if found is None else complement(found)


def _meet(one: Relation, other: Relation) -> Relation | None:
    for first, second in ((one, other), (other, one)):
        if _is_empty(first) or _is_everything(second):
            return first
    if one.outside and other.outside:
        return _joined_holes(one, other)
    if one.outside or other.outside:
        inside, hole = (other, one) if one.outside else (one, other)
        return _without(inside, hole)
    chunked = one if one.chunk is not None else other
    if one.chunk is not None and other.chunk is not None and not _same_chunks(one, other):
        return None
    return replace(chunked, low=max(one.low, other.low), high=min(one.high, other.high))


def _same_chunks(one: Relation, other: Relation) -> bool:
    return (one.chunk, one.chunk_shift) == (other.chunk, other.chunk_shift)


def _is_everything(relation: Relation) -> bool:
    return relation.kind == "bidirectional"


def _joined_holes(one: Relation, other: Relation) -> Relation | None:
    """Outside of two intervals: outside of their union, where they touch."""
    first, second = sorted((one, other), key=lambda each: each.low)
    if not _same_chunks(one, other) or second.low > first.high + 1:
        return None
    return replace(one, low=first.low, high=max(first.high, second.high))


def _without(inside: Relation, hole: Relation) -> Relation | None:
    if inside.chunk is not None or hole.chunk is not None:
        return None
    if hole.high < inside.low or hole.low > inside.high:
        return inside
    if hole.low <= inside.low:
        return Relation(low=hole.high + 1, high=inside.high)
    return Relation(low=inside.low, high=hole.low - 1) if hole.high >= inside.high else None


def shifted(relation: Relation, past: int) -> Relation:
    """Distances between places as distances between positions, or in a part of a mask.

    Args:
        past: How many keys come before the first query.
    """
    if not past:
        return relation
    turned = relation.chunk_shift - past if relation.chunk is not None else 0
    return replace(relation, low=relation.low + past, high=relation.high + past, chunk_shift=turned)


def aligned(relation: Relation, queries: int, keys: int) -> Relation:
    """Distances between places as distances between positions, where queries are the last of all.

    With more keys than queries a mask may as well be one of places that begin together, in a cache that is longer than what was written:
    so it is where only that makes it a mask that is known.
    """
    turned = shifted(relation, max(0, keys - queries))
    return relation if queries > 1 and turned.kind is None and relation.kind is not None else turned


def compare(name: str, left: Meaning, right: Meaning) -> Relation | None:
    """The set in which a comparison (`eq`, `ne`, `lt`, `le`, `gt`, `ge`) of two tensors of positions holds."""
    if isinstance(left, Constant):
        left, right, name = right, left, _MIRRORED.get(name, name)
    if isinstance(left, OtherMarks) and right == Constant(0.0) and name in ("eq", "ne", "noteq", "not_equal"):
        return Relation(marked=True, outside=name != "eq")
    if isinstance(left, Additive) and right == Constant(0.0) and name in ("eq", "ne"):  # 0 where nothing is blocked
        return left.allowed if name == "eq" else complement(left.allowed)
    if (
        isinstance(left, Additive) and isinstance(right, Constant) and BLOCKING < right.value < 0
    ):  # between blocked and not
        return complement(left.allowed) if name in ("lt", "le") else left.allowed if name in ("gt", "ge") else None
    if isinstance(left, Distance) and isinstance(right, Constant):
        return _compare_distance(name, left, right.value)
    if isinstance(left, Position) and isinstance(right, Constant):
        return _compare_position(name, left, right.value)
    if not isinstance(left, Position) or not isinstance(right, Position) or left.axis == right.axis:
        return None
    if left.chunk > 1 or right.chunk > 1:
        query, key = (left, right) if left.axis == -2 else (right, left)
        found = Relation(chunk=left.chunk, chunk_shift=query.shift - key.shift) if left.chunk == right.chunk else None
        return found if name == "eq" else complement(found) if found and name == "ne" else None
    distance = subtract(left, right)
    return _compare_distance(name, distance, 0) if isinstance(distance, Distance) else None


_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def subtract(left: Meaning, right: Meaning) -> Meaning | None:
    """The difference of two tensors of positions."""
    if isinstance(right, Constant) and right.value == int(right.value):
        return add(left, Constant(-right.value))
    if isinstance(left, Marks) and isinstance(right, Marks):
        return OtherMarks() if left.source == right.source and {left.axis, right.axis} == {-1, -2} else None
    if isinstance(left, Position) and isinstance(right, Position) and left.chunk == right.chunk == 1:
        if (left.axis, right.axis) == (-2, -1):
            return Distance(1, left.shift - right.shift)
        if (left.axis, right.axis) == (-1, -2):
            return Distance(-1, left.shift - right.shift)
    return None


def add(left: Meaning, right: Meaning) -> Meaning | None:
    """A whole number added to positions or distances."""
    if isinstance(left, Constant):
        left, right = right, left
    if not isinstance(right, Constant) or abs(right.value) == inf or right.value != int(right.value):
        return None
    if isinstance(left, Position) and left.chunk == 1:
        return replace(left, shift=left.shift + int(right.value))
    if isinstance(left, Distance) and not left.absolute:
        return replace(left, shift=left.shift + int(right.value))
    return None


def _compare_distance(name: str, left: Distance, value: float) -> Relation | None:
    """`sign * d + shift` against a number, as bounds of `d`."""
    bounds = {
        "lt": (-inf, value - 1),
        "le": (-inf, value),
        "gt": (value + 1, inf),
        "ge": (value, inf),
        "eq": (value, value),
    }
    if name == "ne":
        if left.absolute:
            return None
        return complement(Relation(*_bounds(left, value, value)))
    if name not in bounds:
        return None
    low, high = bounds[name]
    if left.absolute and low > -inf:  # far from each other: the complement of being near
        near = Relation(*_bounds(left, -(low - 1), low - 1))
        return complement(near) if high == inf else None
    return Relation(*_bounds(left, -high if left.absolute else low, high))


def _bounds(left: Distance, low: float, high: float) -> tuple[float, float]:
    low, high = low - left.shift, high - left.shift
    return (low, high) if left.sign > 0 else (-high, -low)


def _compare_position(name: str, left: Position, value: float) -> Relation:
    """A position against a number: true of all when it is a bound that every position meets, else a matter of lengths."""
    if name in ("ge", "gt") and left.shift >= value + (name == "gt"):
        return EVERYTHING
    return replace(EVERYTHING, narrowed=True)
