"""Private names are those that Python makes of them, and globals that functions bind are seen."""

from __future__ import annotations

import pytest

from archviz.interpreter.private_names import has_private_names
from tests.interpreter.programs import in_python, plain, value

PROGRAMS = {
    "attributes of a base and of its subclass": """
class A:
    __width = 3

    def __init__(self):
        self.__n = 7

    def of_base(self):
        found = [self.__n, self.__width, self.__made(1)]
        return found

    def __made(self, more):
        return 2 + more


class B(A):
    __width = 5

    def __init__(self):
        super().__init__()
        self.__n = 9

    def own(self):
        found = [self.__n, self.__width, self.__made()]
        return found

    def __made(self):
        return 4


b = B()
result = [b.of_base(), b.own(), sorted(vars(b)), b._A__n]
""",
    "arguments, keywords and nested classes": """
class _Outer:
    def given(self, __n, *, __m=2):
        __k = __n + __m
        return __k

    class __Inner:
        def __init__(self):
            self.__x = 1

    def inner(self):
        return sorted(vars(self.__Inner()))


result = [_Outer().given(1), _Outer().given(1, _Outer__m=5), _Outer().inner()]
""",
    "dunder names and names outside of classes": """
def __plain(x):
    return x


class C:
    def __len__(self):
        return 3


result = [__plain(1), len(C())]
""",
    "a global that a function binds": """
G = 3
LATER = [1]


def bind():
    global G, LATER
    G = 8
    LATER = [2]


result = [bind(), G, LATER]
""",
    "a global that is read between": """
G = 3


def bind(x):
    global G
    G = x
    return G


result = [bind(1), G, bind(2), G]
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_names_are_what_python_makes_of_them(program: str) -> None:
    assert plain(value(program)) == in_python(program)


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("self.__n", True),
        ("__init__", False),
        ("x.__class__.__name__", False),
        ("a__b", False),
        ("__", False),
        ("__a1_b", True),
    ],
)
def test_private_names_are_told_from_special_ones(text: str, private: bool) -> None:
    assert has_private_names(text) is private
