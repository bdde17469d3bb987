"""What stands beside a column: side boxes with arrows into it, notes on dotted leaders, lines to the insets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archviz.figure.column_art import ColumnArt
from archviz.figure.display import Anchor, Circle, Group, Item, Path, Point
from archviz.figure.fonts import measure
from archviz.figure.model import Box, Note, Sentence, SideBox
from archviz.figure.paint import MAIN, Frame, box_size, leader, paint_box, paint_lines, side_style, wrap
from archviz.figure.theme import Theme
from archviz.records import record, replace

SUMMIT = replace(MAIN, wide=600.0)
NOTE_SIZE = 13.5
NOTE_LINE = 17.0
_NOTE_WIDTH, _SLIM_NOTE = 124.0, 78.0
_NOTE_OFFSET, _SLIM_OFFSET = 26.0, 20.0
_SIDE_GAP = 20.0  # px between side boxes and their column
_LANES = ((7.0, 13.0), (3.5, 8.0, 12.5), (3.5, 8.0, 12.5, 17.0))  # px left of the column, by how many there need be
_ENTRY = 7.0  # half of how far from the middle of a box wires of side boxes enter it, px


def side_width(sides: Sequence[SideBox]) -> float:
    """Room that side boxes need on the left of their column, px."""
    return max((box_size(side.box, side_style(side.box))[0] for side in sides), default=-_SIDE_GAP) + _SIDE_GAP


def paint_sides(
    sides: Sequence[SideBox], art: ColumnArt, theme: Theme, lowest: float = float("inf")
) -> tuple[list[Item], dict[str, Frame]]:
    """Side boxes at the height of their lowest target, each with an arrow to every target.

    Args:
        lowest: Where they must end, px, for what stands below them.
    """
    frames = _side_frames(sides, art, lowest)
    items: list[Item] = []
    entries: dict[str, int] = {}
    lanes = _side_lanes(sides, frames, art)
    for side in sides:
        frame = frames[side.box.id]
        lane = art.frame.x - lanes[side.box.id]
        for target in side.targets:
            goal = art.canvas.boxes[target]
            used = entries[target] = entries.get(target, -1) + 1
            y = goal.middle[1] + (0, -9, 9, -14, 14)[used % 5]
            end: tuple[Point, ...] = ((goal.x, y),)
            if not art.reaches_left(target):  # from below, where no box is in the way
                y = goal.bottom + 7
                end = ((goal.x + 9 + 6 * used, y), (goal.x + 9 + 6 * used, goal.bottom))
            start = (frame.right, frame.middle[1])
            points: tuple[Point, ...] = (start, (lane, start[1]), (lane, y), *end)
            if abs(start[1] - y) < 10:
                points = ((frame.right, y), *end)
            path = Path(points, theme.line, 1.25, 6.0, arrow_end=True)
            items.append(Group(f"{side.box.id}~{target}", "edge", (path,)))
    items += [paint_box(side.box, frames[side.box.id], side_style(side.box), theme) for side in sides]
    return items, frames


def _side_lanes(sides: Sequence[SideBox], frames: Mapping[str, Frame], art: ColumnArt) -> dict[str, float]:
    """How far left of the column the upright line of each side box is, px: on two lanes in turn, on more where both are taken."""
    taken: dict[str, tuple[int, float, float]] = {}
    for number, side in enumerate(sides):
        heights = [frame.middle[1] for frame in (frames[side.box.id], *map(art.canvas.boxes.__getitem__, side.targets))]
        low, high = min(heights) - _ENTRY, max(heights) + _ENTRY
        used = {lane for lane, start, end in taken.values() if low < end and start < high}
        lane = next((lane for lane in (number % 2, 1 - number % 2, 2, 3) if lane not in used), number % 2)
        taken[side.box.id] = (lane, low, high)
    steps = _LANES[max([lane - 1 for lane, _, _ in taken.values()] + [0])]
    return {name: steps[lane] for name, (lane, _, _) in taken.items()}


def _side_frames(sides: Sequence[SideBox], art: ColumnArt, lowest: float) -> dict[str, Frame]:
    frames: dict[str, Frame] = {}
    right = art.frame.x - _SIDE_GAP
    wanted = sorted(
        (
            (max(art.canvas.boxes[target].middle[1] for target in side.targets), place)
            for place, side in enumerate(sides)
        ),
        key=lambda entry: (-entry[0], entry[1]),
    )
    limit = lowest
    for middle, place in wanted:
        box = sides[place].box
        width, height = box_size(box, side_style(box))
        top = min(middle - height / 2, limit - height)
        frames[box.id] = Frame(right - width, top, width, height)
        limit = top - 12
    return frames


@record(frozen=True)
class NoteLines:
    """A note in lines that fit its margin, which may be a `slim` one."""

    note: Note
    lines: tuple[Sentence, ...]
    slim: bool = False

    @property
    def height(self) -> float:
        return NOTE_LINE * len(self.lines)

    @property
    def offset(self) -> float:
        """How far from its column it stands, px."""
        return _SLIM_OFFSET if self.slim else _NOTE_OFFSET


def wrapped_notes(notes: Sequence[Note], slim: bool = False) -> list[NoteLines]:
    """The notes in lines; `slim` ones are short."""
    width = _SLIM_NOTE if slim else _NOTE_WIDTH
    return [
        NoteLines(note, tuple(line for sentence in note.lines for line in wrap(sentence, NOTE_SIZE, width)), slim)
        for note in notes
    ]


def note_ends(notes: Sequence[NoteLines], art: ColumnArt) -> tuple[float, float]:
    """The bottom of the notes at the top of a drawn column, and the top of those at its foot, px."""
    high, low = float("-inf"), float("inf")
    for note in notes:
        frame = art.canvas.boxes.get(note.note.target)
        if frame is None:
            continue
        middle = frame.middle[1]
        if middle < art.frame.middle[1]:
            high = max(high, middle + note.height / 2)
        else:
            low = min(low, middle - note.height / 2)
    return high, low


def notes_width(notes: Sequence[NoteLines]) -> float:
    """Room that notes need on the right of their column, px."""
    widths = [
        sum(measure(words.text, NOTE_SIZE, 700 if words.accent else 400) for words in line)
        for note in notes
        for line in note.lines
    ]
    return max(widths) + notes[0].offset + 14 if widths else 0.0


def paint_notes(notes: Sequence[NoteLines], art: ColumnArt, theme: Theme, on_left: bool) -> list[Item]:
    """Notes beside the boxes that they are about, on the left of the column or on its right."""
    edge = art.frame.x if on_left else art.frame.right
    sign = -1.0 if on_left else 1.0
    items: list[Item] = []
    free = float("-inf")
    placed = [(art.canvas.boxes[note.note.target], note) for note in notes if note.note.target in art.canvas.boxes]
    for frame, note in sorted(placed, key=lambda entry: entry[0].y):
        x = edge + sign * note.offset
        y = frame.middle[1]
        top = max(y - note.height / 2, free)
        free = top + note.height + 8
        start = frame.x - 3 if on_left else frame.right + 3
        line = leader(((start, y), (edge + sign * 8, y), (x - sign * 5, top + note.height / 2)), theme)
        anchor: Anchor = "end" if on_left else "start"
        words = paint_lines(note.lines, x, top, theme, size=NOTE_SIZE, spacing=NOTE_LINE, weight=500, anchor=anchor)
        items.append(Group(note.note.id, "note", (line, *words)))
    return items


def paint_connectors(
    pairs: Mapping[str, Frame], colours: Mapping[str, str], art: ColumnArt, right: float
) -> list[Item]:
    """Lines from boxes to the insets that show their inside.

    Args:
        pairs: Inset frame by box id.
        colours: Line colour by box id.
        right: Where the insets begin, px.
    """
    starts = {box: art.canvas.boxes[box] for box in pairs}
    ways = {box: (starts[box].middle[1] - 5, pairs[box].y + 24) for box in pairs}
    lanes = _lanes(ways)
    deepest = max(lanes.values(), default=0)
    items: list[Item] = []
    for box in sorted(pairs, key=lambda box: starts[box].y):
        y, goal = ways[box]
        lane = right - 14 - 9 * (deepest - lanes[box])
        points = ((starts[box].right + 1, y), (lane, y), (lane, goal), (right, goal))
        items.append(Group(f"zoom/{box}", "zoom", (Path(points, colours[box], 1.5, 8.0, arrow_end=True),)))
    return items


def _lanes(ways: Mapping[str, tuple[float, float]]) -> dict[str, int]:
    """A lane for each upright line, such that none lie on each other: of two that rise, the lower starts right of the other."""
    lanes: dict[str, int] = {}
    rising = sorted((box for box in ways if ways[box][1] < ways[box][0]), key=lambda box: ways[box][0])
    falling = sorted((box for box in ways if box not in rising), key=lambda box: -ways[box][0])
    for box in (*falling, *rising):
        low, high = sorted(ways[box])
        beside = [lanes[other] for other in lanes if low < max(ways[other]) + 6 and min(ways[other]) - 6 < high]
        lanes[box] = max((lane + 1 for lane in beside), default=0)
    return lanes


def paint_summit(box: Box, arts: Sequence[ColumnArt], theme: Theme) -> tuple[list[Item], Frame]:
    """A box above drawn columns that reaches over all of them, with a wire from each and its own output."""
    spines = [art.frame.x + art.left for art in arts]
    ends = [art.frame.y - 20 for art in arts]
    height = box_size(box, SUMMIT)[1]
    half = SUMMIT.narrow / 2
    left, right = min(spines) - half, max(spines) + half
    frame = Frame(left, min(ends) - 2 - height, right - left, height)
    items: list[Item] = [
        Group(f"{box.id}/in-{number}", "edge", (Path(((x, end), (x, frame.bottom)), theme.line, 1.25, 6.0, arrow_end=True),))
        for number, (x, end) in enumerate(zip(spines, ends, strict=True))
    ]  # fmt: skip
    middle = frame.middle[0]
    out = Path(((middle, frame.y), (middle, frame.y - 18)), theme.line, 1.25, 6.0, arrow_end=True)
    items.append(Group(f"{box.id}/out", "edge", (out,)))
    return [*items, paint_box(box, frame, replace(SUMMIT, wide=frame.width), theme)], frame


def paint_feed(
    source: ColumnArt, target: ColumnArt, goal: Frame | None, lane: float, over: Sequence[Point], theme: Theme
) -> Group:
    """The output of a tower into another: into the side box that stands for it, else onto the spine above the embedding.

    Args:
        lane: Where the line goes down beside the target, px.
        over: Points on its way around columns in between.
    """
    top = source.canvas.boxes[source.column.steps[-1].id].y if source.above else source.frame.y - 20
    x = source.frame.x + source.left
    start: list[Point] = [(x, top), (x, top - 10)]
    for turn, height in over:
        start += [(turn, start[-1][1]), (turn, height)]
    start.append((lane, start[-1][1]))
    if goal:
        points = [*start, (lane, goal.middle[1]), (goal.x, goal.middle[1])]
        return Group(f"feed/{source.column.id}", "edge", (Path(tuple(points), theme.accent, 1.6, 8.0, arrow_end=True),))
    spine = target.frame.x + target.left
    first = next(iter(target.column.steps[len(target.below) :]), None)
    frame = target.canvas.boxes.get(first.id) if first else None
    y = frame.y - 9 if frame else target.frame.bottom - 9
    path = Path((*start, (lane, y), (spine - 3, y)), theme.accent, 1.6, 8.0, arrow_end=True)
    return Group(f"feed/{source.column.id}", "edge", (path, Circle(spine, y, 3.2, theme.line)))
