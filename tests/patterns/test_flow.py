from __future__ import annotations

import pytest

from archviz.architecture.labels import part_sizes
from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.flow import Flow, build_flow
from archviz.patterns.regions import group_cores, is_convex, limit_nodes, merge
from archviz.patterns.residual import branch_placements, find_residual_adds, norm_placement
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, attention, linear, rms_norm


def calls_only(event: Event) -> bool:
    return event.kind == "call"


def flow_of(tape: Tape, path: str) -> Flow:
    trace = Trace(tape.events)
    call = trace.call(path)
    assert call is not None
    return build_flow(trace, call, calls_only)


def names(flow: Flow) -> list[str]:
    return [node.name for node in flow.nodes.values()]


def start(tape: Tape) -> ValueRef:
    return tape.value(1, LENGTH, 8)


def test_plumbing_and_casts_vanish_and_edges_go_through_them() -> None:
    tape = Tape()
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        moved = tape.op("contiguous", tape.op("transpose", x, out=(1, 8, LENGTH)), out=(1, 8, LENGTH))
        results.append(tape.same("relu", tape.op("to", moved, out=(1, LENGTH, 8))))
    flow = flow_of(tape, "")
    assert names(flow) == ["input", "relu"]
    assert flow.nodes[flow.output or 0].sources[0][0] == flow.inputs[0]


def test_what_carries_no_data_and_what_nobody_reads_vanishes() -> None:
    tape = Tape()
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        mask = tape.same("tril", tape.value(LENGTH, LENGTH))
        tape.same("sigmoid", x)
        results.append(tape.same("add", x, mask))
    assert names(flow_of(tape, "")) == ["input", "add"]


@pytest.mark.parametrize(("whole", "sources"), [(True, 1), (False, 2)])
def test_what_no_step_of_a_call_reads_has_no_edge_into_it_where_all_was_understood(whole: bool, sources: int) -> None:
    tape = Tape()
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        beside = tape.same("sigmoid", x)
        with tape.inside("call", "mixer", "Mixer", x, beside) as made:
            with tape.inside("call", "mixer.inner", "Inner", x, beside) as inner:
                inner.append(tape.same("relu", x))
            made.append(tape.same("silu", inner[0]))
        results.append(tape.same("add", made[0], beside))
    trace = Trace(tape.events, whole=whole)
    call = trace.call("")
    assert call is not None
    flow = build_flow(trace, call, calls_only)
    mixer = next(node for node in flow.nodes.values() if node.name == "Mixer")
    assert len(mixer.sources) == sources


def test_cuts_of_features_are_one_split_and_cuts_of_positions_are_none() -> None:
    tape = Tape()
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        padded = tape.op("conv1d", x, tape.value(8, 1, 4), out=(1, LENGTH + 3, 8))
        back = tape.op("__getitem__", padded, out=(1, LENGTH, 8))
        first, second = (tape.op("__getitem__", back, out=(1, LENGTH, 4)) for _ in range(2))
        results.append(tape.same("mul", first, second))
    flow = flow_of(tape, "")
    assert names(flow) == ["input", "conv1d", "split", "mul"]
    assert sorted(flow.nodes[2].parts.values()) == [0, 1]


def test_parts_written_into_one_tensor_are_a_concatenation() -> None:
    tape = Tape()
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        whole = tape.op("new_empty", x, out=(1, LENGTH, 16))
        for step in ("relu", "tanh"):
            view = tape.op("__getitem__", whole, out=(1, LENGTH, 8))
            tape.op("copy_", view, tape.same(step, x), out=(1, LENGTH, 8))
        results.append(tape.same("neg", whole))
    flow = flow_of(tape, "")
    assert names(flow) == ["input", "relu", "tanh", "cat", "neg"]
    assert len(flow.nodes[flow.output or 0].sources) == 1


def test_views_that_split_the_last_axis_are_remembered_as_factors() -> None:
    tape = Tape()
    x = start(tape)
    record = linear("q", 8, 32)
    with tape.inside("call", "", "Root", x) as results:
        results.append(tape.op("view", tape.linear(record, x), out=(1, LENGTH, 4, 8)))
    assert [node.factors for node in flow_of(tape, "").nodes.values()] == [None, (4, 8)]


@pytest.mark.parametrize(
    ("shape", "viewed", "factors"),
    [
        ((4, LENGTH, 32), (1, 4 * LENGTH, 4, 8), (4, 8)),  # tiles of an image one behind the other
        ((1, LENGTH, 32), (LENGTH, 32, 1), None),
        ((1, LENGTH, 32), (LENGTH, 1, 32), None),
        ((2, LENGTH, 32), (2 * LENGTH, 32), None),
    ],
)
def test_factors_are_of_the_last_axis_whatever_becomes_of_those_before_it(
    shape: tuple[int, ...], viewed: tuple[int, ...], factors: tuple[int, ...] | None
) -> None:
    tape = Tape()
    x = tape.value(*shape[:-1], 8)
    with tape.inside("call", "", "Root", x) as results:
        results.append(tape.op("view", tape.linear(linear("q", 8, 32), x), out=viewed))
    assert [node.factors for node in flow_of(tape, "").nodes.values()] == [None, factors]


def test_the_core_of_an_attention_is_contracted_with_its_scaling() -> None:
    tape, record = Tape(), attention("a", 8, 4, 2, 4)
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        results.append(tape.attention(record, x, 4, 2, 4))
    flow = flow_of(tape, "a")
    group_cores(flow, Trace(tape.events))
    assert [n for n in names(flow) if n != "Linear"] == ["input", "attention_core"]


