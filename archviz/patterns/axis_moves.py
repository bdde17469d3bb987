"""What views, transposes and reshapes do to the axes of a tensor, followed as factors of the axes they start from.

Most of them say nothing about what is computed: heads are split off and put back, axes stand where the next product wants them.
`Layout.words` writes those that do: a split whose pieces stand in another order, axes merged in another order, equal axes exchanged,
an axis repeated as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import canonical
from archviz.records import record

Key = tuple[int, ...]
"""A factor of an axis: the axis, and which piece of it, outer ones first; `SPREAD` for one that only repeats."""
SPREAD: Key = (-1,)
Factor = tuple[Key, int]
Axes = tuple[tuple[Factor, ...], ...]
_BATCH: Factor = ((0,), 1)
"""A batch of one sequence: the one axis of size 1 that is followed, for it stands for more."""

_VIEWS = (
    "view",
    "reshape",
    "flatten",
    "unflatten",
    "unsqueeze",
    "squeeze",
    "view_as",
    "reshape_as",
    "getitem",
    "slice",
)
_SPREADS = ("expand", "expand_as", "broadcast_to")


class Mixed(Exception):
    """A reshape that cuts axes across: what it gives is no arrangement of the axes."""


@record(frozen=True)
class Layout:
    """Where the axes of a moved tensor come from.

    Args:
        source: Shape of the tensor before all moves.
        axes: For each axis of the result the factors of the source's axes that it is made of, outer ones first.
    """

    source: tuple[int, ...]
    axes: Axes

    def words(self) -> str | None:
        """The arrangement as `a b (c d) → a c b d`; None where it is as usual."""
        return _arrangement(self) if _is_unusual(self) else None

    def turned(self) -> str | None:
        """The arrangement, where axes stand in another order than in the source."""
        keys = [key for axis in self.axes for key, _ in axis if key != SPREAD]
        return _arrangement(self) if keys != sorted(keys) else None

    def along(self, axes: Sequence[int]) -> str | None:
        """The arrangement, where one of these axes is a piece of the source's, or no longer stands where it stood."""
        keys = sorted(key for axis in self.axes for key, _ in axis if key != SPREAD)
        for place in (axis % len(self.axes) for axis in axes if self.axes):
            own = [key for key, size in self.axes[place] if key != SPREAD and size != 1]
            ends = (place == 0 and own[:1] == keys[:1]) or (place == len(self.axes) - 1 and own[-1:] == keys[-1:])
            if own and (len(own[-1]) > 1 or (not ends and self.turned() is not None)):
                return _arrangement(self)
        return None

    def is_transposed(self) -> bool:
        """Whether a matrix was turned over."""
        return len(self.source) == 2 and self.axes == ((((1,), self.source[1]),), (((0,), self.source[0]),))

    def index(self) -> str | None:
        """The axes that were added, as an index `..., None, :`; None where there is none."""
        held = sum(1 for size in self.source if size == 1)
        empty = [place for place, axis in enumerate(self.axes) if all(key == SPREAD for key, _ in axis)]
        if len(empty) <= held - sum(1 for axis in self.axes for key, size in axis if size == 1):
            return None
        if len(self.axes) > 2 and empty == list(range(len(empty))):
            return None  # axes before all others are added by any broadcast
        marks = ["None" if place in empty else ":" for place in range(len(self.axes))]
        first = marks.index("None")
        return ", ".join(marks if first < 2 else ["...", *marks[first:]])


def layout_of(value: ValueRef) -> Layout | None:
    """A tensor that was not moved; None where its shape is not known."""
    if value.shape is None or None in value.shape:
        return None
    shape = tuple(int(size or 0) for size in value.shape)
    axes = tuple((((axis,), size),) if size != 1 or axis == 0 else () for axis, size in enumerate(shape))
    return Layout(shape, axes)


def moved(layout: Layout, event: Event, value: ValueRef) -> Layout | None:
    """The layout of what a move gives; None where that is not known.

    Raises:
        Mixed: A reshape across axes.
    """
    if value.shape is None or None in value.shape:
        return None
    name, shape = canonical(event.name), tuple(int(size or 0) for size in value.shape)
    if name in _SPREADS:
        return Layout(layout.source, _spread(layout.axes, shape))
    order = _order(event, len(layout.axes))
    if order is not None:
        axes = tuple(layout.axes[axis] for axis in order)
        return Layout(layout.source, axes) if len(axes) == len(shape) else None
    if name in _VIEWS:
        return Layout(layout.source, _reshaped(layout.axes, shape))
    return layout if len(layout.axes) == len(shape) else None


def _order(event: Event, rank: int) -> Sequence[int] | None:
    """Which axis stands where after a transpose or permute; None for another op, or axes that are not known."""
    name, options = canonical(event.name), event.options
    order = list(range(rank))
    if name in ("t", "T", "mT", "transpose"):
        first, second = options.get("1", options.get("dim0", -1)), options.get("2", options.get("dim1", -2))
        if not isinstance(first, int) or not isinstance(second, int) or rank < 2:
            return None
        order[first], order[second] = order[second], order[first]
        return order[::-1] if name == "T" and rank > 2 else order
    if name != "permute":
        return None
    if takes_elsewhere(event):
        return taken_to(event, rank)
    stated = options.get("1", options.get("dims"))
    axes = stated if isinstance(stated, (tuple, list)) else [options.get(str(place + 1)) for place in range(rank)]
    found = [axis % rank for axis in axes if isinstance(axis, int)]
    return found if sorted(found) == order else None


