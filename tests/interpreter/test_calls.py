"""Functions, arguments and scopes mean what they mean in Python: every snippet is run by both."""

from __future__ import annotations

import pytest

from tests.interpreter.programs import in_python, plain, value

SNIPPETS = {
    "parameters of every kind take arguments of every kind": """
def f(a, b=2, /, c=3, *args, d, e=5, **rest): return a, b, c, args, d, e, sorted(rest.items())
def g(*, k=1): return k
result = [f(1, d=4), f(1, 9, 8, 7, 6, d=0, z=1), f(1, d=4, c=33, e=44, b=55), g(), g(k=2), f(*[1, 2], **{"d": 3, "a": 9})]
""",
    "wrong arguments raise a TypeError": """
def f(a, b, *, c=1): pass
def fails(*args, **kwargs):
    try:
        f(*args, **kwargs)
    except TypeError:
        return True
    return False
result = [fails(1), fails(1, 2), fails(1, 2, 3), fails(1, 2, d=1), fails(1, a=1), fails(1, b=2, c=3), fails(1, 2, **{"c": 4})]
""",
    "defaults are made once": """
def f(x, seen=[]):
    seen.append(x)
    return seen
result = [f(1), f(2)]
""",
    "closures keep their own cells": """
def counter(start):
    count = start
    def step(by=1):
        nonlocal count
        count += by
        return count
    def read(): return count
    return step, read
a, read_a = counter(0)
b, read_b = counter(10)
result = [a(), a(5), b(), read_a(), read_b()]
""",
    "nonlocal reaches the nearest function that has the name": """
def outer():
    x = "outer"
    def middle():
        def inner():
            nonlocal x
            x = "changed"
        inner()
        return x
    return middle(), x
result = outer()
""",
    "global reaches the module from inside": """
level = 0
def raise_level():
    global level
    level += 1
    def deeper():
        global level
        level += 10
    deeper()
    return level
result = [raise_level(), raise_level()]
""",
    "class bodies are not a scope of their methods": """
x = "module"
class A:
    x = "class"
    def f(self): return x
    y = x
result = [A().f(), A.y]
""",
    "recursion": """
def fact(n): return 1 if n < 2 else n * fact(n - 1)
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
result = [fact(10), even(10), odd(7)]
""",
    "decorators with and without arguments, stacked": """
import functools
log = []
def plain(f):
    log.append("plain")
    return f
def times(n):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs): return [f(*args, **kwargs)] * n
        return wrapper
    return decorate
class Register:
    known = {}
    def __init__(self, name): self.name = name
    def __call__(self, f):
        self.known[self.name] = f
        return f
@plain
@times(2)
def f(x): return x + 1
@Register("g")
def g(): return "g"
result = [f(1), f.__name__, log, g(), Register.known["g"]()]
""",
    "a class can be decorated": """
def tagged(cls):
    cls.tag = cls.__name__.lower()
    return cls
@tagged
class Thing: pass
result = Thing.tag
""",
    "functools and operator work on interpreted functions": """
import functools, operator, itertools
add = lambda a, b, c=0: a + b + c
part = functools.partial(add, 1, c=5)
calls = []
@functools.lru_cache(maxsize=None)
def cached(x):
    return x * 2
result = [part(2), part(2, c=0), functools.reduce(add, [1, 2, 3], 10), functools.reduce(operator.mul, [2, 3]), cached(3), operator.add(1, 2),
          list(itertools.chain([1], [2, 3])), list(itertools.chain.from_iterable([[1], [2]])), list(itertools.product("ab", range(2))),
          list(itertools.accumulate([1, 2, 3])), list(zip(itertools.count(), "ab")), list(itertools.islice(range(10), 2, 8, 3)),
          list(itertools.repeat(1, 2)), list(map(operator.itemgetter(1), [(1, 2), (3, 4)])), list(itertools.combinations([1, 2, 3], 2))]
""",
    "builtins take interpreted functions": """
class V:
    def __init__(self, n): self.n = n
    def __lt__(self, other): return self.n < other.n
vs = [V(3), V(1), V(2)]
result = [[v.n for v in sorted(vs)], min(vs).n, max(vs, key=lambda v: -v.n).n, list(map(lambda a, b: a * b, [1, 2], [3, 4])), list(filter(None, [0, 1, ""])),
          list(filter(lambda v: v > 1, [1, 2])), any(v > 2 for v in [1, 3]), all([]), sum([[1], [2]], []), list(reversed([1, 2])), sorted("bca", reverse=True),
          list(enumerate("ab", 1)), callable(V), callable(3), isinstance(vs[0], V), isinstance(True, int), issubclass(V, object), isinstance(1, (str, int)),
          list(zip([1, 2], "ab")), min(3, 1, 2), max([], default=9), sum(x for x in range(4)), chr(97), ord("a"), hex(255), bin(5), type(1) is int,
          type(vs[0]) is V, type(vs[0]).__name__, repr("a"), str(1.0), list(range(5, 0, -2)), abs(-1), pow(2, 3), pow(2, 5, 7), len("abc"), bool(0), next(iter([4]))]
""",
    "attributes of functions": """
def f(): "doc"
f.tag = 3
f.names = []
f.names.append(1)
result = [f.tag, f.names, f.__name__, hasattr(f, "nope"), getattr(f, "nope", 5)]
""",
    "methods are values": """
class A:
    def __init__(self, n): self.n = n
    def get(self, k=0): return self.n + k
a = A(5)
m = a.get
table = {"get": A.get}
result = [m(), m(k=1), A.get(a, 2), table["get"](a), m.__self__ is a, a.get == m, getattr(a, "get")(), [f() for f in (A(1).get, A(2).get)]]
""",
}


@pytest.mark.parametrize("source", SNIPPETS.values(), ids=SNIPPETS.keys())
def test_a_call_means_what_it_means_in_python(source: str) -> None:
    assert plain(value(source)) == in_python(source)
