"""Towers and heads that text does not reach compute what PyTorch computes (tables/towers.json, scripts/dev/make_tower_table.py)."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from archviz.interpreter import tower_passes
from archviz.interpreter.towers import uncalled_towers
from scripts.dev.understood_inputs import understood
from tests.interpreter.programs import MODEL_HEADER, value

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "tables" / "towers.json").read_text("utf-8"))
LAYER = re.compile(r"(^|\.)\d+(\.|$)")


def digest(rows: list[list[Any]]) -> str:
    return hashlib.sha1(json.dumps(sorted(map(json.dumps, rows))).encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['type']} {row['path']}".strip() for row in ROWS])
def test_a_tower_computes_what_torch_computes(row: dict[str, Any]) -> None:
    name, _, found, gaps = understood(row["type"], row["path"])
    assert gaps == []
    assert name == row["class"]
    calls = [[each["module"], each["class"], each["out"]] for each in found["calls"] if _kept(each)]
    ops = [
        [each["module"], each["op"], each["in"], each["out"]]
        for each in found["ops"]
        if _kept(each) and LAYER.search(each["module"])
    ]
    assert (len(calls), len(ops)) == (row["n_calls"], row["n_ops"])
    assert (digest(calls), digest(ops)) == (row["calls"], row["ops"])


def _kept(row: dict[str, Any]) -> bool:
    return "experts" not in row["module"].split(".")


def test_a_module_that_holds_what_holds_it_is_looked_through_once() -> None:
    source = "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.inner = nn.Linear(2, 2)\nresult = Model()"
    built = value(MODEL_HEADER + source)
    built.modules["inner"].modules["outer"] = built
    assert list(uncalled_towers(built, set())) == []


LOST_IN_IMAGES = """
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(8, 8)
    def forward(self, x):
        return self.lin(x)

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 8)
        self.layers = nn.ModuleList(Layer() for _ in range(9))
    def forward(self, input_ids, pixel_values=None):
        x = self.embed(input_ids)
        if pixel_values is not None:
            x = x + pixel_values.no_such_method()
        for layer in self.layers:
            x = layer(x)
        return x
result = Model()
"""


def test_a_pass_that_cannot_count_any_more_ends_at_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[tuple[bool, set[str]]] = []
    run = tower_passes.run_pass

    def watched(interp: Any, model: Any, given: dict[str, Any], **options: Any) -> Any:
        done = run(interp, model, given, **options)
        passes.append(("pixel_values" in given, done[0].events.called()))
        return done

    monkeypatch.setattr(tower_passes, "run_pass", watched)
    built = value(MODEL_HEADER + LOST_IN_IMAGES)
    recorder, gaps = tower_passes.trace_towers(built.cls.interpreter, built, seq=4)
    assert gaps == []
    assert "layers.8.lin" in recorder.events.called()
    with_image = [called for pixels, called in passes if pixels]
    assert with_image
    assert all(called == {"", "embed"} for called in with_image)
