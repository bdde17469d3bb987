from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(("steps", "curve"), [(["sigmoid"], "sigmoid"), (["silu", "mul"], "silu"), (["mul"], "linear")])
def test_the_gate_of_a_shared_expert_is_told_by_what_reads_it(steps: list[str], curve: str) -> None:
    record = moe("m", 64, 32, 8, 2, shared=True)
    record.children["shared_expert_gate"] = linear("m.shared_expert_gate", 64, 1)
    assert found(record).shared_gate_curve is None  # it never ran
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "ToyMoE", x) as out:
        with tape.inside("call", "m.shared_expert_gate", "Linear", x) as gate:
            gate.append(tape.op("linear", x, tape.value(1, 64), out=(LENGTH, 1)))
        value = gate[0]
        for step in steps:
            value = tape.same(step, value)
        out.append(value)
    assert found(record, Trace(tape.events)).shared_gate_curve == curve


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


def longcat(width: int = 64, hidden: int = 32, experts: int = 8, zero: int = 4, top_k: int = 3) -> ModuleRecord:
    """Experts of which the first projection also has rows for those without weights; its router scores all of them."""
    tensors = {"gate_up_proj": (experts + zero, 2 * hidden, width), "down_proj": (experts, width, hidden)}
    router = module("m.router", "ToyRouter", linear("m.router.classifier", width, experts + zero), top_k=top_k)
    return module("m", "ToyMoE", module("m.experts", "ToyExperts", tensors=tensors), router)


def test_experts_without_weights_are_counted_apart() -> None:
    result = found(longcat())
    assert (result.count, result.zero, result.choices, result.router) == (8, 4, 12, "m.router")
    assert (result.width, result.hidden, result.gated, result.each) == (64, 32, True, 3 * 64 * 32)
    assert result.visited == (0, 2.0, 3)


def test_numbered_experts_without_weights_are_counted_apart() -> None:
    experts = [swiglu(f"m.experts.{i}", 64, 32) for i in range(4)] + [
        module(f"m.experts.{i}", "Identity", library="torch.nn.Identity") for i in (4, 5)
    ]
    result = found(module("m", "Block", linear("m.gate", 64, 6), module("m.experts", "ModuleList", *experts), top_k=5))
    assert (result.count, result.zero, result.each, result.router) == (4, 2, 3 * 64 * 32, "m.gate")
    assert result.visited == (3, 5 * 4 / 6, 4)


def test_a_choice_among_more_than_there_are_weights_shows_zero_experts() -> None:
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "ToyMoE", x) as out:
        with tape.inside("call", "m.gate", "ToyRouter", x) as scores:
            value = tape.op("linear", x, tape.value(10, 64), out=(LENGTH, 10))
            scores.append(tape.op("topk", value, outs=[(LENGTH, 3)] * 2, arg1=3)[0])
        out.append(x)
    record = moe("m", 64, 32, 8, 3)
    record.children["gate"] = module("m.gate", "ToyRouter", tensors={"weight": (10, 64)})
    result = found(record, Trace(tape.events))
    assert (result.count, result.zero, result.top_k) == (8, 2, 3)


def test_every_expert_with_weights_leaves_no_zero_expert() -> None:
    result = found(moe("m", 64, 32, 8, 2))
    assert (result.zero, result.choices, result.visited) == (0, 8, (2, 2.0, 2))


def test_shared_experts_with_scores_of_their_own_are_told_from_the_routed_ones() -> None:
    record = moe("m", 64, 32, 8, 3)
    record.children["gate"] = module("m.gate", "ToyRouter", tensors={"weight": (10, 64)})
    stacked = {"gate_proj": (2, 32, 64), "up_proj": (2, 32, 64), "down_proj": (2, 64, 32)}
    shared = module("m.shared_experts", "ToySharedExperts", tensors=stacked)
    record = module("m", "ToyMoE", shared, *record.children.values())
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "ToyMoE", x) as out:
        with tape.inside("call", "m.gate", "ToyRouter", x) as scores:
            value = tape.op("linear", x, tape.value(10, 64), out=(LENGTH, 10))
            routed = tape.op("slice", tape.same("sigmoid", value), out=(LENGTH, 8))
            chosen = tape.op("topk", routed, outs=[(LENGTH, 3)] * 2, arg1=3)[0]
            scores.append(tape.same("exp", tape.same("logsumexp", chosen)))
        out.append(scores[-1])
    result = found(record, Trace(tape.events))
    assert (result.experts, result.count, result.top_k, result.each) == ("m.experts", 8, 3, 3 * 64 * 32)
    assert (result.router, result.shared, result.shared_hidden) == ("m.gate", "m.shared_experts", 2 * 32)
    assert (result.score, result.normalised) == ("sigmoid", True)


