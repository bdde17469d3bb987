"""Compare `inspect_model_structure` with PyTorch's meta device: every parameter and buffer, its shape and its type.

    check_inspection.py --python PYTHON_WITH_TORCH [MODEL …]      catalog models; all of them by default

A development check, never part of a run. Prints a line for each model that differs, then the counts; exit status 0 when all names and shapes are equal. Types may differ: without weights the
official class gives all tensors the type of the outermost configuration, and the library the one that the weights are stored in.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from referee_process import start_referee  # noqa: E402

from archviz.errors import ArchvizError  # noqa: E402
from archviz.estimator import inspect_model_structure  # noqa: E402
from archviz.lookup.catalog import model_ids  # noqa: E402
from archviz.readings import read  # noqa: E402
from archviz.settings import Settings  # noqa: E402
from archviz.sources.model_source import official_values, read_model_source  # noqa: E402

REFEREE = """
import json, sys, torch, transformers
from transformers import AutoConfig
for line in sys.stdin:
    asked = json.loads(line)
    try:
        config = AutoConfig.for_model(**{**asked["values"], "model_type": asked["type"]})
        cls = getattr(transformers, asked["class"])
        with torch.device("meta"):
            model = cls._from_config(config)
        rows = [["param", n, list(t.shape), str(t.dtype)] for n, t in model.named_parameters()]
        rows += [["buffer", n, list(t.shape), str(t.dtype)] for n, t in model.named_buffers()]
        print(json.dumps({"rows": rows}), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:200]}), flush=True)
"""


def main() -> int:
    """Run the check; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="catalog models; all by default")
    parser.add_argument("--python", required=True, help="a Python with torch and transformers")
    options = parser.parse_args()
    models = options.models or model_ids()
    referee = start_referee(options.python, REFEREE)
    counts = {"equal": 0, "types differ": 0, "differ": 0, "refused": 0}
    for model in models:
        verdict, words = compare(model, referee)
        counts[verdict] += 1
        if verdict != "equal":
            print(f"{model}: {verdict}: {words}")
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), f"of {len(models)} models")
    return 1 if counts["differ"] else 0


def compare(model: str, referee: subprocess.Popen[str]) -> tuple[str, str]:
    """How a model's rows differ from PyTorch's, and in which tensor first."""
    settings = Settings(offline=True)
    try:
        source = read_model_source(model, settings)
        reading = read(source, settings=settings)
        mine = inspect_model_structure(model, settings=settings)
    except ArchvizError as error:
        return "refused", str(error)[:120]
    asked = {"type": source.model_type, "class": reading.class_name, "values": official_values(source.values or {})}
    assert referee.stdin is not None
    assert referee.stdout is not None
    referee.stdin.write(json.dumps(asked) + "\n")
    referee.stdin.flush()
    answer: dict[str, Any] = json.loads(referee.stdout.readline())
    if "error" in answer:
        return "refused", answer["error"]
    ours = {(str(r["kind"]), str(r["name"])): (list(r["shape"]), r["dtype"]) for r in mine}  # type: ignore[call-overload]
    theirs = {(kind, name): (shape, dtype) for kind, name, shape, dtype in answer["rows"]}
    if {key: row[0] for key, row in ours.items()} != {key: row[0] for key, row in theirs.items()}:
        return "differ", str(sorted(set(ours) ^ set(theirs))[:3] or [k for k in ours if ours[k][0] != theirs[k][0]][:3])
    wrong = [(key[1], ours[key][1], theirs[key][1]) for key in ours if ours[key][1] != theirs[key][1]]
    return ("types differ", f"{len(wrong)}: {wrong[0]}") if wrong else ("equal", "")


if __name__ == "__main__":
    sys.exit(main())
