from __future__ import annotations

import pytest

from archviz.errors import UsageError
from archviz.figure.theme import THEMES, Swatch, Theme, theme


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _swatches(chosen: Theme) -> list[Swatch]:
    panels = [Swatch(tint.fill, tint.stroke, tint.text) for tint in chosen.tints]
    return [*chosen.boxes.values(), *(tint.mixer for tint in chosen.tints), *panels]


@pytest.mark.parametrize("name", THEMES)
def test_text_has_the_contrast_that_wcag_asks_for(name: str) -> None:
    chosen = theme(name)
    for swatch in _swatches(chosen):
        assert contrast(swatch.fill, swatch.text) >= 4.5, swatch
    for back in (chosen.background, chosen.container.fill, chosen.inset.fill):
        for ink in (chosen.ink, chosen.muted, chosen.accent):
            assert contrast(back, ink) >= 4.5, (back, ink)


def test_an_unknown_theme_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="sepia") as caught:
        theme("sepia")
    assert "light, dark" in str(caught.value)
