"""What a model makes itself: tensors that its constructors compute and a pass reads, kinds of tokens and the like that forward makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from zlib import crc32

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import Event, StoredTensor
from archviz.spans import Span
from archviz.verify.claims import Claim
from archviz.verify.formula_claims import value_formula
from archviz.verify.source_lines import Function, SourceLines

_LONGEST = 120
_MOST = 40
_COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def constant_claims(context: Context, lines: SourceLines) -> Iterator[Claim]:
    """How each tensor that is no weight, and that a pass reads, was made; frequencies are told by the rotations."""
    weights = {tensor.name for module in context.modules.values() for tensor in module.parameters.values()}
    told: set[str] = set()
    for number, held in context.reading.stored.items():
        if held.name in weights or number in context.reading.frequencies or len(told) == _MOST:
            continue
        words = _how(held, lines)
        if words is not None and words not in told:
            told.add(words)
            yield Claim(
                "module.constant", words, "verified", lines.evidence(held.at), part=held.name.rpartition(".")[0]
            )


def _how(held: StoredTensor, lines: SourceLines) -> str | None:
    """The name of a tensor and the statement that made it, with a number that is another where what it reads was made otherwise."""
    steps = making(lines, held.at)
    if not steps:
        return None
    text = ast.unparse(steps[-1].value) if isinstance(steps[-1], (ast.Assign, ast.Return)) and steps[-1].value else ""
    text = " ".join((text or ast.unparse(steps[-1])).split())
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    name = held.name.rpartition(".")[2]
    helpers = _helpers(lines, held.at, steps)
    if len(steps) == 1 and shown == text and not helpers:
        return f"{name}: {shown}"
    whole = "\n".join(map(ast.unparse, (*steps, *helpers)))
    return f"{name}: {shown} (made by {len(steps) + len(helpers)} statements and functions, checksum {crc32(whole.encode()):08x})"


def _helpers(lines: SourceLines, at: Span | None, steps: Sequence[ast.stmt]) -> list[Function]:
    """The functions of the same file that some statements call, and those that these call."""
    named: dict[str, list[Function]] = {}
    for function in lines.functions(at):
        named.setdefault(function.name, []).append(function)
    found: list[Function] = []
    todo: list[ast.stmt] = list(steps)
    while todo:
        for node in ast.walk(todo.pop()):
            called = node.func if isinstance(node, ast.Call) else None
            own = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self"
            name = called.id if isinstance(called, ast.Name) else called.attr if own else ""  # type: ignore[union-attr] # see `own`
            new = [each for each in named.get(name, ()) if each not in found]
            found += new
            todo += new
    return found


def making(lines: SourceLines, at: Span | None) -> list[ast.stmt]:
    """The statement on a line, and before it those of its function that bind what it reads, in order."""
    function = lines.function(at)
    if function is None or at is None:
        return []
    inside = [each for each in ast.walk(function) if isinstance(each, ast.stmt) and not isinstance(each, _COMPOUND)]
    around = [each for each in inside if each.lineno <= at.line <= (each.end_lineno or each.lineno)]
    if not around:
        return []
    found = [max(around, key=lambda each: each.lineno)]
    wanted = _names(found[0], ast.Load)
    for each in sorted((e for e in inside if e.lineno < found[0].lineno), key=lambda e: -e.lineno):
        if _names(each, ast.Store) & wanted:
            found.append(each)
            wanted |= _names(each, ast.Load)
    return found[::-1]


def _names(statement: ast.stmt, context: type[ast.expr_context]) -> set[str]:
    """Names and attributes of `self` that a statement reads or binds; what is written into counts as bound."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) or not isinstance(node.ctx, context):
            continue
        base: ast.expr = node
        while isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Name) or (isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name)):
            found.add(ast.unparse(base))
    return found - {"self", "torch", "nn", "math"}


def made_claims(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """What a module around layers makes without data and hands to a module beside them: kinds of tokens, masks."""
    layers = tuple(f"{stack.path}." for stack in stacks)
    names = [stack.path.split(".") for stack in stacks]
    for path in dict.fromkeys(".".join(each[:depth]) for each in names for depth in range(len(each))):
        call = context.trace.call(path)
        made = dict(_made_for(context, call, layers)) if call is not None else {}
        if made:
            yield Claim("model.made", made, "verified", lines.evidence(context.modules[path].defined_at), part=path)


def _made_for(context: Context, call: Event, layers: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Module that reads data beside the layers → what else it is handed that ops of the call made without data."""
    trace = context.trace
    made = {value.id for event in trace.own(call) if event.kind == "op" for value in event.outputs}
    for child in trace.children(call):
        own = [value for value in child.inputs if value.id in made and not trace.carries(value)]
        reads = any(map(trace.carries, child.inputs)) and any(map(trace.carries, child.outputs))
        if child.kind == "call" and own and reads and not child.module.startswith(layers):
            words = [value_formula(context, call, value) for value in {value.id: value for value in own}.values()]
            yield child.module.removeprefix(call.module).lstrip("."), ", ".join(words)
