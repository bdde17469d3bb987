"""Ways to break a source text or a JSON document at random, and ways to change a source text without changing its meaning."""

from __future__ import annotations

import ast
import copy
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

ABSURD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 7, 10**9, -(10**9), 10**18, 0.5, -0.0, 1e308, "", "32", "x" * 300, "\x00\x1b[31m\u202e", "../../etc",
    [], [0], [None] * 3, {}, {"a": {"b": []}}, [[[]]], "relu", ["full_attention"], {"rope_type": "yarn"},
)  # fmt: skip
OPERATORS: tuple[type[ast.operator], ...] = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.FloorDiv,
    ast.Div,
    ast.Mod,
    ast.Pow,
    ast.LShift,
    ast.MatMult,
)
BOMBS = (
    "while True: pass",
    "for _bomb in range(10**12): pass",
    "_bomb = [0] * 10**9",
    "_bomb = 'a' * 10**9",
    "_bomb = 10**10**8",
    "_bomb = [[i for i in range(10**4)] for j in range(10**6)]",
    "_bomb = __import__('os').system('true')",
    "def _bomb(n=0): return _bomb(n + 1)\n_bomb()",
    "_bomb = lambda f: f(f)\n_bomb(_bomb)",
    "_bomb = ().__class__.__base__.__subclasses__()",
    "raise SystemExit(3)",
    "raise KeyboardInterrupt",
    '_bomb = f"{1:>{10**9}}"',
    "_bomb = {}\nfor _i in range(10**5): _bomb = {0: _bomb}\nstr(_bomb)",
    "_bomb = []\n_bomb.append(_bomb)\nrepr(_bomb); _bomb == [_bomb]; hash((_bomb,))",
    "import os; os.environ['X'] = '1'; os.remove('x')",
    "yield 1",
    "return",
    "del self",
    "super().__init__()",
    "self.add_module('a\\nb', None); self.add_module('', self)",
    "self.again = self",
    "self.forward = self.forward",
)  # fmt: skip

# --- text -----------------------------------------------------------------------------------------------------------


def mutated_text(text: str, chance: random.Random) -> str:
    """A source text with one to six things broken, by lines, by tokens or in its syntax tree."""
    for _ in range(chance.randint(1, 6)):
        mutate = chance.choice(TEXT_MUTATIONS)
        text = mutate(text, chance)
    return text


def _place(lines: list[str], chance: random.Random) -> int:
    """A line, most often below the licence and the imports."""
    start = min(40, len(lines) - 1) if chance.random() < 0.9 else 0
    return chance.randrange(start, len(lines))


def by_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    place, other = _place(lines, chance), _place(lines, chance)
    kind = chance.choice(["drop", "double", "move", "swap", "indent", "truncate", "join"])
    if kind == "drop":
        del lines[place]
    elif kind == "double":
        lines.insert(place, lines[place])
    elif kind == "move":
        lines.insert(other, lines.pop(place))
    elif kind == "swap":
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == "indent":
        lines[place] = " " * chance.randint(0, 12) + lines[place].lstrip()
    elif kind == "truncate":
        lines[place] = lines[place][: chance.randint(0, len(lines[place]))]
        del lines[place + 1 : place + 1 + chance.choice([0, 0, 1, 100_000])]
    else:
        lines[place] += chance.choice([";", "", " ", "\\"]) + (
            lines[place + 1].lstrip() if place + 1 < len(lines) else ""
        )
    return "\n".join(lines) or "\n"


def by_tokens(text: str, chance: random.Random) -> str:
    tokens = list(re.finditer(r"[A-Za-z_]\w*|\d+|\S", text))
    if not tokens:
        return text
    chosen, other = chance.choice(tokens), chance.choice(tokens)
    new = chance.choice(
        [
            other[0],
            "",
            "0",
            "-1",
            str(10**9),
            "None",
            "self",
            "config",
            "(",
            ")",
            "[",
            "]",
            "\x00",
            "\ufeff",
            "é",
            "__class__",
            "await ",
            "*",
            "**",
        ]
    )
    return text[: chosen.start()] + new + text[chosen.end() :]


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _bodies(tree: ast.AST) -> list[list[ast.stmt]]:
    """Every list of statements of a tree, those of functions three times as likely."""
    found: list[list[ast.stmt]] = []
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body:
                found += [body] * (3 if isinstance(node, ast.FunctionDef) else 1)
    return found


