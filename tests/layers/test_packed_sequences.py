"""Packed sequences have the sizes that PyTorch gives them; where lengths are data, every row is taken as full.

The shapes of the pass are those that PyTorch 2.13 gives of rows that are full; those in the constructor are exact.
"""

from __future__ import annotations

from pathlib import Path

from archviz import pipeline
from archviz.settings import Settings
from tests.interpreter import programs

KNOWN = """
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, PackedSequence
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        r = nn.LSTM(4, 5, num_layers=2, batch_first=True, bidirectional=True)
        packed = pack_padded_sequence(torch.zeros(3, 7, 4), torch.tensor([6, 4, 1]), batch_first=True)
        out, (h, c) = r(packed)
        self.packed = tuple(packed.data.shape)
        self.steps = tuple(packed.batch_sizes.shape)
        self.kind = isinstance(out, PackedSequence)
        self.out = tuple(out.data.shape)
        self.states = tuple(h.shape) + tuple(c.shape)
        padded, lengths = pad_packed_sequence(out, batch_first=True)
        self.padded = tuple(padded.shape) + tuple(lengths.shape)
        self.whole = tuple(pad_packed_sequence(out, total_length=9)[0].shape)
        self.rows = tuple(pack_sequence([torch.zeros(3, 2), torch.zeros(2, 2)])[0].shape)
"""
PASS = """import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.r, self.last = nn.Embedding(9, 4), nn.GRU(4, 5), nn.Linear(5, 2)
    def forward(self, ids):
        packed = pack_padded_sequence(self.emb(ids).transpose(0, 1), (ids > 0).sum(-1).cpu(), enforce_sorted=False)
        out, h = self.r(packed)
        return self.last(pad_packed_sequence(out)[0]), self.last(h[-1])
"""


def test_rows_of_known_lengths_have_their_exact_sizes() -> None:
    reading = programs.model(KNOWN)
    assert not reading.gaps
    assert {name: reading.root.attributes[name] for name in ("packed", "steps", "kind", "out", "states", "padded", "whole", "rows")} == {
        "packed": [11, 4], "steps": [6], "kind": True, "out": [11, 10], "states": [4, 3, 5, 4, 3, 5], "padded": [3, 6, 10, 3],
        "whole": [9, 3, 10], "rows": [5, 2],
    }  # fmt: skip


def test_rows_whose_lengths_are_data_are_taken_as_full(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(PASS, "utf-8")
    found = pipeline.trace(str(path), class_name="Model", batch=3, seq=7, settings=Settings(offline=True))
    assert found["gaps"] == []
    assert [each["out"] for each in found["calls"] if each["module"] == "last"] == [[7, 3, 2], [3, 2]]
    assert any("pack_padded_sequence keeps depends on numbers: taken as 21" in row["what"] for row in found["assumed"])