def test_residual_sums_are_told_from_other_sums() -> None:
    tape, norm = Tape(), rms_norm("n", 8)
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        normed = tape.norm(norm, x)
        branches = tape.same("add", tape.same("relu", normed), tape.same("tanh", normed))
        results.append(tape.same("add", x, branches))
    flow = flow_of(tape, "")
    skips = find_residual_adds(flow)
    assert list(skips.values()) == [flow.inputs[0]]
    assert list(skips) == [flow.output]


def placement(order: str) -> str | None:
    """Where the norm stands in `x + f(x)`: `n` is the norm, `f` the branch, `+` the sum."""
    tape, norm, branch = Tape(), rms_norm("n", 8), linear("f", 8, 8)
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        y = x
        for step in order:
            y = tape.same("add", x, y) if step == "+" else tape.norm(norm, y) if step == "n" else tape.linear(branch, y)
        results.append(y)
    flow = flow_of(tape, "")
    at = {kind: {n.id for n in flow.nodes.values() if n.module == kind} for kind in "nf"}
    return norm_placement(flow, at["n"], at["f"])


def test_the_place_of_a_norm_is_read_off_the_flow() -> None:
    assert [placement(order) for order in ("nf+", "fn+", "f+n", "f+")] == ["pre", "post", "post_residual", None]


def test_branches_that_differ_in_the_place_of_their_norms_are_no_post_norm() -> None:
    tape, norms, branches = Tape(), [rms_norm(f"n{i}", 8) for i in range(2)], [linear(f"f{i}", 8, 8) for i in range(2)]
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        y = tape.same("add", x, tape.linear(branches[0], tape.norm(norms[0], x)))
        results.append(tape.norm(norms[1], tape.same("add", y, tape.linear(branches[1], y))))
    flow = flow_of(tape, "")
    at = {kind: {n.id for n in flow.nodes.values() if n.module.startswith(kind)} for kind in "nf"}
    assert norm_placement(flow, at["n"], at["f"]) == "mixed"
    assert list(branch_placements(flow, at["n"], at["f"]).values()) == ["pre", "post_residual"]


def test_the_norms_of_a_branch_of_several_nodes_are_taken_together() -> None:
    tape, norms, parts = Tape(), [rms_norm(f"n{i}", 8) for i in range(2)], [linear(f"f{i}", 8, 8) for i in range(2)]
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        y = tape.linear(parts[1], tape.linear(parts[0], tape.norm(norms[0], x)))
        results.append(tape.same("add", x, tape.norm(norms[1], y)))
    flow = flow_of(tape, "")
    at = {kind: {n.id for n in flow.nodes.values() if n.module.startswith(kind)} for kind in "nf"}
    assert list(branch_placements(flow, at["n"], at["f"], dict.fromkeys(at["f"], min(at["f"]))).values()) == [
        "sandwich"
    ]


def test_a_branch_that_is_added_to_a_projection_of_its_input_is_residual() -> None:
    tape, norm, branch, other = Tape(), rms_norm("n", 8), linear("f", 8, 8), linear("g", 8, 8)
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        results.append(tape.norm(norm, tape.same("add", tape.linear(branch, x), tape.linear(other, x))))
    flow = flow_of(tape, "")
    at = {name: {n.id for n in flow.nodes.values() if n.module == name} for name in "nfg"}
    assert set(find_residual_adds(flow, branches=at["f"]).values()) == at["g"]
    assert find_residual_adds(flow, branches=at["f"] | at["g"]) == find_residual_adds(flow) == {}
    assert norm_placement(flow, at["n"], at["f"]) == "post_residual"


def test_a_region_that_is_left_and_entered_again_is_not_contracted() -> None:
    tape = Tape()
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        first = tape.same("relu", x)
        results.append(tape.same("mul", first, tape.linear(linear("l", 8, 8), first)))
    flow = flow_of(tape, "")
    ends = {n.id for n in flow.nodes.values() if n.name in ("relu", "mul")}
    assert not is_convex(flow, ends)
    assert merge(flow, ends, "steps") is None
    assert len(flow.nodes) == 4


def test_a_long_flow_is_shortened_to_the_limit_and_stays_connected() -> None:
    tape = Tape()
    x = start(tape)
    with tape.inside("call", "", "Root", x) as results:
        y = x
        for number in range(40):
            y = tape.same("mul", y, tape.same("relu" if number % 2 else "tanh", y))
        results.append(y)
    flow = flow_of(tape, "")
    assert limit_nodes(flow, 16)
    assert len(flow.nodes) <= 16
    assert flow.output in flow.nodes
    assert all(source in flow.nodes for node in flow.nodes.values() for source, _ in node.sources)


def test_a_limit_of_infinity_is_no_step_and_leaves_a_split_as_it_is() -> None:
    for limit, steps in (
        (float("inf"), ["input", "chunk", "silu", "mul"]),
        (7.0, ["input", "chunk", "silu", "clamp", "mul"]),
    ):
        tape = Tape()
        x = start(tape)
        with tape.inside("call", "", "Root", x) as results:
            gate, up = tape.op("chunk", x, outs=[(1, LENGTH, 4), (1, LENGTH, 4)])
            bounded = tape.same("clamp", up, min=-limit, max=limit)
            results.append(tape.same("mul", tape.same("silu", gate), bounded))
        flow = flow_of(tape, "")
        assert sorted(names(flow)) == sorted(steps)
        assert part_sizes(next(node for node in flow.nodes.values() if node.name == "chunk")) == [4, 4]