def by_tree(text: str, chance: random.Random) -> str:
    tree = _tree(text)
    if tree is None or not tree.body:
        return text
    chance.choice(TREE_MUTATIONS)(tree, chance)
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (ValueError, RecursionError, AttributeError):
        return text


def _statements(tree: ast.Module, chance: random.Random) -> None:
    body, other = chance.choice(_bodies(tree)), chance.choice(_bodies(tree))
    place = chance.randrange(len(body))
    kind = chance.choice(["drop", "double", "swap", "move", "bomb", "bomb", "loop", "recurse", "class"])
    if kind == "drop" and len(body) > 1:
        del body[place]
    elif kind == "double":
        body.insert(place, copy.deepcopy(body[place]))
    elif kind == "swap":
        at = chance.randrange(len(body))
        body[place], body[at] = body[at], body[place]
    elif kind == "move":
        other.insert(chance.randrange(len(other) + 1), copy.deepcopy(body[place]))
    elif kind == "bomb":
        body[place:place] = ast.parse(chance.choice(BOMBS)).body
    elif kind == "loop":
        loop: Any = ast.parse(f"for _i in range({chance.choice([0, 2, 10**12])}): pass").body[0]
        loop.body = [copy.deepcopy(body[place])]
        body[place] = loop
    elif kind == "recurse":
        functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        if functions:
            body.insert(place, ast.parse(f"{chance.choice(functions).name}(config)").body[0])
    else:
        body[place:place] = ast.parse(
            "class _C(dict):\n    def __getattr__(self, n): return self\n    __eq__ = __getattr__\n_c = _C()"
        ).body


def _expressions(tree: ast.Module, chance: random.Random) -> None:
    nodes = list(ast.walk(tree))
    for node in chance.sample(nodes, min(len(nodes), 400)):
        if isinstance(node, ast.BinOp):
            node.op = chance.choice(OPERATORS)()
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, (int, str, float))
            and not isinstance(node.value, bool)
        ):
            node.value = chance.choice([value for value in ABSURD if not isinstance(value, (list, dict))])
        elif isinstance(node, ast.Compare):
            node.ops = [chance.choice([ast.Eq, ast.Lt, ast.In, ast.Is, ast.NotIn])() for _ in node.ops]
        elif isinstance(node, ast.Call) and node.args:
            chance.choice([node.args.reverse, node.args.clear, node.keywords.clear])()
        elif isinstance(node, ast.arguments) and node.args:
            node.args.pop()
            del node.defaults[len(node.args) :]
        else:
            continue
        return


def _names(tree: ast.Module, chance: random.Random) -> None:
    named = [node for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.Attribute))]
    if len(named) > 1:
        one, two = chance.sample(named, 2)
        new = two.id if isinstance(two, ast.Name) else two.attr
        if isinstance(one, ast.Name):
            one.id = new
        else:
            one.attr = new


TREE_MUTATIONS: tuple[Callable[[ast.Module, random.Random], None], ...] = (
    _statements,
    _statements,
    _expressions,
    _names,
)
TEXT_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (by_lines, by_tokens, by_tree, by_tree)

# --- text that means the same ----------------------------------------------------------------------------------------


def rewritten_text(text: str, chance: random.Random) -> str:
    """A source text that builds the same model, written otherwise: what is read from it must not change."""
    tree = ast.parse(text)
    for _ in range(chance.randint(1, 8)):
        body = chance.choice(_bodies(tree))
        place = chance.randrange(len(body))
        _rewrite(body, place, chance)
    return ast.unparse(ast.fix_missing_locations(tree))


