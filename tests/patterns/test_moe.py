from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.moe import MixtureOfExperts, detect_moe, expert_count
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, linear, module, moe, swiglu

QUIET = Trace(())


def found(record: ModuleRecord, trace: Trace = QUIET) -> MixtureOfExperts:
    result = detect_moe(record, trace)
    assert result is not None
    return result


def test_stacked_experts_tell_count_sizes_and_parameters() -> None:
    result = found(moe("m", 64, 32, 8, 2))
    assert (result.count, result.top_k, result.width, result.hidden, result.gated) == (8, 2, 64, 32, True)
    assert result.each == 3 * 64 * 32
    assert (result.router, result.experts, result.shared) == ("m.gate", "m.experts", None)


def test_numbered_experts_are_counted() -> None:
    experts = module("m.experts", "ModuleList", *(swiglu(f"m.experts.{i}", 64, 32) for i in range(4)))
    result = found(module("m", "Block", linear("m.gate", 64, 4), experts))
    assert (result.count, result.width, result.hidden, result.each) == (4, 64, 32, 3 * 64 * 32)


def test_a_shared_expert_and_its_gate_are_told_from_the_router() -> None:
    record = moe("m", 64, 32, 8, 2, shared=True)
    record.children["shared_expert_gate"] = linear("m.shared_expert_gate", 64, 1)
    result = found(record)
    assert (result.shared, result.shared_gate, result.shared_hidden) == ("m.shared_expert", "m.shared_expert_gate", 32)
    assert result.router == "m.gate"


def routing(*steps: str) -> Trace:
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "ToyMoE", x) as out:
        with tape.inside("call", "m.gate", "ToyRouter", x) as scores:
            value = tape.op("linear", x, tape.value(8, 64), out=(LENGTH, 8))
            for step in steps:
                value = (
                    tape.op("topk", value, outs=[(LENGTH, 3)] * 2, arg1=3)[0]
                    if step == "topk"
                    else tape.same(step, value)
                )
            scores.append(value)
        out.append(value)
    return Trace(tape.events)


def test_the_choice_that_ran_wins_over_attributes() -> None:
    assert found(moe("m", 64, 32, 8, 2), routing("softmax", "topk")).top_k == 3


def test_scores_before_and_after_the_choice_are_told_apart() -> None:
    assert found(moe("m", 64, 32, 8, 2), routing("sigmoid", "topk", "sum", "div")).score == "sigmoid"
    assert found(moe("m", 64, 32, 8, 2), routing("sigmoid", "topk", "sum", "div")).normalised is True
    assert found(moe("m", 64, 32, 8, 2), routing("softmax", "topk")).normalised is False
    assert found(moe("m", 64, 32, 8, 2), routing("topk", "softmax")).score == "softmax over top-k"


def test_a_correction_bias_is_seen_wherever_it_is_kept() -> None:
    record = moe("m", 64, 32, 8, 2)
    assert not found(record).correction_bias
    record.buffers["e_score_correction_bias"] = linear("m", 8, 8).parameters["weight"]
    assert found(record).correction_bias


def test_convolutions_and_plain_modules_hold_no_experts() -> None:
    convolution = module("c", "Conv1d", library="torch.nn.Conv1d", tensors={"weight": (8, 1, 4)})
    assert expert_count(convolution) is None
    assert detect_moe(swiglu("m", 64, 32), QUIET) is None
    assert expert_count(module("r", "Time", tensors={"a": (1, 1, 8), "b": (1, 1, 8)})) is None
