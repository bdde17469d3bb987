"""Lists of layers that one pass runs in turn are told in the order of execution.

The orders were read off PyTorch: hooks on the layers of the official classes with the same configurations.
"""

from __future__ import annotations

import pytest

from archviz.architecture.column_layers import layers_in, runs_of, stacks_of
from archviz.architecture.model import Architecture, Weave
from archviz.architecture.spec import check_architecture
from archviz.architecture.text import describe_text
from archviz.architecture.units import units_document
from archviz.comparison.comparing import compare
from archviz.document.overview import overview
from archviz.records import replace
from archviz.verify.figure_order import check_orders
from tests.verify.models import mutated, only, read_model, values, verified

CALL = "hidden_states = cross_attn_block("
ORDER = "2 × (1 × cross_attention+swiglu, 3 × attention+swiglu)"


def woven(model_type: str) -> tuple[Architecture, Weave]:
    architecture = read_model(model_type)[1]
    weaves = [item.weave for item in architecture.towers[0].column if item.weave]
    assert len(weaves) == 1
    return architecture, weaves[0]


def test_blocks_between_the_layers_of_another_list_stand_in_the_order_of_the_pass() -> None:
    architecture, weave = woven("idefics")
    assert weave.stacks == ["model.gated_cross_attn_layers", "model.layers"]
    assert (weave.count, weave.pattern_text) == (8, ORDER)
    assert check_architecture(architecture) == []
    assert [stack.count for stack in stacks_of(architecture, architecture.towers[0])] == [2, 6]
    run = runs_of(architecture, architecture.towers[0])[0]
    assert {kind.id: kind.indices for kind in run.kinds} == {
        "cross_attention+swiglu": [0, 4],
        "attention+swiglu": [1, 2, 3, 5, 6, 7],
    }


def test_halves_that_run_several_times_are_told_apart_by_their_lists() -> None:
    architecture, weave = woven("hrm_text")
    assert weave.stacks == ["model.L_module.layers", "model.H_module.layers"]
    assert weave.pattern_text == "2 × (6 × gated_attention+swiglu (L_module), 2 × gated_attention+swiglu (H_module))"
    assert check_architecture(architecture) == []
    run = runs_of(architecture, architecture.towers[0])[0]
    assert run.path == "model.{L_module,H_module}.layers"
    assert [kind.title for kind in run.kinds] == [
        "Gated attention + SwiGLU (L_module) (shared weights)",
        "Gated attention + SwiGLU (H_module) (shared weights)",
    ]


def test_a_block_whose_result_is_dropped_is_not_on_the_stream() -> None:
    assert only(verified("idefics"), "layers.order") == ORDER
    assert values(mutated("idefics", CALL, CALL.replace("hidden_states =", "_ =")), "layers.order") == {}


@pytest.mark.parametrize("model_type", ["llama", "mllama", "swin", "t5"])
def test_lists_that_follow_each_other_are_not_woven(model_type: str) -> None:
    towers = read_model(model_type)[1].towers
    assert not any(item.weave for tower in towers for item in tower.column)


def test_the_tree_tells_the_order_and_what_each_list_holds() -> None:
    lines = [line.strip() for line in describe_text(woven("idefics")[0]).splitlines()]
    assert f"8 layers of 2 lists in turn: {ORDER}" in lines
    assert "Cross attention + SwiGLU · layers 0-1 of gated_cross_attn_layers · 175,120,386 each" in lines
    assert "Attention + SwiGLU · layers 0-5 of layers · 202,383,360 each" in lines


def test_document_comparison_and_units_tell_the_order() -> None:
    architecture = woven("idefics")[0]
    said = "It has 8 layers: 2 × (1 × Cross attention + SwiGLU, 3 × Attention + SwiGLU)."
    assert said in overview(architecture)
    plan = compare([architecture, read_model("mllama")[1]]).plans[0]
    assert (plan.patterns[0], plan.counts[0]) == (ORDER, 8)
    order = units_document(architecture)["order"]
    assert isinstance(order, dict)
    assert order["text"] == [ORDER]
    counted = architecture.fact("cross_attention_layers")
    assert counted is not None
    assert counted.value == 2


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("2 × (1 × cross attention, 3 × attention)", "verified"),
        ("2 × (2 × MoE, 2 × attention)", "conflict"),
    ],
)
def test_a_stated_order_is_held_against_all_lists(text: str, status: str) -> None:
    found = next(check_orders("stages[0].name", text, woven("idefics")[0]))
    assert found.status == status


def test_a_weave_that_is_not_of_its_lists_is_told() -> None:
    architecture, weave = woven("idefics")
    item = next(each for each in architecture.towers[0].column if each.weave)
    assert layers_in(architecture, item) is not None
    for fault in (replace(weave, count=9), replace(weave, stacks=weave.stacks[:1])):
        column = [replace(each, weave=fault) if each is item else each for each in architecture.towers[0].column]
        towers = [replace(architecture.towers[0], column=column), *architecture.towers[1:]]
        assert any(
            "weaves_hold_their_layers" in found for found in check_architecture(replace(architecture, towers=towers))
        )
