"""Classes mean what they mean in Python: every snippet is run by both."""

from __future__ import annotations

import pytest

from archviz.interpreter.control import UnsupportedError
from tests.interpreter.programs import in_python, plain, value

SNIPPETS = {
    "super follows the method resolution order through a diamond": """
class A:
    def __init__(self): self.log = ["A"]
    def f(self): return ["A"]
class B(A):
    def __init__(self): super().__init__(); self.log.append("B")
    def f(self): return ["B"] + super().f()
class C(A):
    def __init__(self): super().__init__(); self.log.append("C")
    def f(self): return ["C"] + super().f()
class D(B, C):
    def __init__(self): super(D, self).__init__(); self.log.append("D")
    def f(self): return ["D"] + super().f()
result = [D().log, D().f(), [cls.__name__ for cls in D.__mro__][:4], isinstance(D(), C), issubclass(D, A)]
""",
    "super in a class method and in a nested function": """
class A:
    @classmethod
    def make(cls, n): return (cls.__name__, n)
    def f(self): return 1
class B(A):
    @classmethod
    def make(cls, n): return super().make(n + 1)
    def f(self):
        def inner(): return super(B, self).f() + 1
        return inner()
result = [B.make(1), B().make(2), B().f()]
""",
    "methods of dict are methods of what is derived from it": """
class Box(dict):
    __getattr__ = dict.get
    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__
    def __contains__(self, name): return dict.__contains__(self, name.lower())
b = Box(a=1)
b.c = 2
del b.a
result = [b.c, b.missing, dict(b), "C" in b, dict.get(b, "c"), dict.get({"x": 3}, "x"), dict.fromkeys("ab", 0)]
""",
    "names of attributes are text": """
class A: pass
def refused(run):
    try:
        run()
    except TypeError as error:
        return str(error).startswith("attribute name must be string")
a = A()
a.__dict__[3] = 4
result = [refused(lambda: setattr(a, 1, 2)), refused(lambda: hasattr(a, 1)), refused(lambda: getattr(a, 1, None)),
          refused(lambda: delattr(a, 3)), a.__dict__]
""",
    "properties read, write and refuse": """
class A:
    def __init__(self): self._x = 1
    @property
    def x(self): return self._x
    @x.setter
    def x(self, value): self._x = value * 2
    @property
    def fixed(self): return "fixed"
    y = property(lambda self: self._x + 100)
class B(A):
    @property
    def x(self): return -1
def f():
    a = A(); a.x = 5
    try:
        a.fixed = 1
        refused = False
    except AttributeError:
        refused = True
    return a.x, a.y, a.fixed, refused, B().x
result = f()
""",
    "class methods and static methods": """
class A:
    n = 1
    @classmethod
    def up(cls, by=1): cls.n += by; return cls.n
    @staticmethod
    def twice(x): return 2 * x
class B(A): pass
result = [A.up(), B.up(5), A.n, B.n, A.twice(2), B().twice(3)]
""",
    "descriptors of one's own read and write": """
class Field:
    def __set_name__(self, owner, name): self.name = "_" + name
    def __get__(self, obj, owner=None): return self if obj is None else getattr(obj, self.name, 0)
    def __set__(self, obj, value): setattr(obj, self.name, value + 1)
class A:
    size = Field()
def f():
    a = A(); before = a.size; a.size = 5
    return before, a.size, a._size, isinstance(A.size, Field)
result = f()
""",
    "__getattr__ answers for what is missing only": """
class A:
    x = 1
    def __getattr__(self, name):
        if name.startswith("dyn_"): return name[4:]
        raise AttributeError(name)
a = A()
result = [a.x, a.dyn_thing, hasattr(a, "other"), getattr(a, "other", "default")]
""",
    "__setattr__ sees every assignment": """
class A:
    def __init__(self): self.x = 1
    def __setattr__(self, name, value): super().__setattr__(name, (name, value))
def f():
    a = A(); a.y = 2
    setattr(a, "z", 3)
    return a.x, a.y, a.z, sorted(vars(a))
result = f()
""",
    "operators are answered by special methods, reflected ones too": """
class V:
    def __init__(self, n): self.n = n
    def __add__(self, other): return V(self.n + getattr(other, "n", other))
    def __radd__(self, other): return V(other + self.n + 1000)
    def __sub__(self, other):
        if not isinstance(other, V): return NotImplemented
        return V(self.n - other.n)
    def __mul__(self, k): return V(self.n * k)
    __rmul__ = __mul__
    def __iadd__(self, other): self.n += 100; return self
    def __neg__(self): return V(-self.n)
    def __eq__(self, other): return isinstance(other, V) and self.n == other.n
    def __hash__(self): return hash(self.n)
    def __lt__(self, other): return self.n < other.n
    def __le__(self, other): return self.n <= other.n
    def __len__(self): return self.n
    def __bool__(self): return self.n > 0
    def __getitem__(self, i): return i * self.n
    def __contains__(self, x): return x == self.n
    def __call__(self, x): return x + self.n
    def __repr__(self): return f"V({self.n})"
    def __matmul__(self, other): return "matmul"
    def __floordiv__(self, other): return "floordiv"
    def __truediv__(self, other): return "div"
    def __pow__(self, other): return "pow"
    def __and__(self, other): return "and"
    def __invert__(self): return "invert"
    def __int__(self): return self.n
    def __float__(self): return float(self.n)
    def __abs__(self): return "abs"
def f():
    a, b = V(1), V(2)
    c = V(5); kept = c; c += 1
    try:
        a - 1
        refused = False
    except TypeError:
        refused = True
    return [(a + b).n, (a + 5).n, (5 + a).n, (b - a).n, refused, (a * 3).n, (3 * a).n, c.n, kept is c, (-a).n, a == V(1), a != b, a < b, a <= b, b > a, b >= a,
            len(b), bool(V(0)), not V(0), b[7], 2 in b, 3 not in b, a(10), repr(a), str(a), f"{a}", f"{a!r}", a @ b, a // b, a / b, a ** b, a & b, ~a, int(b),
            float(b), abs(a), {V(1): "x"}[V(1)], V(1) in [V(1)], [V(1)] == [V(1)], sorted([V(3), V(1)])[0].n, max([V(3), V(4)]).n]
result = f()
""",
    "iteration by __iter__, by __next__ and by __getitem__": """
class Once:
    def __init__(self, n): self.n = n
    def __iter__(self): return self
    def __next__(self):
        if self.n == 0: raise StopIteration
        self.n -= 1
        return self.n
class Gen:
    def __iter__(self):
        yield 1
        yield 2
class Old:
    def __getitem__(self, i):
        if i > 2: raise IndexError
        return i * 10
result = [list(Once(3)), [x for x in Gen()], list(Gen()), list(Old()), sum(Once(4)), dict(zip("ab", Gen())), [*Gen()], 10 in Old(), 3 in Once(5), tuple(Gen())]
""",
    "classes derived from dict, list, str, int and tuple": """
from collections import OrderedDict
class D(dict):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = len(self)
    def __missing__(self, key): return "missing " + key
    def __getattr__(self, name):
        try:
            return self[name] if name in self else None
        except KeyError:
            raise AttributeError(name)
class L(list):
    def first(self): return self[0]
class S(str):
    def shout(self): return self.upper() + "!"
class O(OrderedDict):
    def __getitem__(self, key):
        content = super().__getitem__(key)
        return content[0] if isinstance(content, tuple) else content
class N(int):
    def twice(self): return self * 2
class T(tuple):
    def last(self): return self[-1]
def f():
    d = D({"a": 1}, b=2); d["c"] = 3; d.update(e=5)
    l = L([3, 1]); l.append(2); l.sort()
    s = S("abc")
    o = O({"k": (1, 2), "j": "plain"})
    n = N(4)
    t = T((1, 2))
    return [d["a"], d["zz"], d.extra, sorted(d), d.a, d.none, "b" in d, len(d), list(d.items()), dict(d), d == {"a": 1, "b": 2, "c": 3, "e": 5},
            list(l), l.first(), len(l), l[1:], 2 in l, isinstance(l, list), s.shout(), s + "d", s == "abc", {"abc": 1}[s], s[1], f"{s}", isinstance(s, str),
            o["k"], o["j"], list(o), n.twice(), n + 1, n == 4, list(range(n)), [10, 20, 30, 40, 50][n], t.last(), t + (3,), t == (1, 2), isinstance(d, dict)]
result = f()
""",
    "enums": """
from enum import Enum, IntEnum, auto, Flag
class Kind(Enum):
    FULL = "full"
    LINEAR = "linear"
    ALIAS = "full"
    @property
    def short(self): return self.value[0]
    @classmethod
    def default(cls): return cls.LINEAR
class Level(IntEnum):
    LOW = 1
    HIGH = 10
class Auto(Enum):
    A = auto()
    B = auto()
class Text(str, Enum):
    X = "x"
class Empty(Enum):
    NO = 0
result = [Kind.FULL.value, Kind("linear").name, Kind["FULL"] is Kind.FULL, Kind.FULL is Kind.ALIAS, [k.name for k in Kind], Kind.LINEAR.short, Kind.default().name,
          len(Kind), Kind.FULL == Kind.LINEAR, Kind.FULL != Kind.LINEAR, isinstance(Kind.FULL, Kind), Kind.FULL in (Kind.FULL,), {Kind.FULL: 1}[Kind.FULL],
          Level.HIGH > Level.LOW, Level.HIGH + 1, isinstance(Level.LOW, int), isinstance(Text.X, str), isinstance(Kind.FULL, str), Level(1).name, Auto.A.value, Auto.B.value, Text.X == "x", Text.X.value, Text.X.upper(), Text("x") is Text.X,
          Kind.FULL == "full", Auto.A == 1, Auto.A in (1, 2), "full" == Kind.FULL, Level.LOW == 1, bool(Empty.NO), {1: 0}.get(Auto.A), [Auto.A].count(1),
          "full" in [k.value for k in Kind], {"x": 1}[Text.X], [7, 8][Level.LOW]]
""",
    "flags": """
from enum import Flag, IntFlag, auto
class G(IntFlag):
    N = 0
    A = 1
    B = 2
    C = A | B
class F(Flag):
    A = auto()
    B = auto()
    D = A | B
    E = 8
class Named(Flag):
    def _generate_next_value_(name, start, count, last_values): return 1 << (2 * count)
    A = auto()
    B = auto()
def refused(call):
    try:
        return call()
    except (ValueError, TypeError) as error:
        return type(error).__name__
result = [[str(g.name) for g in G], G(1) is G.A, G(3) is G.C, (G.A | G.B) is G.C, (G.A | 4).value, repr(G(9)), str(G(9)), G(8).name, G.N.name, bool(G.N), bool(G.A),
          G.A in G.C, G.B & 1, repr(~G.A), G.C ^ 1, len(G), G["C"] is G.C, G.C.value, G.A + 1, isinstance(G.A, int), isinstance(G.A & 1, G), 4 | G.A, {G.A: 2}[G.A],
          [f.name for f in F], (F.A | F.E).name, repr(F.A | F.E), str(F.A | F.E), repr(F(0)), str(F(0)), F.A in F.D, F.E in F.D, len(F.D), [f.name for f in F.D], F.D.name,
          repr(~F.A), (~F.A).value, F.A | F.B == F.D, (F.A | F.B) is F.D, refused(lambda: F(4)), refused(lambda: F.A | 2), refused(lambda: 1 in F.A), F.B.value, F.E.value,
          [n.value for n in Named], bool(F.A & F.B), refused(lambda: F(-2)), refused(lambda: F(-40)), isinstance(F.A, F), F.A == 1]
""",
    "an unknown enum value is refused": """
from enum import Enum
class Kind(Enum):
    A = "a"
def f():
    try:
        Kind("z")
    except ValueError:
        return "refused"
result = f()
""",
    "dataclasses take defaults, factories, inheritance and __post_init__": """
from dataclasses import dataclass, field, fields, asdict, replace, is_dataclass
@dataclass
class Base:
    a: int
    b: int = 2
    c: list = field(default_factory=list)
@dataclass
class Child(Base):
    d: str = "d"
    e: int = field(default=5, init=False)
    def __post_init__(self): self.total = self.a + self.b
def f():
    x, y = Child(1), Child(1, 3, [4], d="q")
    x.c.append(1)
    try:
        Child()
        refused = False
    except TypeError:
        refused = True
    return [x.a, x.b, x.c, x.d, x.e, x.total, y.total, y.c, Child(9).c, [each.name for each in fields(Child)], asdict(Base(1)), replace(Base(1), b=7).b,
            is_dataclass(Child), Base(1) == Base(1), Base(1) == Base(2), Base(1) != Base(1), refused, Child.b]
result = f()
""",
    "dataclasses hand their InitVars on to __post_init__": """
import dataclasses
from dataclasses import dataclass, field, fields, InitVar
@dataclass
class Sizes:
    width: int
    ratio: InitVar[float]
    heads: int = 4
    scale: dataclasses.InitVar[int] = 2
    inner: int = field(init=False, default=0)
    def __post_init__(self, ratio, scale): self.inner = int(self.width * ratio) * scale
@dataclass
class More(Sizes):
    depth: int = 3
    def __post_init__(self, ratio, scale):
        super().__post_init__(ratio, scale)
        self.inner += self.depth
def f():
    a, b, c = Sizes(8, 2.5), Sizes(8, 2.5, 2, 1), More(4, ratio=1.5, depth=9)
    try:
        Sizes(8)
        missing = False
    except TypeError:
        missing = True
    return [a.inner, b.inner, b.heads, c.inner, c.depth, [each.name for each in fields(Sizes)], [each.name for each in fields(More)], hasattr(a, "ratio"), a.scale, missing,
            a == Sizes(8, 2.5), repr(b)]
result = f()
""",
    "keyword-only, frozen and ordered dataclasses": """
from dataclasses import dataclass
@dataclass(frozen=True, order=True)
class P:
    x: int
    y: int = 0
@dataclass(kw_only=True)
class K:
    a: int = 1
    b: int
def f():
    out = [P(1) < P(2), P(1, 5) > P(1, 2), hash(P(1)) == hash(P(1)), {P(1): "a"}[P(1)], sorted([P(3), P(1)])[0].x, K(b=5).b]
    try:
        K(1, 2)
        out.append("taken")
    except TypeError:
        out.append("refused")
    return out
result = f()
""",
    "named tuples, by class and by call": """
from typing import NamedTuple
from collections import namedtuple
class Output(NamedTuple):
    logits: int
    loss: int = 0
    def total(self): return self.logits + self.loss
Pair = namedtuple("Pair", ["left", "right"])
Other = namedtuple("Other", "a b", defaults=[9])
def f():
    o, p = Output(1), Pair(right=2, left=1)
    left, right = p
    return [o.logits, o[1], o.total(), len(o), left, right, p._fields, p._asdict(), p._replace(left=5).left, tuple(o), o == (1, 0), isinstance(p, tuple), Other(1).b,
            Output(3, loss=4).total(), o._fields, [x for x in p], p[-1]]
result = f()
""",
    "typed dicts are dicts": """
from typing import TypedDict
class Options(TypedDict, total=False):
    size: int
    name: str
o = Options(size=3)
o["name"] = "n"
result = [o, o["size"], isinstance(o, dict)]
""",
    "exceptions of one's own keep their arguments": """
class Refused(ValueError):
    def __init__(self, what, *, code):
        super().__init__(f"refused: {what}")
        self.code = code
class Plain(Exception): pass
def f():
    try:
        raise Refused("x", code=3)
    except ValueError as error:
        first = str(error), error.code, error.args, type(error).__name__
    try:
        raise Plain("a", 1)
    except Plain as error:
        second = error.args, str(error)
    return first, second
result = f()
""",
    "__new__ and __init_subclass__ and __class_getitem__": """
class Single:
    made = None
    def __new__(cls, *args):
        if cls.made is None: cls.made = super().__new__(cls)
        return cls.made
    def __init__(self, n): self.n = n
class Plugin:
    known = []
    def __init_subclass__(cls, tag=None, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.tag = tag
        Plugin.known.append(cls.__name__)
class One(Plugin, tag="one"): pass
class Two(Plugin): pass
def f():
    a, b = Single(1), Single(2)
    return a is b, a.n, One.tag, Two.tag, Plugin.known
result = f()
""",
    "abstract classes, protocols and generics": """
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar
T = TypeVar("T")
class Shape(ABC):
    @abstractmethod
    def area(self): ...
    def twice(self): return 2 * self.area()
class Square(Shape):
    def __init__(self, n): self.n = n
    def area(self): return self.n ** 2
class Box(Generic[T]):
    def __init__(self, item: T): self.item = item
class Sized(Protocol):
    def size(self) -> int: ...
result = [Square(3).twice(), Box[int](5).item, Box("a").item]
""",
    "class attributes, instance attributes and slots": """
class A:
    __slots__ = ("x",)
    shared = []
    def __init__(self): self.x = 1
class B(A):
    count = 0
    def __init__(self):
        super().__init__()
        B.count += 1
        self.__class__.last = self.x
        self.__private = "p"
    def private(self): return self.__private
def f():
    b, c = B(), B()
    b.shared.append(1)
    return b.shared is c.shared, A.shared, B.count, B.last, b.private(), b.__class__ is B, type(b).__name__, type(b).__mro__[1].__name__
result = f()
""",
    "type makes classes and tells them apart": """
Made = type("Made", (dict,), {"tag": 5, "f": lambda self: self.tag})
class A: pass
a = A()
result = [Made.tag, Made().f(), Made.__name__, type(a) is A, type(a) == A, type(1) == int, type([]) in (list, tuple), type(A) is type, isinstance(A, type), type(None) is type(None)]
""",
    "a cached property is computed once": """
from functools import cached_property
class A:
    calls = 0
    @cached_property
    def x(self):
        A.calls += 1
        return A.calls * 10
def f():
    a = A()
    return a.x, a.x, A.calls
result = f()
""",
}


