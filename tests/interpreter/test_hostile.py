"""Hostile programs: bounded time and memory, a clear end, and nothing of them is ever executed."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.values import Unknown
from archviz.settings import Limits
from tests.interpreter.programs import value

LIMITS = Limits(steps=300_000, seconds=2.0, items=100_000)
GROWTH = 400_000_000  # bytes that one program may add to the address space of the process


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """Every program ends within five seconds of work and without filling memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + GROWTH, hard))
    start = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert time.process_time() - start < 5


ENDLESS = {
    "an endless loop": "def f():\n    while True: pass\nresult = f()",
    "an endless loop of calls": "def f():\n    n = 0\n    while True: n = g(n)\ndef g(n): return (n + 1) % 7\nresult = f()",
    "an endless loop that swallows every error": "def f():\n    while True:\n        try: 1 / 0\n        except BaseException: pass\nresult = f()",
    "a generator without end": "def g():\n    while True: yield 1\nresult = list(g())",
    "endless recursion": "def f(n): return f(n + 1)\nresult = f(0)",
    "recursion through a property": "class A:\n    @property\n    def x(self): return self.x\nresult = A().x",
    "recursion through __getattr__": "class A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nresult = A().a",
    "recursion through __eq__": "class A:\n    def __eq__(self, o): return o == self\nresult = A() == A()",
    "recursion through __str__": "class A:\n    def __str__(self): return str(self)\nresult = str(A())",
    "recursion through decorators": "def d(f): return d(f)\n@d\ndef g(): pass\nresult = g()",
    "comprehensions that multiply": "r = range(1000)\nresult = [0 for a in r for b in r for c in r for d in r for e in r]",
    "a huge range in a comprehension": "result = [i for i in range(10**12)]",
    "a huge range made a list": "result = list(range(10**12))",
    "a huge range summed": "result = sum(range(10**12))",
    "a huge range indexed by value": "result = range(10**12).index(0.5)",
    "a huge range made a set": "result = set(range(10**12))",
    "a huge range into fromkeys": "result = dict.fromkeys(range(10**12))",
    "a huge range into update": "def f():\n    s = set(); s.update(range(10**12)); return s\nresult = f()",
    "a huge range into extend": "def f():\n    s = []; s.extend(range(10**12)); return s\nresult = f()",
    "a huge range into Counter and deque": "from collections import Counter, deque\nresult = [deque(range(10**12)), Counter(range(10**12))]",
    "a huge range unpacked": "result = [*range(10**12)]",
    "a huge range as arguments": "def f(*a): return len(a)\nresult = f(*range(10**12))",
    "a slice that doubles its list": "def f():\n    q = [1]\n    while True: q[0:0] = q\nresult = f()",
    "an endless iterator put into a slice": "import itertools\ndef f():\n    q = [1]\n    q[:] = itertools.count()\nresult = f()",
    "a tower of powers": "result = 10**10**8",
    "a shift by billions": "result = 1 << 10**10",
    "squaring over and over": "def f():\n    x = 3\n    for _ in range(10**6): x = x * x\n    return x\nresult = f()",
    "adding over and over": "def f():\n    x = 1 << 4000\n    while True: x = x << 4000\nresult = f()",
    "a factorial": "import math\nresult = math.factorial(10**7)",
    "a product of a range": "import math\nresult = math.prod(range(1, 10**7))",
    "a float sum of a range": "import math\nresult = math.fsum(range(10**12))",
    "rounding to a billion digits": "result = round(5, -10**9)",
    "three-argument pow of huge numbers": "result = pow(3, 10**10**7, 7)",
    "a string repeated": "result = 'a' * 10**10",
    "a list repeated": "result = [0] * 10**10",
    "a list repeated in place": "def f():\n    x = [0]\n    while True: x *= 2\nresult = f()",
    "repeated by operator.mul": "import operator\nresult = operator.mul([0], 10**10)",
    "a string doubled": "def f():\n    x = 'a'\n    while True: x = x + x\nresult = f()",
    "a list extended by itself": "def f():\n    x = [0]\n    while True: x.extend(x)\nresult = f()",
    "a list extended by itself through its class": "def f():\n    x = [0]\n    while True: list.extend(x, x)\nresult = f()",
    "a list of itself twice": "def f():\n    x = [0]\n    while True: x = [*x, *x]\nresult = f()",
    "a tuple of itself twice": "def f():\n    x = (0,)\n    while True: x = (*x, *x)\nresult = f()",
    "many long lists": "result = [[0] * 90000 for _ in range(100000)]",
    "many copies of a long list": "def f():\n    x = [0] * 90000\n    return [x[:] for _ in range(100000)], [x.copy() for _ in range(100000)]\nresult = f()",
    "many copies of a long text": "def f():\n    x = 'a' * 90000\n    return [x + str(i) for i in range(100000)]\nresult = f()",
    "a text doubled by percent": "def f():\n    s = 'ab'\n    while True: s = '%s%s' % (s, s)\nresult = f()",
    "a text repeated by percent": "result = ('%(a)s' * 4000) % {'a': 'a' * 90000}",
    "the text of many long texts": "result = str(['a' * 90000] * 90000)",
    "arguments doubled by a call": "def f(*a): return f(*a, *a)\nresult = f(1)",
    "searches of a long list": "def f():\n    x = list(range(90000))\n    while True: -1 in x\nresult = f()",
    "searches of a long text": "def f():\n    x = 'a' * 90000 + 'b'\n    while True: 'a' * 40000 + 'c' in x\nresult = f()",
    "classes derived without end": "def f():\n    c = object\n    while True:\n        class c(c): pass\nresult = f()",
    "a hash that collides": "class A:\n    def __hash__(self): return 1\n    def __eq__(self, o): return False\nresult = {A() for _ in range(90000)}",
    "attributes that multiply": "class A:\n    def __getattr__(self, n): return [getattr(self, n + str(i)) for i in range(10)]\nresult = A().x",
    "an index without end": "class A:\n    def __index__(self):\n        while True: pass\nresult = [1, 2][A()]",
    "an object that iterates itself": "class A:\n    def __iter__(self): return iter(self)\nresult = list(A())",
    "an object without a last element": "class A:\n    def __getitem__(self, i): return i\nresult = [-1 in A(), list(A())]",
    "a comparison without end": "class A:\n    def __lt__(self, o):\n        while True: pass\nresult = sorted([A(), A()])",
    "a generator of generators": "def g(n):\n    if n:\n        yield from g(n - 1)\n        yield from g(n - 1)\n    yield n\nresult = list(g(60))",
    "a class body without end": "class A:\n    x = []\n    while True: x.append(1)\nresult = A",
    "a key function that fills memory": "result = sorted(range(90000), key=lambda x: [x] * 10000)",
    "digits by the million": "def f():\n    while True: int('9' * 4000)\nresult = f()",
    "a handler that recurses": "def f():\n    try: return f()\n    except BaseException: return f()\n    finally: f()\nresult = f()",
    "ten thousand parentheses": "result = " + "(" * 10000 + "1" + ")" * 10000,
    "ten thousand lambdas": "result = " + "lambda: " * 10000 + "1",
    "ten thousand signs": "result = " + "-" * 20000 + "undefined",
    "a width of billions": "result = '{:>9999999999}'.format('a')",
    "a width of billions by percent": "result = '%99999999999d' % 1",
    "a width of billions in an f-string": "w = 10**10\nresult = f'{1:>{w}}'",
    "a width passed as an argument": "result = '{:>{}}'.format('a', 10**10)",
    "a width passed by percent-star": "result = '%*d' % (10**10, 1)",
    "a width through the class": "result = str.format('{:>{w}}', 'a', w=10**10)",
    "a width through map": "result = list(map(str.format, ['{:>9999999999}'], [1]))",
    "replacements that explode": "result = ('a' * 90000).replace('a', 'b' * 90000)",
    "replacements that explode through the class": "result = str.replace('a' * 90000, 'a', 'b' * 90000)",
    "joins that explode": "result = ('a' * 90000).join(['b'] * 90000)",
    "joins of an endless iterator": "import itertools\nresult = ''.join(itertools.repeat('a'))",
    "an endless iterator in a list": "import itertools\nresult = list(itertools.count())",
    "an endless iterator in extend": "import itertools\ndef f():\n    x = []; x.extend(itertools.count()); return x\nresult = f()",
    "an endless iterator in product": "import itertools\nresult = itertools.product(itertools.count())",
    "an endless iterator in combinations": "import itertools\nresult = itertools.combinations(itertools.count(), 2)",
    "an endless iterator in islice": "import itertools\nresult = next(itertools.islice(itertools.count(), 10**15, None))",
    "an endless iterator in max, zip and sorted": "import itertools\nresult = [max(itertools.count()), sorted(itertools.cycle('ab'))]",
    "a product of products": "import itertools\nresult = list(itertools.product(range(100), repeat=10))",
    "a comparison of lists that share themselves": "def f():\n    a = b = []\n    a, b = [], []\n    for _ in range(60): a, b = [a, a], [b, b]\n    return a == b\nresult = f()",
    "the text of lists that share themselves": "def f():\n    a = []\n    for _ in range(60): a = [a, a]\n    return str(a)\nresult = f()",
    "an f-string of lists that share themselves": "def f():\n    a = []\n    for _ in range(60): a = [a, a]\n    return f'{a}'\nresult = f()",
    "the hash of tuples that share themselves": "def f():\n    a = ()\n    for _ in range(60): a = (a, a)\n    return {a: 1}\nresult = f()",
    "tuples nested very deep as a key": "def f():\n    a = ()\n    for _ in range(90000): a = (a,)\n    return {a: 1}\nresult = f()",
    "iterators nested very deep": "import itertools\ndef f():\n    a = iter([1])\n    for _ in range(90000): a = itertools.chain(a)\n    return list(a)\nresult = f()",
    "maps nested very deep": "def f():\n    a = [1]\n    for _ in range(20000): a = map(abs, a)\n    return list(a)\nresult = f()",
    "lists nested very deep": "def f():\n    a = []\n    for _ in range(90000): a = [a]\n    return repr(a)\nresult = f()",
    "a deep copy of lists nested very deep": "import copy\ndef f():\n    a = []\n    for _ in range(90000): a = [a]\n    return copy.deepcopy(a)\nresult = f()",
    "a sum of thirty thousand terms": "result = " + "+".join(["1"] * 30000) + " + undefined",
    "a chain of thirty thousand attributes": "x = 1\nresult = x" + ".real" * 30000 + ".undefined",
    "nested tensors of a billion values": "import torch\na = [0] * 1000\nresult = torch.tensor([[a] * 1000] * 1000)",
    "a tensor split into billions": "import torch\nresult = torch.zeros(10**9, 2).unbind(0)",
    "a tensor split one by one": "import torch\nresult = torch.zeros(10**9).split(1)",
    "a tensor chunked into billions": "import torch\nresult = torch.zeros(10**9).chunk(10**9)",
    "a loop over billions of rows": "import torch\nresult = [row for row in torch.zeros(10**9, 3)]",
    "the values of billions of elements": "import torch\nresult = torch.ones(10**9).tolist()",
}  # fmt: skip


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_program_that_would_cost_too_much_is_refused(source: str) -> None:
    outcome: object = None
    try:
        outcome = value(source, limits=LIMITS)
    except (BudgetSpentError, UnsupportedError) as error:
        outcome = Unknown(error.reason)
    except RaisedError as error:
        outcome = error.value
    assert isinstance(outcome, (Unknown, OverflowError, ValueError, RuntimeError)), type(outcome)
    assert "out of memory" not in str(outcome)  # refused before memory is full, not then


