"""Where the panels of an overview stand: beside the columns as far as there is room, the others in rows below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from operator import itemgetter

from archviz.figure.packing import ALIKE, GAP, Block, Packing, least_height, pack_within
from archviz.records import record, replace

_FREE = 6  # up to so many panels every choice is tried
_STRETCH = 1.3  # by so much the columns may become higher for what stands beside them
_FAR = (
    40.0  # px that a page may be higher for a panel beside the columns that a box of theirs opens, instead of another
)
_NARROWEST = 240.0  # px; less room beside the columns is left empty


@record(frozen=True)
class Arrangement:
    """Numbers of the panels beside the columns, top to bottom, and the packing of the others (numbers in `below`)."""

    beside: tuple[int, ...] = ()
    beside_width: float = 0.0
    beside_height: float = 0.0
    below: tuple[int, ...] = ()
    packing: Packing = Packing()


@record(frozen=True)
class Room:
    """The free place beside the columns, px: its width, how high the columns are, and what notes take of that."""

    width: float
    tall: float
    notes: float


def arrange(blocks: Sequence[Block], room: Room, inner: float) -> Arrangement:
    """The lowest arrangement.

    Args:
        blocks: The panels in reading order.
        room: What is free beside the columns.
        inner: Width of the rows below, px.
    """
    best, least, first = Arrangement(), float("inf"), 0
    for low, number, body, begun in _hopeful(blocks, room, inner):
        if low > least + ALIKE:
            break
        under = [blocks[index] for index in begun.below]
        packing = pack_within(under, inner)
        unused = max(inner - sum(block.width for block in under), 0.0) / inner * packing.height
        badness = body + packing.height + 0.25 * unused
        if badness < least - ALIKE or (badness < least + ALIKE and number < first):
            best, least, first = replace(begun, packing=packing), badness, number
    return best


def _hopeful(blocks: Sequence[Block], room: Room, inner: float) -> list[tuple[float, int, float, Arrangement]]:
    """What may stand beside the columns, the most hopeful first.

    Each with a height in px that it is not below, its number, its height without what stands below, and itself without a packing.
    """
    found: list[tuple[float, int, float, Arrangement]] = []
    for number, beside in enumerate(_choices(blocks, room)):
        below = tuple([index for index in range(len(blocks)) if index not in beside])
        width = max([blocks[index].width for index in beside], default=0.0)
        if below and beside:  # the rows below take the whole width, and so does what stands beside the columns
            width = max(width, room.width)
        high = sum([blocks[index].height_at(width) for index in beside]) + GAP * max(len(beside) - 1, 0)
        body = max(room.tall, high + room.notes if beside else 0.0)
        if beside and body > room.tall * _STRETCH and room.tall:
            continue
        body += _FAR * sum([blocks[index].inner for index in beside])
        body += 0.12 * max(room.tall - room.notes - high, 0.0) + (GAP if below else 0.0)
        low = body + least_height([blocks[index] for index in below], inner)
        found.append((low, number, body, Arrangement(beside, width, high, below)))
    found.sort(key=itemgetter(0, 1))
    return found


def _choices(blocks: Sequence[Block], room: Room) -> Iterator[tuple[int, ...]]:
    """Which panels may stand beside the columns."""
    fitting = [index for index, block in enumerate(blocks) if block.width <= room.width]
    yield ()
    if room.width < _NARROWEST:
        return
    if len(fitting) <= _FREE:
        for count in range(1, len(fitting) + 1):
            yield from combinations(fitting, count)
    else:
        for count in range(1, len(fitting) + 1):
            yield tuple(fitting[:count])
