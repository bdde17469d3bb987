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
    return list(dict.fromkeys(char for char in text if ord(char) not in known and ord(char) >= 32))


@lru_cache(maxsize=4096)
def with_code_points(text: str) -> str:
    """`text` with every character that the bundled fonts lack written as its code point.

    >>> with_code_points("a中")
    'a[U+4E2D]'
    """
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
    harfbuzz = _harfbuzz()
    buffer = harfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    font = _font(weight)
    harfbuzz.shape(font, buffer, {"kern": True, "liga": False})
    advance = sum(position.x_advance for position in buffer.glyph_positions)
    return float(advance) * _UNIT / float(font.face.upem)


@lru_cache(maxsize=len(WEIGHTS))
def _font(weight: int) -> Any:
    harfbuzz = _harfbuzz()
    nearest = min(WEIGHTS, key=lambda known: abs(known - weight))
    path = font_folder() / f"{FAMILY}-{WEIGHTS[nearest]}.ttf"
    return harfbuzz.Font(harfbuzz.Face(harfbuzz.Blob(path.read_bytes())))


def _harfbuzz() -> Any:
    return import_module("uharfbuzz")  # lazily (most commands measure nothing), and it has no type stubs


@lru_cache(maxsize=1)
def _covered() -> frozenset[int]:
    return frozenset(_font(400).face.unicodes)
