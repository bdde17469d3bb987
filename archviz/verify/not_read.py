"""What a pass did not read because its sizes, the machine or numbers led elsewhere: told as it stands, so that nobody takes it for proven."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from zlib import crc32

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.forks import Fork
from archviz.interpreter.parsing import body_of
from archviz.interpreter.reading import ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.verify.claims import Claim
from archviz.verify.size_tests import assigned_in, decided_by_pass, may_be_of_sizes, names_of_sizes, tests_in
from archviz.verify.source_lines import SourceLines

_LONGEST = 200
_HIDING = late_pattern(r"create_(?!bidirectional_mask)\w*mask$")
_MASK = late_pattern(r"(^|_)masks?(_|$)")
_JUMPS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def branches_not_read(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """Branches that this pass did not take and another might, and loops over positions that ran once.

    Not those of shared code that makes masks for a stack: which masks were given is no question of the model's own code.
    """
    files = _own_files(context)
    owners = {"", *(stack.path.rpartition(".")[0] for stack in stacks)}
    for fork in context.reading.forks:
        shared = fork.at.file not in files and fork.module in owners
        text = None if shared else not_read(fork)
        if text is not None:
            stack, indices, part = _scope(context, stacks, fork.module)
            yield Claim("branch.not_read", text, "unverified", lines.evidence(fork.at), stack, indices, part)
    for fork, text in masks_left_out(context):
        yield Claim("branch.not_read", text, "unverified", lines.evidence(fork.at), part=fork.module)
    for fork, text in changed_by_sizes(context):
        yield Claim("branch.exchanges", text, "unverified", lines.evidence(fork.at), part=fork.module)


def changed_by_sizes(context: Context) -> Iterator[tuple[Fork, str]]:
    """Branches that a size decides and in which the pass exchanges what the model holds: each with its statements."""
    for fork in context.reading.forks:
        node = fork.node
        if (
            not isinstance(node, ast.If)
            or fork.turns != {True}
            or not decided_by_pass(node.test, names_of_sizes(_body(fork)))
        ):
            continue
        if any(map(_sets, node.body)):
            kept = [each for each in node.body if not _only_tells(each) and not isinstance(each, ast.Assign)]
            yield fork, _short(f"if {ast.unparse(node.test)}: {_text(kept or node.body)}")


def masks_left_out(context: Context) -> Iterator[tuple[Fork, str]]:
    """Branches in which a mask that hides something would be made if one of padding were given, each with its statements."""
    for fork in context.reading.forks:
        node = fork.node
        if (
            not isinstance(node, ast.If)
            or fork.turns != {False}
            or not ast.unparse(node.test).endswith("mask is not None")
        ):
            continue
        if any(_HIDING.search(ast.unparse(each.func)) for each in ast.walk(node) if isinstance(each, ast.Call)):
            yield fork, _short(f"if {ast.unparse(node.test)}: {_text(node.body)}")


def masks_changed(context: Context) -> Iterator[tuple[Fork, str]]:
    """Branches of other sizes that would change a mask: `if window < T: mask = mask & near`, each with its statements.

    Not those that ask about the mask itself: one that is given hides padding.
    """
    files = _own_files(context)
    for fork in context.reading.forks:
        node, text = fork.node, not_read(fork) if fork.at.file in files else None
        if not isinstance(node, ast.If) or fork.turns != {False} or text is None:
            continue
        changed = {each.id for each, _ in assigned_in(node.body) if isinstance(each, ast.Name)}
        asked = {each.id for each in ast.walk(node.test) if isinstance(each, ast.Name)}
        if any(map(_MASK.search, changed)) and not changed & asked:
            yield fork, text


def _own_files(context: Context) -> set[str]:
    """The files that the model's modules are defined in."""
    return {module.defined_at.file for module in context.modules.values() if module.defined_at is not None}


def ran_in(context: Context, fork: Fork) -> set[str]:
    """The modules that a branch ran in or would: the first, and those of its class."""
    return {fork.module, *(path for path, module in context.modules.items() if _is_of(context, fork, module))}


