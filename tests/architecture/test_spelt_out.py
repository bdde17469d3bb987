"""A layer that computes its attention in its own steps is drawn with it: projections, core, and the projection behind it."""

from __future__ import annotations

from pathlib import Path

from archviz import pipeline
from archviz.settings import Settings
from tests.verify.own_models import model
from tests.verify.test_own_code import WITHIN


def test_the_attention_of_a_layer_that_spells_it_out_has_its_steps_in_order(tmp_path: Path) -> None:
    before, _, rest = model().partition("\nclass Layer")
    file = tmp_path / "model.py"
    file.write_text(before + WITHIN + "\nclass LM" + rest.partition("\nclass LM")[2], encoding="utf-8")
    found = pipeline.describe(str(file), class_name="LM", settings=Settings(offline=True))
    block = next(block for block in found.blocks if block.title == "Attention")
    names = {node.id: node.label for node in block.nodes}
    edges = {(names[edge.source], names[edge.target]) for edge in block.edges}
    core = next(node.label for node in block.nodes if node.role == "attention_core")
    assert any(target == core for _, target in edges)
    assert (core, "out") in edges
    assert not any("not traced" in note for note in block.notes)
