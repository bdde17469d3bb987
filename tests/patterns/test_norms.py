from __future__ import annotations

import pytest

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.norms import detect_norm
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, linear, module, rms_norm

QUIET = Trace(())


def test_a_library_norm_needs_no_trace() -> None:
    found = detect_norm(module("n", "LayerNorm", library="torch.nn.LayerNorm", tensors={"weight": (8,), "bias": (8,)}, eps=1e-5), QUIET)  # fmt: skip
    assert found is not None
    assert (found.kind, found.size, found.eps) == ("LayerNorm", 8, 1e-5)


def run(record: ModuleRecord, *steps: str, gate: bool = False) -> Trace:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    given = [x, tape.same("neg", x)] if gate else [x]
    with tape.inside("call", "", "Root", x):
        inputs = [x, tape.same("neg", x)] if gate else given
        with tape.inside("call", record.path, record.class_name, *inputs) as results:
            for step in steps:
                x = tape.same(step, x)
            results.append(x)
    return Trace(tape.events)


@pytest.mark.parametrize(
    "steps, kind",
    [
        (("pow", "mean", "rsqrt", "mul"), "RMSNorm"),
        (("mean", "sub", "pow", "mean", "rsqrt", "mul"), "LayerNorm"),
        (("mul", "sum", "div", "add", "sqrt", "div"), "RMSNorm"),
        (("mul", "sum", "add", "sqrt", "div"), "L2 norm"),  # Kimi Delta Attention: divided by the root, not under it
    ],
)
def test_the_ops_say_which_norm_it_is_whatever_its_class_is_called(steps: tuple[str, ...], kind: str) -> None:
    record = module("n", "Whatever", tensors={"weight": (8,)})
    found = detect_norm(record, run(record, *steps))
    assert found is not None
    assert found.kind == kind


def test_without_a_trace_the_class_name_is_the_last_resort() -> None:
    found = detect_norm(rms_norm("n", 8), QUIET)
    assert found is not None
    assert found.kind == "RMSNorm"


def test_a_second_stream_of_data_is_a_gate() -> None:
    record = module("n", "Gated", tensors={"weight": (8,)})
    found = detect_norm(record, run(record, "pow", "mean", "rsqrt", "mul", gate=True))
    assert found is not None
    assert found.gated


@pytest.mark.parametrize(
    "record", [linear("l", 8, 8), module("a", "NewGELUActivation"), module("m", "M", rms_norm("m.n", 8))]
)
def test_other_modules_are_not_mine(record: ModuleRecord) -> None:
    assert detect_norm(record, QUIET) is None


def test_an_activation_that_takes_powers_is_no_norm() -> None:
    record = module("a", "NewGELUActivation")
    assert detect_norm(record, run(record, "pow", "mean", "sqrt")) is None


def test_a_norm_whose_input_was_not_understood_is_told_by_its_name_not_as_one_that_does_nothing() -> None:
    record, tape = rms_norm("n", 8), Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "", "Root", x), tape.inside("call", record.path, record.class_name):
        tape.same("to", x)  # of the weight; nothing comes out
    found = detect_norm(record, Trace(tape.events))
    assert found is not None
    assert found.kind == "RMSNorm"
