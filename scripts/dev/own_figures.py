"""Every model's own figure held against the model: nothing in it may conflict.

    own_figures.py [--every 4] [--first 0] [TYPE …]

Takes each Nth of the heads that PyTorch builds (tests/tables/defaults.jsonl) with its type's defaults, makes the diagram config that
`draw --figure-config` would write, and checks it as `verify --against` does.  Prints what conflicts.  Exit status 1 when anything does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from archviz.errors import ArchvizError
from archviz.figure.diagram_from_architecture import diagram_config
from archviz.pipeline import _held_against, verify_source
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

DEFAULTS = Path(__file__).resolve().parents[2] / "tests" / "tables" / "defaults.jsonl"


def conflicts(model_type: str, class_name: str | None) -> list[str]:
    """What a model's own figure states otherwise than the model, in words."""
    settings = Settings(offline=True)
    found, architecture = verify_source(
        read_model_source(f"transformers:{model_type}", settings), class_name=class_name, settings=settings
    )
    document = diagram_config(architecture).model_dump(mode="json", by_alias=True, exclude_none=True)
    return [str(check) for check in _held_against(document, architecture, found) if check.status == "conflict"]


def main() -> int:
    """Sweep over the defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=4, help="take each Nth head")
    parser.add_argument("--first", type=int, default=0, help="begin with this one")
    parser.add_argument("types", nargs="*", metavar="TYPE")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = [json.loads(line) for line in DEFAULTS.read_text("utf-8").splitlines()]
    chosen = [row for row in rows if row["model_type"] in options.types] or rows[options.first :: options.every]
    counts = dict.fromkeys(("without a conflict", "with a conflict", "refused"), 0)
    for row in chosen:
        try:
            found = conflicts(row["model_type"], row["class"])
        except ArchvizError as error:
            counts["refused"] += 1
            print(f"REFUSED {row['model_type']} {row['class']}: {str(error)[:120]}", flush=True)
            continue
        counts["with a conflict" if found else "without a conflict"] += 1
        for each in found:
            print(f"CONFLICT {row['model_type']} {row['class']}: {each[:300]}", flush=True)
    print(f"{len(chosen)} figures: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return int(counts["with a conflict"] > 0)


if __name__ == "__main__":
    sys.exit(main())
