"""A toy of the interpreter: abstract values, a table of syntax rules, a table of stubs, gaps instead of guesses.

It runs `__init__` of small modules and `forward` over shapes, as `archviz.interpreter` does for all of Python; the names
are the same there. Read this first, then `archviz/interpreter/machine.py`. `test_toy.py` runs it.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Names = dict[str, Any]


@dataclass(frozen=True)
class Unknown:
    """A value that was not understood: it spreads through every use instead of raising."""

    reason: str


@dataclass(frozen=True)
class Tensor:
    """A tensor without numbers."""

    shape: tuple[int, ...]


@dataclass
class Module:
    """An object of an interpreted `nn.Module` class, or of a layer from the table (`rule` is its forward)."""

    methods: dict[str, ast.FunctionDef]
    rule: Callable[[Module, Tensor], Tensor] | None = None
    parameters: dict[str, Tensor] = field(default_factory=dict)
    children: dict[str, Module] = field(default_factory=dict)
    attributes: Names = field(default_factory=dict)


def linear(columns: int, rows: int) -> Module:
    """`nn.Linear`: what it registers, and what its forward does to a shape."""
    return Module(
        {}, lambda self, x: Tensor((*x.shape[:-1], rows)), {"weight": Tensor((rows, columns)), "bias": Tensor((rows,))}
    )


STUBS: Names = {"nn.Linear": linear, "torch.relu": lambda x: x, "range": range, "torch.cat": lambda parts: Tensor(
    (*parts[0].shape[:-1], sum(part.shape[-1] for part in parts)))}  # fmt: skip


class Toy:
    """Runs a program over abstract values: one rule for a syntax node, one stub for a library name."""

    def __init__(self, source: str, steps: int = 10_000) -> None:
        self.classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
        self.steps = steps
        self.gaps: list[tuple[int, str]] = []

    def build(self, name: str, *args: Any) -> Module:
        """An object of a class of the program, its `__init__` run."""
        methods = {node.name: node for node in self.classes[name].body if isinstance(node, ast.FunctionDef)}
        module = Module(methods)
        self.run(methods["__init__"], module, *args)
        return module

    def call(self, module: Module, *args: Any) -> Any:
        """`module(*args)`: a stub's rule, or the interpreted `forward`."""
        return module.rule(module, *args) if module.rule else self.run(module.methods["forward"], module, *args)

    def run(self, function: ast.FunctionDef, *args: Any) -> Any:
        names = dict(zip([each.arg for each in function.args.args], args, strict=True))
        return self.block(function.body, names)

    def block(self, body: list[ast.stmt], names: Names) -> Any:
        for node in body:
            self.steps -= 1  # the budget: whatever the program does, it ends
            if self.steps < 0:
                raise RuntimeError("too many steps")
            match node:
                case ast.Return(value=ast.expr() as value):
                    return self.evaluate(value, names)
                case ast.Assign(targets=[target], value=value):
                    self.assign(target, self.evaluate(value, names), names)
                case ast.For(target=target, iter=values, body=inner):
                    for each in self.evaluate(values, names):
                        self.assign(target, each, names)
                        self.block(inner, names)
                case ast.Expr(value=value):
                    self.evaluate(value, names)
                case _:
                    self.gaps.append((node.lineno, f"{type(node).__name__} is not understood"))

    def assign(self, target: ast.expr, value: Any, names: Names) -> None:
        if isinstance(target, ast.Name):
            names[target.id] = value
        elif isinstance(target, ast.Attribute):  # `self.name = value`: a submodule, or a plain attribute
            owner = names["self"]
            (owner.children if isinstance(value, Module) else owner.attributes)[target.attr] = value
            if isinstance(value, Unknown):
                self.gaps.append((target.lineno, value.reason))

    def evaluate(self, node: ast.expr, names: Names) -> Any:
        rule = RULES.get(type(node))
        return rule(self, node, names) if rule else Unknown(f"{type(node).__name__} is not understood")


def name_rule(toy: Toy, node: ast.Name, names: Names) -> Any:
    return names.get(node.id, STUBS.get(node.id, Unknown(f"{node.id} is not defined")))


def attribute_rule(toy: Toy, node: ast.Attribute, names: Names) -> Any:
    if isinstance(node.value, ast.Name) and node.value.id in ("nn", "torch"):
        dotted = f"{node.value.id}.{node.attr}"
        return STUBS.get(dotted, Unknown(f"{dotted} has no stub"))
    owner = toy.evaluate(node.value, names)
    return (
        owner.children.get(node.attr, owner.attributes.get(node.attr))
        if isinstance(owner, Module)
        else Unknown(node.attr)
    )


def call_rule(toy: Toy, node: ast.Call, names: Names) -> Any:
    if ast.unparse(node.func) == "super().__init__":
        return None
    function, args = toy.evaluate(node.func, names), [toy.evaluate(each, names) for each in node.args]
    unknown = next((each for each in (function, *args) if isinstance(each, Unknown)), None)
    return unknown or (toy.call(function, *args) if isinstance(function, Module) else function(*args))


def binary_rule(toy: Toy, node: ast.BinOp, names: Names) -> Any:
    left, right = toy.evaluate(node.left, names), toy.evaluate(node.right, names)
    if isinstance(left, Tensor):
        return left  # broadcasting, for operands of one shape
    return {ast.Add: operator.add, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}[type(node.op)](left, right)


RULES: dict[type, Callable[[Toy, Any, Names], Any]] = {
    ast.Constant: lambda toy, node, names: node.value,
    ast.List: lambda toy, node, names: [toy.evaluate(each, names) for each in node.elts],
    ast.Name: name_rule,
    ast.Attribute: attribute_rule,
    ast.Call: call_rule,
    ast.BinOp: binary_rule,
}
