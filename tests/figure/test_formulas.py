from __future__ import annotations

from archviz.architecture.model import Parameters, TensorEntry
from archviz.figure.formulas import Formula, TensorIndex, formula_of, path_of
from tests.figure.samples import architecture, graph, node

GRAPH = graph("g", "Block", "x:input:x\n y:output:y", "x>y", module="model.layers.0")
HELD = [
    TensorEntry(name="model.layers.0.q_proj.weight", shape=[512, 64]),
    TensorEntry(name="model.layers.0.q_proj.bias", shape=[512]),
    TensorEntry(name="model.layers.0.q_proj.scale", shape=[9], kind="buffer"),
    TensorEntry(name="model.layers.0.experts.up", shape=[8, 64, 16]),
    TensorEntry(name="embed.weight", shape=[100, 64]),
]


def _formula(module: str | None, count: int, code_name: str | None = None) -> Formula | None:
    model = architecture("a/b", "A", 1, [], [], [])
    model.tensors, model.parameters = HELD, Parameters(total=1, tied={"model.layers.0.head.weight": "embed.weight"})
    box = node("n:projection:n", module=module, code_name=code_name, parameters=count)
    return formula_of(TensorIndex(model, [path_of(GRAPH, box)]), GRAPH, box)


def test_a_formula_multiplies_the_shapes_out_and_leaves_buffers_alone() -> None:
    assert _formula("q_proj", 512 * 64 + 512) == Formula("512 × 64 + 512", 33_280)


def test_one_of_several_stacked_tensors_is_multiplied_out_without_their_number() -> None:
    assert _formula(None, 64 * 16, "experts.up") == Formula("64 × 16", 1024)


def test_shapes_that_do_not_add_up_are_not_written() -> None:
    assert _formula("q_proj", 7) == Formula("", 7)
    assert _formula(None, 7) == Formula("", 7)


def test_a_tied_weight_names_its_owner_and_a_box_without_parameters_says_nothing() -> None:
    assert _formula("head", 0) == Formula("", 0, "tied to embed.weight")
    assert _formula("act", 0) is None
