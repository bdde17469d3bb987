"""Generators give, take and end as Python's do: every program here is run by Python itself too."""

from __future__ import annotations

import textwrap

import pytest

from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.values import Unknown
from archviz.settings import Limits
from tests.interpreter.programs import in_python, plain, value

PROGRAMS = {
    "what is sent comes out of yield": "def g(n):\n    got = yield n\n    while True: got = yield (got or 0) + 1\nx = g(3)\nresult = [next(x), x.send(10), next(x), x.send(None), x.send(-1)]",
    "a generator without end gives what is asked for": "def g():\n    n = 0\n    while True:\n        yield n\n        n += 1\nit = g()\nresult = [next(it), next(it), [n for n, _ in zip(it, 'abc')], next(it)]",
    "an endless iterator in a generator expression": "import itertools\nsquares = (i * i for i in itertools.count(1) if i % 2)\nresult = list(itertools.islice(squares, 4)) + [next(squares)]",
    "an endless iterator taken from while it lasts": "import itertools\nresult = [list(itertools.takewhile(lambda n: n < 5, itertools.count())), next(n for n in itertools.count() if n > 8)]",
    "the body runs only when a value is asked for": "log = []\ndef g():\n    log.append('start')\n    yield 1\n    log.append('end')\nx = g()\nlog.append('made')\nlist(x)\nresult = log",
    "the order of a chain of generators": "log = []\ndef a():\n    for i in range(3):\n        log.append(('a', i)); yield i\ndef b(x):\n    for i in x:\n        log.append(('b', i)); yield i * 2\nresult = [list(b(a())), log]",
    "an expression that sees later values of names": "n = 2\ndef f():\n    n = 2\n    x = (i * n for i in range(3))\n    n = 10\n    return list(x)\nresult = f()",
    "any stops at the first": "seen = []\ndef test(i):\n    seen.append(i)\n    return i == 2\nresult = [any(test(i) for i in range(9)), seen, all(test(i) for i in range(9)), seen]",
    "two clauses and a condition": "result = list((a, b) for a in range(4) if a for b in range(a) if b != 1)",
    "yield from gives the return": "def inner():\n    got = yield 1\n    return got\ndef outer():\n    found = yield from inner()\n    yield ('returned', found)\nx = outer()\nresult = [next(x), x.send('sent'), list(x)]",
    "yield from plain values": "def g():\n    yield from [1, 2]\n    yield from range(2)\n    yield from {'a': 1}\nresult = list(g())",
    "recursion": "def walk(tree):\n    if isinstance(tree, list):\n        for each in tree: yield from walk(each)\n    else:\n        yield tree\nresult = list(walk([1, [2, [3, 4]], 5]))",
    "the value of a return": "def g():\n    yield 1\n    return 'end'\ndef f():\n    x = g()\n    next(x)\n    try: next(x)\n    except StopIteration as stop: return stop.value\nresult = f()",
    "an error thrown in and handled": "def g():\n    while True:\n        try: yield 'ready'\n        except ValueError as error: yield f'handled {error}'\nx = g()\nresult = [next(x), x.throw(ValueError('odd')), next(x)]",
    "finally runs on close": "log = []\ndef g():\n    try:\n        yield 1\n        yield 2\n    finally: log.append('closed')\nx = g()\nresult = [next(x), x.close(), log, list(x)]",
    "close of one that did not start": "log = []\ndef g():\n    log.append('started')\n    yield 1\nx = g()\nresult = [x.close(), log, list(x)]",
    "an error in the body ends it": "def g():\n    yield 1\n    raise KeyError('k')\ndef f():\n    x = g()\n    got = [next(x)]\n    try: next(x)\n    except KeyError: got.append('raised')\n    return got + list(x)\nresult = f()",
    "a StopIteration inside is an error": "def g():\n    yield next(iter([]))\ndef f():\n    try: return list(g())\n    except RuntimeError as error: return 'runtime'\nresult = f()",
    "yield deep in an expression": "def g():\n    total = 1 + (yield 'a') * 2\n    x = max((yield 'b'), total)\n    yield {'x': x, 'y': [(yield 'c'), f'{(yield \"d\")}!']}\nx = g()\nresult = [next(x), x.send(5), x.send(3), x.send('C'), x.send('D')]",
    "yield in conditions and loops": "def g():\n    if (yield 'if'): found = yield 'then'\n    else: found = yield 'else'\n    while (yield found) != 'stop': found += 1\n    for each in (yield 'list'): yield each\n    return\nx = g()\nresult = [next(x), x.send(0), x.send(7), x.send('go'), x.send('stop'), x.send([1, 2]), next(x)]",
    "yield in and, or and a conditional": "def g():\n    a = (yield 1) and (yield 2)\n    b = (yield 3) or (yield 4)\n    yield (a, b, (yield 5) if a else 'none')\nx = g()\nresult = [next(x), x.send(True), x.send('a'), x.send('b'), x.send('five')]",
    "break, continue and else": "def g():\n    for i in range(9):\n        if i == 1: continue\n        if i == 4: break\n        yield i\n    else: yield 'not reached'\n    for i in []: yield i\n    else: yield 'else'\nresult = list(g())",
    "with around a yield": "log = []\nclass M:\n    def __enter__(self): log.append('in'); return self\n    def __exit__(self, kind, error, trace): log.append(('out', kind is None)); return True\ndef g():\n    with M():\n        yield 1\n        raise ValueError\n    yield 2\nresult = [list(g()), log]",
    "match around a yield": "def g(x):\n    match x:\n        case [a, *rest]: yield a; yield rest\n        case _: yield 'other'\nresult = [list(g([1, 2, 3])), list(g(5))]",
    "a default for next": "def g():\n    yield 1\nx = g()\nresult = [next(x), next(x, 'none')]",
    "iter gives the generator itself": "def g():\n    got = yield 1\n    yield got\nx = g()\ny = iter(x)\nresult = [next(y), y.send('sent'), x is y]",
    "a running average": "def averager():\n    total, count, average = 0.0, 0, None\n    while True:\n        total += yield average\n        count += 1\n        average = total / count\nx = averager()\nnext(x)\nresult = [x.send(10), x.send(30), x.send(5)]",
    "an error of the consumer is not handled inside": "def g():\n    try: yield 1\n    except ZeroDivisionError: yield 'wrong'\ndef f():\n    try:\n        for each in g(): 1 / 0\n    except ZeroDivisionError: return 'outside'\nresult = f()",
    "tee and pairwise of an endless generator": "import itertools\na, b = itertools.tee(itertools.count())\nresult = [next(a), next(a), next(b), next(itertools.pairwise(itertools.count(3)))]",
    "groups of an endless iterator": "import itertools\nruns = itertools.groupby(itertools.count(), lambda n: n // 3)\nresult = [[key, list(group)] for key, group in itertools.islice(runs, 2)]",
    "a generator method and a class that iterates by one": "class Blocks:\n    def __init__(self, n): self.n = n\n    def __iter__(self):\n        for i in range(self.n): yield i, self.n\nresult = list(Blocks(3))",
    "a manager by generator": "from contextlib import contextmanager\nlog = []\n@contextmanager\ndef m(name):\n    log.append(f'in {name}')\n    try: yield name.upper()\n    finally: log.append(f'out {name}')\ndef f():\n    with m('a') as a, m('b') as b:\n        log.append(a + b)\n        return 'returned'\nresult = [f(), log]",
    "a manager that ends an error": "from contextlib import contextmanager\n@contextmanager\ndef m():\n    try: yield\n    except ValueError: pass\ndef f():\n    with m(): raise ValueError\n    return 'after'\nresult = f()",
    "a manager by generator on an ExitStack": "from contextlib import ExitStack, contextmanager\nlog = []\n@contextmanager\ndef m(name):\n    yield name\n    log.append(name)\ndef f():\n    with ExitStack() as stack:\n        return [stack.enter_context(m(each)) for each in 'abc']\nresult = [f(), log]",
    "a manager by generator as a decorator": "from contextlib import contextmanager\nlog = []\n@contextmanager\ndef m():\n    log.append('in')\n    yield\n    log.append('out')\n@m()\ndef f(x): return x + 1\nresult = [f(1), f(2), log]",
    "a sum of a generator's products": "import math\nresult = [sum(a * b for a, b in zip(range(4), range(4, 8))), math.prod(n for n in (2, 3, 4)), ','.join(str(n) for n in range(3)), dict((n, n * n) for n in range(3)), sorted((n for n in (3, 1, 2)), reverse=True), max((n for n in (3, 1, 2)), default=0), tuple(n for n in range(2)), {*(n % 2 for n in range(5))}]",
}  # fmt: skip


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_generator_does_what_python_does(source: str) -> None:
    program = f"def main():\n{textwrap.indent(source, '    ')}\n    return result\nresult = main()"
    assert plain(value(program)) == in_python(program)


def test_a_coroutine_is_not_understood_at_once() -> None:
    source = "async def f():\n    while True: pass\nresult = f()"
    found = value(source)
    assert isinstance(found, Unknown)
    assert found.reason == "the coroutine f(), which is not run"


@pytest.mark.parametrize("take", ["list(g())", "sum(g())", "[*g()]", "max(g())", "dict(zip(g(), g()))"])
def test_all_of_a_generator_without_end_is_refused(take: str) -> None:
    with pytest.raises(BudgetSpentError):
        value(f"def g():\n    while True: yield 1\nresult = {take}", limits=Limits(steps=300_000))
