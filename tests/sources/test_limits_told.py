"""What is refused at once, with the reason: absurd sizes, too many layers, files that do not parse, classes that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.errors import BadConfigError, BudgetExceededError
from archviz.settings import Settings

OFFLINE = Settings(offline=True)


def config(folder: Path, **values: Any) -> str:
    """A small configuration of an official model."""
    stated = {"model_type": "qwen3", "num_hidden_layers": 1, "architectures": ["Qwen3ForCausalLM"], **values}
    (folder / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    return str(folder)


def test_a_size_that_torch_cannot_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="Storage size calculation overflowed"):
        pipeline.tensors(config(tmp_path, vocab_size=99999999999999999999), settings=OFFLINE)


def test_more_layers_than_a_model_may_have_parts_are_refused_by_their_number(tmp_path: Path) -> None:
    with pytest.raises(BudgetExceededError, match="num_hidden_layers of 1000000"):
        pipeline.tensors(config(tmp_path, num_hidden_layers=1_000_000), settings=OFFLINE)


def test_a_loop_that_cannot_end_within_the_bounds_is_refused_at_its_start(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(
        "from torch import nn\nclass M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.ModuleList(nn.Linear(2, 2) for _ in range(390_000))\n",
        encoding="utf-8",
    )
    with pytest.raises(BudgetExceededError, match="389,992 modules or tensors in one list or loop, more than 20,000"):
        pipeline.tensors(str(file), class_name="M", settings=OFFLINE)


def test_another_class_than_the_stated_one_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    for command in (pipeline.tensors, pipeline.trace, pipeline.describe):
        command(config(tmp_path, architectures=["Qwen3ForCausalML"]), settings=Settings(offline=True, say=said.append))
    assert (
        said
        == ["architectures[0], Qwen3ForCausalML, is not in the installed transformers; Qwen3ForCausalLM was built"] * 3
    )


def test_the_stated_class_needs_no_word(tmp_path: Path) -> None:
    said: list[str] = []
    pipeline.tensors(config(tmp_path), settings=Settings(offline=True, say=said.append))
    assert said == []


def test_a_file_that_does_not_parse_says_its_error_and_line(tmp_path: Path) -> None:
    stated = {"model_type": "own", "auto_map": {"AutoConfig": "m.C", "AutoModel": "m.M"}, "architectures": ["M"]}
    (tmp_path / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    (tmp_path / "m.py").write_text("import torch\ndef f(:\n", encoding="utf-8")
    with pytest.raises(BadConfigError, match=r"m[.]py does not parse") as error:
        pipeline.tensors(str(tmp_path), settings=OFFLINE)
    assert error.value.where == "m.py:2"


def test_a_pass_whose_tensors_grow_without_end_ends_with_a_gap(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(
        "import torch\nfrom torch import nn\nclass M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.e = nn.Embedding(9, 8)\n    def forward(self, x):\n        h = self.e(x)\n"
        "        while True: h = torch.cat([h, h], -1)\n",
        encoding="utf-8",
    )
    found = pipeline.trace(str(file), class_name="M", settings=OFFLINE)
    assert ["Storage size calculation overflowed" in gap["reason"] for gap in found["gaps"]] == [True]
