"""What is not understood and reaches an output or an op of a pass is a gap with its reason and place, and stands in `out` as null."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.settings import Settings
from tests.interpreter.programs import MODEL_HEADER

HEAD = (
    "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.e = nn.Embedding(100, 32)\n"
)
OFFLINE = Settings(offline=True)


def traced(folder: Path, body: str, init: str = "", head: str = "") -> dict[str, Any]:
    """A pass of a model whose `forward(self, x)` has this body, after `h = self.e(x)`."""
    lines = [f"        {line}" for line in init.splitlines()] + ["    def forward(self, x):", "        h = self.e(x)"]
    lines += [f"        {line}" for line in body.splitlines()]
    file = folder / "m.py"
    file.write_text(MODEL_HEADER + head + HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    return pipeline.trace(str(file), class_name="M", settings=OFFLINE)


@pytest.mark.parametrize(
    "body, out",
    [
        ("return torch.no_such_op(h)", None),
        ("return [h, torch.no_such_op(h)]", [[1, 64, 32], None]),
        ("return {'a': torch.no_such_op(h)}", None),
        ("torch.no_such_op(h)\nreturn h", [1, 64, 32]),
        ("return h.exp() + torch.no_such_op(h)", None),
        ("h[0] = torch.no_such_op(h)\nreturn h", [1, 64, 32]),
        ("return torch.cat([h, torch.no_such_op(h)])", None),
        ("n = torch.no_such_op(h)\nreturn h[..., :n]", None),
        ("n = torch.no_such_op(h)\nh[:, n:] = 1\nreturn h", [1, 64, 32]),
    ],
)
def test_an_op_without_a_stub_is_a_gap_wherever_its_result_goes(tmp_path: Path, body: str, out: Any) -> None:
    found = traced(tmp_path, body)
    assert [(gap["module"], gap["reason"]) for gap in found["gaps"]] == [("", "torch.no_such_op has no stub")]
    assert found["gaps"][0]["at"].startswith("m.py:")
    assert found["calls"][0]["out"] == out


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = h.view(1, 7)\nreturn h", "RuntimeError: "),
        ("y = h + torch.zeros(3)\nreturn h", "RuntimeError: broadcasting requires equal sizes"),
        ("if h.shape[1] > 5:\n    raise ValueError('too long')\nreturn h", "ValueError: too long"),
    ],
)
def test_what_the_code_itself_refuses_in_its_pass_is_told_as_that(tmp_path: Path, body: str, reason: str) -> None:
    (gap,) = traced(tmp_path, body)["gaps"]
    assert gap["reason"].startswith(f"with these values the code raises {reason}")


@pytest.mark.parametrize(
    "body",
    [
        "y = h.view(1, 7)\nfor part in y:\n    h = h + part\nreturn h",
        "y = h.view(1, 7)\nif y:\n    h = h + 1\nreturn h",
        "y = h.view(1, 7)\nreturn h[..., : y.shape[-1]]",
        "d = {}\ny = h.view(1, 7)\nd[y.shape[0]] = 1\nreturn h",
    ],
)
def test_what_follows_from_a_refusal_is_not_told_beside_it(tmp_path: Path, body: str) -> None:
    (gap,) = traced(tmp_path, body)["gaps"]
    assert gap["reason"].startswith("with these values the code raises RuntimeError: ")


def test_an_error_after_something_was_lost_is_not_the_codes_own(tmp_path: Path) -> None:
    found = traced(tmp_path, "y = torch.no_such_op(h)\nz = torch.zeros(2) + torch.zeros(3)\nreturn h + y")
    assert not any("the code raises" in gap["reason"] for gap in found["gaps"][1:])


def test_a_layer_that_is_not_understood_is_a_gap_where_its_result_goes(tmp_path: Path) -> None:
    found = traced(tmp_path, "return self.k(self.l(h))", "self.l = nn.CrossMapLRN2d(3)\nself.k = nn.Linear(32, 3)")
    assert {gap["reason"] for gap in found["gaps"]} == {"torch.nn.CrossMapLRN2d has no stub"}
    assert [each["out"] for each in found["calls"]] == [None, [1, 64, 32], None]


def test_a_decorator_that_is_not_understood_is_a_gap(tmp_path: Path) -> None:
    found = traced(tmp_path, "return f(h)", head="import torch\n@torch.no_such.decorator\ndef f(h): return h\n")
    assert any("the decorator torch.no_such.decorator" in gap["reason"] for gap in found["gaps"])


def test_a_module_given_to_an_unknown_function_is_a_gap(tmp_path: Path) -> None:
    found = traced(tmp_path, "return h", "nn.utils.no_such_change(self.e)")
    assert any("no_such_change" in gap["reason"] for gap in found["gaps"])


def test_an_autograd_function_is_understood(tmp_path: Path) -> None:
    head = (
        "class Twice(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n"
        "        ctx.n = 2\n        return torch.cat([x] * ctx.n, -1)\n"
    )
    found = traced(tmp_path, "return Twice.apply(h)", head=head)
    assert found["gaps"] == []
    assert found["calls"][0]["out"] == [1, 64, 64]


def test_what_no_tensor_has_is_not_there(tmp_path: Path) -> None:
    found = traced(tmp_path, "return h if hasattr(h, 'SCB') else h[..., :3]")
    assert found["gaps"] == []
    assert found["calls"][0]["out"] == [1, 64, 3]
