"""The body of one `forward` or function: statements read off the events of a pass."""

from __future__ import annotations

import ast
import keyword
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from archviz.free_names import free_name
from archviz.interpreter.reading import Event, ValueRef
from archviz.pseudocode.expressions import Expression, Piece
from archviz.pseudocode.rounds import Round
from archviz.records import field, record

_WIDEST = 100
_NAME = 4  # a name in the width of a line, whatever number it has
_INPLACE = ("setitem", "copy_")


@record
class Line:
    """A statement: what it binds, its expression, and the shapes of what it binds.

    Args:
        keeps: It changes something or calls a module, so it stays although nothing reads what it binds.
        statement: Which statement of the source it belongs to.
        hints: Names of the source for what it binds.
        round: The round of a loop that it belongs to, where the loop goes on with more tokens.
    """

    targets: list[int]
    expression: Expression
    shapes: list[str]
    keeps: bool = False
    changes: bool = False
    statement: object = None
    hints: list[str] = field(default_factory=list)
    remark: str = ""
    round: Round | None = None


@record
class Scope:
    """A body in the making.

    Args:
        given: Numbers of the tensors that it is called with, with the names of the parameters.
        returns: Numbers of what it returns.
    """

    lines: list[Line]
    given: dict[int, str]
    returns: list[int]
    inputs: list[int] = field(default_factory=list)
    text: str = ""


def is_inplace(event: Event) -> bool:
    return event.name in _INPLACE or (event.name.endswith("_") and not event.name.endswith("__"))


def finish(scope: Scope, is_own: Callable[[int], bool]) -> None:
    """Drop what nothing reads, join what is read once, and find out what comes from outside."""
    scope.lines = _needed(scope)
    _join(scope)
    made: set[int] = set()
    outside: dict[int, None] = {}
    for line in scope.lines:
        outside.update({number: None for number in line.expression.refs() if number not in made and not is_own(number)})
        made.update(line.targets)
    outside.update({number: None for number in scope.returns if number not in made and not is_own(number)})
    given = [number for number in scope.given if number in outside]
    scope.inputs = [*given, *(number for number in outside if number not in scope.given)]


def _needed(scope: Scope) -> list[Line]:
    """Lines that something reads; of a loop's rounds all of the line that one of them needs: the last round hands its state to nobody."""
    alike: dict[object, list[Line]] = {}
    places: Counter[tuple[int, int]] = Counter()
    for line in scope.lines:
        if line.round is not None:
            places[line.round[:2]] += 1
            alike.setdefault((line.round.loop, places[line.round[:2]]), []).append(line)
    others = {id(line): lines for lines in alike.values() for line in lines}
    wanted = set(scope.returns)
    kept: dict[int, Line] = {}
    goes_on = True
    while goes_on:
        before = len(kept)
        for line in reversed(scope.lines):
            if id(line) in kept or line.keeps or line.changes or wanted & set(line.targets):
                for each in others.get(id(line), [line]):
                    kept[id(each)] = each
                    wanted |= set(each.expression.refs())
        goes_on = bool(others) and len(kept) > before
    return [line for line in scope.lines if id(line) in kept]


def _join(scope: Scope) -> None:
    """Put an expression into the next line where only that line reads it and both stand in one statement of the source."""
    uses: dict[int, int] = {}
    for line in scope.lines:
        for number in line.expression.refs():
            uses[number] = uses.get(number, 0) + 1
    for number in scope.returns:
        uses[number] = uses.get(number, 0) + 1
    lines: list[Line] = []
    for line in scope.lines:
        while lines and _joins(lines[-1], line, uses):
            line.expression = _inserted(line.expression, lines[-1])
            line.keeps = line.keeps or lines[-1].keeps
            lines.pop()
        lines.append(line)
    scope.lines = lines


