"""Panels of the size-true view: operations as bars on a logarithmic scale, layers in order as a skyline, the legend."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import log10

from archviz.figure.display import Group, Item, Path, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.paint import Frame, text_line
from archviz.figure.params import COMPONENTS, Bar, BarGroup, Component, Skyline
from archviz.figure.theme import Theme

_SIZE = 13.0
_ROW, _TALL = 22.0, 16.0
_HEAD = 38.0
_PAD = 18.0
_LABEL, _COUNT, _COMPONENT = 220.0, 132.0, 112.0
_TICKS = ((3, "1k"), (6, "1M"), (9, "1B"), (12, "1T"))
_DECADE = 30.0  # px, at the natural width
_MOST_LAYERS = 160
_SKYLINE = 72.0
_SCALE = 28.0


def decades(groups: Sequence[BarGroup], skylines: Sequence[Skyline]) -> float:
    """How many powers of ten the scale of a figure spans."""
    counts = [bar.count for group in groups for bar in group.bars] + [n for sky in skylines for n in sky.heights]
    return max(log10(max([*counts, 10])), 3.0)


class BarsArt:
    """The operations of one group, the last on top, all bars from one base line."""

    stretches = False

    def __init__(self, group: BarGroup, span: float, theme: Theme) -> None:
        self.group, self.span, self.theme = group, span, theme
        self.width = _LABEL + _DECADE * max(span, 9.0) + _COUNT + _COMPONENT + 2 * _PAD + 20

    def height_at(self, width: float) -> float:
        return _HEAD + _ROW * len(self.group.bars) + (_SCALE if self._scaled else 8.0)

    @property
    def _scaled(self) -> bool:
        """Whether the scale stands under the bars; a few boxes around the layers do without."""
        return len(self.group.bars) > 3

    def draw(self, frame: Frame) -> Group:
        theme, group = self.theme, self.group
        stroke = theme.inset.stroke if group.kind is None else theme.tint(group.kind).stroke
        title = f"{group.times:,} × {group.title}" if group.times > 1 else group.title
        total = f"{sum(bar.count for bar in group.bars):,}" + (" each" if group.times > 1 else "")
        items: list[Item] = [
            Rect(frame.x, frame.y, frame.width, frame.height, theme.inset.fill, stroke, 1.3, 10.0),
            text_line(fit(title, 15, 700, frame.width - 220), frame.x + _PAD, frame.y + 22, 15, 700, theme.ink),
            text_line(total, frame.right - _PAD, frame.y + 22, _SIZE, 600, theme.muted, "end"),
        ]
        left, room = frame.x + _PAD + _LABEL + 10, self._room(frame)
        items += self._ticks(frame, left, room) if self._scaled else []
        for place, bar in enumerate(reversed(group.bars)):
            y = frame.y + _HEAD + _ROW * place
            items.append(self._bar(bar, frame, left, room, y))
        return Group(group.id, "panel", tuple(items), title=title)

    def _room(self, frame: Frame) -> float:
        """Length of a bar of the largest number on the scale, px."""
        return frame.width - 2 * _PAD - _LABEL - _COUNT - _COMPONENT - 20

    def _ticks(self, frame: Frame, left: float, room: float) -> list[Item]:
        items: list[Item] = []
        top, bottom = frame.y + _HEAD - 4, frame.bottom - _SCALE + 2
        for power, name in ((0, "1"), *_TICKS):
            if power <= self.span:
                x = left + room * power / self.span
                items.append(Path(((x, top), (x, bottom)), self.theme.container.stroke, 1.0, dash=(2.0, 3.0)))
                items.append(text_line(name, x, frame.bottom - 14, _SIZE, 400, self.theme.muted, "middle"))
        return items

    def _bar(self, bar: Bar, frame: Frame, left: float, room: float, y: float) -> Group:
        theme = self.theme
        middle = y + _ROW / 2
        length = max(room * log10(max(bar.count, 1)) / self.span, 2.0)
        label = fit(bar.label, _SIZE, 400, _LABEL)
        fill = theme.component(bar.component)
        shape = Rect(left, middle - _TALL / 2, length, _TALL, fill, theme.ink, 1.0, 3.0)
        number, start = f"{bar.count:,}", left + length + 8
        count: list[Item] = [  # on ground of its own, for the scale's lines run behind it
            Rect(start - 4, middle - _TALL / 2, measure(number, _SIZE, 600) + 8, _TALL, theme.inset.fill, None, 0),
            text_line(number, start, middle, _SIZE, 600, theme.ink),
        ]
        if bar.tied:
            shape = Rect(left, middle - _TALL / 2, 26, _TALL, None, theme.ink, 1.0, 3.0, (3.0, 3.0))
            tied = fit(bar.tied, _SIZE, 400, frame.right - _PAD - _COMPONENT - left - 34)
            count = [text_line(tied, left + 34, middle, _SIZE, 400, theme.muted)]
        items: tuple[Item, ...] = (
            shape,
            text_line(label, left - 10, middle, _SIZE, 400, theme.ink, "end"),
            *count,
            text_line(bar.component, frame.right - _PAD, middle, _SIZE, 400, theme.muted, "end"),
        )
        return Group(bar.id, "bar", items, title=f"{bar.label}: {bar.count:,}", description=bar.description)


class SkylineArt:
    """All layers of a stack in order: each as high as the logarithm of its parameters."""

    stretches = False

    def __init__(self, skyline: Skyline, span: float, theme: Theme) -> None:
        self.skyline, self.span, self.theme = skyline, span, theme
        self.width = 420.0

    def height_at(self, width: float) -> float:
        return _HEAD + _SKYLINE + 26 + 22 * len(self._key_rows(width)) + 12

    def _key_rows(self, width: float) -> list[list[tuple[float, int]]]:
        rows: list[list[tuple[float, int]]] = [[]]
        x = 0.0
        for index, (_, text) in enumerate(self.skyline.keys):
            length = min(measure(text[:90], _SIZE) + 44, width - 2 * _PAD)
            if rows[-1] and x + length > width - 2 * _PAD:
                rows.append([])
                x = 0.0
            rows[-1].append((x, index))
            x += length
        return rows

    def draw(self, frame: Frame) -> Group:
        theme, sky = self.theme, self.skyline
        shown = sky.heights[:_MOST_LAYERS]
        more = f" (the first {_MOST_LAYERS} of {len(sky.heights):,})" if len(sky.heights) > _MOST_LAYERS else ""
        base = frame.y + _HEAD + _SKYLINE
        left, room = frame.x + _PAD + 34, frame.width - 2 * _PAD - 34
        step = min(room / max(len(shown), 1), 40.0)
        title = fit(sky.title + more, 15, 700, frame.width - 2 * _PAD)
        items: list[Item] = [
            Rect(frame.x, frame.y, frame.width, frame.height, theme.inset.fill, theme.inset.stroke, 1.3, 10.0),
            text_line(title, frame.x + _PAD, frame.y + 22, 15, 700, theme.ink),
        ]
        for power, name in ((0, "1"), *_TICKS):
            if power <= self.span:
                y = base - _SKYLINE * power / self.span
                items.append(
                    Path(((left - 4, y), (frame.right - _PAD, y)), theme.container.stroke, 1.0, dash=(2.0, 3.0))
                )
                items.append(text_line(name, left - 9, y, _SIZE, 400, theme.muted, "end"))
        apart = 5 if step * 5 > 30 else 10 if step * 10 > 30 else 20
        for index, (count, kind) in enumerate(zip(shown, sky.kinds, strict=False)):
            height = max(_SKYLINE * log10(max(count, 1)) / self.span, 2.0)
            x = left + step * index
            bar = Rect(x + step * 0.1, base - height, step * 0.8, height, theme.tint(kind).mixer.fill, None, 0, 1.5)
            items.append(Group(f"{sky.id}/{index}", "bar", (bar,), title=f"layer {index}: {count:,} parameters"))
            if index % apart == 0:
                items.append(text_line(str(index), x + step / 2, base + 12, _SIZE, 400, theme.muted, "middle"))
        items += self._keys(frame)
        return Group(sky.id, "panel", tuple(items), title=sky.title)

    def _keys(self, frame: Frame) -> list[Item]:
        items: list[Item] = []
        for row, entries in enumerate(self._key_rows(frame.width)):
            y = frame.y + _HEAD + _SKYLINE + 26 + 22 * row
            for offset, index in entries:
                kind, text = self.skyline.keys[index]
                x = frame.x + _PAD + offset
                shown = fit(text, _SIZE, 400, frame.width - 2 * _PAD - 24)
                items.append(Rect(x, y + 3, 15, 15, self.theme.tint(kind).mixer.fill, None, 0, 3.0))
                items.append(text_line(shown, x + 22, y + 10.5, _SIZE, 400, self.theme.ink))
        return items


class ComponentsArt:
    """What the colours of the bars mean, and what their scale is."""

    stretches = False
    width = 420.0

    def __init__(self, used: Collection[Component], theme: Theme) -> None:
        self.used, self.theme = [name for name in COMPONENTS if name in used], theme

    def _places(self, width: float) -> list[tuple[float, float]]:
        places: list[tuple[float, float]] = []
        x = y = 0.0
        for name in self.used:
            length = measure(name, _SIZE) + 42
            if x and x + length > width:
                x, y = 0.0, y + 22
            places.append((x, y))
            x += length
        return places

    def height_at(self, width: float) -> float:
        places = self._places(width)
        return (places[-1][1] if places else 0.0) + 22

    def draw(self, frame: Frame) -> Group:
        items: list[Item] = []
        for name, (x, y) in zip(self.used, self._places(frame.width), strict=True):
            left, top = frame.x + x, frame.y + y
            items.append(Rect(left, top + 2, 18, 15, self.theme.component(name), self.theme.ink, 1.0, 3.0))
            items.append(text_line(name, left + 25, top + 10, _SIZE, 400, self.theme.ink))
        return Group("components", "legend", tuple(items), title="Components")