@pytest.mark.parametrize("source", SNIPPETS.values(), ids=SNIPPETS.keys())
def test_a_class_means_what_it_means_in_python(source: str) -> None:
    assert plain(value(source)) == in_python(source)


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n    return 1\nresult = A",
        "def f():\n    for i in range(3):\n        class A:\n            break\n    return A\nresult = f()",
        "def g(): break\ndef f():\n    for i in range(3): g()\n    return i\nresult = f()",
        "result = 1\nif result:\n    result = 2\n    continue",
    ],
)
def test_return_and_break_where_python_refuses_them_are_not_understood(source: str) -> None:
    with pytest.raises(UnsupportedError, match=r"return, break or continue|break or continue outside"):
        value(source)


def test_a_field_has_its_annotation_as_text_and_class_variables_are_none() -> None:
    source = "import typing\nfrom dataclasses import dataclass, fields\n@dataclass\nclass A:\n    a: int | None = 1\n    b: 'list[str]' = 2\n"
    source += "    c: typing.ClassVar[dict[str, int]] = {}\n    d: 'ClassVar' = 3\n    e: list[InitVar[int]] = 4\n"
    found = value(source + "result = [(each.name, each.type) for each in fields(A)]")
    assert found == [("a", "int | None"), ("b", "'list[str]'")]
