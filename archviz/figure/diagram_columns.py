"""Stages into columns: how many columns, which stage stands in which, and every box's height above the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archviz.figure.diagram_boxes import Box, Panel, TextLine

BLOCK_GAP, PANEL_GAP, PANEL_PAD, NODE_GAP = 22.0, 34.0, 16.0, 22.0
_MOST_COLUMNS = 16
_BEST_ASPECT = 1.15
_NEVER_SPLIT = 4  # blocks of a stage that a reader takes in at once: it stays whole, however the columns come out


@dataclass(slots=True)
class Stage:
    """A stage before it has a place: its title and its boxes."""

    number: int
    title: list[TextLine]
    continued_title: list[TextLine]
    blocks: list[Box]
    detail: bool = False
    new_flow: bool = False
    least_header: float = 0.0

    def panel(self, blocks: list[Box], continued: bool) -> Panel:
        """The stage, or the part of it that has these blocks."""
        title = self.continued_title if continued else self.title
        header = 0.0 if continued else self.least_header
        name = None if continued else f"stage{self.number}"
        return Panel(name, self.number, title, blocks, continued, self.detail, self.new_flow, least_header=header)


def panel_height(panel: Panel) -> float:
    """Height of a panel with its title, boxes and gaps, in px."""
    return panel.header + sum(box.height + BLOCK_GAP for box in panel.blocks) - BLOCK_GAP + PANEL_PAD


def arrange(stages: Sequence[Stage], column_width: float, lane_width: float) -> list[list[Panel]]:
    """Put the stages into as many columns as give the figure a pleasant shape.

    Args:
        column_width, lane_width: Width of a column of stages, and of what stands beside each, in px.
    """
    boxes = sum(len(stage.blocks) for stage in stages)
    best: tuple[float, list[list[Panel]]] | None = None
    for count in range(1, min(_MOST_COLUMNS, boxes) + 1):
        columns = _fill_evenly(stages, count)
        width = len(columns) * (column_width + lane_width + 60)
        aspect = width / (max(_column_height(column) for column in columns) + 150)
        ugliness = max(aspect / _BEST_ASPECT, _BEST_ASPECT / aspect) * (1 + 0.08 * len(columns))
        if best is None or ugliness < best[0]:
            best = (ugliness, columns)
    assert best is not None
    return best[1]


def _column_height(column: Sequence[Panel]) -> float:
    return sum(panel_height(panel) + PANEL_GAP for panel in column) - PANEL_GAP


def _fill_evenly(stages: Sequence[Stage], count: int) -> list[list[Panel]]:
    """At most `count` columns, the tallest as low as can be (to a pixel)."""
    high = sum(panel_height(stage.panel(stage.blocks, False)) + PANEL_GAP for stage in stages)
    low, best = high / (count + 1), _fill(stages, high)
    while high - low > 1.0:
        room = (low + high) / 2
        columns = _fill(stages, room)
        if len(columns) <= count:
            high, best = room, columns
        else:
            low = room
    return best


def _fill(stages: Sequence[Stage], room: float) -> list[list[Panel]]:
    columns: list[list[Panel]] = [[]]
    used = 0.0
    for stage in stages:
        whole = stage.panel(stage.blocks, False)
        height = panel_height(whole)
        if columns[-1] and used + height > room:
            columns.append([])
            used = 0.0
        if height <= room or len(stage.blocks) <= _NEVER_SPLIT:
            columns[-1].append(whole)
            used += height + PANEL_GAP
        else:
            used = _split(stage, room, columns)
    return columns


def _split(stage: Stage, room: float, columns: list[list[Panel]]) -> float:
    """Spread a stage that is taller than a column over several; returns what the last one holds, in px."""
    rest = stage.blocks
    used = 0.0
    while rest:
        continued = len(rest) < len(stage.blocks)
        taken = 1
        while taken < len(rest) and panel_height(stage.panel(rest[: taken + 1], continued)) <= room:
            taken += 1
        if continued:
            columns.append([])
        panel = stage.panel(rest[:taken], continued)
        columns[-1].append(panel)
        used = panel_height(panel) + PANEL_GAP
        rest = rest[taken:]
    return used


def place_down(columns: Sequence[Sequence[Panel]]) -> float:
    """Give every panel and box its y, from 0 at the top of the columns; returns the height of the tallest, in px."""
    for number, column in enumerate(columns):
        y = 0.0
        for panel in column:
            panel.y, panel.column, panel.height = y, number, panel_height(panel)
            inner = y + panel.header
            for box in panel.blocks:
                box.y, box.column = inner, number
                inner += box.height + BLOCK_GAP
            y += panel.height + PANEL_GAP
    return max(_column_height(column) for column in columns)


def spread(boxes: Sequence[Box], wanted: Sequence[float], gaps: Sequence[float]) -> None:
    """Stack boxes in this order, each as near to its wanted middle as the others allow.

    Args:
        wanted: Wanted middle of each, in px, ascending.
        gaps: Least distance between each box and the next, in px.
    """
    groups: list[list[float]] = []  # [top, total height, sum of (wanted top − offset), members]
    for index, box in enumerate(boxes):
        extent = box.height + (gaps[index] if index < len(gaps) else 0.0)
        groups.append([wanted[index] - box.height / 2, extent, wanted[index] - box.height / 2, 1.0])
        while len(groups) > 1 and groups[-2][0] + groups[-2][1] > groups[-1][0]:
            _, extent, total, members = groups.pop()
            before = groups[-1]
            before[2] += total - members * before[1]
            before[1] += extent
            before[3] += members
            before[0] = before[2] / before[3]
    index, floor = 0, 0.0
    for top, _, _, members in groups:
        y = max(top, floor)
        for _ in range(int(members)):
            boxes[index].y = y
            y += boxes[index].height + (gaps[index] if index < len(gaps) else 0.0)
            index += 1
        floor = y
