from __future__ import annotations

import pytest

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.streams import StreamMixer, detect_stream_mixer
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, module

N, D = 4, 8


def mixer(*, hands_back: bool = True, rounds: int = 3, width: int = N * D, count: int = N) -> StreamMixer | None:
    record: ModuleRecord = module("m", "Mixer", tensors={"fn": (24, width)})
    tape = Tape()
    streams = tape.value(1, LENGTH, count, D)
    with tape.inside("call", "m", "Mixer", streams) as results:
        matrix = tape.op("softmax", streams, out=(1, LENGTH, N, N))
        for _ in range(rounds):
            matrix = tape.same("div", matrix, tape.op("sum", matrix, out=(1, LENGTH, 1, N), dim=-2))
        one = tape.op("sum", streams, out=(1, LENGTH, D), dim=2)
        results += [tape.op("sigmoid", streams, out=(1, LENGTH, N)), matrix, one] if hands_back else [one]
    return detect_stream_mixer(record, Trace(tape.events))


def test_a_hyper_connection_gives_one_stream_and_the_weights_back() -> None:
    found = mixer()
    assert found == StreamMixer(N, D, True, 3)
    assert (found.title, found.details) == ("Hyper-connection", ["4 streams → 1", "3 Sinkhorn iterations"])


def test_what_gives_one_stream_alone_collapses_them() -> None:
    found = mixer(hands_back=False, rounds=0)
    assert found is not None
    assert (found.title, found.details) == ("Collapse streams", ["4 streams → 1"])


@pytest.mark.parametrize("width", [D, N])
def test_weights_that_do_not_read_all_streams_are_no_mixer(width: int) -> None:
    assert mixer(width=width) is None


def test_one_stream_alone_is_not_mixed() -> None:
    assert mixer(width=D, count=1) is None


@pytest.mark.parametrize(("shape", "name"), [((D,), "pre"), ((N,), "post"), ((N, N), "comb"), ((3,), None)])
def test_its_results_are_called_what_they_are_for(shape: tuple[int, ...], name: str | None) -> None:
    found = mixer()
    assert found is not None
    assert found.result((1, LENGTH, *shape)) == name
