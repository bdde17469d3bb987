"""Make the bundled fonts: static, subset instances of the variable Inter of the PyPI package `fontpkg-inter` 4.1.

    pip download --no-deps fontpkg-inter==4.1.post1 && unzip fontpkg_inter-*.whl -d inter
    python scripts/dev/make_fonts.py inter/fontpkg_inter archviz/figure/fonts

Deterministic: the same input gives the same bytes.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

WEIGHTS = {400: "Regular", 500: "Medium", 600: "SemiBold", 700: "Bold"}
RANGES = (
    (0x20, 0x24F),  # Latin with its extensions
    (0x2B0, 0x3FF),  # modifiers, combining marks, Greek
    (0x400, 0x4FF),  # Cyrillic
    (0x1E00, 0x1EFF),  # Vietnamese
    (0x2000, 0x22FF),  # punctuation, superscripts, letterlike, arrows, mathematical operators
    (0x2300, 0x23FF),
    (0x2460, 0x24FF),
    (0x25A0, 0x27BF),
)


def make_font(source: Path, weight: int, style: str) -> TTFont:
    """One static weight, with kerning and composition but without stylistic alternates."""
    font = instantiateVariableFont(TTFont(source, recalcTimestamp=False), {"wght": weight, "opsz": 14})
    options = Options()
    options.name_IDs = ["*"]  # else usvg maps weights wrongly
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    options.hinting = False
    options.notdef_outline = True
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[point for low, high in RANGES for point in range(low, high + 1)])
    subsetter.subset(font)
    font["OS/2"].usWeightClass = weight
    font["head"].macStyle = 1 if weight == 700 else 0
    _name(font, style)
    return font


def _name(font: TTFont, style: str) -> None:
    regular = style in ("Regular", "Bold")
    names = {
        1: "Inter" if regular else f"Inter {style}",
        2: style if regular else "Regular",
        4: f"Inter {style}",
        6: f"Inter-{style}",
        16: "Inter",
        17: style,
    }
    for name_id, text in names.items():
        font["name"].removeNames(nameID=name_id)
        font["name"].setName(text, name_id, 3, 1, 0x409)
    for name_id in (3, 21, 22, 25):
        font["name"].removeNames(nameID=name_id)
    font["name"].setName(f"archviz;Inter-{style}", 3, 3, 1, 0x409)


def main(package: str, target: str) -> None:
    source = Path(package, "files", "Inter[opsz,wght].ttf")
    for weight, style in WEIGHTS.items():
        path = Path(target, f"Inter-{style}.ttf")
        make_font(source, weight, style).save(path)
        print(path, path.stat().st_size)
    shutil.copyfile(Path(package, "LICENSE"), Path(target, "OFL.txt"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
