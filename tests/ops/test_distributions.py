"""Distributions over kinds have the shapes that PyTorch gives them; what no line knows of one is a gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz import pipeline
from archviz.settings import Settings
from tests.interpreter.programs import MODEL_HEADER


def out(folder: Path, expression: str) -> tuple[list[int], int]:
    """The shape of an expression of `h` `[2, 5, 4]`, and how many gaps."""
    file = folder / "m.py"
    file.write_text(
        f"{MODEL_HEADER}from torch.distributions import Bernoulli, Categorical\nclass M(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.e = nn.Embedding(9, 4)\n        self.i = nn.Identity()\n"
        f"    def forward(self, x):\n        h = self.e(x)\n        return self.i({expression})\n",
        encoding="utf-8",
    )
    found = pipeline.trace(str(file), class_name="M", batch=2, seq=5, settings=Settings(offline=True))
    return next((call["out"] for call in found["calls"] if call["module"] == "i"), []), len(found["gaps"])


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("torch.distributions.Categorical(logits=h).entropy()", [2, 5]),
        ("Categorical(h.softmax(-1)).probs", [2, 5, 4]),
        ("Categorical(logits=h).log_prob(x)", [2, 5]),
        ("Categorical(logits=h).sample()", [2, 5]),
        ("Bernoulli(logits=h).mean", [2, 5, 4]),
        ("Bernoulli(h.sigmoid()).log_prob(h)", [2, 5, 4]),
        ("torch.distributions.categorical.Categorical(logits=h).logits", [2, 5, 4]),
        ("torch.distributions.Beta(h.exp(), h.exp()).sample((3,))", [3, 2, 5, 4]),
        ("torch.distributions.Beta(torch.tensor(1.5), torch.tensor(1.0)).sample((3,))", [3]),
    ],
)
def test_a_distribution_has_the_shapes_of_torch(tmp_path: Path, expression: str, shape: list[int]) -> None:
    assert out(tmp_path, expression) == (shape, 0)


def test_what_a_distribution_is_not_known_to_do_is_a_gap(tmp_path: Path) -> None:
    assert out(tmp_path, "Categorical(logits=h).strange()")[1] > 0
