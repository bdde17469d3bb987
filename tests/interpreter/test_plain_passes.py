"""Plain PyTorch: what a pass is given, modes of modules, and parts that are not understood.  What is expected: PyTorch 2.13."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize(
    ("head", "name", "arguments", "image"),
    [
        ("d=8, img_size=(12, 20), *, in_chans=4", "img", {}, [1, 4, 12, 20]),
        ("d=8, img_size=(12, 20), *, in_chans=4", "img", {"img_size": 16, "in_chans": 1}, [1, 1, 16, 16]),
        ("config: Config", "pixel_values", {"unused": 1}, [1, 2, 32, 32]),
    ],
)
def test_an_image_is_of_the_size_that_the_code_states_where_the_arguments_do_not(
    tmp_path: Path, head: str, name: str, arguments: dict[str, Any], image: list[int]
) -> None:
    file = tmp_path / "m.py"
    config = "@dataclass\nclass Config:\n    image_size: int = 32\n    num_channels: int = 2\n    unused: int = 0\n"
    body = f"    def __init__(self, {head}):\n        super().__init__()\n    def forward(self, {name}):\n        return {name}.exp()\n"
    file.write_text(f"{MODEL_HEADER}from dataclasses import dataclass\n{config}class M(nn.Module):\n{body}", "utf-8")
    settings = Settings(offline=True, arguments=json.dumps(arguments))
    found = pipeline.trace(str(file), class_name="M", settings=settings)
    assert found["calls"][0]["out"] == image


@pytest.mark.parametrize(
    "body",
    ["self.proj(x).flatten(2)", "self.proj(x.view(*[n for b, c, h, w in [x.shape] for n in (b, c, h, w)])).flatten(2)"],
)
def test_a_backbone_that_calls_its_image_x_is_given_one(tmp_path: Path, body: str) -> None:
    file = tmp_path / "m.py"
    init = "    def __init__(self, img_size=32, width=8):\n        super().__init__()\n        self.proj = nn.Conv2d(3, width, 16, 16)\n"
    file.write_text(
        f"{MODEL_HEADER}class M(nn.Module):\n{init}    def forward(self, x):\n        return {body}\n", "utf-8"
    )
    found = pipeline.trace(str(file), class_name="M", settings=OFFLINE)
    assert (found["calls"][0]["out"], found["gaps"]) == ([1, 8, 4], [])


def test_the_lookup_of_a_module_is_called_through_its_class(tmp_path: Path) -> None:
    forward = (
        "    def forward(self, x):\n        return nn.Module.__getattr__(self, 'e')(M.__getattr__(self, 'f')(x))\n"
    )
    found = pipeline.trace(written(tmp_path, "self.f = nn.Identity()", forward), class_name="M", settings=OFFLINE)
    assert not found["gaps"]
    assert [call["module"] for call in found["calls"]] == ["", "f", "e"]


@pytest.mark.parametrize(("given", "gaps"), [("True", 0), ("self.e", 1), ("[self.e]", 1)])
def test_a_call_without_a_stub_may_have_changed_the_modules_that_it_was_given(
    tmp_path: Path, given: str, gaps: int
) -> None:
    found = pipeline.tensors(written(tmp_path, f"torch.strange.set({given})"), class_name="M", settings=OFFLINE)
    assert len(found["gaps"]) == gaps


def test_a_module_is_asked_for_its_parts_by_getattr(tmp_path: Path) -> None:
    forward = "    def forward(self, x):\n        return self.__getattr__(f'part_{1}')(self.e(x)).tanh()\n"
    assert ops(tmp_path, forward, "self.part_1 = nn.Linear(4, 4)") == ["tanh"]


@pytest.mark.parametrize("base", ["torch.autograd.Function", "torch.autograd.function.Function"])
def test_a_function_of_its_own_gradient_is_applied(tmp_path: Path, base: str) -> None:
    init = (
        f"class Own({base}):\n    @staticmethod\n    def forward(ctx, x):\n        return x.sigmoid()\nself.own = Own"
    )
    assert ops(tmp_path, "    def forward(self, x):\n        return self.own.apply(self.e(x))\n", init) == ["sigmoid"]


def test_a_forward_that_is_called_itself_is_no_call_of_a_module_and_its_steps_are_the_callers(tmp_path: Path) -> None:
    part = "class Part(nn.Module):\n    def forward(self, x):\n        return self.inner(x).tanh()\n"
    file = Path(written(tmp_path, "self.part = Part()\nself.part.inner = nn.Linear(4, 4)"))
    forward = "    def forward(self, x):\n        return self.part.forward(self.e(x))\n"
    text = file.read_text("utf-8").replace("class M(", f"{part}class M(").replace(
        "    def forward(self, x):\n        return self.e(x)\n", forward
    )  # fmt: skip
    file.write_text(text, "utf-8")
    found = pipeline.trace(str(file), class_name="M", settings=OFFLINE)
    assert not found["gaps"]
    assert [call["module"] for call in found["calls"]] == ["", "e", "part.inner"]
    assert [op["module"] for op in found["ops"] if op["op"] == "tanh"] == [""]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("x, start_pos: int", "self.e(x)[:, start_pos : start_pos + 3]"),
        ("x, positions", "self.e(x) + self.e(positions)"),
        ("src, tgt", "self.e(src) + self.e(tgt)"),
    ],
)
def test_a_pass_is_given_positions_and_further_tokens_by_their_names(tmp_path: Path, head: str, body: str) -> None:
    forward = f"    def forward(self, {head}):\n        return {body}\n"
    found = pipeline.trace(written(tmp_path, "", forward), class_name="M", seq=5, settings=OFFLINE)
    assert not found["gaps"]
    assert found["calls"][0]["out"] == [1, 3 if "start" in head else 5, 4]
