"""Expressions mean what they mean in Python: every snippet is run by both."""

from __future__ import annotations

import pytest

from tests.interpreter.programs import in_python, model, plain, value

SNIPPETS = {
    "chained comparisons look at each operand once": """
calls = []
def f(x):
    calls.append(x)
    return x
def run():
    return [f(1) < f(2) < f(3), f(3) > f(1) > f(2), 1 < 2 == 2 != 3, calls]
result = run()
""",
    "and and or give back an operand, and look no further than they must": """
def f(): raise RuntimeError("not reached")
result = [0 or "a", "" or [] or None, 1 and 2, 0 and f(), 1 or f(), not [], not "x"]
""",
    "conditional expressions and lambdas nest": """
f = lambda x, *, k=2: (lambda y: x * y + k) if x else (lambda y: None)
result = [f(3)(4), f(0)(4), f(1, k=7)(1)]
""",
    "lambda defaults are bound when the lambda is made": """
fs = [lambda x=i: x for i in range(3)]
late = [lambda: i for i in range(3)]
result = [[f() for f in fs], [f() for f in late]]
""",
    "comprehensions nest, filter and unpack": """
pairs = [("a", 1), ("b", 2), ("c", 3)]
result = [
    [x * y for x in range(4) if x % 2 for y in range(x) if y],
    {k: v for k, v in pairs if v != 2},
    {v % 2 for _, v in pairs},
    list(x for x in [[c for c in k * v] for k, v in pairs]),
    [[row[i] for row in [[1, 2], [3, 4]]] for i in range(2)],
]
""",
    "a comprehension's names stay inside it": """
x = "outside"
inside = [x for x in range(3)]
result = [x, inside]
""",
    "a comprehension in a class body sees the class's names in its first iterable": """
class A:
    sizes = [1, 2, 3]
    twice = [2 * size for size in sizes]
    total = sum(size for size in sizes)
result = [A.twice, A.total]
""",
    "a walrus binds in the enclosing function": """
def f(values):
    found = [y for x in values if (y := x * 2) > 4]
    return found, y
def g(n):
    while (n := n - 2) > 0:
        last = n
    return n, last
result = [f([1, 2, 3, 4]), g(9)]
""",
    "slices, negative steps and slice objects": """
a = list(range(10))
s = slice(2, None, 3)
b = a[:]
b[2:5] = ["x"]
c = a[:]
del c[::2]
result = [a[1:8:2], a[::-1], a[-3:], a[:-3], a[s], "abcdef"[::-2], (1, 2, 3)[1:], b, c, s.indices(8)]
""",
    "star expressions unpack in calls, lists, sets, tuples and dicts": """
def f(*args, **kwargs): return args, sorted(kwargs.items())
a, d = [1, 2], {"x": 1}
result = [f(*a, 3, *"bc", **d, y=2), [*a, 0, *a], (*a,), sorted({*a, 2, 3}), {**d, "x": 2, **{"z": 3}}, {"x": 5, **d}]
""",
    "assignments unpack patterns": """
a, (b, *c), d = 1, (2, 3, 4), 5
*first, last = "xyz"
head, *tail = range(4)
i = j = [0]
k = []
[m, n] = {"m": 1, "n": 2}
result = [a, b, c, d, first, last, head, tail, i is j, k, m, n]
""",
    "f-strings format, convert, nest and align": """
pi, name, width, n = 3.14159, "q", 8, 1234567
result = [
    f"{pi:.2f}", f"{pi:>{width}.1f}|", f"{name!r:>6}", f"{name:*^7}", f"{n:,}", f"{n:_d}", f"{255:#x} {255:08b}", f"{0.25:.1%}",
    f"{{}} {name}{'!' * 3}", f"{n = }", f"{n=:e}", f"{[1, 'a', None]} {(1,)} {dict(a=1)}", f"{True} {None!s} {1e20} {1e-7}",
]
""",
    "text is formatted by percent and by format": """
result = ["%s-%d-%05.1f" % ("a", 3, 2.25), "%(a)s %%" % {"a": 1}, "{} {0.5} {1}".replace("0.5", "x"), "{1}-{0}-{name:>4}".format("a", "b", name=3),
          "{:>6}|{:<6}|{:^6}".format("r", "l", "c"), "{0[1]}{a[k]}".format([1, 2], a={"k": "v"}), "%r" % ["x"], "%x %o %c" % (255, 8, "z")]
""",
    "numbers behave as numbers": """
result = [7 // 2, -7 // 2, -7 % 3, 7 / 2, 2 ** 10, 2 ** -1, 2 ** 0.5, 1 << 5, 255 >> 3, 6 & 3, 6 | 3, 6 ^ 3, ~5, -(-3), +4, 1e3, 10 ** 20,
          divmod(-7, 3), abs(-2.5), round(2.5), round(3.14159, 2), int("42"), int("ff", 16), float("1e-3"), int(-3.9), 3 + 4j, bool([]), True + True,
          0.1 + 0.2, 5 % -3, 1_000, 0x1F, 0b11, 7 .bit_length(), (0.5).is_integer(), (0.5).as_integer_ratio()]
""",
    "sets, dicts and lists combine": """
a, b = {1, 2, 3}, {2, 3, 4}
d = {"a": 1} | {"b": 2}
e = {"a": 1}
e |= {"a": 3, "c": 4}
result = [a & b, a | b, a - b, a ^ b, a <= {1, 2, 3, 4}, a < a, d, e, [1] + [2], [0] * 3, 2 * "ab", (1,) + (2,), [1, 2] < [1, 3], (2,) > (1, 5)]
""",
    "identity and membership": """
a = [1]
result = [a is a, a is [1], a is not None, 1 in a, 2 not in a, "b" in "abc", "k" in {"k": 1}, (1, 2) in [(1, 2)], 3 in range(5), None in (None,)]
""",
    "a subscript takes tuples, ellipses and nested slices as they are": """
class Grid:
    def __getitem__(self, key): return key
g = Grid()
result = [g[1, 2:3, ...], g[::2], g[()], g[None, -1], g["a"]]
""",
    "strings answer to their methods": """
s = "model.layers.0.self_attn.q_proj"
result = [s.split("."), s.rsplit(".", 1), s.partition("."), s.rpartition("."), s.replace("q_", "k_"), s.startswith(("x", "model")), s.endswith("proj"),
          "_".join(["a", "b"]), " x ".strip(), "aBc".upper(), "abc".title(), s.count("."), s.find("zz"), s.removeprefix("model."), "a1".isalnum(),
          s.removesuffix("_proj"), "a\\tb\\nc".splitlines(), "é".encode("utf-8"), b"ab".decode(), "x" "y", "AbC".swapcase(), "12".isdigit()]
""",
    "lists, dicts and sets answer to their methods": """
def run():
    l = [3, 1, 2]; l.append(0); l.extend([5, 4]); l.sort(key=lambda v: -v); l.insert(1, 9); popped = l.pop(); l.remove(3); l.reverse()
    d = {"a": 1, "b": 2}; d.setdefault("c", []).append(1); d.update(z=5, **{"y": 6}); gone = d.pop("a"); d.pop("none", None)
    s = {1, 2}; s.add(3); s.discard(9); s |= {7}; s.update([8])
    return [l, popped, d, gone, list(d), list(d.items()), list(d.values()), d.get("q", 4), sorted(s), s.issuperset({1}), l.index(9), l.count(1), l.copy() == l,
          dict.fromkeys("ab", 0), dict(zip("ab", range(2))), dict([("k", 1)], j=2)]
result = run()
""",
}


@pytest.mark.parametrize("source", SNIPPETS.values(), ids=SNIPPETS.keys())
def test_an_expression_means_what_it_means_in_python(source: str) -> None:
    assert plain(value(source)) == in_python(source)


def test_what_settles_a_choice_does_so_beside_something_unknown() -> None:
    assert value("import torch\nresult = [torch.of_no_stub and False, torch.of_no_stub or True]") == [False, True]


def test_the_last_operand_of_a_choice_is_the_answer_whatever_it_is() -> None:
    found = model(
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(1, 2)\n        self.l.bias is not None and nn.init.zeros_(self.l.bias)\n"
    )
    assert found.gaps == []
