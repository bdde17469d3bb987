"""Statements that repeat, as loops: the layers of a stack, the rounds of an iteration."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.pseudocode.expressions import Piece
from archviz.pseudocode.scopes import Line, line_text
from archviz.pseudocode.sizes import DEFAULT_SIZES, Sizes
from archviz.records import field, record, replace

_LONGEST = 48
"""Statements of one round, at most."""


class UncountedError(Exception):
    """More tokens go through a loop more often, and its rounds are not those of the first one with other numbers."""


@record
class Loop:
    """Rounds of a loop: `count` times the lines from `start`, `period` of them a round.

    Args:
        carried: What a round hands to the next: number bound in the first round → number given to the first round.
        step: By how much the indices into lists of modules grow from round to round; `first_index` is the smallest of the first round.
        grows: Statement and piece of a number → by how much it grows from round to round.
        times: How many rounds there are, in `B` and `T`; empty where there are always `count`.
    """

    start: int
    period: int
    count: int
    carried: dict[int, int]
    step: int
    first_index: int = 0
    grows: dict[tuple[int, int], int] = field(default_factory=dict)
    times: str = ""

    @property
    def stop(self) -> int:
        return self.start + self.period * self.count


def body_text(
    lines: Sequence[Line], names: dict[int, str], returns: Sequence[int], sizes: Sizes = DEFAULT_SIZES, indent: str = "        "
) -> tuple[list[str], dict[int, str]]:  # fmt: skip
    """The statements of a body as text, repeated ones as loops; and what tensors are called after them.

    Raises:
        UncountedError: A loop goes on with more tokens in a way that is not known.
    """
    found: list[str] = []
    names = dict(names)
    place = 0
    while place < len(lines):
        loop = _rounds(lines, place, returns, sizes) if lines[place].round else _find(lines, place, returns)
        if loop is None:
            found.append(line_text(lines[place], names, indent))
            place += 1
        else:
            found += _loop_text(lines, loop, names, indent)
            place = loop.stop
    return found, names


def _rounds(lines: Sequence[Line], start: int, returns: Sequence[int], sizes: Sizes) -> Loop:
    """The loop over tokens that starts here."""
    here = lines[start].round
    assert here is not None
    period = sum(line.round is not None and line.round[:2] == here[:2] for line in lines)
    loop = _repeats(lines, start, period, numbers=True) if len(lines) >= start + 2 * period else None
    if loop is None or loop.count != here.first or not _is_closed(lines, loop, returns):
        raise UncountedError
    times = sizes.text(here.first, here.second)
    if times.isdecimal():
        raise UncountedError
    return replace(loop, times=times)


def _find(lines: Sequence[Line], start: int, returns: Sequence[int]) -> Loop | None:
    """The loop that spares most lines from here on."""
    best = None
    for period in range(1, min(_LONGEST, (len(lines) - start) // 2) + 1):
        if len(lines[start].expression.pieces) != len(lines[start + period].expression.pieces):
            continue
        loop = _repeats(lines, start, period)
        while loop and loop.count > 1 and not _is_closed(lines, loop, returns):
            loop = replace(loop, count=loop.count - 1)  # up to the round whose results are read later on
        saved = loop.period * (loop.count - 1) if loop else 0
        if loop and saved >= 2 and (best is None or saved > best.period * (best.count - 1)):
            best = loop
    return best


def _repeats(lines: Sequence[Line], start: int, period: int, *, numbers: bool = False) -> Loop | None:
    """The loop whose rounds are so many statements.

    Args:
        numbers: Numbers may grow from round to round.
    """
    first = lines[start : start + period]
    made = {number: (j, t) for j, line in enumerate(first) for t, number in enumerate(line.targets)}
    step: list[int] = []
    kinds: dict[tuple[int, int], object] = {}
    count = 1
    while start + period * (count + 1) <= len(lines):
        block = lines[start + period * count : start + period * (count + 1)]
        before = lines[start + period * (count - 1) : start + period * count]
        if not _same(first, block, before, made, kinds, step, count, numbers):
            break
        count += 1
    if count < 2:
        return None
    carried: dict[int, int] = {}
    for (j, piece), kind in kinds.items():
        if isinstance(kind, tuple):
            number, initial = first[kind[0]].targets[kind[1]], first[j].expression.pieces[piece]
            if not isinstance(initial, int) or carried.setdefault(number, initial) != initial:
                return None
    fixed = {first[j].expression.pieces[piece] for (j, piece), kind in kinds.items() if kind == "outside"}
    if fixed & set(carried.values()):
        return None
    indices = [piece[1] for line in first for piece in line.expression.pieces if isinstance(piece, tuple)]
    grows = {place: kind for place, kind in kinds.items() if isinstance(kind, int)}
    return Loop(start, period, count, carried, step[0] if step else 0, min(indices, default=0), grows)


def _same(
    first: Sequence[Line], block: Sequence[Line], before: Sequence[Line], made: dict[int, tuple[int, int]],
    kinds: dict[tuple[int, int], object], step: list[int], count: int, numbers: bool,
) -> bool:  # fmt: skip
    """Whether a block does what the first one did, with what the block before it made in place of what came in."""
    here = {number: (j, t) for j, line in enumerate(block) for t, number in enumerate(line.targets)}
    earlier = {number: (j, t) for j, line in enumerate(before) for t, number in enumerate(line.targets)}
    found: dict[tuple[int, int], object] = {}
    for j, (a, b) in enumerate(zip(first, block, strict=True)):
        if (
            len(a.targets) != len(b.targets)
            or a.shapes != b.shapes
            or len(a.expression.pieces) != len(b.expression.pieces)
            or a.changes != b.changes
        ):
            return False
        for place, (x, y) in enumerate(zip(a.expression.pieces, b.expression.pieces, strict=True)):
            grown = _grown(x, y, count) if numbers else None
            kind = grown or _kind(x, y, made, here, earlier, step, count)
            if kind is None:
                return False
            if isinstance(x, int) or grown:
                found[j, place] = kind
    if kinds and kinds != found:
        return False
    kinds.update(found)
    return True


def _grown(x: Piece, y: Piece, count: int) -> int | None:
    """By how much a number grows from round to round; None where it is none, or 0."""
    if not isinstance(x, str) or not isinstance(y, str) or not x.isdecimal() or not y.isdecimal():
        return None
    grown, rest = divmod(int(y) - int(x), count)
    return None if rest else grown


def _kind(
    x: Piece, y: Piece, made: dict[int, tuple[int, int]], here: dict[int, tuple[int, int]], earlier: dict[int, tuple[int, int]], step: list[int], count: int
) -> object:  # fmt: skip
    """How a piece of a later round is that of the first: the same, made in the round, or made in the round before."""
    if isinstance(x, tuple) and isinstance(y, tuple):
        if x[0] != y[0] or (y[1] - x[1]) % count:
            return None
        grown = (y[1] - x[1]) // count
        if not step:
            step.append(grown)
        return "index" if grown == step[0] else None
    if not isinstance(x, int) or not isinstance(y, int):
        return "text" if x == y and type(x) is type(y) else None
    if x in made:
        return "inside" if here.get(y) == made[x] else None
    if y in earlier:
        return earlier[y]
    return "outside" if x == y else None


def _is_closed(lines: Sequence[Line], loop: Loop, returns: Sequence[int]) -> bool:
    """Whether nothing outside reads what a round made, but for what the last one hands on; and no round reads it after it is bound anew."""
    inside = lines[loop.start : loop.stop]
    last = {number for line in inside[-loop.period :] for number in line.targets}
    made = {number for line in inside for number in line.targets}
    after = {number for line in lines[loop.stop :] for number in line.expression.refs()} | set(returns)
    if (made - last) & after:
        return False
    first = inside[: loop.period]
    for number, initial in loop.carried.items():
        bound = next(j for j, line in enumerate(first) if number in line.targets)
        if any(initial in line.expression.refs() for line in first[bound + 1 :]):
            return False
    return True


def _loop_text(lines: Sequence[Line], loop: Loop, names: dict[int, str], indent: str) -> list[str]:
    first, final = lines[loop.start : loop.start + loop.period], lines[loop.stop - loop.period : loop.stop]
    found: list[str] = []
    for number, initial in loop.carried.items():
        name = names[number]
        if name != names[initial]:
            found.append(f"{indent}{name} = {names[initial]}")
    inner = {**names, **{initial: names[number] for number, initial in loop.carried.items()}}
    indexed = any(isinstance(piece, tuple) for line in first for piece in line.expression.pieces)
    found.append(f"{indent}for {_header(loop, indexed)}:")
    for j, line in enumerate(first):
        pieces = [_indexed(piece, loop, loop.grows.get((j, n))) for n, piece in enumerate(line.expression.pieces)]
        expression = replace(line.expression, pieces=pieces)
        found.append(line_text(replace(line, expression=expression), inner, indent + "    "))
    for mine, last in zip(first, final, strict=True):
        for a, b in zip(mine.targets, last.targets, strict=True):
            if a in names:
                names[b] = names[a]
    return found


def _header(loop: Loop, indexed: bool) -> str:
    if loop.times:
        return f"{'i' if loop.grows else '_'} in range({loop.times})"
    if not indexed or not loop.step:
        return f"_ in range({loop.count})"
    start = loop.first_index
    stop = start + loop.step * loop.count
    if loop.step == 1:
        return f"i in range({start}, {stop})" if start else f"i in range({stop})"
    return f"i in range({start}, {stop}, {loop.step})"


def _indexed(piece: Piece, loop: Loop, grown: int | None) -> Piece:
    """`layers[i + 1]` in place of `layers[1]`, `64 * i` in place of a number that grows by 64."""
    if grown is not None and isinstance(piece, str):
        times = "i" if grown == 1 else f"{grown} * i"
        return f"{times} + {piece}" if int(piece) else times
    if not isinstance(piece, tuple) or not loop.step:
        return piece
    offset = piece[1] - loop.first_index
    return f"{piece[0]}[i{f' + {offset}' if offset else ''}]"
