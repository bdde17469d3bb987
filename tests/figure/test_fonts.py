from __future__ import annotations

import pytest

from archviz.figure.fonts import fit, font_files, font_folder, measure, missing_glyphs, with_code_points


def test_fonts_and_their_licence_are_bundled_and_small() -> None:
    files = font_files()
    assert [path.name for path in files] == [
        "Inter-Regular.ttf", "Inter-Medium.ttf", "Inter-SemiBold.ttf", "Inter-Bold.ttf",
    ]  # fmt: skip
    assert sum(path.stat().st_size for path in files) < 2_000_000
    assert "SIL OPEN FONT LICENSE" in (font_folder() / "OFL.txt").read_text()


def test_width_grows_with_size_and_weight() -> None:
    assert measure("Gated attention", 26) == pytest.approx(2 * measure("Gated attention", 13))
    assert measure("Gated attention", 13, 700) > measure("Gated attention", 13, 400)
    assert measure("", 13) == 0


def test_kerning_counts() -> None:
    assert measure("AV", 100) < measure("A", 100) + measure("V", 100)


def test_the_signs_of_the_field_are_covered() -> None:
    assert missing_glyphs("→ ← ↑ ⊗ ⊕ σ θ β √ × · ≤ ≥ ≈ − – … ² ½ Σ é ß ∞") == []


def test_a_missing_glyph_is_named_by_its_code_point() -> None:
    assert missing_glyphs("a中b中😀") == ["中", "😀"]
    assert with_code_points("a中") == "a[U+4E2D]"
    assert measure("中", 13) == measure("[U+4E2D]", 13)


def test_fit_cuts_to_the_width() -> None:
    assert fit("short", 13, 400, 100) == "short"
    cut = fit("x" * 10_000, 13, 400, 100)
    assert cut.endswith("…")
    assert measure(cut, 13) <= 100
