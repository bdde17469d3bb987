#!/usr/bin/env python3
"""Write what stands in `assets/examples/` again, from the embedded catalog: documents, memory tables with their curves, exports.

    make_examples.py [NAME …]       qwen3.5-397b-a17b, minimax-m2, deepseek-v4-flash; all by default

Needs no network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from archviz import pipeline
from archviz.numbers.memory_text import memory_text
from archviz.settings import Settings

ASSETS = Path(__file__).resolve().parents[2] / "assets"
EXAMPLES = ASSETS / "examples"
OFFLINE = Settings(offline=True)
MODELS = {
    "qwen3.5-397b-a17b": "Qwen/Qwen3.5-397B-A17B",
    "minimax-m2": "MiniMaxAI/MiniMax-M2",
    "deepseek-v4-flash": "deepseek-ai/DeepSeek-V4-Flash",
}
CONTEXTS = (4096, 32_768, 262_144)


def write_example(name: str, model: str) -> None:
    """The document, the memory table, its curve and the export of a model."""
    pipeline.document(model, EXAMPLES / f"{name}.md", settings=OFFLINE)
    curve = EXAMPLES / f"{name}-memory"
    measured = pipeline.measure(model, CONTEXTS, output=curve, formats=("svg",), settings=OFFLINE)
    (EXAMPLES / f"{name}-memory.txt").write_text(memory_text(measured.memory), "utf-8")
    pipeline.export(model, ASSETS / "estimator_layers", EXAMPLES / name, settings=OFFLINE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all by default")
    for name in parser.parse_args().names or MODELS:
        write_example(name, MODELS[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
