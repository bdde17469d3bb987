"""Numbers of the formulas that are sizes of the pass, or computed of them: no constants of the model, and told as what they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from archviz.architecture.context import Context
from archviz.architecture.model import Evidence
from archviz.interpreter.parsing import body_of
from archviz.interpreter.reading import ModuleRecord
from archviz.interpreter.scaling import JoinedNumber
from archviz.records import replace
from archviz.verify.claims import Claim
from archviz.verify.size_tests import assigned_in

_DEEPEST = 6  # names of names that a number is followed through
_RESTING = (".formula", "scale")


def numbers_of_pass(context: Context) -> list[JoinedNumber]:
    """Numbers joined with tensors that follow from how many tokens the pass was given."""
    if context.sizes_told is None:
        sizes = _sizes_of_pass(context)
        context.sizes_told = [
            each for each in context.reading.joined if not sizes.isdisjoint(_Sizes(each).inside(each.node))
        ]
    return context.sizes_told


def numbers_told(context: Context, module: ModuleRecord) -> list[str]:
    """What the numbers of a module's formula are that follow from sizes of the pass: `7 is x.shape[1] of this pass`."""
    own = [each for each in numbers_of_pass(context) if _is_of(context, each.module, module)]
    told = (f"{_shown(each.value)} is {' '.join(ast.unparse(each.node).split())} of this pass" for each in own)
    return list(dict.fromkeys(told))


def sized(claim: Claim, context: Context) -> Claim:
    """A factor or a formula that rests on a size of the pass is not verified."""
    if claim.status != "verified" or not claim.key.endswith(_RESTING):
        return claim
    modules = _modules(claim, context)
    places = {item.where for item in claim.evidence}
    for each in numbers_of_pass(context):
        first = context.modules.get(each.module)
        if claim.key.endswith(".formula"):
            rests = first is not None and str(first.defined_at or first.created_at) in places
        else:
            rests = any(_is_of(context, each.module, module) for module in modules)
        if rests:
            place = Evidence(kind="code", where=str(each.at), text=f"a size of this pass: {ast.unparse(each.node)}")
            return replace(claim, status="unverified", evidence=(*claim.evidence, place))
    return claim


def _modules(claim: Claim, context: Context) -> list[ModuleRecord]:
    if claim.stack is None:
        return [context.modules[claim.part]] if claim.part in context.modules else []
    paths = [".".join(filter(None, (claim.stack, str(index), claim.part))) for index in claim.indices]
    return [context.modules[path] for path in paths if path in context.modules]


def _is_of(context: Context, path: str, module: ModuleRecord) -> bool:
    first = context.modules.get(path)
    return first is not None and (
        first is module or (first.class_name, first.defined_at) == (module.class_name, module.defined_at)
    )


def _shown(value: float) -> str:
    return f"{int(value) if value.__class__ is bool else value:g}"


def _sizes_of_pass(context: Context) -> frozenset[int]:
    """How many rows and tokens were given, and both together."""
    call = context.trace.call("")
    for given in call.inputs if call is not None else ():
        rows, tokens = (given.shape[0], given.shape[-1]) if given.dtype == "int64" and given.shape else (None, None)
        if rows is not None and tokens is not None:
            return frozenset({tokens, rows * tokens} | ({rows} if rows != 1 else set()))
    return frozenset()


class _Sizes:
    """The sizes of tensors that an expression is computed of."""

    def __init__(self, number: JoinedNumber) -> None:
        function = number.function
        body: Sequence[ast.stmt] = [] if isinstance(function, ast.Lambda) else body_of(function)
        self._known, self._assigned = number.known, list(assigned_in(body))

    def inside(self, value: ast.AST, depth: int = 0) -> Iterator[int]:
        if isinstance(value, ast.Name):
            yield from self._named(value.id, depth)
            return
        whole = self._shape(value)
        if whole is not None:
            yield from whole
            return
        if isinstance(value, ast.Attribute) and depth < _DEEPEST:
            written = ast.unparse(value)
            for target, made in self._assigned:
                if isinstance(target, ast.Attribute) and ast.unparse(target) == written:
                    yield from self.inside(made, depth + 1)
        for each in ast.iter_child_nodes(value):
            yield from self.inside(each, depth)

    def _named(self, name: str, depth: int) -> Iterator[int]:
        for target, value in self._assigned if depth < _DEEPEST else ():
            if isinstance(target, ast.Name) and target.id == name:
                yield from self.inside(value, depth + 1)
            elif isinstance(target, ast.Tuple) and self._shape(value) is not None:
                named = [each for each in target.elts if isinstance(each, ast.Name) and each.id == name]
                known = self._known.get(name)
                if named and isinstance(known, int):
                    yield known

    def _shape(self, value: ast.AST) -> tuple[int, ...] | None:
        """The sizes that `x.shape`, `x.shape[1]`, `x.size(1)`, `len(x)` stand for; None for anything else."""
        if isinstance(value, ast.Attribute) and value.attr == "shape" and isinstance(value.value, ast.Name):
            return _sizes(self._known.get(value.value.id))
        if isinstance(value, ast.Subscript):
            return _at(self._shape(value.value), value.slice)
        if not isinstance(value, ast.Call):
            return None
        function = value.func
        if isinstance(function, ast.Name) and function.id == "len" and isinstance(value.args[0], ast.Name):
            return _sizes(self._known.get(value.args[0].id))[:1]
        if (
            isinstance(function, ast.Attribute)
            and function.attr in ("size", "numel")
            and isinstance(function.value, ast.Name)
        ):
            sizes = _sizes(self._known.get(function.value.id))
            return _at(sizes, value.args[0]) if value.args else sizes
        return None


def _sizes(known: object) -> tuple[int, ...]:
    return tuple(each for each in known if isinstance(each, int)) if isinstance(known, tuple) else ()


def _at(sizes: tuple[int, ...] | None, index: ast.expr) -> tuple[int, ...] | None:
    """The size at a place that is written as a number; all of them at another."""
    if sizes is None:
        return None
    try:
        place = ast.literal_eval(index)
    except ValueError:
        return sizes
    return sizes[place : place + 1 or None] if isinstance(place, int) else sizes
