"""Every layer registers what PyTorch's own layer registers: against the table that scripts/dev/make_layer_table.py wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz.interpreter.reading import ModelReading
from tests.interpreter.programs import model, shapes

ROWS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("table.json").read_text(encoding="utf-8"))

# Layers that no model of `transformers` uses: a gap says so, nothing is silently missing.
NOT_READ = {}


def source_of(body: str) -> str:
    lines = [f"        {part.strip()}" for part in body.split("; ")]
    header = "import copy\nfrom collections import OrderedDict\n"
    return (
        header
        + "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        + "\n".join(lines)
        + "\n"
    )


def buffers(reading: ModelReading) -> dict[str, list[int | None]]:
    return {each.name: list(each.shape) for module in reading.root.walk() for each in module.buffers.values()}


def stored(reading: ModelReading) -> list[str]:
    """The names of the checkpoint, ties under each of their names."""
    modules = list(reading.root.walk())
    parameters = [each.name for module in modules for each in module.parameters.values()]
    return sorted(parameters + [each.name for module in modules for each in module.buffers.values() if each.persistent])


@pytest.mark.parametrize("row", ROWS, ids=[row["init"][:80] for row in ROWS])
def test_a_layer_registers_what_torch_registers(row: dict[str, Any]) -> None:
    reading = model(source_of(row["init"]))
    if row["init"] in NOT_READ:
        assert [gap.reason for gap in reading.gaps] == [NOT_READ[row["init"]]]
        return
    assert reading.gaps == []
    assert shapes(reading) == row["parameters"]
    assert list(shapes(reading)) == list(row["parameters"])
    assert buffers(reading) == row["buffers"]
    assert stored(reading) == row["stored"]
    assert {each.path: each.class_name for each in reading.root.walk() if each.path} == row["modules"]
