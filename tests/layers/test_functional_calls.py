"""`torch.func.functional_call` runs a module with other tensors and leaves it as it was.

The sizes and refusals are PyTorch's.
"""

from __future__ import annotations

from tests.interpreter import programs

MODEL = """
from torch.func import functional_call
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 5)
        self.wide = tuple(functional_call(self.fc, {"weight": torch.zeros(7, 3), "bias": torch.zeros(7)}, (torch.zeros(2, 3),)).shape)
        self.plain = tuple(self.fc(torch.zeros(2, 3)).shape)
        self.pair = tuple(functional_call(self.fc, ({"weight": torch.zeros(7, 3)}, {"bias": torch.zeros(7)}), torch.zeros(2, 3)).shape)
        self.named = tuple(functional_call(self.fc, dict(self.fc.named_parameters()), kwargs={"input": torch.zeros(4, 3)}).shape)
        both = nn.ModuleDict({"a": nn.Linear(3, 3, bias=False), "b": nn.Linear(3, 3, bias=False)})
        both["b"].weight = both["a"].weight
        class Both(nn.Module):
            def __init__(self):
                super().__init__()
                self.parts = both
            def forward(self, x):
                return both["b"](x)
        self.tied = tuple(functional_call(Both(), {"parts.a.weight": torch.zeros(8, 3)}, torch.zeros(1, 3)).shape)
        bare = nn.Linear(3, 5, bias=False)
        self.biased = tuple(functional_call(bare, {"bias": torch.zeros(5)}, torch.zeros(1, 3), strict=False).shape)
        try:
            functional_call(self.fc, {"weight": torch.zeros(5, 3)}, torch.zeros(2, 3), strict=True)
        except RuntimeError as error:
            self.refusal = str(error)
"""


def test_a_module_runs_with_other_tensors_and_keeps_its_own() -> None:
    reading = programs.model(MODEL)
    assert not reading.gaps
    kept = reading.root.attributes
    assert [kept[name] for name in ("wide", "plain", "pair", "named", "tied")] == [
        [2, 7],
        [2, 5],
        [2, 7],
        [4, 5],
        [1, 8],
    ]
    assert kept["biased"] == [1, 5]
    assert kept["refusal"] == "Error(s) in reparametrizing for Linear:\n\tMissing key(s): 'bias'."
    assert programs.shapes(reading) == {"fc.weight": [5, 3], "fc.bias": [5]}


def test_a_tensor_that_the_module_does_not_have_is_a_gap() -> None:
    other = (
        MODEL[: MODEL.index("        self.wide")]
        + '        functional_call(self.fc, {"nope": torch.zeros(2)}, torch.zeros(2, 3))\n'
    )
    assert ["nope" in gap.reason for gap in programs.model(other).gaps] == [True]
