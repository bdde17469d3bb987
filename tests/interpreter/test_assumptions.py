"""What a pass over shapes takes for granted of numbers is told, with its line: in the trace as JSON and as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.cli import main
from archviz.settings import Settings
from tests.interpreter.programs import model

HEADER = """import torch
from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.l, self.i = nn.Linear(4, 4), nn.Identity()
    def forward(self, x):
        h = self.l(x.float()[..., None].expand(-1, -1, 4))
"""


def _file(folder: Path, body: str) -> Path:
    path = folder / "model.py"
    path.write_text(HEADER + "".join(f"        {line}\n" for line in body.split("\n")), "utf-8")
    return path


def _traced(folder: Path, body: str) -> dict[str, Any]:
    return pipeline.trace(str(_file(folder, body)), class_name="Model", settings=Settings(offline=True))


@pytest.mark.parametrize(
    "body, what",
    [
        ("while h.sum() > 0: h = self.l(h)\nreturn h", "its body is shown once"),
        ("while not h.any(): h = self.l(h)\nreturn h", "a test on numbers in a tensor is taken as true"),
        ("if (h > 0).any(): h = self.l(h)\nreturn h", "a test on numbers in a tensor is taken as true"),
        ("return h if h.sum() > 0 and h.mean() else 0", "a test on numbers in a tensor is taken as true"),
        ("return [self.l(each) for each in h if each.sum() > 0]", "a test on numbers in a tensor is taken as true"),
        ("for each in h:\n    if each.sum() > 0: continue\n    self.l(each)\nreturn h", "all are shown"),
        ("return self.l(h[: int(h.sum())])", "a number in a tensor is taken as 1"),
        ("return [self.l, self.i][h.argmax()](h)", "the first is shown"),
        ("return self.l(h[:, : h.argmax()])", "a number in a tensor is taken as 1"),
        ("return h.split(h[0, :, 0].long().tolist(), 1)", "are taken as 1 each"),
        ("return self.i(torch.nonzero(h))", "how many elements nonzero keeps depends on numbers: taken as 1"),
        ("return self.i(torch.where(h > 0)[0])", "how many elements where keeps depends on numbers: taken as 1"),
        (
            "return self.i(h[h > 0])",
            "how many elements an index of truth values keeps depends on numbers: taken as 256",
        ),
        ("return self.i(h.masked_select(h > 0))", "masked_select keeps depends on numbers: taken as 256"),
        ("return self.i(h.unique())", "unique keeps depends on numbers: taken as 256"),
        ("return self.i((x > 0).sum(1).unique())", "unique keeps depends on numbers: taken as 1"),
        ("return self.i(torch.bincount(h.long()[0, 0], minlength=7))", "bincount keeps depends on numbers: taken as 7"),
        ("return h if torch.equal(h, x) else 0", "two tensors are taken to be equal"),
        ("return h if (h[:, 1:] @ h.mT)[:, :1].mT.is_contiguous() else 0", "a tensor is taken to lie in one piece"),
    ],
)
def test_what_numbers_would_say_is_told_with_its_line(tmp_path: Path, body: str, what: str) -> None:
    found = _traced(tmp_path, body)
    assert found["gaps"] == []
    rows = [row for row in found["assumed"] if what in row["what"]]
    assert len(rows) == 1
    assert rows[0]["at"].startswith("model.py:")
    assert int(rows[0]["at"].partition(":")[2]) >= 9


def test_rows_with_as_many_marked_tokens_each_pass_the_check_for_it(tmp_path: Path) -> None:
    """A mask of data is taken as true everywhere, so that each row of a batch has as many marks (`BartForSequenceClassification`)."""
    body = "mask = x.eq(2)\nif torch.unique_consecutive(mask.sum(1)).numel() != 1: raise ValueError('not as many')\nreturn self.l(h[mask, :].view(3, -1, 4)[:, -1, :])"
    found = pipeline.trace(str(_file(tmp_path, body)), class_name="Model", batch=3, settings=Settings(offline=True))
    assert found["gaps"] == []
    assert found["calls"][-1]["out"] == [3, 4]
    assert any("how many elements unique keeps" in row["what"] for row in found["assumed"])


@pytest.mark.parametrize(
    "body", ["return self.l(h)", "return self.l(h) if h.shape[0] > 0 else h", "return h.is_contiguous()"]
)
def test_a_pass_that_needs_no_numbers_takes_nothing_for_granted(tmp_path: Path, body: str) -> None:
    assert _traced(tmp_path, body)["assumed"] == []


def test_the_text_tells_it_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, "while h.sum() > 0:\n    h = self.l(h)\nreturn h")
    assert main(["trace", str(path), "--class", "Model", "--offline"]) == 0
    told = "archviz: assumed: a loop until numbers in a tensor end it: its body is shown once (model.py:9)"
    assert told in capsys.readouterr().err.splitlines()


def test_a_size_that_numbers_choose_is_a_gap_while_a_model_is_built() -> None:
    found = model(
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.w = nn.Parameter(torch.rand(5).nonzero().float())\n"
    )
    assert [gap.reason for gap in found.gaps] != []
    assert "depends on numbers" in found.gaps[0].reason


def test_a_branch_on_numbers_is_a_gap_while_a_model_is_built() -> None:
    found = model(
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        if (torch.rand(3) > 0.5).any(): self.l = nn.Linear(1, 2)\n"
    )
    assert [gap.reason for gap in found.gaps] == ["a test on numbers in a tensor"]
