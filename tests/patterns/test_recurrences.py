from __future__ import annotations

import pytest

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.feed_forward import detect_feed_forward
from archviz.patterns.moe import expert_count
from archviz.patterns.recurrences import detect_recurrence
from archviz.patterns.trace import Trace
from tests.patterns.tape import attention, linear, module, swiglu

QUIET = Trace(())


def convolution(path: str, width: int, kernel: int = 4) -> ModuleRecord:
    return module(path, "Conv1d", library="torch.nn.Conv1d", tensors={"weight": (width, 1, kernel)})


def delta_net(bias: int) -> ModuleRecord:
    return module(
        "d", "Mixer", convolution("d.conv1d", 96), linear("d.in_proj_qkv", 32, 96), linear("d.in_proj_b", 32, 4),
        linear("d.out_proj", 32, 32), tensors={"A_log": (4,), "dt_bias": (bias,)}, num_v_heads=4, num_k_heads=2,
    )  # fmt: skip


def test_a_decay_per_head_without_skip_is_a_gated_delta_net() -> None:
    found = detect_recurrence(delta_net(4), QUIET)
    assert found is not None
    assert (found.kind, found.role, found.sizes) == (
        "gated_deltanet",
        "linear_attention",
        {"value_heads": 4, "key_heads": 2},
    )


def test_a_decay_per_channel_is_kimi_delta_attention() -> None:
    found = detect_recurrence(delta_net(32), QUIET)
    assert found is not None
    assert found.kind == "kda"


def test_a_skip_makes_it_a_state_space_model() -> None:
    tensors = {"A_log": (4,), "D": (4,), "dt_bias": (4,)}
    record = module("m", "Mixer", convolution("m.conv1d", 96), linear("m.in_proj", 32, 200), linear("m.out_proj", 64, 32), tensors=tensors, ssm_state_size=16)  # fmt: skip
    found = detect_recurrence(record, QUIET)
    assert found is not None
    assert (found.kind, found.sizes) == ("mamba2", {"state": 16, "kernel": 4})


def test_a_decay_per_state_with_a_step_projection_is_the_first_mamba() -> None:
    record = module("m", "Mixer", linear("m.x_proj", 64, 36), linear("m.dt_proj", 4, 64), linear("m.out_proj", 64, 32), tensors={"A_log": (64, 16), "D": (64,)})  # fmt: skip
    found = detect_recurrence(record, QUIET)
    assert found is not None
    assert found.kind == "mamba"


def test_channels_cut_into_heads_stay_the_first_mamba_and_are_no_experts() -> None:
    tensors = {"x_proj_weight": (2, 36, 32), "dt_proj_weight": (2, 32, 4), "A_log": (2, 32, 16), "D": (2, 32)}
    record = module("l.m", "Mixer", convolution("l.m.conv1d", 64), linear("l.m.in_proj", 32, 128), linear("l.m.out_proj", 64, 32), tensors=tensors)  # fmt: skip
    found = detect_recurrence(record, QUIET)
    assert found is not None
    assert found.kind == "mamba"
    assert expert_count(record) is None
    assert detect_feed_forward(record, QUIET) is None


@pytest.mark.parametrize("queries, kind", [(True, "mlstm"), (False, "slstm")])
def test_gates_as_projections_are_xlstm(queries: bool, kind: str) -> None:
    children = [linear("x.igate", 32, 4), linear("x.fgate", 32, 4), *([linear("x.q", 32, 32)] if queries else [])]
    found = detect_recurrence(module("x", "Cell", *children), QUIET)
    assert found is not None
    assert found.kind == kind


def test_time_decay_is_rwkv() -> None:
    found = detect_recurrence(
        module("r", "T", linear("r.key", 8, 8), tensors={"time_decay": (8,), "time_first": (8,)}), QUIET
    )
    assert found is not None
    assert found.kind == "rwkv"


def test_a_depthwise_convolution_between_two_projections_is_a_short_convolution() -> None:
    record = module(
        "c", "Short", linear("c.in_proj", 32, 96), convolution("c.conv", 32, 3), linear("c.out_proj", 32, 32)
    )
    found = detect_recurrence(record, QUIET)
    assert found is not None
    assert (found.kind, found.sizes) == ("short_convolution", {"kernel": 3})


@pytest.mark.parametrize("record", [swiglu("m", 64, 128), attention("a", 64, 8, 2, 16), module("e", "Empty")])
def test_other_modules_are_not_mine(record: ModuleRecord) -> None:
    assert detect_recurrence(record, QUIET) is None
