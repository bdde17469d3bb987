"""Names of modules, parameters and buffers: those that torch refuses are refused, the others break no output."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from archviz import cli
from archviz.interpreter.control import BudgetSpentError, RaisedError
from tests.interpreter.programs import model

STRANGE = [
    "a\nb", "\x1b[31mred\x1b[0m", "\u202eevil\u202c", "<b>&amp;</b>", '"quoted"', "back`tick|pipe", "$x^2$ \\input{/etc/passwd}", "a/b",
    "]]><script>", "tab\there", "\x00nul", "--", "%s{0}", "x" * 900, "[link](javascript:1)", "\x85nel", "\u2028", " ", "漢字",
]  # fmt: skip
UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def built(statement: str) -> str:
    return f"class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        from collections import OrderedDict\n        {statement}\n"


@pytest.mark.parametrize(
    "statement",
    [
        'self.add_module("", nn.Linear(1, 1))',
        'self.add_module("a.b", nn.Linear(1, 1))',
        'self.register_buffer("a.b", torch.ones(1))',
        'self.register_parameter("", None)',
        'setattr(self, "a.b", nn.Parameter(torch.ones(1)))',
        'self.d = nn.ModuleDict({"a.b": nn.Linear(1, 1)})',
        'self.s = nn.Sequential(OrderedDict({"": nn.Linear(1, 1)}))',
    ],
)
def test_a_name_that_torch_refuses_is_refused(statement: str) -> None:
    with pytest.raises(RaisedError, match=r"name can.*t (be empty|contain)"):
        model(built(statement))


def test_a_name_far_too_long_is_over_a_bound() -> None:
    with pytest.raises(BudgetSpentError, match="a name of 1,000,000 characters"):
        model(built('self.add_module("a" * 10**6, nn.Linear(1, 1))'))


def test_a_name_that_is_no_text_is_a_gap() -> None:
    (gap,) = model(built('self.add_module("\\ud800", nn.Linear(1, 1))')).gaps
    assert gap.reason == r"the name '\ud800' is no text"


def test_what_is_no_module_is_not_added() -> None:
    reading = model(built('self.add_module("a", 3)'))
    assert [gap.reason for gap in reading.gaps] == ["TypeError: int is not a Module subclass"]


def test_strange_names_break_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.py").write_text(
        f"from torch import nn\nNAMES = {STRANGE!a}\nclass Model(nn.Module):\n    def __init__(self, dim=4):\n        super().__init__()\n"
        "        for name in NAMES: self.add_module(name, nn.Linear(dim, dim))\n"
        "    def forward(self, x):\n        for name in NAMES: x = self._modules[name](x)\n        return x\n"
    )
    options = [str(tmp_path / "odd.py"), "--class", "Model", "--args", "{}", "--offline"]
    for command in ("tensors", "describe", "trace", "verify"):
        assert cli.main([command, *options]) in (0, 5)
        text = capsys.readouterr()
        assert not UNSHOWABLE.search(text.out + text.err), command
        assert cli.main([command, *options, "--json"]) in (0, 5)
        json.loads(capsys.readouterr().out)
    assert cli.main(["draw", *options, "-o", str(tmp_path / "out"), "-f", "svg,dot"]) in (0, 5)
    ET.parse(tmp_path / "out.svg")
    assert "<script" not in (tmp_path / "out.svg").read_text("utf-8")
    for name in ("out.svg", "out.dot"):
        assert not UNSHOWABLE.search((tmp_path / name).read_text("utf-8")), name
    assert sorted(file.name for file in tmp_path.iterdir()) == ["odd.py", "out.dot", "out.svg"]