BACKTRACKING = {
    "nested repeats": r"(a+)+$",
    "alternatives that overlap": r"(a|a)*$",
    "alternatives of two lengths": r"(a|aa)+$",
    "many optional parts": r"(a?){40}a{40}",
    "many repeats in a row": r"a*a*a*a*a*a*a*a*a*b",
    "nested through a group": r"((a*)b?)*c",
    "a back reference": r"(a*)\1\1\1\1$b",
}


@pytest.mark.parametrize("pattern", BACKTRACKING.values(), ids=BACKTRACKING.keys())
@pytest.mark.parametrize(
    "call", ["re.match({p!r}, {t!r})", "re.compile({p!r}).search({t!r})", "re.sub({p!r}, 'x', {t!r})"]
)
def test_a_regular_expression_takes_bounded_time(pattern: str, call: str) -> None:
    source = "import re\nresult = " + call.format(p=pattern, t="a" * 4000 + "!")
    assert isinstance(value(source, limits=LIMITS), Unknown)


@pytest.mark.parametrize("call", ["re.compile({p!r})", "re.search({p!r}, 'x')", "re.sub('(x)', '\\\\2', 'x')"])
def test_a_regular_expression_that_is_none_is_the_programs_error(call: str) -> None:
    with pytest.raises(RaisedError):
        value("import re\ndef f():\n    return " + call.format(p="layers.((") + "\nresult = f()", limits=LIMITS)


