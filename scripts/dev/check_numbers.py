"""Check formulas, reconciliations and memory of many models: the numbers that `references/parameter-formulas.md` states.

    python scripts/dev/check_numbers.py formulas [--configs DIR]      every formula comes to its count, blocks sum to the total
    python scripts/dev/check_numbers.py reconcile --configs DIR       the way from the code's count to the published total
    python scripts/dev/check_numbers.py memory MODEL…                 what is kept for each token

DIR holds `config.json` files and `truth.jsonl`: rows of `file`, `model_id`, `published_total_params` and `official_code` with `params`.
Without it the embedded catalog is checked. Asks no network.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from archviz import pipeline
from archviz.architecture.model import Architecture
from archviz.architecture.spec import check_architecture
from archviz.descriptions import described
from archviz.errors import ArchvizError
from archviz.lookup.catalog import model_ids
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)


def rows(folder: Path | None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The models: what they are called, where they are read, and their row."""
    if folder is None:
        yield from ((name, name, {}) for name in model_ids())
        return
    for line in (folder / "truth.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["official_code"].get("params"):
            yield row["model_id"], str(folder / row["file"]), row


def official_class(row: dict[str, Any]) -> str | None:
    """The class of the official code that a row counts; None for the model's own choice."""
    name = row.get("official_code", {}).get("class")
    return name if isinstance(name, str) else None


def formula_faults(architecture: Architecture) -> list[str]:
    breakdown = architecture.parameters.breakdown
    parents = {row.parent for row in breakdown}
    blocks = [row for row in breakdown if row.key not in parents and row.count]
    found = [fault for fault in check_architecture(architecture) if fault.startswith(("formulas", "rows"))]
    found += [f"{row.key} has no formula" for row in blocks if row.formula is None]
    if sum(row.count for row in blocks) != architecture.parameters.total:
        found.append("the blocks do not sum to the total")
    return found


def check_formulas(folder: Path | None) -> int:
    faults = models = 0
    for name, where, row in rows(folder):
        source, class_name = read_model_source(where, OFFLINE), official_class(row)
        reading = pipeline.read(source, class_name=class_name, trace=pipeline.TraceOptions())
        found = formula_faults(described(source, reading, class_name))
        models, faults = models + 1, faults + bool(found)
        if found:
            print(f"{name}: {'; '.join(found[:4])}")
    print(f"{models} models, {faults} with faults")
    return int(faults > 0)


def check_reconciliations(folder: Path | None) -> int:
    """A table of the models that differ; how many come out to the unit."""
    models = equal = exact = 0
    print("| model | published - code | steps | not explained |\n|---|---:|---|---:|")
    for name, where, row in rows(folder):
        source, class_name = read_model_source(where, OFFLINE), official_class(row)
        published = row.get("published_total_params") or source.published_total
        if not published:
            continue
        source.published_total = published
        found = described(source, pipeline.read(source, class_name=class_name), class_name).parameters
        models, equal, exact = models + 1, equal + (published == found.total), exact + (found.unexplained == 0)
        if published != found.total:
            steps = "; ".join(f"{step.title} {step.count:+,} ({step.status})" for step in found.reconciliation)
            print(f"| {name} | {published - found.total:+,} | {steps} | {found.unexplained:+,} |")
    print(
        f"{models} models with a published total: {equal} equal at once, {exact} to the unit, {models - exact} with a rest"
    )
    return 0


def check_memory(models: list[str]) -> int:
    for name in models:
        found = pipeline.measure(name, [4096], settings=OFFLINE).memory
        inside, beyond = found.per_token(growing=False) / 1024, found.per_token(growing=True) / 1024
        indexer = found.per_token(growing=False, roles=("indexer",)) / 1024
        print(
            f"{name}: {inside:.4g} KiB for each token, {beyond:.4g} beyond windows, indexer {indexer:.4g}, {found.missing or ''}"
        )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("formulas", "reconcile", "memory"))
    parser.add_argument("models", nargs="*", help="for memory: names")
    parser.add_argument("--configs", metavar="DIR", type=Path)
    options = parser.parse_args()
    try:
        if options.what == "memory":
            return check_memory(options.models)
        return check_formulas(options.configs) if options.what == "formulas" else check_reconciliations(options.configs)
    except ArchvizError as error:
        print(error, file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
