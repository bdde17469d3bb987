"""The bundled fonts: where they are, how wide a text is in them, and which characters they lack."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

FAMILY = "Inter"
FALLBACKS = ("Helvetica Neue", "Arial", "sans-serif")
WEIGHTS = {400: "Regular", 500: "Medium", 600: "SemiBold", 700: "Bold"}
_UNIT = 1000.0


def font_folder() -> Path:
    """The folder with the bundled TrueType files and their licence."""
    return Path(__file__).parent / "fonts"


def font_files() -> list[Path]:
    """The bundled TrueType files, by weight."""
    return [font_folder() / f"{FAMILY}-{style}.ttf" for style in WEIGHTS.values()]


_ALIKE = {
    "⋅": "·", "∗": "*", "∼": "~", "⟶": "→", "∥": "‖", "⋯": "…", "✔": "✓", "✘": "✗", "ᵀ": "^T", "∘": "◦", "⟨": "‹", "⟩": "›",
    "\ufe0f": "",
}  # fmt: skip
"""Characters that the bundled fonts lack → what they have that is read as the same."""


def measure(text: str, size: float, weight: int = 400) -> float:
    """Width of one line of `text` in px, shaped with kerning by HarfBuzz.

    A character that no bundled font has counts with the width of its code point in writing (`U+4E2D`).
    """
    return _unit_width(with_code_points(text), weight) * size / _UNIT if text else 0.0


def missing_glyphs(text: str) -> list[str]:
    """The characters of `text` that the bundled fonts cannot show, each once, in order of appearance."""
    if text.isascii():
        return []
    known = _covered()
    return list(dict.fromkeys(c for c in text if ord(c) not in known and ord(c) >= 32 and c not in _ALIKE))


@lru_cache(maxsize=4096)
def with_code_points(text: str) -> str:
    """`text` with every character that the bundled fonts lack written as one that is read alike, else as its code point.

    >>> with_code_points("a中"), with_code_points("QKᵀ ⋅ V")
    ('a[U+4E2D]', 'QK^T · V')
    """
    if not text.isascii():
        text = "".join(_ALIKE.get(char, char) for char in text)
    missing = missing_glyphs(text)
    for char in missing:
        text = text.replace(char, f"[U+{ord(char):04X}]")
    return text


def fit(text: str, size: float, weight: int, width: float) -> str:
    """`text`, shortened with an ellipsis where it is wider than `width` px."""
    if len(text) <= 400 and measure(text, size, weight) <= width:
        return text
    low, high = 0, min(len(text), 400)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + "…", size, weight) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


@lru_cache(maxsize=16384)
def _unit_width(text: str, weight: int) -> float:
    advance = sum(position.x_advance for _, position in _shaped(text, weight))
    return float(advance) * _UNIT / float(_font(weight).face.upem)


def _shaped(text: str, weight: int) -> list[tuple[int, Any]]:
    """The glyphs of one line with their positions in font units."""
    harfbuzz = _harfbuzz()
    buffer = harfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    harfbuzz.shape(_font(weight), buffer, {"kern": True, "liga": False})
    return [
        (info.codepoint, position) for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    ]


def nearest_weight(weight: int) -> int:
    """The weight of the bundled font that is used for a weight."""
    return min(WEIGHTS, key=lambda known: abs(known - weight))


def subset(characters: str, weight: int) -> bytes:
    """A TrueType font with the glyphs of some characters only."""
    harfbuzz = _harfbuzz()
    wanted = harfbuzz.SubsetInput()
    wanted.unicode_set.update(ord(char) for char in characters)
    return bytes(harfbuzz.subset(_font(weight).face, wanted).blob.data)


def outline(text: str, size: float, weight: int) -> str:
    """The path data of one line of `text`, its first baseline point at the origin, y downwards."""
    font = _font(weight)
    scale = size / float(font.face.upem)
    data: list[str] = []
    x = 0.0
    for glyph, position in _shaped(text, weight):
        data += _glyph_path(font, glyph, x + position.x_offset, position.y_offset, scale)
        x += position.x_advance
    return "".join(data)


def _glyph_path(font: Any, glyph: int, x: float, y: float, scale: float) -> list[str]:
    data: list[str] = []

    def point(*at: float) -> str:
        pairs = zip(at[::2], at[1::2], strict=True)
        return " ".join(f"{(x + dx) * scale:.2f} {-(y + dy) * scale:.2f}" for dx, dy in pairs)

    functions = _harfbuzz().DrawFuncs()
    functions.set_move_to_func(lambda px, py, _: data.append(f"M{point(px, py)}"))
    functions.set_line_to_func(lambda px, py, _: data.append(f"L{point(px, py)}"))
    functions.set_quadratic_to_func(lambda cx, cy, px, py, _: data.append(f"Q{point(cx, cy, px, py)}"))
    functions.set_cubic_to_func(lambda ax, ay, bx, by, px, py, _: data.append(f"C{point(ax, ay, bx, by, px, py)}"))
    functions.set_close_path_func(lambda _: data.append("Z"))
    font.draw_glyph(glyph, functions, None)
    return data


@lru_cache(maxsize=len(WEIGHTS))
def _font(weight: int) -> Any:
    harfbuzz = _harfbuzz()
    path = font_folder() / f"{FAMILY}-{WEIGHTS[nearest_weight(weight)]}.ttf"
    return harfbuzz.Font(harfbuzz.Face(harfbuzz.Blob(path.read_bytes())))


def _harfbuzz() -> Any:
    return import_module("uharfbuzz")  # lazily (most commands measure nothing), and it has no type stubs


@lru_cache(maxsize=1)
def _covered() -> frozenset[int]:
    return frozenset(_font(400).face.unicodes)
