from __future__ import annotations

from pathlib import Path

import pytest

from archviz.codesearch.scopes import dotted
from tests.codesearch.samples import found, one, search_text


@pytest.mark.parametrize(
    "text",
    [
        "import torch as th\ny = th.chunk(x, 2)",
        "from torch import chunk as cut\ny = cut(x, 2)",
        "from torch import *\ny = chunk(x, 2)",
        "import torch\ncut = torch.chunk\ny = cut(x, 2)",
        "import torch, functools\ncut = functools.partial(torch.chunk, dim=-1)\ny = cut(x, 2)",
        "import torch\ncut = lambda x: torch.unknown(x)\ncut = torch.chunk if new else torch.split\ny = cut(x, 2)",
        "import torch\nWAYS = {'a': torch.chunk}\ny = WAYS[way](x, 2)",
        "import torch\ny = getattr(torch, 'chunk')(x, 2)",
        "import torch\ndef f(x, cut=torch.chunk):\n    y = cut(x, 2)",
        "import torch\nclass A:\n  cut = staticmethod(torch.chunk)\n  def f(self, x):\n    y = self.cut(x, 2)",
        "import torch\nclass A:\n  def __init__(me):\n    me.cut = torch.chunk\n  def f(me, x):\n    y = me.cut(x, 2)",
        "import torch\nclass A:\n  def g(self):\n    self.cut = torch.chunk\nclass B(A):\n  def f(self, x):\n    y = self.cut(x, 2)",
        "try:\n  from fast import cut\nexcept ImportError:\n  from torch import chunk as cut\ny = cut(x, 2)",
        "import torch\na, cut = len, torch.chunk\ny = cut(x, 2)",
    ],
)
def test_a_function_is_known_by_any_name_that_it_is_given(tmp_path: Path, text: str) -> None:
    matches = [match for match in search_text(tmp_path, text, "split").matches if match.targets == ("y",)]
    assert [match.kind for match in matches] == ["call"]
    assert matches[0].resolved in ("torch.chunk", "torch.unknown") or "getattr" in matches[0].call


def test_a_name_of_one_function_says_nothing_about_the_same_name_in_another(tmp_path: Path) -> None:
    text = "import torch\ndef a(x):\n    cut = torch.chunk\n    return cut(x)\ndef b(x, cut):\n    return cut(x)\n"
    assert [match.line for match in search_text(tmp_path, text, "split").matches] == [3, 4]


def test_what_a_layer_returns_is_not_taken_for_the_layer(tmp_path: Path) -> None:
    text = """
        from torch import nn
        class A(nn.Module):
            def __init__(self): self.pre = nn.LayerNorm(4)
            def forward(self, x):
                x = self.pre(x)
                residual = x
                return x(residual)
    """
    assert found(tmp_path, text, "norm") == ["nn.LayerNorm(4)", "self.pre(x)"]


def test_numbers_from_a_configuration_are_not_functions(tmp_path: Path) -> None:
    text = "class A:\n    def __init__(self, config):\n        self.num_experts = config.num_experts\n"
    assert found(tmp_path, text, "moe") == []


def test_an_attribute_of_another_class_is_not_followed(tmp_path: Path) -> None:
    text = "import torch\nclass A:\n  def g(self): self.c = torch.chunk\nclass B:\n  def f(self, x): return self.c(x)\n"
    assert [match.kind for match in search_text(tmp_path, text, "split").matches] == ["alias"]


def test_an_imported_module_hides_methods_of_the_same_name(tmp_path: Path) -> None:
    assert found(tmp_path, "import re\nre.split(pattern, text)\nfrom os import path\npath.split(p, 1)\n", "moe") == []
    assert one(search_text(tmp_path, "import torch.nn.functional as F\nF.softmax(x)", "attention"), "F.").resolved


@pytest.mark.parametrize(
    ("text", "name"), [("a.b.c", "a.b.c"), ("f(x).chunk", ".chunk"), ("FNS[k]", "FNS"), ("getattr(m, 'f')", "m.f")]
)
def test_a_name_is_read_through_what_stands_around_it(text: str, name: str) -> None:
    import ast

    assert dotted(ast.parse(text, mode="eval").body) == name
