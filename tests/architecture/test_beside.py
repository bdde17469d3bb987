from __future__ import annotations

from archviz.architecture.beside import find_beside, first_call, is_made_of, made_of
from archviz.architecture.context import Context
from archviz.interpreter.reading import ModelReading, ModuleRecord
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, embedding, linear, module
from tests.patterns.test_trace import both

STREAM, SIDE, UP = embedding("m.tokens", 10, 64), embedding("m.side", 10, 8), linear("m.up", 64, 8)
LAYER = module("m.layers.0", "Layer", linear("m.layers.0.l", 64, 64))


def look(tape: Tape, record: ModuleRecord, *inputs: object, out: int) -> object:
    with tape.inside("call", record.path, record.class_name, *inputs) as results:  # type: ignore[arg-type]
        results.append(tape.op("embedding", *inputs, out=(1, LENGTH, out)))  # type: ignore[arg-type]
    return results[0]


def reading(joined: bool) -> Context:
    """Ids → stream; ids → side table, stream → up; their sum goes into the layer, beside the stream or added to it."""
    tape = Tape()
    ids = tape.value(1, LENGTH, dtype="int64")
    stacked = module("m.layers", "ModuleList", LAYER, library="torch.nn.ModuleList")
    root = module("m", "Toy", STREAM, SIDE, UP, stacked)
    with tape.inside("call", "m", "Toy", ids) as results:
        stream, side = look(tape, STREAM, ids, out=64), look(tape, SIDE, ids, out=8)
        both = tape.same("add", tape.linear(UP, stream), side)  # type: ignore[arg-type]
        first = tape.same("add", stream, both) if joined else stream  # type: ignore[arg-type]
        with tape.inside("call", LAYER.path, "Layer", first, both) as inner:  # type: ignore[arg-type]
            inner.append(tape.linear(LAYER.children["l"], first))  # type: ignore[arg-type]
        results += inner
    return Context(ModelReading("Toy", {}, root, events=tape.events))


def test_what_reaches_the_layers_by_another_way_than_the_stream_is_beside_it() -> None:
    assert find_beside(reading(joined=False), [STREAM, SIDE, UP], LAYER) == {"m.side": [], "m.up": ["m.tokens"]}


def test_what_is_added_to_the_stream_is_a_step_of_it() -> None:
    assert find_beside(reading(joined=True), [STREAM, SIDE, UP], LAYER) == {}


def test_a_list_that_is_never_called_stands_where_its_first_module_runs() -> None:
    tape, inner = Tape(), linear("m.list.0", 64, 64)
    with tape.inside("call", "m", "Toy", x := tape.value(1, LENGTH, 64)) as results:
        results.append(tape.linear(inner, x))
    found = first_call(Trace(tape.events), module("m.list", "ModuleList", inner))
    assert found is not None
    assert found.module == "m.list.0"


def test_following_back_until_something_is_found_tells_what_following_back_to_the_end_does() -> None:
    for context in (reading(joined=False), reading(joined=True)):
        trace = context.trace
        numbers = {value.id for event in trace.events for value in (*event.inputs, *event.outputs)}
        for end in trace.events[1:]:
            wanted = {value.id for value in end.inputs}
            whole = made_of(trace, end, wanted)
            assert {number for number in numbers if is_made_of(trace, end, wanted, {number})} == whole


def test_following_back_to_the_step_before_writes_out_no_repeated_call() -> None:
    lazy, _, events = both()
    end = events[-1]
    closed = list(lazy._closed)
    assert closed
    assert is_made_of(lazy, end, {value.id for value in end.inputs}, {value.id for value in end.inputs})
    assert lazy._closed == closed