def _sets(statement: ast.stmt) -> bool:
    """Whether a statement calls a method of the module that sets something: `self.set_attention_type("original_full")`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    own = isinstance(function, ast.Attribute) and ast.unparse(function.value) == "self"
    return own and isinstance(function, ast.Attribute) and function.attr.startswith(("set_", "_set_", "switch_"))


def not_read(fork: Fork) -> str | None:
    """The statements that a branch leaves out, in one line; None where nothing is, or where the model itself decides."""
    body, node = _body(fork), fork.node
    if fork.skips:
        return None  # its rounds are shown
    if isinstance(node, ast.For):
        return _loop(node, node.iter, f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}", fork)
    if isinstance(node, ast.While):
        return _loop(node, node.test, f"while {ast.unparse(node.test)}", fork)
    if isinstance(node, ast.Match):
        return _cases(node, body, fork)
    if isinstance(node, ast.comprehension):
        return _clause(node, body, fork)
    if isinstance(node, ast.BoolOp):
        return _operands(node, body, fork)
    if isinstance(node, ast.Try):
        return _attempt(node, fork)
    if len(fork.turns) > 1 or not (fork.by_data or decided_by_pass(node.test, names_of_sizes(body))):
        return None
    test, taken = ast.unparse(node.test), True in fork.turns
    if isinstance(node, ast.IfExp):
        return _short(f"{ast.unparse(node.orelse if taken else node.body)} {'unless' if taken else 'if'} {test}")
    left_out = (node.orelse or _rest(node, node.body, body)) if taken else node.body
    if not left_out and not taken:
        return None
    if all(isinstance(each, ast.Raise | ast.Pass) or _only_tells(each) for each in left_out):
        return None
    return _short(f"{'unless' if taken else 'if'} {test}: {_text(left_out)}")


def _operands(node: ast.BoolOp, body: Sequence[ast.stmt], fork: Fork) -> str | None:
    """The operands of a value that `and` or `or` did not reach: `-x` of `x.shape[1] > 2048 and -x or x`."""
    left_out = node.values[fork.rounds :]
    if not left_out or not decided_by_pass(node.values[fork.rounds - 1], names_of_sizes(body)):
        return None
    if any(node is each for test in tests_in(body) for each in ast.walk(test)):
        return None  # a branch of its own, told by what follows it
    word, sign = ("if", " and ") if isinstance(node.op, ast.And) else ("unless", " or ")
    told = sign.join(ast.unparse(each) for each in left_out)
    return _short(f"{told} {word} {sign.join(ast.unparse(each) for each in node.values[: fork.rounds])}")


def _cases(node: ast.Match, body: Sequence[ast.stmt], fork: Fork) -> str | None:
    """The cases of a `match` that other sizes would take."""
    sizes = names_of_sizes(body)
    guards = [case.guard for case in node.cases if case.guard is not None]
    asked = node.subject.elts if isinstance(node.subject, ast.Tuple) else [node.subject]
    equal = [ast.Compare(each, [ast.Eq()], [ast.Constant(0)]) for each in asked]  # what the cases ask of it
    if len(fork.cases) > 1 or not (
        fork.by_data or any(decided_by_pass(each, sizes) for each in (*equal, *asked, *guards))
    ):
        return None
    told = [
        f"case {ast.unparse(case.pattern)}{f' if {ast.unparse(case.guard)}' if case.guard else ''}: {_text(case.body)}"
        for place, case in enumerate(node.cases)
        if place not in fork.cases
        and not all(isinstance(each, ast.Raise | ast.Pass) or _only_tells(each) for each in case.body)
    ]
    return _short(f"match {ast.unparse(node.subject)}: {'; '.join(told)}") if told else None


def _clause(node: ast.comprehension, body: Sequence[ast.stmt], fork: Fork) -> str | None:
    """The elements of a comprehension that its tests left out, or that more rounds would add."""
    made = next(
        (each for statement in body for each in ast.walk(statement) if node in getattr(each, "generators", ())), None
    )
    if made is None:
        return None
    sizes = names_of_sizes(body)
    head = f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
    element = ast.unparse(made.elt) if isinstance(made, ast.ListComp | ast.SetComp | ast.GeneratorExp) else _pair(made)
    is_through = fork.rounds > 0 or True not in fork.turns  # else a generator was left before its end
    if is_through and fork.rounds < 2 and not fork.by_data and decided_by_pass(node.iter, sizes):
        return _short(f"{head}: {'the second round of ' if fork.rounds else ''}{element}")
    if fork.kept == {False} and any(decided_by_pass(test, sizes) for test in node.ifs):
        return _short(f"{element} {head} if {' and '.join(map(ast.unparse, node.ifs))}")
    return None


def _pair(made: ast.AST) -> str:
    return f"{ast.unparse(made.key)}: {ast.unparse(made.value)}" if isinstance(made, ast.DictComp) else ""


def _attempt(node: ast.Try, fork: Fork) -> str | None:
    """What an error that sizes may cause leaves out of a `try`, or would run."""
    handlers = [each for each in node.handlers if may_be_of_sizes(each)]
    if len(fork.turns) > 1 or not handlers:
        return None
    if True in fork.turns:
        left_out = [each for handler in handlers for each in handler.body]
    else:
        left_out = [*node.body, *node.orelse]
    if all(isinstance(each, ast.Raise | ast.Pass) or _only_tells(each) for each in left_out):
        return None
    names = ", ".join(ast.unparse(each.type) if each.type else "any error" for each in handlers)
    return _short(f"{'if' if True in fork.turns else 'unless'} {names}: {_text(left_out)}")


def _loop(node: ast.For | ast.While, over: ast.expr, what: str, fork: Fork) -> str | None:
    if fork.rounds > 1 or fork.by_data or not decided_by_pass(over, names_of_sizes(_body(fork))):
        return None
    if fork.rounds:
        return _short(f"{what}: the second round of {_text(node.body)}")
    return _short(f"{what}: {_text(node.body)}")


def rounds_told(context: Context, module: ModuleRecord) -> list[str]:
    """How often the loops of a module's pass run, where its input decides: `for each expert_idx in expert_hit`."""
    own = [fork for fork in context.reading.forks if _is_of(context, fork, module)]
    words: list[str] = []
    for fork in own:
        node = fork.node
        if not isinstance(node, ast.For):
            continue
        head = f"{ast.unparse(node.target)} in {ast.unparse(node.iter)}"
        if fork.by_data:
            skips = [ast.unparse(each.node.test) for each in own if each.skips and each.node in node.body]  # type: ignore[union-attr]
            words.append(f"once for each {head}" + "".join(f", but where {test}" for test in skips))
        elif fork.rounds > 1 and decided_by_pass(node.iter, names_of_sizes(_body(fork))):
            words.append(f"{fork.rounds} rounds of this pass for {head}")
    return words