def test_ordinary_regular_expressions_are_run() -> None:
    source = r"""
import re
pattern = re.compile(r"^model\.layers\.(\d+)\.(\w+)\.weight$")
result = [re.sub(r"gamma$", "weight", "norm.gamma"), pattern.match("model.layers.12.attn.weight").group(1), bool(re.search("attn|mlp", "x.mlp.y")),
          re.findall(r"\d+", "a1b22"), re.split(r"[.,]", "a.b,c"), re.fullmatch(r"[a-z]+", "abc").group(), re.match("x", "abc")]
"""
    assert value(source) == ["norm.weight", "12", True, ["1", "22"], ["a", "b", "c"], "abc", None]


REACHING_OUT = {
    "system": "import os\nresult = os.system('touch {marker}')",
    "popen": "import os\nresult = os.popen('touch {marker}').read()",
    "subprocess": "import subprocess\nresult = subprocess.run(['touch', '{marker}'])",
    "a module by name": "result = __import__('os').system('touch {marker}')",
    "a module by importlib": "import importlib\nresult = importlib.import_module('os').system('touch {marker}')",
    "eval": "result = eval(\"open('{marker}', 'w').close()\")",
    "exec": "result = exec(\"open('{marker}', 'w').close()\")",
    "compile": "result = compile(\"open('{marker}', 'w')\", 'x', 'eval')",
    "open": "result = open('{marker}', 'w').write('x')",
    "open through io": "import io\nresult = io.open('{marker}', 'w').write('x')",
    "a path": "import pathlib\nresult = pathlib.Path('{marker}').touch()",
    "builtins": "import builtins\nresult = builtins.open('{marker}', 'w')",
    "builtins through globals": "result = globals()['__builtins__']['open']('{marker}', 'w')",
    "subclasses": "for c in ().__class__.__base__.__subclasses__():\n    if c.__name__ == '_wrap_close': c.__init__.__globals__['system']('touch {marker}')\nresult = c",
    "subclasses by joined names": "result = getattr(getattr((), '__' + 'class__'), '__' + 'base__').__subclasses__()",
    "subclasses by attrgetter": "import operator\nsubs = operator.attrgetter('__class__.__base__.__subclasses__')(())()\n"
    "wrap = [c for c in subs if c.__name__ == '_wrap_close'][0]\nresult = operator.attrgetter('__init__.__globals__')(wrap)['system']('touch {marker}')",
    "subclasses by methodcaller": "import operator\nresult = operator.methodcaller('__subclasses__')(object)",
    "the globals of a function": "def f(): pass\nresult = f.__globals__['__builtins__']['open']('{marker}', 'w')",
    "the code of a function": "def f(): pass\nresult = f.__code__.co_consts",
    "the globals of a bound method of a list": "result = [].append.__self__.__class__.__base__.__subclasses__()",
    "the frame of a generator": "def g(): yield 1\nresult = g().gi_frame.f_back.f_globals",
    "the traceback of an error": "def f():\n    try: 1 / 0\n    except Exception as e: return e.__traceback__.tb_frame.f_globals\nresult = f()",
    "the interpreter behind a function": "def f(): pass\nresult = f.interpreter.library",
    "the interpreter behind a native": "result = len.run.__globals__",
    "the loader of a module": "import torch\nresult = torch.__loader__.load_module('os')",
    "sys.modules": "import sys\nresult = sys.modules['os'].system('touch {marker}')",
    "a pickle": "import pickle\nresult = pickle.loads(b\"cos\\nsystem\\n(S'touch {marker}'\\ntR.\")",
    "ctypes": "import ctypes\nresult = ctypes.CDLL(None).system(b'touch {marker}')",
    "torch.load": "import torch\nresult = torch.load('{marker}')",
    "torch.save": "import torch\nresult = torch.save([1], '{marker}')",
    "torch.hub": "import torch\nresult = torch.hub.load('a/b', 'c')",
    "a decorator": "import os\n@os.system\ndef f(): pass\nresult = f('touch {marker}')",
    "a metaclass": "class M(type):\n    def __new__(m, n, b, d): return open('{marker}', 'w')\nclass A(metaclass=M): pass\nresult = A",
    "a default argument": "import os\ndef f(x=os.system('touch {marker}')): return x\nresult = f()",
    "the type of a function": "def f(): pass\nresult = type(f)(f.__code__, {{}})",
    "a class of the host as a base": "def f(): pass\nclass A(type(f)): pass\nresult = A(1, 2, 3, 4, 5, 6)",
    "sorted by a host function": "import os\nresult = sorted(['touch {marker}'], key=os.system)",
    "partial of a host function": "import os, functools\nresult = functools.partial(os.system, 'touch {marker}')()",
    "module level, not asked for": "open('{marker}', 'w').write('x')\nimport os; os.system('touch {marker}')\nresult = 1",
}  # fmt: skip


