#!/usr/bin/env python3
"""Draw the figures of `assets/gallery/` again, from the embedded catalog; needs no network."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from archviz.comparison.comparing import compare
from archviz.descriptions import describe
from archviz.emit import png, svg
from archviz.figure import draw_view
from archviz.figure.display import DisplayList
from archviz.figure.theme import LIGHT
from archviz.figure.versus import draw_versus
from archviz.settings import Settings

GALLERY = Path(__file__).resolve().parents[2] / "assets" / "gallery"
OFFLINE = Settings(offline=True)
WORKED = "qwen3.5-397b-a17b"
MODELS = {
    WORKED: "Qwen/Qwen3.5-397B-A17B",
    "deepseek-v4-flash": "deepseek-ai/DeepSeek-V4-Flash",
    "deepseek-v3": "deepseek-ai/DeepSeek-V3",
    "gpt-oss-20b": "openai/gpt-oss-20b",
    "gemma-3-27b": "google/gemma-3-27b-it",
    "nemotron-3-nano": "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
    "llama-3.2-vision": "meta-llama/Llama-3.2-11B-Vision-Instruct",
    "whisper-tiny": "openai/whisper-tiny",
    "t5-small": "google-t5/t5-small",
    "vit-base": "google/vit-base-patch16-224-in21k",
    "clip-vit-base": "openai/clip-vit-base-patch32",
}
ATTENTION = "model.language_model.layers.3.self_attn"


def save(name: str, display: DisplayList, scale: float | None = None) -> None:
    """Write an SVG with its font, and a PNG at a scale where one is given."""
    (GALLERY / f"{name}.svg").write_bytes(svg.emit(display, text="embed"))
    if scale:
        (GALLERY / f"{name}.png").write_bytes(png.emit(display, scale=scale))


def main() -> int:
    known = {name: describe(model, settings=OFFLINE) for name, model in MODELS.items()}
    for name, architecture in known.items():
        save(name, draw_view(architecture)[0], 1.3 if name == WORKED else None)
    worked = known[WORKED]
    save(f"{WORKED}-dark", draw_view(worked, theme="dark")[0])
    save(f"{WORKED}-detailed", draw_view(worked, "detailed")[0])
    save(f"{WORKED}-params", draw_view(worked, "params")[0], 0.9)
    save(f"{WORKED}-gated-attention", draw_view(worked, "module", module=ATTENTION)[0], 1.1)
    pair = compare([known["deepseek-v3"], describe("zai-org/GLM-5", settings=OFFLINE)])
    save("deepseek-v3-vs-glm-5", draw_versus(pair, LIGHT), 1.0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
