"""What a program puts in the place of a library's names, and of names of its own."""

from __future__ import annotations

from tests.interpreter.programs import model, shapes

FORWARD = "    def forward(self, x): return x\n"


def test_a_class_of_the_library_may_be_replaced() -> None:
    reading = model(
        "class Fake(nn.Module):\n    def __init__(self, a, b):\n        super().__init__()\n        self.w = nn.Parameter(torch.zeros(a, b, 2))\n"
        "nn.Linear = Fake\n"
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(3, 4)\n"
    )
    assert reading.gaps == []
    assert shapes(reading) == {"l.w": [3, 4, 2]}


def test_a_replaced_method_may_call_the_old_one() -> None:
    reading = model(
        "_old = nn.Linear.__init__\n"
        "def _new(self, a, b, bias=True): _old(self, a, b * 2, bias=False)\n"
        "nn.Linear.__init__ = _new\n"
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(3, 4)\n"
    )
    assert reading.gaps == []
    assert shapes(reading) == {"l.weight": [8, 3]}


def test_a_class_made_before_a_replacement_keeps_its_base() -> None:
    reading = model(
        "class Kept(nn.Linear): pass\n"
        "class Fake(nn.Module):\n    def __init__(self, *a): super().__init__()\n"
        "nn.Linear = Fake\n"
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(3, 4)\n        self.b = Kept(3, 4)\n"
    )
    assert shapes(reading) == {"b.weight": [4, 3], "b.bias": [4]}
