"""Plain PyTorch: what a pass is given, modes of modules, and parts that are not understood.  What is expected: PyTorch 2.13."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.settings import Settings
from tests.interpreter.programs import MODEL_HEADER

OFFLINE = Settings(offline=True)


def written(folder: Path, init: str, forward: str = "    def forward(self, x):\n        return self.e(x)\n") -> str:
    lines = "".join(
        f"        {line}\n" for line in ["super().__init__()", "self.e = nn.Embedding(9, 4)", *init.splitlines()]
    )
    file = folder / "m.py"
    file.write_text(
        f"{MODEL_HEADER}import random\nclass M(nn.Module):\n    def __init__(self):\n{lines}{forward}", encoding="utf-8"
    )
    return str(file)


def ops(folder: Path, forward: str, init: str = "") -> list[str]:
    found = pipeline.trace(written(folder, init, forward), class_name="M", settings=OFFLINE)
    assert not found["gaps"]
    return [op["op"] for op in found["ops"] if op["module"] == ""]


@pytest.mark.parametrize("test", ["not kw", "len(kw) == 0", "'use_cache' not in kw", "not (args or kw)"])
def test_plain_code_is_given_its_tokens_and_no_keywords(tmp_path: Path, test: str) -> None:
    forward = f"    def forward(self, x, *args, **kw):\n        h = self.e(x)\n        return h.sigmoid() if {test} else h.tanh()\n"
    assert ops(tmp_path, forward) == ["sigmoid"]


def test_modules_are_in_training_while_they_are_built_and_not_in_a_pass(tmp_path: Path) -> None:
    init = """self.a = nn.Linear(4, 2 if self.training else 3)
self.eval()
self.b = nn.Linear(4, 2 if self.training else 3)
self.c = nn.Linear(4, 5 if self.a.training else 6)
self.was = self.b.training"""
    forward = "    def forward(self, x):\n        h = self.e(x)\n        h = h.tanh() if self.training or self.b.training else h\n        return h.sigmoid() if self.was else h\n"
    found = pipeline.tensors(written(tmp_path, init, forward), class_name="M", settings=OFFLINE)
    assert [found["tensors"][f"{name}.bias"] for name in "abc"] == [[2], [3], [6]]
    assert ops(tmp_path, forward, init) == ["sigmoid"]


@pytest.mark.parametrize(
    "part",
    [
        "torch.nn.strange.Layer(4)",
        "nn.Strange(4)",
        "torch.strange(4)",
        "torch.ao.nn.quantized.Linear(4, 4)",
        "random.choice([nn.Linear(4, 4), nn.Linear(4, 4, bias=False)])",
        "torch.strange.made({'a': (nn.Linear(4, 4),)})",
    ],
)
def test_a_part_that_may_be_a_module_and_is_not_understood_is_a_gap(tmp_path: Path, part: str) -> None:
    found = pipeline.tensors(written(tmp_path, f"self.part = {part}"), class_name="M", settings=OFFLINE)
    assert [gap["at"] for gap in found["gaps"]] == ["m.py:9"]


@pytest.mark.parametrize("value", ["torch.distributions.Normal(0, 1)", "torch.strange", "nn.functional.strange"])
def test_a_value_that_can_be_no_module_is_none(tmp_path: Path, value: str) -> None:
    found: Any = pipeline.tensors(written(tmp_path, f"self.part = {value}"), class_name="M", settings=OFFLINE)
    assert found["gaps"] == []


@pytest.mark.parametrize(
    ("definition", "module"),
    [
        ("class Part(torch.strange.Base):\n    def __init__(self, d):\n        super().__init__(d)", ""),
        ("class Base(torch.strange.Base): pass\nclass Part(Base): pass", ""),
        ("class Part(nn.LayerNorm, torch.strange.Mixin): pass", "part"),
        ("Part = type('Part', (torch.strange.Base,), {})", ""),
    ],
)
def test_a_part_of_a_class_whose_base_is_not_understood_is_a_gap(tmp_path: Path, definition: str, module: str) -> None:
    file = Path(written(tmp_path, "self.part = Part(4)"))
    file.write_text(file.read_text("utf-8").replace("class M(", f"{definition}\nclass M("), "utf-8")
    found = pipeline.tensors(str(file), class_name="M", settings=OFFLINE)
    assert [gap["module"] for gap in found["gaps"]] == [module]
    assert "torch.strange has no stub" in found["gaps"][0]["reason"]
