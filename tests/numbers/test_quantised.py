from __future__ import annotations

import pytest

from archviz.interpreter.reading import ModuleRecord, TensorRecord
from archviz.numbers.quantised import (
    Matrix,
    block_scales,
    bounded_pattern,
    channel_scales,
    excepted,
    group_scales,
    listed,
    matrices,
    scales_stated,
    tensor_scales,
)

MATRIX = Matrix("mlp.up_proj", 300, 256, 2)


def test_scales_are_counted_by_block_row_matrix_and_group() -> None:
    assert [rule(MATRIX) for rule in (block_scales((128, 128)), channel_scales, tensor_scales, group_scales(16))] == [
        12,
        600,
        2,
        9600,
    ]


def test_stacked_experts_are_matrices_of_their_own() -> None:
    experts = ModuleRecord("mlp.experts", "Experts")
    experts.parameters = {
        "gate_up_proj": TensorRecord("mlp.experts.gate_up_proj", (4, 48, 64)),
        "down_proj": TensorRecord("mlp.experts.down_proj", (4, 64, 24)),
    }
    assert matrices(experts, 64) == [
        Matrix("mlp.experts.gate_up_proj", 24, 64, 8, expert=True), Matrix("mlp.experts.down_proj", 64, 24, 4, expert=True),
    ]  # fmt: skip


def test_experts_that_are_stored_the_other_way_round_are_turned() -> None:
    experts = ModuleRecord("mlp.experts", "Experts")
    experts.parameters = {"gate_up_proj": TensorRecord("mlp.experts.gate_up_proj", (4, 64, 48)), "down_proj": TensorRecord("mlp.experts.down_proj", (4, 24, 64))}  # fmt: skip
    assert [(each.rows, each.columns, each.times) for each in matrices(experts, 64)] == [(24, 64, 8), (64, 24, 4)]


@pytest.mark.parametrize(
    ("names", "path", "expected"),
    [
        ([], "model.layers.0.mlp.up_proj", False), ([], "lm_head", True), (["model.layers.0.mlp"], "model.layers.0.mlp.up_proj", True),
        (["model.layers.1"], "model.layers.10.mlp.up_proj", False), (["gate"], "model.layers.0.mlp.gate", True),
        (["gate"], "model.layers.0.mlp.gate_proj", False), (["re:.*self_attn.*"], "model.layers.0.self_attn.q_proj", True),
        (["re:(("], "model.layers.0.self_attn.q_proj", False), (["model.layers.0.self_attn*"], "model.layers.0.self_attn.q_proj", True),
        (["*.mlp.gate"], "model.layers.0.mlp.gate", True), (["model.layers.0.*"], "model.layers.1.mlp.up_proj", False),
        (["*a*a*a*a*b"], "model.layers.0.mlp.up_proj", False),
    ],
)  # fmt: skip
def test_lists_of_exceptions_are_read_as_names_and_patterns(names: list[str], path: str, expected: bool) -> None:
    assert excepted(names)(path) is expected


def test_what_a_configuration_says_of_its_scales() -> None:
    channel = {"config_groups": {"group_0": {"weights": {"strategy": "channel"}}}}
    group = {"config_groups": {"group_0": {"weights": {"strategy": "group", "group_size": 32}}}}
    rules = [
        scales_stated(each)
        for each in ({"weight_block_size": [64, 32]}, channel, group, {"quant_method": "fbgemm_fp8"})
    ]
    assert [rule[1](MATRIX) for rule in rules if rule is not None] == [80, 600, 4800, 600]
    assert scales_stated({"quant_method": "gptq"}) is None
    assert listed({"ignore": ["lm_head"]}) == ["lm_head"]


@pytest.mark.parametrize("pattern", ["(a+)+b", "(.*)*", "a*b*c*d*e*", "((", "x" * 400])
def test_patterns_that_could_take_long_are_left_out(pattern: str) -> None:
    assert bounded_pattern(pattern) is None
