"""Hand-written diagram config → display list: the page with title, diagram, legend and source."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.figure.diagram_boxes import (
    LABEL_SIZE,
    leading,
    text_lines,
    wrap,
)
from archviz.figure.diagram_brush import Brush, border
from archviz.figure.diagram_model import DiagramConfig
from archviz.figure.diagram_placement import MARGIN, DiagramLayout, lay_out
from archviz.figure.display import DisplayList, Group, Item, Rect, Run, Text
from archviz.figure.fonts import measure
from archviz.figure.lint import Finding, lint
from archviz.figure.paint import DASHES
from archviz.figure.theme import Theme
from archviz.figure.theme import theme as theme_named

_TITLE_SIZE, _SUBTITLE_SIZE, _SOURCE_SIZE = 22.0, 12.5, 10.5
_LEAST_WIDTH = 420.0
_ASCENT = 0.74
_STATUS_TEXT = {
    "config": "stated by the configuration only",
    "unverified": "not verified",
    "conflict": "sources contradict each other",
}


def draw_diagram(config: DiagramConfig, theme: str = "light") -> tuple[DisplayList, list[Finding]]:
    """Draw a diagram config.

    Returns:
        The drawing, and what is wrong or less than pleasant in it.

    Raises:
        UsageError: There is no such theme.
    """
    colours = theme_named(theme)
    layout = lay_out(config)
    width = max(layout.width, _LEAST_WIDTH)
    head = _heading(config, width, colours)
    head_height = _extent(head)
    origin = (MARGIN + (width - layout.width) / 2, MARGIN + head_height + 18.0 + layout.top)
    brush = Brush(layout, origin, colours)
    below = max([layout.height + layout.bottom, *(box.bottom for box in layout.loose)])
    foot = _legend(config, colours, origin[1] + below + 22.0)
    foot += _source_line(config, width, colours, origin[1] + below + 22.0 + (22.0 if foot else 0.0))
    height = max([origin[1] + below, *(_bottom(item) for item in foot)]) + MARGIN
    display = DisplayList(
        width=width + 2 * MARGIN,
        height=height,
        background=colours.background,
        title=config.heading,
        description=_description(config),
        items=(Group("heading", "note", tuple(head)), *brush.items(), *foot),
    )
    return display, [*_shortened(layout), *lint(display)]


def _shortened(layout: DiagramLayout) -> Iterator[Finding]:
    boxes = [box for panel in layout.panels for box in panel.blocks]
    for box in [*boxes, *(box for lane in layout.lanes for box in lane), *layout.loose]:
        if box.shortened:
            yield Finding(
                "soft", "text-shortened", f"{box.shortened:,} lines of {box.title[:40]!r} are left out", (box.id,)
            )


def _description(config: DiagramConfig) -> str:
    stages = "; ".join(f"{stage.name}: {', '.join(block.type for block in stage.blocks)}" for stage in config.stages)
    return f"{config.model_name}. {stages}"[:4000]


def _heading(config: DiagramConfig, width: float, colours: Theme) -> list[Text]:
    items: list[Text] = []
    y = MARGIN
    lines = text_lines(config.heading.strip(), _TITLE_SIZE, 700, width)
    if config.model_name.strip() not in config.heading:
        lines += text_lines(config.model_name.strip(), _SUBTITLE_SIZE, 400, width)
    for line in lines:
        colour = colours.accent if line.size == _TITLE_SIZE else colours.muted
        items.append(Text(MARGIN, y + line.size * _ASCENT, (Run(line.text, line.weight, colour, line.size),)))
        y += leading(line.size)
    return items


def _extent(texts: list[Text]) -> float:
    return sum(leading(text.runs[0].size) for text in texts)


def _bottom(item: Item) -> float:
    if isinstance(item, Group):
        return max((_bottom(inner) for inner in item.items), default=0.0)
    if isinstance(item, Text):
        return item.y + 4.0
    return item.y + item.height if isinstance(item, Rect) else 0.0


def _source_line(config: DiagramConfig, width: float, colours: Theme, y: float) -> list[Item]:
    if not (config.source or "").strip():
        return []
    lines = wrap(f"Source: {(config.source or '').strip()}", _SOURCE_SIZE, 400, width)
    texts = tuple(
        Text(
            MARGIN,
            y + _SOURCE_SIZE * _ASCENT + number * leading(_SOURCE_SIZE),
            (Run(line, 400, colours.muted, _SOURCE_SIZE),),
        )
        for number, line in enumerate(lines)
    )
    return [Group("source", "note", texts)]


def _legend(config: DiagramConfig, colours: Theme, y: float) -> list[Item]:
    """What the borders mean, for the statuses that occur."""
    items: list[Item] = []
    x = MARGIN
    for status in (status for status in _STATUS_TEXT if status in config.statuses()):
        stroke, thickness = border(status, colours)
        sample = Rect(x, y, 22.0, 13.0, colours.background, stroke, thickness, 3.0, DASHES.get(status, ()))
        text = Text(x + 29.0, y + 10.5, (Run(_STATUS_TEXT[status], 400, colours.muted, LABEL_SIZE),))
        items.append(Group(f"legend-{status}", "legend", (sample, text), title=_STATUS_TEXT[status]))
        x += 29.0 + measure(_STATUS_TEXT[status], LABEL_SIZE) + 24.0
    return items
