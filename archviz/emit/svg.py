"""SVG: one `<g>` a thing, live text, the same bytes for the same display list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

from archviz.emit.glyphs import embedded_fonts, outlines
from archviz.figure.display import Circle, DisplayList, Group, Item, Path, Point, Rect, Run, Shape, Text
from archviz.figure.fonts import FALLBACKS, FAMILY, with_code_points
from archviz.formats import TextMode
from archviz.free_names import free_name
from archviz.late_patterns import late_pattern

_ILLEGAL = late_pattern(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)  # control and direction marks
_NOT_IN_ID = late_pattern(r"[^A-Za-z0-9_.-]+")
_ROLES = {"node": "graphics-symbol", "panel": "graphics-object", "tower": "graphics-object"}


def emit(
    display: DisplayList, *, only_known_glyphs: bool = False, width: float | None = None, text: TextMode = "live",
    page: int | None = None,
) -> bytes:  # fmt: skip
    """The drawing as a standalone SVG document.

    Args:
        only_known_glyphs: Write characters that the bundled fonts lack as code points, for renderers that have
            no other font; else they stay, for the viewer's fonts to show.
        width: How wide it is shown, px; the drawing's own width by default.
        page: Only this page of the drawing, from 0; all under each other by default.
        text: `live` text in a font that the reader has, `embed` with the font's used glyphs in the file, `outline` as shapes.
    """
    return "\n".join(_Writer(only_known_glyphs or text != "live", text).document(display, width, page)).encode()


class _Writer:
    """Turns items into lines; remembers the ids given, so that none is given twice."""

    def __init__(self, only_known_glyphs: bool, text: TextMode) -> None:
        self._only_known, self._mode = only_known_glyphs, text
        self._ids: set[str] = set()

    def document(self, display: DisplayList, shown: float | None, page: int | None) -> Iterator[str]:
        top, tall = display.pages[page] if page is not None else (0.0, display.height)
        items = display.items_between(top, top + tall) if page is not None else display.items
        width, height = number(display.width), number(tall)
        scale = shown / display.width if shown else 1.0
        families = ", ".join(f"'{name}'" if " " in name else name for name in (FAMILY, *FALLBACKS))
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(display.width * scale)}" '
            f'height="{number(tall * scale)}" '
            f'viewBox="0 {number(top)} {width} {height}" role="graphics-document document" '
            f'aria-labelledby="figure-title figure-desc" font-family="{families}">'
        )
        yield f'<title id="figure-title">{escaped(display.title)}</title>'
        yield f'<desc id="figure-desc">{escaped(display.description)}</desc>'
        if self._mode == "embed":
            yield f"<style>{embedded_fonts(display)}</style>"
        start = f' y="{number(top)}"' if top else ""
        yield f'<rect{start} width="{width}" height="{height}" fill="{display.background}"/>'
        self._ids |= {"figure-title", "figure-desc"}
        for item in items:
            yield from self._item(item)
        yield "</svg>\n"

    def _item(self, item: Item) -> Iterator[str]:
        if isinstance(item, Group):
            yield from self._group(item)
        elif isinstance(item, Text):
            yield from outlines(item) if self._mode == "outline" else (self._text(item),)
        else:
            yield from _SHAPES[type(item)](item)

    def _group(self, group: Group) -> Iterator[str]:
        role = _ROLES.get(group.role)
        attributes = f' role="{role}"' if role and group.title else ""
        if attributes:
            attributes += f' aria-label="{escaped(group.title)}"'
        yield f'<g id="{self._id(group.id)}" class="{escaped(group.role)}"{attributes}>'
        if group.title:
            yield f"<title>{escaped(group.title)}</title>"
        if group.description:
            yield f"<desc>{escaped(group.description)}</desc>"
        for item in group.items:
            yield from self._item(item)
        yield "</g>"

    def _id(self, wanted: str) -> str:
        base = _NOT_IN_ID.sub("-", wanted)[:120]
        base = base if base[:1].isalpha() else f"g-{base}"
        name = free_name(base, self._ids, "-")
        self._ids.add(name)
        return name

    def _text(self, text: Text) -> str:
        anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
        head = f'<text x="{number(text.x)}" y="{number(text.y)}"{anchor} xml:space="preserve"'
        if len(text.runs) == 1:
            return f"{head}{_style(text.runs[0])}>{self._content(text.runs[0])}</text>"
        spans = "".join(f"<tspan{_style(run)}>{self._content(run)}</tspan>" for run in text.runs)
        return f"{head}>{spans}</text>"

    def _content(self, run: Run) -> str:
        return escaped(with_code_points(run.text) if self._only_known else run.text)


def _rect(shape: Shape) -> Iterator[str]:
    assert isinstance(shape, Rect)
    corner = f' rx="{number(shape.radius)}"' if shape.radius else ""
    yield (
        f'<rect x="{number(shape.x)}" y="{number(shape.y)}" width="{number(shape.width)}" '
        f'height="{number(shape.height)}"{corner}{_paint(shape.fill, shape.stroke, shape.stroke_width, shape.dash)}/>'
    )


def _circle(shape: Shape) -> Iterator[str]:
    assert isinstance(shape, Circle)
    paint = _paint(shape.fill, shape.stroke, shape.stroke_width, shape.dash)
    yield f'<circle cx="{number(shape.cx)}" cy="{number(shape.cy)}" r="{number(shape.r)}"{paint}/>'


def _path(shape: Shape) -> Iterator[str]:
    assert isinstance(shape, Path)
    points, heads = arrow_heads(shape)
    if len(points) < 2:
        return
    paint = _paint(shape.fill, shape.stroke, shape.stroke_width, shape.dash)
    yield f'<path d="{rounded(points, shape.radius, shape.closed)}"{paint}/>'
    for head in heads:
        yield f'<path d="{head}" fill="{shape.stroke}"/>'


def arrow_heads(shape: Path) -> tuple[list[Point], list[str]]:
    """The points of a path, its ends drawn back into its arrow heads, and the path data of those."""
    points = [point for index, point in enumerate(shape.points) if index == 0 or point != shape.points[index - 1]]
    heads: list[str] = []
    if len(points) < 2:
        return points, heads
    if shape.arrow_start:
        heads.append(_arrow(points[0], points[1], shape))
        points[0] = _towards(points[0], points[1], shape.arrow_size - 1)
    if shape.arrow_end:
        heads.append(_arrow(points[-1], points[-2], shape))
        points[-1] = _towards(points[-1], points[-2], shape.arrow_size - 1)
    return points, heads


def _arrow(tip: Point, back: Point, shape: Path) -> str:
    base = _towards(tip, back, shape.arrow_size)
    length = max(_distance(tip, base), 1e-6)
    across = (
        (tip[1] - base[1]) / length * shape.arrow_size * 0.45,
        (base[0] - tip[0]) / length * shape.arrow_size * 0.45,
    )
    corners = (tip, (base[0] + across[0], base[1] + across[1]), (base[0] - across[0], base[1] - across[1]))
    return f"M{'L'.join(_pair(corner) for corner in corners)}Z"


def rounded(points: list[Point], radius: float, closed: bool = False) -> str:
    """Path data of a polyline whose inner corners are rounded by at most `radius` px."""
    data = [f"M{_pair(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        cut = min(radius, _distance(before, corner) / 2, _distance(corner, after) / 2)
        if cut < 0.5:
            data.append(f"L{_pair(corner)}")
            continue
        start, end = _towards(corner, before, cut), _towards(corner, after, cut)
        data.append(f"L{_pair(start)}Q{_pair(corner)} {_pair(end)}")
    data.append(f"L{_pair(points[-1])}")
    return "".join(data) + ("Z" if closed else "")


def _towards(point: Point, goal: Point, length: float) -> Point:
    distance = _distance(point, goal)
    share = min(1.0, length / distance) if distance else 0.0
    return (point[0] + (goal[0] - point[0]) * share, point[1] + (goal[1] - point[1]) * share)


def _distance(one: Point, other: Point) -> float:
    return float(((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5)


def _paint(fill: str | None, stroke: str | None, width: float, dash: tuple[float, ...]) -> str:
    paint = f' fill="{fill or "none"}"'
    if stroke:
        paint += f' stroke="{stroke}" stroke-width="{number(width)}"'
    if stroke and dash:
        paint += f' stroke-dasharray="{" ".join(number(length) for length in dash)}"'
        paint += ' stroke-linecap="round"' if dash[0] < 1 else ""
    return paint


def _style(run: Run) -> str:
    return f' font-size="{number(run.size)}" font-weight="{run.weight}" fill="{run.colour}"'


def _pair(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def number(value: float) -> str:
    """A length as SVG writes it: at most two digits after the point."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def escaped(text: str) -> str:
    """A text as XML, in an element or an attribute; what XML forbids is replaced."""
    return escape(_ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text), quote=True)


_SHAPES: dict[type, Callable[[Shape], Iterator[str]]] = {Rect: _rect, Circle: _circle, Path: _path}
