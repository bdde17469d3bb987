"""What source says beyond one pass: bounds of sizes, rounds of loops, sizes that run out."""

from __future__ import annotations

import pytest

from archviz.interpreter.reading import Event
from archviz.pseudocode.limits import Limits, runs_out
from archviz.spans import Span
from archviz.verify.source_lines import SourceLines

SOURCE = """\
def forward(self, scores, length):
    top_k = min(self.index_topk, length)
    both = min(self.index_topk, self.other)
    twice = max(2, length)
    twice = 3
    a = scores.topk(top_k, dim=-1)
    b = scores.topk(both)
    c = scores.topk(twice)
    d = torch.topk(scores, k=max(length, 8))
    for i in range(length):
        e = scores[i]
        f = e + 1
"""


def op(name: str, line: int, index: int = 0) -> Event:
    return Event(index, "op", "", name, (), (), at=Span("m.py", line))


def limits() -> Limits:
    return Limits(SourceLines(lambda file: SOURCE))


@pytest.mark.parametrize(
    ("line", "found"), [(6, {1: ("min", 512)}), (7, {}), (8, {}), (9, {"k": ("max", 8)})]
)  # fmt: skip
def test_an_argument_is_bounded_by_the_one_number_of_the_module(line: int, found: dict[object, object]) -> None:
    assert limits().bounded(op("topk", line), {"index_topk": 512, "other": 4}.get) == found


def test_a_loop_that_never_goes_back_went_once() -> None:
    once, again = (
        [op("getitem", 11), op("add", 12)],
        [op("getitem", 11), op("add", 12), op("getitem", 11), op("add", 12)],
    )
    assert [loop.lineno for loop in limits().once(once)] == [10]
    assert list(limits().once(again)) == []


def test_a_size_runs_out_where_tokens_are_taken_from_a_number() -> None:
    assert runs_out(["t = F.pad(x, (0, 64 - T))  # [B, 64]", "u = F.pad(y, (0, 100 - 2 * T))"]) == 50
    assert runs_out(["t = x[:, T - 1]  # [B, 64 - T]", "u = x1024 - T"]) is None
