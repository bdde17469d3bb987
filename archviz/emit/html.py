"""HTML: one file that shows a scene, to pan, zoom, search, open and close; it asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from archviz.emit.svg import escaped
from archviz.emit.viewer_shapes import Shapes
from archviz.figure.fonts import FAMILY, subset, with_code_points
from archviz.figure.scene import Drawing, Piece, Scene
from archviz.figure.theme import DARK, LIGHT, Theme
from archviz.formats import Theme as ThemeName
from archviz.late_patterns import late_pattern

_FOLDER = Path(__file__).parent / "viewer"
_NOT_IN_NAME = late_pattern(r"[^A-Za-z0-9._-]+")
_BUTTONS = (
    ("farther", "−", "Zoom out"),
    ("closer", "+", "Zoom in"),
    ("fit", "Fit", ""),
    ("expand", "Expand all", ""),
    ("collapse", "Collapse all", ""),
)
_PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{description}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
<style id="figure-style">{figure_style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<label>Search <input id="search" type="search" autocomplete="off" spellcheck="false"></label>
<span id="found" role="status"></span>
{buttons}
<button id="theme" type="button" aria-pressed="{dark}">Dark</button>
<button id="save" type="button">Save SVG</button>
</header>
<main>
<p id="help" class="quiet">{description} One stop for the tab key: arrow keys go from box to box, Enter opens and closes, plus and minus
zoom, 0 fits, slash searches, Escape closes the details.</p>
<svg id="canvas" xmlns="http://www.w3.org/2000/svg" role="group" aria-label="Figure of {title}" aria-describedby="help">
<g id="view">
{shapes}
</g>
</svg>
<aside id="about" aria-label="Details" hidden>
<h2 id="what">Nothing chosen</h2>
<button id="away" type="button" aria-label="Close details">×</button>
<dl id="rows"></dl>
</aside>
<p id="said" class="quiet" role="status"></p>
</main>
<script id="data" type="application/json">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def emit(scene: Scene, theme: ThemeName = "light") -> bytes:
    """The viewer of a scene, which begins in a theme."""
    keys = {box: number for number, box in enumerate(scene.details)}
    shapes = Shapes(keys, scene.panels, scene.zooms)
    drawn = "\n".join(_drawn(scene, shapes))
    closable = bool(scene.panels or scene.insets)
    style, script = _style(shapes), _script()
    figure_style = _figure_style(shapes)
    page = _PAGE.format(
        theme=theme,
        policy=_policy([style, figure_style], [script]),
        title=escaped(scene.title),
        description=escaped(scene.description),
        style=style,
        figure_style=figure_style,
        buttons="\n".join(_buttons(closable)),
        dark="true" if theme == "dark" else "false",
        shapes=drawn,
        data=_data(scene, shapes),
        script=script,
    )
    return page.encode()


def _drawn(scene: Scene, shapes: Shapes) -> Iterator[str]:
    for number, page in enumerate(scene.pages):
        hidden = ' hidden=""' if number else ""
        body = "".join(shapes.drawing(page.drawing, frozenset(page.open)))
        yield f'<g class="page"{hidden}>{body}</g>'
    for piece in scene.insets:
        yield f'<g class="piece" data-piece="{escaped(piece.id)}">{_body(piece, shapes)}{_shutter(piece)}</g>'
    for piece in scene.rest:
        yield f'<g class="piece" data-piece="{escaped(piece.id)}">{_body(piece, shapes)}</g>'


def _body(piece: Piece, shapes: Shapes) -> str:
    return "".join(shapes.drawing(piece.drawing))


def _shutter(piece: Piece) -> str:
    """The cross that closes a piece, at its top right corner."""
    x = piece.drawing.light.width - 20
    return (
        f'<g class="shut" data-shut="{escaped(piece.id)}" role="button" tabindex="-1" aria-label="Collapse {escaped(piece.title)}">'
        f'<circle cx="{x:.1f}" cy="20" r="9"/><path d="M{x - 3.5:.1f} 16.5l7 7m0 -7l-7 7"/></g>'
    )


def _buttons(closable: bool) -> Iterator[str]:
    for name, text, label in _BUTTONS:
        if closable or name not in ("expand", "collapse"):
            said = f' aria-label="{label}"' if label else ""
            yield f'<button id="{name}" type="button"{said}>{text}</button>'


def _style(shapes: Shapes) -> str:
    light, dark = (_furniture(theme) + shapes.palette(place) for place, theme in enumerate((LIGHT, DARK)))
    return f":root{{color-scheme:light;{light}}}:root[data-theme=dark]{{color-scheme:dark;{dark}}}{_text('viewer.css')}"


def _furniture(theme: Theme) -> str:
    colours = {
        "page": theme.background, "ink": theme.ink, "muted": theme.muted, "accent": theme.accent, "hit": theme.warning,
        "edge": theme.leader, "bar": theme.container.fill,
    }  # fmt: skip
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


def _figure_style(shapes: Shapes) -> str:
    """What an exported SVG takes along: fonts with the characters that are shown, and the classes of shapes."""
    faces = [_face(weight, frozenset(used)) for weight, used in sorted(shapes.characters.items())]
    return "".join([*faces, _text("figure.css"), *shapes.css()])


def _face(weight: int, characters: frozenset[str]) -> str:
    known = "".join(sorted(char for char in characters if with_code_points(char) == char))
    data = base64.b64encode(subset(known, weight)).decode()
    return f"@font-face{{font-family:{FAMILY};font-weight:{weight};src:url(data:font/ttf;base64,{data})}}"


def _policy(styles: list[str], scripts: list[str]) -> str:
    allowed = {
        "default-src": "'none'",
        "script-src": " ".join(map(_hash, scripts)),
        "style-src": " ".join(map(_hash, styles)),
        "font-src": "data:",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(scene: Scene, shapes: Shapes) -> str:
    """What the script needs, as JSON that no content can end."""
    content = {
        "title": scene.title,
        "file": _NOT_IN_NAME.sub("-", scene.title).strip("-.")[:80] or "figure",
        "panels": dict(scene.panels),
        "pages": [{"open": list(page.open), **_size(page.drawing)} for page in scene.pages],
        "insets": [{"id": piece.id, "title": piece.title, **_size(piece.drawing)} for piece in scene.insets],
        "rest": [{"id": piece.id, **_size(piece.drawing)} for piece in scene.rest],
        "titles": [shapes.titles.get(number, "") for number in range(len(scene.details))],
        "details": [[list(row) for row in rows] for rows in scene.details.values()],
    }
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _size(drawing: Drawing) -> dict[str, float]:
    return {"width": round(drawing.light.width, 1), "height": round(drawing.light.height, 1)}


def _script() -> str:
    return "\n".join(line.strip() for line in _text("viewer.js").splitlines() if not line.strip().startswith("//"))


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