def stacked(path: str, *shape: int) -> ModuleRecord:
    return module(path, "ParallelExperts", tensors={"weight": shape})


def test_projections_of_the_same_experts_may_lie_in_modules_of_their_own() -> None:
    up, down = stacked("m.input_linear", 8, 128, 32), stacked("m.output_linear", 8, 32, 64)
    result = found(module("m", "MoE", up, down, linear("m.router", 32, 8)))
    assert result.holders == ("m.input_linear", "m.output_linear")
    assert (result.width, result.hidden, result.gated, result.each) == (32, 64, True, 3 * 32 * 64)


def test_what_holds_one_matrix_of_other_experts_is_no_further_projection() -> None:
    up, others = stacked("m.input_linear", 8, 128, 32), stacked("m.output_linear", 4, 32, 64)
    assert found(module("m", "MoE", up, others, linear("m.router", 32, 8))).further == ()


def test_lists_of_projections_side_by_side_hold_the_same_experts() -> None:
    sizes = {"fc1": (64, 32), "fc2": (64, 32), "fc3": (32, 64)}
    lists = [
        module(f"m.{name}", "ModuleList", *(linear(f"m.{name}.{i}", *size) for i in range(8)))
        for name, size in sizes.items()
    ]
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "MoEFeedForward", x) as out:
        with tape.inside("call", "m.gate", "Linear", x) as scores:
            scores.append(tape.op("linear", x, tape.value(8, 64), out=(LENGTH, 8)))
        tape.op("topk", scores[0], outs=[(LENGTH, 2), (LENGTH, 2)], k=2)
        out.append(x)
    result = found(module("m", "MoEFeedForward", linear("m.gate", 64, 8), *lists), Trace(tape.events))
    assert result.holders == ("m.fc1", "m.fc2", "m.fc3")
    assert (result.count, result.top_k, result.width, result.hidden, result.gated) == (8, 2, 64, 32, True)
    assert result.each == 3 * 64 * 32


def choosing(*steps: str, masked: bool) -> Trace:
    """A router that takes the highest score by `steps`, one after the other; `masked`: each without the choice before."""
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "ToyMoE", x) as out:
        with tape.inside("call", "m.gate", "ToyRouter", x) as scores:
            value = tape.op("linear", x, tape.value(8, 64), out=(LENGTH, 8))
            for step in steps:
                outs = [(LENGTH,)] * (2 if step == "max" else 1)
                chosen = tape.op(step, value, outs=outs, dim=-1)
                chosen = chosen[-1] if isinstance(chosen, (list, tuple)) else chosen
                if masked:
                    hidden = tape.op("one_hot", chosen, out=(LENGTH, 8))
                    value = tape.op("masked_fill", value, hidden, out=(LENGTH, 8))
            scores.append(value)
        out.append(value)
    return Trace(tape.events)


def test_a_router_that_takes_the_highest_score_chooses_one_expert() -> None:
    record = moe("m", 64, 32, 8, 3)
    del record.children["gate"].attributes["top_k"]
    assert found(record).top_k is None
    assert found(record, choosing("argmax", masked=False)).top_k == 1
    assert found(record, choosing("max", masked=False)).top_k == 1


def test_each_highest_score_without_those_before_is_a_further_choice() -> None:
    record = moe("m", 64, 32, 8, 3)
    del record.children["gate"].attributes["top_k"]
    assert found(record, choosing("argmax", "argmax", masked=True)).top_k == 2
    assert found(record, choosing("argmax", "max", masked=False)).top_k == 1  # the same choice, made again
