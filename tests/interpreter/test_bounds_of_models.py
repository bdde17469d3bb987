"""Models of a million modules, nested without end, or shared without end: over a bound, soon and in little memory."""

from __future__ import annotations

import pytest

from archviz.interpreter.control import BudgetSpentError
from archviz.settings import Limits
from tests.interpreter.programs import model

LIMITS = Limits(parts=3_000, nesting=40, siblings=200, seconds=600.0)

OVER = {
    "modules of one list": ("self.l = nn.ModuleList([nn.Identity() for _ in range(300_000)])", "modules or tensors in one list or loop, more than 200"),
    "modules of one list, given by a generator": ("self.l = nn.Sequential(*(nn.Identity() for _ in range(300_000)))", "modules or tensors in one list or loop, more than 200"),
    "modules appended": ("self.l = nn.ModuleList()\n        while True: self.l.append(nn.Identity())", "201 modules or tensors in one list or loop, more than 200"),
    "modules": ("for j in range(99): setattr(self, f'l{j}', nn.ModuleList([nn.Linear(2, 2) for _ in range(100)]))", "more than 3,000 modules"),
    "parameters": ("i = 0\n        while (i := i + 1): self.register_parameter(str(i), nn.Parameter(torch.empty(2)))", "more than 3,000"),
    "buffers": ("i = 0\n        while (i := i + 1): self.register_buffer(str(i), torch.empty(2))", "more than 3,000"),
    "nesting": ("m = nn.Linear(2, 2)\n        for _ in range(1000): m = nn.Sequential(m)\n        self.m = m", "nested deeper than 40"),
    "sharing": ("m = nn.Linear(2, 2)\n        for _ in range(30): m = nn.Sequential(m, m)\n        self.m = m", "shared ones counted"),
    "a walk over what is shared": (
        "m = nn.Linear(2, 2)\n        for _ in range(30): m = nn.Sequential(m, m)\n        self.n = len(m.state_dict())", "shared ones counted",
    ),
    "copies of copies": (
        "import copy\n        m = nn.Linear(2, 2)\n        for _ in range(30): m = nn.Sequential(m, copy.deepcopy(m))\n        self.m = m", "more than 3,000",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), OVER.values(), ids=OVER.keys())
def test_a_model_of_too_many_parts_is_over_a_bound(body: str, reason: str) -> None:
    source = f"class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {body}\n"
    with pytest.raises(BudgetSpentError, match=reason):
        model(source, limits=LIMITS)


def test_a_module_that_holds_itself_is_read_once() -> None:
    source = "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.me = self\n        self.l = nn.ModuleList([self, nn.Linear(2, 2)])\n"
    reading = model(source)
    assert list(reading.parameters()) == ["l.1.weight", "l.1.bias"]
    assert reading.gaps == []


def test_a_copied_parameter_still_asks_for_a_gradient() -> None:
    source = """import copy
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 3)
        self.b = copy.deepcopy(self.a)
        self.c = nn.Parameter(torch.empty(sum(p.numel() for p in self.parameters() if p.requires_grad)))
"""
    assert list(model(source).parameters()["c"].shape) == [18]


def test_real_models_stay_far_below_the_bounds() -> None:
    """The largest official models make some 4,000 parameters; unfused experts of 61 layers of 384 some 190,000 parts."""
    assert Limits().parts >= 2 * 61 * (384 * 8)
    assert Limits().nesting >= 100
    assert Limits().siblings >= 4 * 4_096
