"""Steps of a module say which of the module's own tensors they read."""

from __future__ import annotations

import pytest

from archviz.architecture.context import Context
from archviz.architecture.labels import label_node
from archviz.architecture.model import BlockGraph
from archviz.architecture.roles import Roles
from archviz.descriptions import describe
from archviz.interpreter.reading import ModelReading
from archviz.patterns.flow import build_flow
from archviz.patterns.trace import Trace
from archviz.settings import Settings
from tests.patterns.tape import LENGTH, Tape, module


def graph(model: str, name: str) -> BlockGraph:
    found = describe(model, settings=Settings(offline=True)).block(name)
    assert found is not None
    return found


def test_factors_of_a_token_shift_are_called_by_their_tensors_and_each_counts_once() -> None:
    mixing = graph("transformers:rwkv", "text/channel_mixing")
    scales = [(node.label, node.parameters) for node in mixing.nodes if node.role == "scale"]
    assert scales == [
        ("× time_mix_key", 4096), ("× (1 − time_mix_key)", 0),
        ("× time_mix_receptance", 4096), ("× (1 − time_mix_receptance)", 0),
    ]  # fmt: skip
    assert sum(node.parameters for node in mixing.nodes) == mixing.parameters


def test_gates_of_one_shape_are_told_apart() -> None:
    layer = graph("meta-llama/Llama-3.2-11B-Vision-Instruct", "text/layer/cross_attention+swiglu")
    gates = [(node.label, node.details, node.parameters) for node in layer.nodes if node.role == "scale"]
    assert gates == [
        ("× tanh(gate)", ["cross_attn_attn_gate"], 1),
        ("× tanh(gate)", ["cross_attn_mlp_gate"], 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("place", "label"), [("0", "1 −"), ("1", "− 1")])
def test_a_number_that_a_tensor_is_taken_from_stands_first(place: str, label: str) -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "", "Root", x) as results:
        results.append(tape.op("sub", x, out=(1, LENGTH, 8), **{place: 1}))
    context = Context(ModelReading("Root", {}, module(""), events=tape.events))
    call = Trace(tape.events).call("")
    assert call is not None
    flow = build_flow(context.trace, call, lambda event: event.kind == "call")
    assert label_node(context, Roles(context), flow, flow.nodes[1], None).text == label
