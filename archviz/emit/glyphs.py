"""The words of an SVG without a font of the reader's: the bundled fonts' used glyphs in the file, or their outlines as shapes."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from archviz.figure.display import DisplayList, Run, Text
from archviz.figure.fonts import FAMILY, measure, nearest_weight, outline, subset, with_code_points


def embedded_fonts(display: DisplayList) -> str:
    """CSS that brings the glyphs which a drawing uses, a font face for each weight."""
    used: dict[int, set[str]] = {}
    for shape in display.shapes():
        for run in shape.runs if isinstance(shape, Text) else ():
            used.setdefault(nearest_weight(run.weight), set()).update(with_code_points(run.text))
    return "".join(_face(weight, "".join(sorted(used[weight]))) for weight in sorted(used))


def _face(weight: int, characters: str) -> str:
    data = base64.b64encode(subset(characters, weight)).decode()
    source = f"url(data:font/ttf;base64,{data}) format('truetype')"
    return f"@font-face{{font-family:{FAMILY};font-weight:{weight};src:{source}}}"


def outlines(text: Text) -> Iterator[str]:
    """The glyphs of a line as paths, one for each of its runs."""
    widths = [measure(run.text, run.size, run.weight) for run in text.runs]
    x = text.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * sum(widths)
    for run, width in zip(text.runs, widths, strict=True):
        data = _outline(run)
        if data:
            yield f'<path transform="translate({x:.2f} {text.y:.2f})" d="{data}" fill="{run.colour}"/>'
        x += width


def _outline(run: Run) -> str:
    return outline(with_code_points(run.text), run.size, run.weight)
