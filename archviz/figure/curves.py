"""A chart of curves over one axis: sizes as they grow with the context."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from archviz.figure.display import DisplayList, Group, Item, Path, Run, Text
from archviz.figure.fonts import fit
from archviz.figure.theme import Theme
from archviz.records import record

Label = Callable[[float], str]
_WIDTH, _HEIGHT = 920.0, 520.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 92.0, 250.0, 76.0, 64.0
_LEAST_GAP = 18.0  # px between the names of two curves
_DASHES: tuple[tuple[float, ...], ...] = ((), (7, 4), (2, 3), (9, 3, 2, 3))


@record(frozen=True)
class Curve:
    """A named curve: its points in order of x."""

    name: str
    points: tuple[tuple[float, float], ...]


@record(frozen=True)
class Axis:
    """An axis: its title, how a value on it reads, and the unit that its ticks are round in (1,024 for bytes)."""

    title: str
    label: Label
    base: float = 10.0


@record(frozen=True)
class _Plane:
    """From values to px."""

    most_x: float
    most_y: float

    def x(self, value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / self.most_x

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / self.most_y


def curve_chart(
    title: str,
    subtitle: str,
    curves: Sequence[Curve],
    across: Axis,
    up: Axis,
    theme: Theme,
    marks: Sequence[float] = (),
) -> DisplayList:
    """A chart with the origin at zero; each curve is named at its end.

    Args:
        title, subtitle: Above it.
        curves: At least one, with at least two points.
        across, up: The axes.
        theme: Colours.
        marks: Values on the lower axis that are marked on every curve.
    """
    most_x = max(x for curve in curves for x, _ in curve.points)
    most_y = max(y for curve in curves for _, y in curve.points) or 1.0
    ticks_y = ticks(most_y, up.base)
    plane = _Plane(most_x, max(most_y, ticks_y[-1]))
    room = _WIDTH - 2 * 28
    items: list[Item] = [
        Group("title", "note", (
            Text(28, 34, (Run(fit(title, 19, 600, room), 600, theme.ink, 19),)),
            Text(28, 56, (Run(fit(subtitle, 13, 400, room), 400, theme.muted, 13),)),
        )),
        _axes(plane, across, up, ticks_y, theme),
        *(_curve(plane, curve, index, marks, theme) for index, curve in enumerate(curves)),
        _names(plane, curves, up, theme),
    ]  # fmt: skip
    description = "; ".join(f"{c.name}: {up.label(c.points[-1][1])} at {across.label(c.points[-1][0])}" for c in curves)
    return DisplayList(_WIDTH, _HEIGHT, theme.background, title, description, tuple(items))


def ticks(most: float, base: float) -> list[float]:
    """Four to eight round values from 0 that reach a maximum: 1, 2 or 5 times a power of ten, of the unit that fits.

    >>> ticks(7.4, 10)
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """
    unit = base ** math.floor(math.log(most, base)) if base > 10 and most >= 1 else 1.0
    scaled = most / unit
    power = 10.0 ** math.floor(math.log10(scaled))
    step = next(each for each in (power * 0.2, power * 0.5, power, power * 2) if scaled / each <= 8)
    return [round(index * step, 10) * unit for index in range(math.ceil(scaled / step) + 1)]


def _axes(plane: _Plane, across: Axis, up: Axis, ticks_y: Sequence[float], theme: Theme) -> Group:
    left, right, bottom = _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    items: list[Item] = []
    for value in ticks_y:
        y = plane.y(value)
        items.append(Path(((left, y), (right, y)), theme.container.stroke, 0.8 if value else 1.4))
        items.append(Text(left - 10, y + 4, (Run(up.label(value), 400, theme.muted, 12),), "end"))
    for part in range(5):
        value = plane.most_x * part / 4
        x = plane.x(value)
        items.append(Path(((x, bottom), (x, bottom + 5)), theme.muted, 1.0))
        items.append(Text(x, bottom + 20, (Run(across.label(value), 400, theme.muted, 12),), "middle"))
    items.append(Text((left + right) / 2, bottom + 44, (Run(across.title, 500, theme.ink, 13),), "middle"))
    return Group("axes", "panel", tuple(items), up.title)


def _curve(plane: _Plane, curve: Curve, index: int, marks: Sequence[float], theme: Theme) -> Group:
    colour = _colour(index, theme)
    points = tuple((plane.x(x), plane.y(y)) for x, y in curve.points)
    items: list[Item] = [Path(points, colour, 2.2, dash=_DASHES[index % len(_DASHES)])]
    known = dict(curve.points)
    for x in marks:
        if x in known:
            at = (plane.x(x), plane.y(known[x]))
            corners = tuple((at[0] + dx * 3.2, at[1] + dy * 3.2) for dx, dy in ((-1, 0), (0, -1), (1, 0), (0, 1)))
            items.append(Path(corners, colour, 1.0, closed=True, fill=colour))
    return Group(f"curve-{index}", "edge", tuple(items), curve.name)


def _colour(index: int, theme: Theme) -> str:
    return theme.tint(index).text if index else theme.accent


def _names(plane: _Plane, curves: Sequence[Curve], up: Axis, theme: Theme) -> Group:
    """The names at the ends of the curves, moved apart where they are close."""
    ends = sorted(range(len(curves)), key=lambda index: -curves[index].points[-1][1])
    items: list[Item] = []
    places = [plane.y(curves[index].points[-1][1]) + 4 for index in ends]
    for above in range(len(places) - 2, -1, -1):  # from the lowest up, so that none slides under the axis
        places[above] = min(places[above], places[above + 1] - _LEAST_GAP)
    for index, y in zip(ends, places, strict=True):
        value = curves[index].points[-1][1]
        text = fit(f"{curves[index].name}  {up.label(value)}", 13, 500, _RIGHT - 20)
        items.append(Text(_WIDTH - _RIGHT + 10, y, (Run(text, 500, _colour(index, theme), 13),)))
    return Group("names", "legend", tuple(items))
