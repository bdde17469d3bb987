"""Classes whose meaning lies in what PyTorch's modules and Python do: exactly what `tables/semantics.json` holds, made by PyTorch.

See scripts/dev/make_semantics_table.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.settings import Settings

FILES = Path(__file__).parent / "fixtures" / "semantics"
TABLE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "tables" / "semantics.json").read_text("utf-8")
)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_class_builds_what_torch_builds(name: str) -> None:
    file, _, cls = name.partition(".")
    found = pipeline.tensors(str(FILES / f"{file}.py"), class_name=cls, settings=Settings(offline=True))
    assert found["gaps"] == []
    assert found["tensors"] == TABLE[name]["tensors"]
    assert list(found["tensors"]) == list(TABLE[name]["tensors"])
    assert found["tied"] == TABLE[name]["tied"]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_class_computes_what_torch_computes(name: str) -> None:
    file, _, cls = name.partition(".")
    found = pipeline.trace(str(FILES / f"{file}.py"), class_name=cls, settings=Settings(offline=True))
    assert found["gaps"] == []
    calls = [[each["module"], each["class"], each["out"]] for each in found["calls"]]
    assert sorted(map(json.dumps, calls)) == sorted(map(json.dumps, TABLE[name]["calls"]))