def _rewrite(body: list[ast.stmt], place: int, chance: random.Random) -> None:
    plain = isinstance(body[place], (ast.Assign, ast.AugAssign)) and not isinstance(body[place], ast.Return)
    kind = chance.choice(["if", "for", "try", "with", "before", "double number"]) if plain else "before"
    if kind == "before":
        is_first = place == 0 and isinstance(body[0], ast.Expr)  # a docstring stays the first
        first_import = isinstance(body[place], ast.ImportFrom) and getattr(body[place], "module", "") == "__future__"
        if not is_first and not first_import:
            body[place:place] = ast.parse(
                chance.choice(
                    ["pass", "_unused = [i * 2 for i in range(3)]", "def _unused(a, *b): return a", "assert True"]
                )
            ).body
        return
    if kind == "double number":
        for node in ast.walk(body[place]):
            if isinstance(node, ast.Call):
                node.args = [_plus_nothing(each) for each in node.args]
        return
    wrapper: Any = ast.parse(
        {
            "if": "if not False: pass",
            "for": "for _once in (0,): pass",
            "try": "try: pass\nfinally: _done = 1",
            "with": "if True and (1 or 0): pass",
        }[kind]
    ).body[0]
    wrapper.body = [body[place]]
    body[place] = wrapper


def _plus_nothing(node: ast.expr) -> ast.expr:
    """`n` as `n + 0`, for a whole number."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return ast.BinOp(node, ast.Add(), ast.Constant(0))
    return node


# --- JSON -----------------------------------------------------------------------------------------------------------


def mutated_document(document: Any, chance: random.Random) -> Any:
    """A JSON document with one to five values replaced, removed, doubled, moved, renamed or nested too deep."""
    found = copy.deepcopy(document)
    for _ in range(chance.randint(1, 5)):
        containers = list(_containers(found))
        if not containers:
            return found
        _mutate_container(chance.choice(containers), containers, chance)
    return found


def _containers(value: Any) -> Iterator[Any]:
    """Every container that is not empty, a few dozen deep."""
    waiting = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, (dict, list)) and each and depth < 40:
            yield each
            waiting += [(part, depth + 1) for part in (each.values() if isinstance(each, dict) else each)]


def _small(value: Any, budget: int = 2_000) -> bool:
    """Whether a document may be copied into itself."""
    return sum(1 for _ in _containers(value)) < budget


def _mutate_container(chosen: Any, containers: list[Any], chance: random.Random) -> None:
    keys = list(chosen) if isinstance(chosen, dict) else list(range(len(chosen)))
    key = chance.choice(keys)
    kind = chance.choice(["absurd", "absurd", "absurd", "drop", "number", "copy", "deep", "add"])
    if kind == "absurd":
        chosen[key] = copy.deepcopy(chance.choice(ABSURD))
    elif kind == "drop":
        del chosen[key]
    elif kind == "number" and isinstance(chosen[key], (int, float)):
        chosen[key] = chosen[key] * chance.choice([-1, 0, 2, 3, 0.5, 10**6]) + chance.choice([0, 1, -1])
    elif kind == "copy":
        other = chance.choice(containers)
        chosen[key] = copy.deepcopy(other) if _small(other) else []
    elif kind == "deep":
        value: Any = chosen[key]
        for _ in range(chance.choice([3, 60, 400])):
            value = [value] if chance.random() < 0.5 else {"a": value}
        chosen[key] = value
    elif isinstance(chosen, dict):
        chosen[chance.choice(["", "x\n", "_private", "__class__", "id", "\u202e", "self", "label" * 50])] = chosen[key]
    else:
        chosen.extend(copy.deepcopy(chosen[: chance.choice([1, 3, 300])]))


def mutated_json(text: str, chance: random.Random) -> bytes:
    """JSON text with bytes broken: cut off, repeated, overwritten, in another encoding."""
    data = text.encode("utf-8", "surrogatepass")
    kind = chance.choice(["cut", "byte", "utf-16", "nan", "doubled"])
    if kind == "cut":
        return data[: chance.randrange(len(data))]
    if kind == "byte":
        at = chance.randrange(len(data))
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    if kind == "utf-16":
        return text.encode("utf-16", "surrogatepass")
    if kind == "nan":
        return re.sub(
            rb"\b\d+\b",
            chance.choice([b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400]),
            data,
            count=chance.randint(1, 3),
        )
    return data.replace(b"{", b'{"hidden_size": [], "hidden_size": -3, ', 1)
