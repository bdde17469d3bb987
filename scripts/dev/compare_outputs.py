"""How far PNG, PDF and TikZ of the same figure differ, in per cent of the inked pixels at 150 dpi.

Needs pdftocairo, a TeX engine and Pillow; development only. A pixel is inked where one of the two pictures is not the
background, and differs where a channel is more than a quarter of its range away from the same pixel of the other picture.

    python scripts/dev/compare_outputs.py --models 10
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from archviz.descriptions import describe  # noqa: E402
from archviz.emit import pdf, png, tikz  # noqa: E402
from archviz.figure import draw_overview  # noqa: E402
from archviz.settings import Settings  # noqa: E402

_DPI = 150
_FINER = 2
_LIMIT = 64  # of 255
_PAPER = 8
_DEFAULT = (
    "Qwen/Qwen3.5-397B-A17B", "deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/DeepSeek-V3", "openai/gpt-oss-20b",
    "google/gemma-3-27b-it", "openai-community/gpt2", "openai/whisper-large-v3-turbo", "google-t5/t5-small",
    "google/vit-base-patch16-224-in21k", "openai/clip-vit-base-patch32",
)  # fmt: skip


def _picture(data: bytes) -> np.ndarray:
    """The picture at 150 dpi, each pixel the mean of those of a finer drawing, for renderers move thin lines onto pixels."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(image.reduce(_FINER)).astype(np.int16)


def _page(path: Path) -> np.ndarray:
    stem = path.with_suffix("")
    command = ["pdftocairo", "-png", "-r", str(_DPI * _FINER), "-singlefile", str(path), str(stem)]
    subprocess.run(command, check=True)  # noqa: S603
    return _picture(stem.with_suffix(".png").read_bytes())


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Per cent of the inked pixels that differ."""
    height, width = min(one.shape[0], other.shape[0]), min(one.shape[1], other.shape[1])
    one, other = one[:height, :width], other[:height, :width]
    inked = (np.abs(one - one[0, 0]).max(axis=2) > _PAPER) | (np.abs(other - one[0, 0]).max(axis=2) > _PAPER)
    differs = np.abs(one - other).max(axis=2) > _LIMIT
    return 100.0 * float((differs & inked).sum()) / float(max(inked.sum(), 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=_DEFAULT)
    parser.add_argument("--engine", default="xelatex")
    parser.add_argument("--theme", default="light")
    options = parser.parse_args()
    worst = 0.0
    print(f"{'model':40} {'PDF':>7} {'TikZ':>7}   % of the inked pixels of the PNG")
    for model in options.models:
        display, _ = draw_overview(describe(model, settings=Settings(offline=True)), theme=options.theme)
        # A whole number of device pixels, for a PNG is stretched to that and a PDF is not.
        display = replace(display, width=ceil(display.width / 8) * 8, height=ceil(display.height / 8) * 8)
        with tempfile.TemporaryDirectory() as folder:
            picture = _picture(png.emit(display, scale=_FINER * _DPI / 96))
            (Path(folder) / "page.pdf").write_bytes(pdf.emit(display))
            (Path(folder) / "figure.tex").write_bytes(tikz.emit(display))
            compile_script = ROOT / "scripts/compile.sh"
            command = ["bash", str(compile_script), str(Path(folder) / "figure.tex"), options.engine]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603
            pages = [_page(Path(folder) / name) for name in ("page.pdf", "figure.pdf")]
        shares = [difference(picture, page) for page in pages]
        worst = max(worst, *shares)
        print(f"{model:40} {shares[0]:7.2f} {shares[1]:7.2f}", flush=True)
    print(f"worst: {worst:.2f} %")
    return 0 if worst <= 2.0 else 1


if __name__ == "__main__":
    sys.exit(main())
