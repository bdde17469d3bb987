"""Statements that repeat, as loops: the layers of a stack, the rounds of an iteration."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.pseudocode.expressions import Piece
from archviz.pseudocode.scopes import Line, line_text
from archviz.records import record, replace

_LONGEST = 48
"""Statements of one round, at most."""


@record
class Loop:
    """Rounds of a loop: `count` times the lines from `start`, `period` of them a round.

    Args:
        carried: What a round hands to the next: number bound in the first round → number given to the first round.
        step: By how much the indices into lists of modules grow from round to round; `first_index` is the smallest of the first round.
    """

    start: int
    period: int
    count: int
    carried: dict[int, int]
    step: int
    first_index: int = 0

    @property
    def stop(self) -> int:
        return self.start + self.period * self.count


def body_text(
    lines: Sequence[Line], names: dict[int, str], returns: Sequence[int], indent: str = "        "
) -> tuple[list[str], dict[int, str]]:  # fmt: skip
    """The statements of a body as text, repeated ones as loops; and what tensors are called after them."""
    found: list[str] = []
    names = dict(names)
    place = 0
    while place < len(lines):
        loop = _find(lines, place, returns)
        if loop is None:
            found.append(line_text(lines[place], names, indent))
            place += 1
        else:
            found += _loop_text(lines, loop, names, indent)
            place = loop.stop
    return found, names


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


def _repeats(lines: Sequence[Line], start: int, period: int) -> Loop | None:
    first = lines[start : start + period]
    made = {number: (j, t) for j, line in enumerate(first) for t, number in enumerate(line.targets)}
    step: list[int] = []
    kinds: dict[tuple[int, int], object] = {}
    count = 1
    while start + period * (count + 1) <= len(lines):
        block = lines[start + period * count : start + period * (count + 1)]
        before = lines[start + period * (count - 1) : start + period * count]
        if not _same(first, block, before, made, kinds, step, count):
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
    return Loop(start, period, count, carried, step[0] if step else 0, min(indices, default=0))


def _same(
    first: Sequence[Line], block: Sequence[Line], before: Sequence[Line], made: dict[int, tuple[int, int]],
    kinds: dict[tuple[int, int], object], step: list[int], count: int,
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
            kind = _kind(x, y, made, here, earlier, step, count)
            if kind is None:
                return False
            if isinstance(x, int):
                found[j, place] = kind
    if kinds and kinds != found:
        return False
    kinds.update(found)
    return True


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
    for line in first:
        shown = Line(line.targets, line.expression, line.shapes, line.keeps, line.changes, remark=line.remark)
        shown.expression = type(line.expression)(
            [_indexed(piece, loop) for piece in line.expression.pieces],
            line.expression.is_atom,
            line.expression.makes_tuple,
        )
        found.append(line_text(shown, inner, indent + "    "))
    for mine, last in zip(first, final, strict=True):
        for a, b in zip(mine.targets, last.targets, strict=True):
            if a in names:
                names[b] = names[a]
    return found


def _header(loop: Loop, indexed: bool) -> str:
    if not indexed or not loop.step:
        return f"_ in range({loop.count})"
    start = loop.first_index
    stop = start + loop.step * loop.count
    if loop.step == 1:
        return f"i in range({start}, {stop})" if start else f"i in range({stop})"
    return f"i in range({start}, {stop}, {loop.step})"


def _indexed(piece: Piece, loop: Loop) -> Piece:
    """`layers[i + 1]` in place of `layers[1]`."""
    if not isinstance(piece, tuple) or not loop.step:
        return piece
    offset = piece[1] - loop.first_index
    return f"{piece[0]}[i{f' + {offset}' if offset else ''}]"