def takes_elsewhere(event: Event) -> bool:
    """A move that names where single axes go, not the order of all."""
    return event.name.endswith(("movedim", "moveaxis"))


def taken_to(event: Event, rank: int) -> Sequence[int] | None:
    """The order of axes after some of them were taken to other places; the rest follow as they stood."""
    options = event.options
    stated = options.get("1", options.get("source")), options.get("2", options.get("destination"))
    sources, places = ([each] if isinstance(each, int) else each for each in stated)
    if not isinstance(sources, (tuple, list)) or not isinstance(places, (tuple, list)):
        return None
    taken = {place % rank: axis % rank for axis, place in zip(sources, places, strict=True)}
    rest = iter([axis for axis in range(rank) if axis not in taken.values()])
    return [taken[place] if place in taken else next(rest) for place in range(rank)]


def _spread(axes: Axes, shape: tuple[int, ...]) -> Axes:
    """Axes of size 1 that are repeated, and new ones before them."""
    old = ((),) * (len(shape) - len(axes)) + axes
    return tuple(
        ((SPREAD, size),) if size != 1 and _size(axis) == 1 else axis for axis, size in zip(old, shape, strict=True)
    )


def _size(axis: Sequence[Factor]) -> int:
    found = 1
    for _, size in axis:
        found *= size
    return found


def _reshaped(axes: Axes, shape: tuple[int, ...]) -> Axes:
    """The same elements in the same order under another shape."""
    todo = [factor for axis in axes for factor in axis][::-1]
    if _BATCH in todo[:-1] and shape[:1] == (1,):
        raise Mixed  # what was the batch is merged into an axis behind it
    found = []
    for size in shape:
        taken: list[Factor] = []
        if size == 1 and todo and todo[-1] == _BATCH:
            taken.append(todo.pop())
        while _size(taken) < size and todo:
            _take(taken, todo, size // _size(taken), size % _size(taken))
        if _size(taken) != size:
            raise Mixed
        found.append(tuple(taken))
    if any(size != 1 for _, size in todo):
        raise Mixed
    return tuple(found)


def _take(taken: list[Factor], todo: list[Factor], wanted: int, rest: int) -> None:
    """Add the next factor to an axis that lacks `wanted`, or the outer piece of it."""
    key, size = todo.pop()
    if rest or (wanted % size and size % wanted):
        raise Mixed
    if wanted % size == 0:
        taken.append((key, size))
    elif key == SPREAD:
        taken.append((key, wanted))
        todo.append((key, size // wanted))
    else:
        taken.append(((*key, 0), wanted))
        todo.append(((*key, 1), size // wanted))


def _is_unusual(layout: Layout) -> bool:
    if any(_repeats_whole(axis) for axis in layout.axes) or _stands_behind(layout.axes):
        return True
    axes = [[(key, size) for key, size in axis if key != SPREAD and size != 1] for axis in layout.axes]
    for axis in axes:
        keys = [key for key, _ in axis]
        if keys != sorted(keys) or (len({key[0] for key in keys}) > 1 and any(keys[0][1:])):
            return True  # merged in another order, or the inner piece of an axis merged with the axes behind it
    held = [axis for axis in axes if axis]
    for before, after in combinations(held, 2):
        pieces = any(one[0][0] == other[0][0] and one[0] > other[0] for one in before for other in after)
        whole = len(before) == len(after) == 1 and len(before[0][0]) == len(after[0][0]) == 1
        if pieces or (whole and before[0][1] == after[0][1] and before[0][0] > after[0][0]):
            return True
    return False


def _stands_behind(axes: Axes) -> bool:
    """Whether the batch stands behind another whole axis."""
    factors = [factor for axis in axes for factor in axis]
    before = factors[: factors.index(_BATCH)] if _BATCH in factors else ()
    return any(key != SPREAD and len(key) == 1 and size != 1 for key, size in before)


def _repeats_whole(axis: Sequence[Factor]) -> bool:
    """Whether an axis is another one repeated as a whole (`0 1 2 0 1 2`), where each of its elements usually is (`0 0 1 1 2 2`)."""
    keys = [key for key, size in axis if size != 1]
    return any(before == SPREAD != after for before, after in pairwise(keys))


def _arrangement(layout: Layout) -> str:
    """Both sides of the arrangement; every factor has a letter, an axis of size 1 is `1`."""
    keys = sorted({(key, size) for axis in layout.axes for key, size in axis if key != SPREAD})
    letters = {key: chr(ord("a") + place) for place, (key, _) in enumerate(keys)}
    before = [[letters[key] for key, _ in keys if key[0] == axis] for axis in range(len(layout.source))]
    after = [["new" if key == SPREAD else letters[key] for key, _ in axis] for axis in layout.axes]
    return f"{' '.join(map(_group, before))} → {' '.join(map(_group, after))}"


def _group(letters: Sequence[str]) -> str:
    return f"({' '.join(letters)})" if len(letters) > 1 else letters[0] if letters else "1"
