#!/usr/bin/env python3
"""Draw every catalog model in all views, light and dark, and tell what is wrong with the figures.

Looks for hard lint findings, boxes of an overview, the smallest label in print (170 mm wide), the aspect ratio, nodes and
edges that are not drawn exactly once, and numbers that the Architecture does not state.  Needs no network.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from archviz.emit import svg
from archviz.figure import draw_view
from archviz.figure.columns import MAX_BOXES
from archviz.figure.display import DisplayList
from archviz.figure.fitting import fitted_page
from archviz.figure.overview import count_boxes
from archviz.figure.params import build_sizes
from archviz.figure.print_size import RATIO, SMALLEST_POINTS, smallest_in_print
from archviz.figure.theme import LIGHT
from archviz.formats import THEMES
from archviz.lookup.catalog import model_ids
from archviz.records import record
from archviz.settings import Settings

VIEWS = ("overview", "detailed", "module", "params")
_LONG = re.compile(r"(?<![\d.,\w-])(?:\d{1,3}(?:,\d{3})+|\d{4,})(?![\w.]|,\d)")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@record(frozen=True)
class Row:
    """What one drawing of a model is like."""

    model: str
    view: str
    theme: str
    boxes: int
    points: float
    ratio: float
    seconds: float
    faults: list[str]


def stated_numbers(architecture: Architecture) -> set[str]:
    """Every number that an Architecture states, and the sums over layers and boxes that figures write, without commas."""
    text = architecture.to_json(indent=1)  # one number a line
    stated = {found.replace(",", "").removesuffix(".0") for found in _NUMBER.findall(text)}
    groups = build_sizes(architecture).groups
    stated |= {str(sum(bar.count for bar in group.bars)) for group in groups}
    stated |= {str(bar.count) for group in groups for bar in group.bars}
    for stack in architecture.layers:
        for kind in stack.kinds:
            stated |= {str(times * kind.parameters) for times in range(1, kind.count + 1)}
    return stated


def strange_numbers(content: bytes, stated: set[str]) -> list[str]:
    """Whole numbers of four digits or more in the texts of an SVG that are not stated."""
    drawing = ET.fromstring(content)  # noqa: S314 - written a moment ago
    texts = ["".join(node.itertext()) for node in drawing.iter("{http://www.w3.org/2000/svg}text")]
    found = [number.replace(",", "") for text in texts for number in _LONG.findall(text)]
    return [number for number in dict.fromkeys(found) if number not in stated]


def drawn_twice(display: DisplayList) -> list[str]:
    """Ids of nodes and edges that are drawn more than once."""
    counted = Counter(group.id for group in display.groups() if group.role in ("node", "edge", "bar"))
    return [name for name, times in counted.items() if times > 1]


def look_at(name: str, architecture: Architecture, view: str, theme: str, module: str | None) -> Row:
    """Draw one view and judge it."""
    began = time.process_time()
    display, findings = draw_view(architecture, view, theme=theme, module=module)
    content = svg.emit(display)
    seconds = time.process_time() - began
    faults = [f"{finding.rule}: {finding.message}" for finding in findings if finding.severity == "hard"]
    faults += [f"drawn twice: {each}" for each in drawn_twice(display)]
    points, ratio = smallest_in_print(display), display.width / display.height
    boxes = 0
    if view == "overview":
        boxes = count_boxes(fitted_page(architecture, LIGHT).figure)
        faults += [f"{boxes} boxes"] if boxes > MAX_BOXES else []
        faults += [f"smallest label {points:.2f} pt"] if points < SMALLEST_POINTS else []
        faults += [f"aspect ratio {ratio:.2f}"] if not RATIO[0] <= ratio <= RATIO[1] else []
    faults += [f"number {number} is not stated" for number in strange_numbers(content, stated_numbers(architecture))]
    return Row(name, view, theme, boxes, points, ratio, seconds, faults)


def rows_of(name: str, views: Sequence[str], themes: Sequence[str]) -> Iterator[Row]:
    architecture = describe(name, settings=Settings(offline=True))
    for view in views:
        modules: list[str | None] = [None]
        if view == "module":
            modules = list(dict.fromkeys(block.module for block in architecture.blocks if block.module))
        for module in modules:
            for theme in themes:
                yield look_at(name, architecture, f"{view}", theme, module)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="names of the catalog; all by default")
    parser.add_argument("--views", default=",".join(VIEWS))
    parser.add_argument("--themes", default=",".join(THEMES))
    parser.add_argument("--rows", action="store_true", help="a line for each drawing, also for good ones")
    options = parser.parse_args(argv)
    names = options.models or model_ids()
    rows: list[Row] = []
    for name in names:
        for row in rows_of(name, options.views.split(","), options.themes.split(",")):
            rows.append(row)
            if row.faults or options.rows:
                print(
                    row.model,
                    row.view,
                    row.theme,
                    row.boxes,
                    f"{row.points:.2f} pt",
                    f"{row.ratio:.2f}",
                    *row.faults[:4],
                    sep="  ",
                )
    for view in options.views.split(","):
        own = [row for row in rows if row.view == view]
        slow = sorted(row.seconds for row in own) or [0.0]
        print(
            f"{view}: {len(own)} drawings, {sum(bool(row.faults) for row in own)} with faults, most boxes "
            f"{max((row.boxes for row in own), default=0)}, smallest label {min((row.points for row in own), default=0):.2f} pt, ratio "
            f"{min((row.ratio for row in own), default=0):.2f}–{max((row.ratio for row in own), default=0):.2f}, layout and SVG "
            f"{1000 * slow[len(slow) // 2]:.0f} ms (median), {1000 * slow[-1]:.0f} ms (most), processor time"
        )
    return 1 if any(row.faults for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
