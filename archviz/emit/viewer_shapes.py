"""A drawing as SVG elements for the viewer: colours as classes, so that a page changes its theme, and node ids as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from archviz.emit.svg import arrow_heads, escaped, number, rounded
from archviz.figure.display import Circle, Group, Item, Path, Rect, Run, Shape, Text
from archviz.figure.fonts import nearest_weight
from archviz.figure.scene import Drawing

Colours: TypeAlias = tuple[str, str]  # in the light and in the dark theme
_SILENT = ("edge", "badge", "leader", "zoom")  # said by the nodes that they join


class Shapes:
    """Writes drawings, and remembers the classes that they use and the characters that they show."""

    def __init__(self, keys: Mapping[str, int], panels: Mapping[str, str], zooms: Mapping[str, str]) -> None:
        self._keys, self._panels, self._zooms = keys, panels, zooms
        self._opened: frozenset[str] = frozenset()
        self.colours: dict[Colours, int] = {}
        self.fonts: dict[tuple[int, str], int] = {}  # weight and size in px
        self.titles: dict[int, str] = {}  # of nodes, by number
        self.characters: dict[int, set[str]] = {}  # by weight

    def drawing(self, drawing: Drawing, opened: frozenset[str] = frozenset()) -> Iterator[str]:
        """The elements of a drawing, without its background.

        Args:
            opened: Panels that show their inside in it.
        """
        self._opened = opened
        yield from self._items(drawing.light.items, drawing.dark.items)

    def css(self) -> Iterator[str]:
        """Rules for the classes: `f` fills, `s` strokes, `t` sets text."""
        for index in self.colours.values():
            yield f".f{index}{{fill:var(--c{index})}}.s{index}{{stroke:var(--c{index})}}"
        for (weight, size), index in self.fonts.items():
            yield f".t{index}{{font-weight:{weight};font-size:{size}px}}"

    def palette(self, place: int) -> str:
        """The values of the colours in the light (0) or the dark (1) theme."""
        return "".join(f"--c{index}:{colours[place]};" for colours, index in self.colours.items())

    def _items(self, light: Sequence[Item], dark: Sequence[Item]) -> Iterator[str]:
        for one, other in zip(light, dark, strict=True):
            if isinstance(one, Group):
                assert isinstance(other, Group)
                yield from self._group(one, other)
            elif isinstance(one, Text):
                assert isinstance(other, Text)
                yield self._text(one, other)
            else:
                assert not isinstance(other, Group | Text)
                yield self._shape(one, other)

    def _group(self, light: Group, dark: Group) -> Iterator[str]:
        inner = " ".join(self._items(light.items, dark.items))  # words apart, where they name a button
        if not inner:
            return
        yield f"<g{self._attributes(light)}>{inner}</g>"

    def _attributes(self, group: Group) -> str:
        key = self._keys.get(group.id)
        wordless = not any(isinstance(item, Text) for item in group.items)
        label = f' aria-label="{escaped(group.title)}"' if wordless else ""
        if group.id in self._panels:
            state = "true" if group.id in self._opened else "false"
            place = f'data-panel="{escaped(group.id)}" role="button" tabindex="-1"'
            return f' class="panel" {place} aria-expanded="{state}"{label}'
        if group.role in ("node", "bar") and key is not None:
            zoom = f' data-zoom="{escaped(self._zooms[group.id])}"' if group.id in self._zooms else ""
            self.titles[key] = group.title
            return f' class="node" data-n="{key}" role="button" tabindex="-1"{label}{zoom}'
        return ' aria-hidden="true"' if group.role in _SILENT else ""

    def _text(self, light: Text, dark: Text) -> str:
        anchor = {"start": "", "middle": " m", "end": " e"}[light.anchor]
        place = f'x="{number(light.x)}" y="{number(light.y)}"'
        pairs = list(zip(light.runs, dark.runs, strict=True))
        if len(pairs) == 1:
            run, other = pairs[0]
            return f'<text class="{self._font(run, other)}{anchor}" {place}>{escaped(run.text)}</text>'
        spans = "".join(f'<tspan class="{self._font(a, b)}">{escaped(a.text)}</tspan>' for a, b in pairs)
        return f'<text class="p{anchor}" {place}>{spans}</text>'

    def _font(self, light: Run, dark: Run) -> str:
        weight = nearest_weight(light.weight)
        self.characters.setdefault(weight, set()).update(light.text)
        index = self.fonts.setdefault((weight, number(light.size)), len(self.fonts))
        return f"t{index} f{self._colour(light.colour, dark.colour)}"

    def _shape(self, light: Rect | Circle | Path, dark: Rect | Circle | Path) -> str:
        classes = []
        if light.fill and dark.fill:
            classes.append(f"f{self._colour(light.fill, dark.fill)}")
        if light.stroke and dark.stroke:
            classes.append(f"s{self._colour(light.stroke, dark.stroke)}")
        look = f' class="{" ".join(classes)}"'
        if light.stroke:
            look += f' stroke-width="{number(light.stroke_width)}"'
        if light.stroke and light.dash:
            look += f' stroke-dasharray="{" ".join(number(length) for length in light.dash)}"'
            look += ' stroke-linecap="round"' if light.dash[0] < 1 else ""
        if isinstance(light, Path):
            return self._path(light, dark, look)
        return f"<{_geometry(light)}{look}/>"

    def _path(self, light: Path, dark: Shape, look: str) -> str:
        assert isinstance(dark, Path)
        points, heads = arrow_heads(light)
        if len(points) < 2:
            return ""
        line = f'<path d="{rounded(points, light.radius, light.closed)}"{look}/>'
        fill = f"f{self._colour(light.stroke or '', dark.stroke or '')}" if heads else ""
        return line + "".join(f'<path d="{head}" class="{fill}"/>' for head in heads)

    def _colour(self, light: str, dark: str) -> int:
        return self.colours.setdefault((light, dark), len(self.colours))


def _geometry(shape: Rect | Circle) -> str:
    if isinstance(shape, Circle):
        return f'circle cx="{number(shape.cx)}" cy="{number(shape.cy)}" r="{number(shape.r)}"'
    corner = f' rx="{number(shape.radius)}"' if shape.radius else ""
    return (
        f'rect x="{number(shape.x)}" y="{number(shape.y)}" width="{number(shape.width)}" '
        f'height="{number(shape.height)}"{corner}'
    )
