"""Small modules run in a pass: what PyTorch gives, or its refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.settings import Settings
from tests.interpreter.programs import MODEL_HEADER


def traced(folder: Path, body: str) -> dict[str, Any]:
    """The pass of a class `Model` over ids, whose statements are given."""
    path = folder / "model.py"
    path.write_text(MODEL_HEADER + body, encoding="utf-8")
    return pipeline.trace(str(path), class_name="Model", settings=Settings(arguments="{}"), batch=2, seq=5)


def out(found: dict[str, Any]) -> Any:
    return next(call["out"] for call in found["calls"] if not call["module"])


RUN = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(40, 8)
        {init}
    def forward(self, ids):
        h = self.e(ids)
        {run}
"""


@pytest.mark.parametrize(
    ("init", "run", "shape"),
    [
        (
            "self.s = nn.Sequential(nn.Linear(8, 3), nn.ReLU(), nn.Linear(3, 6))",
            "return torch.utils.checkpoint.checkpoint_sequential(self.s, 2, h, use_reentrant=False)",
            [2, 5, 6],
        ),
        (
            "self.p = nn.MaxPool2d(2, return_indices=True); self.u = nn.MaxUnpool2d(2)",
            "return self.u(*self.p(h))",
            [2, 4, 8],
        ),
        (
            "self.p = nn.MaxPool1d(2, return_indices=True); self.u = nn.MaxUnpool1d(2)",
            "return self.u(*self.p(h.mT), output_size=h.mT.size())",
            [2, 8, 5],
        ),
        ("pass", 'return F.margin_ranking_loss(h, h[:1], h, reduction="none")', [2, 5, 8]),
    ],
)
def test_shapes_of_passes(tmp_path: Path, init: str, run: str, shape: list[int]) -> None:
    found = traced(tmp_path, RUN.replace("{init}", init).replace("{run}", run))
    assert not found["gaps"]
    assert out(found) == shape


def test_operands_of_unequal_rank_are_refused_where_pytorch_refuses_them(tmp_path: Path) -> None:
    found = traced(tmp_path, RUN.replace("{init}", "pass").replace("{run}", "return F.margin_ranking_loss(h, h[0], h)"))
    assert "same number of dimensions" in found["gaps"][0]["reason"]


def test_a_function_with_its_context_apart_takes_none(tmp_path: Path) -> None:
    body = """
class Sign(torch.autograd.Function):
    @staticmethod
    def forward(x, k):
        return x[..., :k]
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.k = inputs[1]
"""
    found = traced(tmp_path, body + RUN.replace("{init}", "pass").replace("{run}", "return Sign.apply(h, 3)"))
    assert not found["gaps"]
    assert out(found) == [2, 5, 3]


@pytest.mark.parametrize(
    ("block", "is_followed"),
    [
        ('torch.autocast("cpu", dtype=torch.bfloat16)', False),
        ('torch.autocast("cuda")', False),
        ("torch.cuda.amp.autocast(True)", False),
        ("torch.autocast(device_type=h.device.type, enabled=False)", True),
        ("torch.cuda.amp.autocast(False)", True),
        ('torch.amp.autocast("cuda", dtype=torch.float32)', True),
    ],
)
def test_dtypes_under_autocast_are_a_gap(tmp_path: Path, block: str, is_followed: bool) -> None:
    run = f"with {block}:\n            return h @ h.mT"
    found = traced(tmp_path, RUN.replace("{init}", "pass").replace("{run}", run))
    assert out(found) == [2, 5, 5]
    assert [gap["reason"].split(":")[0] for gap in found["gaps"]] == ([] if is_followed else ["autocast"])


@pytest.mark.parametrize(("dtype", "gaps"), [("float32", 0), ("bfloat16", 1)])
def test_another_default_dtype_is_a_gap(tmp_path: Path, dtype: str, gaps: int) -> None:
    init = f"torch.set_default_dtype(torch.{dtype}); self.l = nn.Linear(8, 8)"
    found = traced(tmp_path, RUN.replace("{init}", init).replace("{run}", "return self.l(h)"))
    assert len(found["gaps"]) == gaps


def test_a_pass_begins_in_the_mode_that_eval_leaves(tmp_path: Path) -> None:
    body = """
class Low(nn.Linear):
    def __init__(self, a, b):
        super().__init__(a, b)
        self.merged = False
        self.down = nn.Parameter(torch.zeros(2, a))
    def train(self, mode=True):
        super().train(mode)
        self.merged = not mode
        return self
    def forward(self, x):
        return super().forward(x) if self.merged else x @ self.down.T
"""
    init = "self.l = Low(8, 6); self.n = nn.Dropout().train()"
    run = "return h if self.training or self.n.training else self.l(h)"
    found = traced(tmp_path, body + RUN.replace("{init}", init).replace("{run}", run))
    assert not found["gaps"]
    assert out(found) == [2, 5, 6]


@pytest.mark.parametrize("joined", ["torch.cat([h, h[0]])", "torch.cat([h, h[:, 1:]], -1)", "torch.stack([h, h[1:]])"])
def test_tensors_that_do_not_fit_are_not_joined(tmp_path: Path, joined: str) -> None:
    found = traced(tmp_path, RUN.replace("{init}", "pass").replace("{run}", f"return {joined}"))
    assert found["gaps"]
    assert "RuntimeError" in found["gaps"][0]["reason"]


@pytest.mark.parametrize(
    ("layer", "run"),
    [("Embedding(40, 8)", "layer(ids)"), ("EmbeddingBag(40, 8)", "layer(ids)"), ("Bilinear(8, 8, 3)", "layer(h, h)")],
)
def test_a_layer_whose_weight_another_module_computes_runs(tmp_path: Path, layer: str, run: str) -> None:
    init = f"self.layer = nn.utils.parametrizations.weight_norm(nn.{layer})"
    found = traced(tmp_path, RUN.format(init=init, run=f"return self.{run}"))
    assert found["gaps"] == []
    assert out(found) == {"layer(h, h)": [2, 5, 3]}.get(run, [2, 8] if "Bag" in layer else [2, 5, 8])