def _is_of(context: Context, fork: Fork, module: ModuleRecord) -> bool:
    """Whether a module, or one of its class that ran first, has a branch in its pass."""
    first = context.modules.get(fork.module)
    return first is not None and (
        first is module or (first.class_name, first.defined_at) == (module.class_name, module.defined_at)
    )


def _body(fork: Fork) -> Sequence[ast.stmt]:
    node = fork.function
    return [] if isinstance(node, ast.Lambda) else body_of(node)


def _rest(node: ast.If, taken: Sequence[ast.stmt], body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    """What follows a branch that leaves its block."""
    if not isinstance(taken[-1], _JUMPS):
        return []
    for block in _blocks(body):
        if node in block:
            return block[block.index(node) + 1 :]
    return []


def _blocks(body: Sequence[ast.stmt]) -> Iterator[list[ast.stmt]]:
    yield list(body)
    for statement in body:
        for each in ast.walk(statement):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(each, name, None)
                if isinstance(block, list):
                    yield block


def _only_tells(statement: ast.stmt) -> bool:
    """A warning or a message."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    return call.func.attr.startswith(("warn", "info", "debug", "error"))


def _text(statements: Sequence[ast.stmt]) -> str:
    return "; ".join(" ".join(ast.unparse(each).split()) for each in statements)


def _short(text: str) -> str:
    """As much as fits a line; a number that is another for other statements stands for the rest."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]} … (checksum {crc32(text.encode()):08x})"


def _scope(context: Context, stacks: Sequence[Stack], module: str) -> tuple[str | None, tuple[int, ...], str]:
    """Where a module stands: the layers of its stack that have one of its class in the same place."""
    own = context.modules.get(module)
    for stack in stacks:
        if not module.startswith(f"{stack.path}."):
            continue
        part = module.removeprefix(f"{stack.path}.").partition(".")[2]
        indices: list[int] = []
        for kind in stack.kinds:
            same = context.modules.get(".".join(filter(None, (kind.example.path, part))))
            if same is not None and own is not None and same.class_name == own.class_name:
                indices += kind.indices
        return stack.path, tuple(sorted(indices)), part
    return None, (), module