@pytest.mark.parametrize("source", REACHING_OUT.values(), ids=REACHING_OUT.keys())
def test_nothing_of_a_program_is_executed(source: str, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    try:
        found = value(source.format(marker=marker), limits=LIMITS)
    except (RaisedError, UnsupportedError, BudgetSpentError):
        found = None
    assert not marker.exists()
    assert found is None or found == 1 or isinstance(found, Unknown) or type(found).__module__.startswith("archviz."), (
        found
    )


LEAKS = {
    "format by attribute": "result = '{0.__class__.__init__.__globals__}'.format(1)",
    "format by attribute of an interpreted object": "class A: pass\nresult = '{0.cls.interpreter}'.format(A())",
    "format by item and attribute": "result = '{0[0].__class__.__mro__}'.format([1])",
    "format through the class": "result = str.format('{0.__class__.__base__.__subclasses__}', 1)",
    "format of a function": "def f(): pass\nresult = '{0.interpreter.limits}'.format(f)",
    "format by attribute, nested in a width": "result = '{0:{1.__class__.__base__.__init__}}'.format(1, 2)",
}


@pytest.mark.parametrize("source", LEAKS.values(), ids=LEAKS.keys())
def test_a_format_string_does_not_reach_into_objects(source: str) -> None:
    try:
        found = value(source, limits=LIMITS)
    except (RaisedError, UnsupportedError):
        return
    assert isinstance(found, Unknown)
