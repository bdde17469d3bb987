"""What `hasattr` finds at a layer is what PyTorch's layer has: a name without a stub is Unknown, never absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.values import Unknown
from tests.interpreter import programs

ATTRIBUTES: dict[str, list[str]] = json.loads(Path(__file__).with_name("attributes.json").read_text(encoding="utf-8"))
COMMON = ATTRIBUTES["nn.Module()"]


@pytest.mark.parametrize("layer", ATTRIBUTES)
def test_every_attribute_of_a_layer_is_found(layer: str) -> None:
    interp = programs.interpreter(f"{programs.MODEL_HEADER}def make():\n    return {layer}\n")
    made = interp.call(interp.import_name("program", "make", None), [], {})
    assert not isinstance(made, Unknown)
    assert [name for name in (*COMMON, *ATTRIBUTES[layer]) if interp.find_attribute(made, name) is MISSING] == []


def test_a_name_without_a_stub_is_there_and_its_value_is_a_gap() -> None:
    reading = programs.model("""
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 4)
        if hasattr(self.gru, "permute_hidden"):
            self.there = nn.Linear(8, 3)
        if not hasattr(self, "no_such_thing"):
            self.own = nn.Linear(8, 2)
        if self.gru.all_weights:
            self.guessed = nn.Linear(8, 1)
""")
    assert {"there.weight", "own.weight"} < set(programs.shapes(reading))
    assert "guessed.weight" not in programs.shapes(reading)
    assert "torch.nn.GRU.all_weights has no stub" in reading.gaps[0].reason
