"""Every tensor of every model is what PyTorch builds: 845 heads with their type's defaults, and the catalog.

The tables were made by building the official classes with PyTorch on its meta device (references/referee.md). A row holds the
digest of all names and shapes, and short digests of its parts, so that a failure can say which tensors differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.interpreter.reading import Gap, ModelReading
from archviz.lookup.catalog import model_ids
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source
from scripts.dev.referee_readings import (
    Reader,
    part_differences,
    parts_text,
    shapes_of,
    silent_differences,
    tensor_differences,
)

TABLES = Path(__file__).parent / "tables"
TYPES_A_CHUNK = 20
MODELS_A_CHUNK = 12
Row = dict[str, Any]


def rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (TABLES / name).read_text("utf-8").splitlines()]


DEFAULTS = rows("defaults.jsonl")
CATALOG = rows("catalog.jsonl")


def chunks() -> Iterator[tuple[str, list[Row]]]:
    """The default heads, some twenty model types at a time, so that one interpreter serves all of them."""
    types = list(dict.fromkeys(row["model_type"] for row in DEFAULTS))
    for start in range(0, len(types), TYPES_A_CHUNK):
        chosen = types[start : start + TYPES_A_CHUNK]
        yield f"{chosen[0]}…{chosen[-1]}", [row for row in DEFAULTS if row["model_type"] in chosen]


def catalog_chunks() -> Iterator[tuple[str, list[Row]]]:
    for start in range(0, len(CATALOG), MODELS_A_CHUNK):
        chosen = CATALOG[start : start + MODELS_A_CHUNK]
        yield chosen[0]["id"], chosen


def faults(reading: ModelReading, row: Row) -> list[str]:
    """What a reading gets wrong against its row; empty when it is exact and says so."""
    tensors = shapes_of(reading)
    found = [f"class {reading.class_name}, not {row['class']}"] if reading.class_name != row["class"] else []
    if pipeline.digest(reading) == row["digest"]:
        numbers = (sum(tensor.numel for tensor in reading.parameters().values()), len(tensors))
        found += [f"counts {numbers}"] if numbers != (row["params"], row["n"]) else []
        return found + [f"exact, yet a gap at {gap.module or 'the model'}: {gap.reason}" for gap in reading.gaps[:1]]
    return [*found, differing(reading, row)]


def differing(reading: ModelReading, row: Row) -> str:
    """The first tensors that are not the official ones, and the first gaps."""
    extra, missing = part_differences(shapes_of(reading), row["parts"])
    gaps = [f"{gap.module}: {gap.reason} at {gap.at}" for gap in reading.gaps[:2]]
    return f"{len(extra)} parts are not official: {'; '.join(map(str, extra[:3]))}; {missing} official ones lack; gaps {gaps}"


def check(read: Any, chosen: Sequence[Row]) -> None:
    """Read every row's model and fail with all faults of the chunk."""
    found = []
    for row in chosen:
        name = row.get("id") or f"{row['model_type']} {row['head']}"
        try:
            found += [f"{name}: {fault}" for fault in read(row)]
        except Exception as error:  # noqa: BLE001 - one model that fails must not hide the others of its chunk
            found.append(f"{name}: not read, {type(error).__name__}: {error}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("chosen", [pytest.param(chosen, id=name) for name, chosen in chunks()])
def test_the_defaults_of_every_model_type_are_read_to_the_tensor(chosen: list[Row]) -> None:
    reader = Reader()
    check(lambda row: faults(reader.read_default(row["model_type"], row["class"]), row), chosen)


@pytest.mark.parametrize("chosen", [pytest.param(chosen, id=name) for name, chosen in catalog_chunks()])
def test_every_catalog_model_is_read_to_the_tensor(chosen: list[Row]) -> None:
    reader = Reader()

    def read(row: Row) -> list[str]:
        reading = reader.read(read_model_source(row["id"], Settings(offline=True)))
        ties = [] if len(reading.tied) == row["ties"] else [f"{len(reading.tied)} ties, not {row['ties']}"]
        return faults(reading, row) + ties

    check(read, chosen)


def test_the_tables_hold_every_head_and_every_catalog_model_once() -> None:
    heads = [(row["model_type"], row["head"]) for row in DEFAULTS]
    assert len(heads) == len(set(heads)) == 845
    assert len({name for name, _ in heads}) > 500
    assert sorted(row["id"] for row in CATALOG) == list(model_ids())


def test_the_rows_are_spread_over_all_chunks() -> None:
    assert sum(len(chosen) for _, chosen in chunks()) == len(DEFAULTS)
    assert sum(len(chosen) for _, chosen in catalog_chunks()) == len(CATALOG)


# --- the telling of differences itself ---


def test_a_reading_of_another_model_is_told_apart_by_its_tensors() -> None:
    row = next(row for row in DEFAULTS if row["class"] == "Qwen3ForCausalLM" and row["model_type"] == "qwen3")
    other = Reader().read_default("qwen2", "Qwen2ForCausalLM")
    (class_fault, told) = faults(other, row)
    assert class_fault == "class Qwen2ForCausalLM, not Qwen3ForCausalLM"
    assert "model.layers.*.self_attn.q_proj.bias [4096] × 32" in told
    assert "official ones lack" in told


def test_a_gap_of_an_exact_model_is_a_fault() -> None:
    row = next(row for row in DEFAULTS if row["class"] == "Qwen3ForCausalLM" and row["model_type"] == "qwen3")
    reading = Reader().read_default("qwen3", "Qwen3ForCausalLM")
    assert faults(reading, row) == []
    reading.gaps.append(Gap("model.norm", "something"))
    assert faults(reading, row) == ["exact, yet a gap at model.norm: something"]
    assert faults(reading, row | {"params": 1}) == [
        f"counts {(row['params'], row['n'])}",
        "exact, yet a gap at model.norm: something",
    ]


def test_a_reader_keeps_nothing_of_the_model_before() -> None:
    fresh = Reader().read_default("qwen3", "Qwen3ForCausalLM")
    reader = Reader()
    reader.read_default("qwen3_moe", "Qwen3MoeForCausalLM")
    reader.interp.gap("something in the model before")
    again = reader.read_default("qwen3", "Qwen3ForCausalLM")
    assert again.parameters() == fresh.parameters()
    assert again.gaps == fresh.gaps == []
    assert again.config == fresh.config


def test_parts_say_which_tensors_are_new_and_how_many_are_missing() -> None:
    official = {f"layers.{index}.mlp.weight": [4, 8] for index in range(3)} | {"norm.weight": [4], "conv1d.weight": [2]}
    assert part_differences(official, parts_text(official)) == ([], 0)
    ours = official | {"layers.1.mlp.weight": [4, 9]}
    extra, missing = part_differences(ours, parts_text(official))
    assert list(map(str, extra)) == ["layers.*.mlp.weight [4, 8] × 2", "layers.*.mlp.weight [4, 9] × 1"]
    assert missing == 1


def test_a_difference_is_silent_unless_its_tensor_lies_under_a_gap() -> None:
    official: dict[str, list[int | None]] = {"a.weight": [1], "a.b.weight": [2], "ab.weight": [3], "c.weight": [4]}
    ours: dict[str, list[int | None]] = {"a.weight": [1], "a.b.weight": [None], "c.weight": [4], "d.weight": [5]}
    assert tensor_differences(ours, official) == {
        "ab.weight": "missing [3]",
        "a.b.weight": "[None], officially [2]",
        "d.weight": "extra [5]",
    }
    assert set(silent_differences(ours, official, ["a"])) == {"ab.weight", "d.weight"}
    assert silent_differences(ours, official, [""]) == {}
