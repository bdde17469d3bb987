"""Tensors that constructors compute, and kinds of tokens that a model makes itself: changed in a copy of the code."""

from __future__ import annotations

import ast

import pytest

from archviz.spans import Span
from archviz.verify.constant_claims import making
from archviz.verify.source_lines import SourceLines
from tests.verify.models import mutated, only, values, verified

TEXT = """
class Table:
    def __init__(self, n):
        self.width = n * 2
        rows = torch.arange(n)
        other = torch.ones(n)
        if n > 3:
            rows[0] = 7
        table = rows[:, None] * self.width
        self.table = table
"""


def test_the_statements_that_a_constant_is_made_by_are_those_that_bind_what_it_reads() -> None:
    lines = SourceLines({"m.py": TEXT}.get)
    steps = [ast.unparse(each) for each in making(lines, Span("m.py", 10))]
    assert steps == [
        "self.width = n * 2", "rows = torch.arange(n)", "rows[0] = 7", "table = rows[:, None] * self.width", "self.table = table"
    ]  # fmt: skip
    assert making(lines, Span("m.py", 1)) == making(lines, None) == []


@pytest.mark.parametrize(
    ("model_type", "old", "new"),
    [
        ("bert", "torch.arange(config.max_position_embeddings)", "torch.arange(config.max_position_embeddings).flip(0)"),
        ("swin", "relative_coords[:, :, 0] += self.window_size[0] - 1", "relative_coords[:, :, 0] += self.window_size[0] - 2"),
    ],
)  # fmt: skip
def test_a_constant_that_a_constructor_makes_otherwise_changes_its_claim(model_type: str, old: str, new: str) -> None:
    before, after = verified(model_type), mutated(model_type, old, new)
    assert values(before, "module.constant")
    assert values(after, "module.constant") != values(before, "module.constant")


def test_kinds_of_tokens_that_a_model_makes_itself_are_told() -> None:
    old = "token_type_ids = torch.zeros(input_shape, dtype=torch.long, device=device)"
    found = mutated("deberta-v2", old, old.replace("zeros", "ones"))
    assert only(verified("deberta-v2"), "model.made") == {"embeddings": "zeros, ones", "encoder": "ones"}
    assert only(found, "model.made") == {"embeddings": "ones, ones", "encoder": "ones"}


def test_tables_of_rotations_are_told_by_the_rotations() -> None:
    assert values(verified("llama"), "module.constant") == values(verified("llama"), "model.made") == {}
