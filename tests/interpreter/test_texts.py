"""The text of values is Python's and PyTorch's own, or not understood: never another text."""

from __future__ import annotations

import pytest

from archviz.interpreter.values import Unknown
from tests.interpreter.programs import MODEL_HEADER, in_python, value

DEFINITIONS = """
import enum
from dataclasses import dataclass, field
class A: pass
class Told:
    def __repr__(self): return "told"
class Kind(enum.Enum):
    ONE = 1
class Number(enum.IntEnum):
    FOUR = 4
    FIVE = enum.auto()
class Name(enum.StrEnum):
    LOW = enum.auto()
class Own(str, enum.Enum):
    RED = "red"
    def __str__(self): return self.value
@dataclass
class Point:
    x: int
    hidden: int = field(default=2, repr=False)
    @dataclass
    class Inner:
        y: str
def f(): pass
"""
EXACT = (
    "str(Kind.ONE), repr(Kind.ONE), f'{Kind.ONE}'", "str(Number.FOUR), repr(Number.FIVE), f'{Number.FIVE}'", "str(Name.LOW), f'{Name.LOW}'", "str(Own.RED), f'{Own.RED}'",
    "repr(Point(3))", "str(Point.Inner('a'))", "f'{Point(1)!r}'", "str([Kind.ONE, Told(), Point(1)])", "str(Told()), repr(Told())", "str((1, 'a', None))", "str(ValueError('odd'))",
    "f'{Told()!s:>6}{Told()!r}{[1]!s}'", "type('D', (A,), {}).__qualname__, type('D', (A,), {'b': 1})().__class__.__name__",
)  # fmt: skip
NOT_UNDERSTOOD = (
    "str(nn.Linear(2, 3))", "repr(nn.Linear(2, 3))", "len(str(nn.Linear(2, 3)))", "str([nn.Linear(2, 3)])", "str(torch.zeros(2))", "len(repr({'a': torch.zeros(2)}))",
    "str(A())", "len(str(f))", "str(object())", "str([A()])", "len(f'{nn.Linear(2, 3)}')", "f'{A()}'", "f'{A()!r:>9}'", "f'{torch.zeros(2)}'",
    "str(ValueError(str(A())))", "f'{ValueError(str(A()))}'",
)  # fmt: skip


@pytest.mark.parametrize("expression", EXACT)
def test_a_text_is_what_python_writes(expression: str) -> None:
    source = f"{DEFINITIONS}\nresult = [{expression}]"
    assert value(source) == in_python(source)


@pytest.mark.parametrize("expression", NOT_UNDERSTOOD)
def test_a_text_that_is_not_known_is_not_understood(expression: str) -> None:
    found = value(f"{MODEL_HEADER}{DEFINITIONS}\nresult = {expression}")
    assert isinstance(found, Unknown)
    assert found.reason.startswith("the text of ")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("str(torch.Size([1, 2]))", "torch.Size([1, 2])"),
        ("str(torch.device('cpu'))", "cpu"),
        ("str(torch.float32)", "torch.float32"),
    ],
)
def test_a_text_is_what_torch_writes(expression: str, text: str) -> None:
    assert value(f"{MODEL_HEADER}result = {expression}") == text


def test_which_parameters_ask_for_gradients_is_remembered() -> None:
    source = """
a, b = nn.Linear(2, 3), nn.Linear(2, 3)
a.requires_grad_(False)
b.weight.requires_grad_(False)
c = nn.Parameter(torch.zeros(5), requires_grad=False)
result = [[p.requires_grad for m in (a, b) for p in m.parameters()], c.requires_grad]
"""
    assert value(
        f"{MODEL_HEADER}def f():\n    " + source.strip().replace("\n", "\n    ") + "\n    return result\nresult = f()"
    ) == [
        [False, False, False, True],
        False,
    ]


def test_an_error_is_raised_though_its_words_are_not_understood() -> None:
    source = (
        f"{DEFINITIONS}\ndef g():\n    try: raise KeyError(f'no {{A()}}')\n    except KeyError: return 1\nresult = g()"
    )
    assert value(source) == in_python(source) == 1
