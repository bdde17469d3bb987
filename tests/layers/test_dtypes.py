"""Branches on the dtype of a weight go where they go in PyTorch, whichever way the module got its dtype."""

from __future__ import annotations

import pytest

from tests.interpreter import programs

BRANCHES = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.m = {layer}
        for name, each in [*self.m.named_parameters(), *self.m.named_buffers()]:
            setattr(self, str(each.dtype).replace("torch.", "is_"), nn.Linear(1, 1))
"""


@pytest.mark.parametrize(
    ("layer", "dtypes"),
    [
        ("nn.Linear(2, 3).half()", {"float16"}),
        ("nn.Linear(2, 3).to(torch.bfloat16)", {"bfloat16"}),
        ('nn.Linear(2, 3).to("cpu", dtype=torch.float64)', {"float64"}),
        ("nn.Linear(2, 3).to(torch.zeros(1, dtype=torch.float16))", {"float16"}),
        ('nn.Linear(2, 3).to("cuda")', {"float32"}),
        ("nn.Linear(2, 3).half().float()", {"float32"}),
        ("nn.Linear(2, 3).type(torch.int8)", {"int8"}),
        ("nn.BatchNorm1d(4).double()", {"float64", "int64"}),
        ("nn.BatchNorm2d(4, dtype=torch.float16)", {"float16", "int64"}),
        ("nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)).bfloat16()", {"bfloat16"}),
        ("nn.Conv1d(2, 2, 3, dtype=torch.float16)", {"float16"}),
        ("nn.ConvTranspose2d(2, 2, 3, dtype=torch.float16)", {"float16"}),
        ("nn.GRU(2, 3, dtype=torch.float64)", {"float64"}),
        ("nn.MultiheadAttention(4, 2, dtype=torch.bfloat16)", {"bfloat16"}),
        ("nn.EmbeddingBag(3, 4, dtype=torch.float16)", {"float16"}),
        ("nn.RMSNorm(4, dtype=torch.bfloat16)", {"bfloat16"}),
    ],
)
def test_dtype_of_weights(layer: str, dtypes: set[str]) -> None:
    reading = programs.model(BRANCHES.replace("{layer}", layer))
    assert not reading.gaps
    assert {name.split(".")[0][3:] for name in programs.shapes(reading) if name.startswith("is_")} == dtypes


def test_a_module_is_not_moved_to_integers() -> None:
    reading = programs.model("""
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        try:
            self.m = nn.Linear(2, 3).to(torch.int8)
        except TypeError:
            self.refused = nn.Linear(2, 2)
""")
    assert list(programs.shapes(reading)) == ["refused.weight", "refused.bias"]
