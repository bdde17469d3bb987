"""Own code in the styles that published repositories are written in: exact tensors, ties, calls and ops.

Every folder of `fixtures/own` is written in the style of a family of repositories; `tables/own_code.json` holds what PyTorch builds and
computes of it (scripts/dev/make_own_code_table.py), with the release of transformers that it is written against.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.settings import Settings

FOLDERS = Path(__file__).parent / "fixtures" / "own"
TABLE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "tables" / "own_code.json").read_text("utf-8")
)
LAYER = re.compile(r"(^|\.)\d+(\.|$)")


def options(folder: Path) -> tuple[str, dict[str, Any]]:
    """The model and the options that read a folder: `auto_map`, or plain PyTorch with arguments."""
    stated = folder / "arguments.json"
    if not stated.exists():
        return str(folder), {}
    plain = json.loads(stated.read_text("utf-8"))
    settings = Settings(arguments=json.dumps(plain["args"]))
    return str(folder / plain["file"]), {"class_name": plain["class"], "settings": settings}


def takes_image(folder: Path) -> bool:
    stated = folder / "arguments.json"
    return stated.exists() and "image" in json.loads(stated.read_text("utf-8"))


def digest(rows: list[list[Any]]) -> str:
    return hashlib.sha1(json.dumps(sorted(map(json.dumps, rows))).encode(), usedforsecurity=False).hexdigest()


def test_every_folder_is_in_the_table() -> None:
    assert sorted(TABLE) == sorted(each.name for each in FOLDERS.iterdir() if each.is_dir() and each.name[0] != "_")


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_style_of_own_code_has_the_tensors_that_torch_builds(name: str) -> None:
    model, given = options(FOLDERS / name)
    found, row = pipeline.tensors(model, **given), TABLE[name]
    assert found["gaps"] == []
    assert (found["class"], found["params"], len(found["tensors"])) == (row["class"], row["params"], row["tensors"])
    assert found["tied"] == row["tied"]
    assert found["digest"] == row["digest"]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_style_of_own_code_computes_what_torch_computes(name: str) -> None:
    model, given = options(FOLDERS / name)
    found, row = pipeline.trace(model, batch=2, seq=11, pixels=takes_image(FOLDERS / name), **given), TABLE[name]
    assert found["gaps"] == []
    calls = [[each["module"], each["class"], each["out"]] for each in found["calls"] if _kept(each)]
    ops = [
        [each["module"], each["op"], each["in"], each["out"]]
        for each in found["ops"]
        if _kept(each) and LAYER.search(each["module"]) and not _by_chance(each, row["by_chance"])
    ]
    assert (len(calls), len(ops)) == (row["n_calls"], row["n_ops"])
    assert digest(calls) == row["calls"]
    assert digest(ops) == row["ops"]


def _kept(row: dict[str, Any]) -> bool:
    """Routed experts run for the tokens that chance gives them."""
    return "experts" not in row["module"].split(".")


def _by_chance(row: dict[str, Any], ends: list[str]) -> bool:
    return any(f"{row['module']} {row['op']}".endswith(end) for end in ends)
