"""Statements mean what they mean in Python: every snippet is run by both."""

from __future__ import annotations

import pytest

from tests.interpreter.programs import in_python, plain, value

SNIPPETS = {
    "for and while run their else unless they break": """
def f(n):
    log = []
    for i in range(n):
        if i == 2: break
        if i == 0: continue
        log.append(i)
    else:
        log.append("else")
    while n:
        n -= 1
        if n == 5: break
    else:
        log.append("done")
    return log
result = [f(2), f(9)]
""",
    "augmented assignments change lists in place and rebind numbers": """
def f():
    a = b = [1]; a += [2]; a *= 2
    x = y = 1; x += 1
    d = {"n": 1}; d["n"] += 5
    s = t = {1}; s |= {2}; s -= {1}
    u = "a"; u += "b"
    n = 7; n //= 2; n **= 3; n %= 10; n <<= 2; n ^= 1; n >>= 1; n |= 8; n &= 12
    return a is b, a, x, y, d, s, t, u, n
result = f()
""",
    "try, except, else and finally run in order": """
def f(kind):
    log = []
    try:
        log.append("try")
        if kind == 1: raise ValueError("v")
        if kind == 2: {}["k"]
        if kind == 3: [][1]
        if kind == 4: int("x")
        if kind == 5: return log
    except ValueError as error:
        log.append(("value", str(error)))
    except (KeyError, IndexError) as error:
        log.append(type(error).__name__)
    else:
        log.append("else")
    finally:
        log.append("finally")
    return log
result = [f(kind) for kind in range(6)]
""",
    "errors of the language itself are caught by their classes": """
class A: pass
def kind(run):
    try:
        return run()
    except Exception as error:
        return type(error).__name__
result = [kind(run) for run in [
    lambda: 1 / 0, lambda: A().x, lambda: undefined_name, lambda: None.x, lambda: 1 + "a", lambda: [1][5], lambda: {}[0], lambda: int("q"), lambda: A()(),
    lambda: (lambda x: x)(), lambda: (lambda: 0)(1), lambda: next(iter([])), lambda: len(3), lambda: [1, 2].index(9), lambda: {[]: 1}, lambda: "a".foo,
    lambda: dict([1]), lambda: float("x"), lambda: max([]), lambda: range(1, 2, 0), lambda: list(5)]]
""",
    "raise from, bare raise and exceptions of one's own": """
class Base(Exception):
    def __init__(self, message, code=0):
        super().__init__(message)
        self.code = code
class Derived(Base): pass
def f():
    try:
        try:
            raise KeyError("k")
        except KeyError as error:
            raise Derived("d", code=7) from error
    except Base as error:
        kept = error
        try:
            raise
        except Derived as again:
            return str(kept), kept.code, kept.args, isinstance(again, Exception), again is kept
result = f()
""",
    "an exception passes through finally and through functions that do not want it": """
log = []
def inner():
    try:
        raise LookupError("x")
    except ValueError:
        log.append("wrong")
    finally:
        log.append("inner")
def outer():
    try:
        inner()
    except LookupError:
        log.append("outer")
    return log
result = outer()
""",
    "a return in finally wins": """
def f():
    try:
        return "try"
    finally:
        return "finally"
result = f()
""",
    "with enters and leaves in order, on errors too": """
log = []
class Manager:
    def __init__(self, name): self.name = name
    def __enter__(self): log.append("enter " + self.name); return self.name
    def __exit__(self, kind, error, trace): log.append("leave " + self.name)
def f():
    with Manager("a") as a, Manager("b") as b:
        log.append(a + b)
    try:
        with Manager("c"):
            raise ValueError
    except ValueError:
        log.append("caught")
    return log
result = f()
""",
    "a manager whose exit returns true swallows the error": """
class Quiet:
    def __enter__(self): return self
    def __exit__(self, kind, error, trace):
        self.seen = kind is not None and issubclass(kind, ValueError)
        return True
def f():
    with Quiet() as quiet:
        raise ValueError
    return quiet.seen
result = f()
""",
    "contextmanager functions run around the block": """
from contextlib import contextmanager, nullcontext, suppress
log = []
@contextmanager
def scope(name):
    log.append("in " + name)
    try:
        yield name.upper()
    finally:
        log.append("out " + name)
def f():
    with scope("a") as value, nullcontext(5) as five:
        log.append((value, five))
    with suppress(KeyError, ValueError):
        {}["missing"]
    log.append("after")
    return log
result = f()
""",
    "match takes the first case that fits": """
def f(x):
    match x:
        case 0 | 1: return "small"
        case "a": return "letter"
        case None: return "none"
        case True: return "true"
        case [a, b]: return ("pair", a, b)
        case [first, *rest]: return ("many", first, rest)
        case {"kind": kind, **others}: return ("dict", kind, others)
        case int(n) if n > 100: return ("large", n)
        case str() as s: return ("text", s)
        case _: return "other"
result = [f(x) for x in [0, 1, "a", None, [1, 2], [1, 2, 3], {"kind": "k", "z": 1}, 500, 50, "zz", 2.5, {}, ()]]
""",
    "match looks into objects by their attributes": """
class Point:
    __match_args__ = ("x", "y")
    def __init__(self, x, y): self.x, self.y = x, y
def f(p):
    match p:
        case Point(0, y): return ("axis", y)
        case Point(x=1): return "one"
        case Point(): return "point"
    return "none"
result = [f(Point(0, 5)), f(Point(1, 2)), f(Point(3, 3)), f(4)]
""",
    "del removes names, items and attributes": """
class A: pass
def f():
    a = A(); a.x = 1; d = {"k": 1, "j": 2}; l = [1, 2, 3]; n = 1
    del a.x, d["k"], l[0], n
    return hasattr(a, "x"), d, l
result = f()
""",
    "assert raises with its message": """
def f(x):
    try:
        assert x > 0, f"bad {x}"
        return "fine"
    except AssertionError as error:
        return str(error)
result = [f(1), f(-1)]
""",
    "annotated names may lack a value": """
def f():
    x: int
    y: "list[Nothing]" = [1]
    return y
class A:
    a: int
    b: int = 3
result = [f(), A.b, hasattr(A, "a")]
""",
    "generators yield, delegate and end": """
def count(n):
    for i in range(n):
        yield i
    return "end"
def both(n):
    yield "start"
    yield from count(n)
    yield from "ab"
g = both(2)
result = [next(g), list(g), list(count(0)), sum(count(4)), dict(enumerate(count(2))), [*both(1)], max(count(5)), next(count(0), "none")]
""",
}


@pytest.mark.parametrize("source", SNIPPETS.values(), ids=SNIPPETS.keys())
def test_a_statement_means_what_it_means_in_python(source: str) -> None:
    assert plain(value(source)) == in_python(source)