def _joins(first: Line, second: Line, uses: dict[int, int]) -> bool:
    if (
        len(first.targets) != 1
        or first.changes
        or first.expression.makes_tuple
        or first.remark
        or first.statement != second.statement
        or (first.round and first.round[:2]) != (second.round and second.round[:2])
    ):
        return False
    if any(isinstance(piece, tuple) for piece in first.expression.pieces):
        return False  # layers of a list stay apart, so that a loop can be made of them
    number = first.targets[0]
    here = second.expression.refs().count(number)
    pieces = (*first.expression.pieces, *second.expression.pieces)
    size = sum(_NAME if isinstance(piece, int) else len(str(piece)) for piece in pieces)
    return here == 1 and uses.get(number) == 1 and size <= _WIDEST and first.statement is not None


def _inserted(outer: Expression, inner: Line) -> Expression:
    pieces: list[Piece] = []
    for place, piece in enumerate(outer.pieces):
        if piece != inner.targets[0] or not isinstance(piece, int):
            pieces.append(piece)
            continue
        after = outer.pieces[place + 1] if place + 1 < len(outer.pieces) else ""
        bare = inner.expression.is_atom or (
            outer.is_atom and not (isinstance(after, str) and after.startswith((".", "[")))
        )
        pieces += inner.expression.pieces if bare else ["(", *inner.expression.pieces, ")"]
    return Expression(pieces, outer.is_atom, outer.makes_tuple)


def names_of(scope: Scope, own: Callable[[int], str | None]) -> dict[int, str]:
    """A name for each tensor of a body: its own parameters, its arguments, then names of the source, each used once."""
    names: dict[int, str] = {}
    taken = {"self", "torch", "F", "nn", "B", "T"}
    for number in scope.inputs:
        names[number] = _free(scope.given.get(number) or "x", taken)
    read = {number for line in scope.lines for number in line.expression.refs()} | set(scope.returns)
    count = 0
    for line in scope.lines:
        for place, number in enumerate(line.targets):
            if number in names or number not in read:
                continue
            hint = line.hints[place] if len(line.hints) == len(line.targets) else ""
            if hint.isidentifier() and not keyword.iskeyword(hint) and hint != "_":
                names[number] = _free(hint, taken)
            else:
                count += 1
                names[number] = _free(f"t{count}", taken)
    for number in read:
        if number not in names:
            found = own(number)
            names[number] = found if found is not None else _free(f"outside_{len(names)}", taken)
    return names


def _free(name: str, taken: set[str]) -> str:
    free = free_name(name, taken)
    taken.add(free)
    return free


def written(expression: Expression, names: dict[int, str]) -> str:
    """An expression as text."""
    return "".join(
        piece if isinstance(piece, str) else names[piece] if isinstance(piece, int) else f"{piece[0]}[{piece[1]}]"
        for piece in expression.pieces
    )


def line_text(line: Line, names: dict[int, str], indent: str = "        ", rename: dict[int, str] | None = None) -> str:
    """A statement with the shapes of what it binds as its comment."""
    bound = rename or {}
    text = written(line.expression, names)
    targets = [bound.get(number) or names.get(number, "_") for number in line.targets]
    if line.targets and not line.changes and any(target != "_" for target in targets):
        comma = "," if line.expression.makes_tuple and len(targets) == 1 else ""
        text = f"{', '.join(targets)}{comma} = {text}"
    shapes = (
        [shape for shape, target in zip(line.shapes, targets, strict=False) if target != "_"]
        if not line.changes
        else []
    )
    comment = ", ".join(shapes) + (f"; {line.remark}" if line.remark and shapes else line.remark)
    return f"{indent}{text}" + (f"  # {comment}" if comment else "")


def distinct(values: Sequence[ValueRef]) -> list[int]:
    return list(dict.fromkeys(value.id for value in values))


def identifiers(node: ast.Assign | None) -> Iterator[str]:
    """The names that an assignment binds; an empty one for what is no plain name."""
    if node is None:
        return
    target = node.targets[-1]
    for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
        yield part.id if isinstance(part, ast.Name) else ""
