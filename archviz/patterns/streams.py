"""Residual streams side by side: modules that mix them into one for a branch (hyper-connections), and how they weigh them."""

from __future__ import annotations

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import canonical
from archviz.patterns.trace import Trace
from archviz.records import record


@record(frozen=True)
class StreamMixer:
    """A module that reads several residual streams `[B, S, N, D]` and gives one `[B, S, D]`.

    Args:
        streams: N; `width` is D.
        hands_back: It also gives the weights by which the branch's result goes back into the streams.
        iterations: Rounds by which the rows and columns of the mixing matrix are made to sum to one (Sinkhorn); 0 for none.
    """

    streams: int
    width: int
    hands_back: bool
    iterations: int = 0

    @property
    def title(self) -> str:
        return "Hyper-connection" if self.hands_back else "Collapse streams"

    @property
    def details(self) -> list[str]:
        """What it does, in numbers: `4 streams → 1`, `20 Sinkhorn iterations`."""
        rounds = [f"{self.iterations} Sinkhorn iterations"] if self.iterations else []
        return [f"{self.streams} streams → 1", *rounds]

    def result(self, shape: tuple[int | None, ...]) -> str | None:
        """What one of its results is, by its shape: the one stream that the branch reads, or weights by which the branch goes back."""
        names: dict[tuple[int | None, ...], str] = {(self.width,): "pre", (self.streams,): "post"}
        names[self.streams, self.streams] = "comb"
        return names.get(tuple(shape[2:]))


def detect_stream_mixer(module: ModuleRecord, trace: Trace) -> StreamMixer | None:
    """The mixer of residual streams that a module is; its weights read all streams of a position at once."""
    call = trace.call(module.path)
    entering = call.inputs[0].shape if call is not None and call.inputs else None
    if call is None or not entering or len(entering) != 4 or None in entering:
        return None
    streams, width = int(entering[2] or 0), int(entering[3] or 0)
    given = [value.shape for value in call.outputs]
    reads_all = any((tensor.shape or (0,))[-1] == streams * width for tensor in module.parameters.values())
    if streams < 2 or (*entering[:2], width) not in given or not reads_all:
        return None
    rounds = [event for event in trace.inside(call) if normalises_columns(event)]
    return StreamMixer(streams, width, (*entering[:2], streams, streams) in given, len(rounds))


def normalises_columns(event: Event) -> bool:
    """The sum over the next-to-last axis of a square matrix, by which Sinkhorn's iteration divides."""
    shape = event.inputs[0].shape if event.inputs else None
    square = bool(shape and len(shape) > 2 and shape[-1] == shape[-2])
    return square and canonical(event.name) == "sum" and event.options.get("dim", event.options.get("1")) == -2
