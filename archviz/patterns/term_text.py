"""Expressions in words: `down_proj(silu(gate_proj(x)) · up_proj(x))`."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.patterns.terms import Term, inner_terms

_INFIX = {
    "add": (1, " + "),
    "sub": (1, " − "),
    "mul": (2, " · "),
    "div": (3, " / "),
    "matmul": (4, " @ "),
    "bmm": (4, " @ "),
}
"""How strongly a sign binds; products of different kinds are never told apart by that, but bracketed (`_factor`)."""
_QUOTIENT = 3
_WHOLE = 8  # powers, calls, names
_LONG = 60  # a step of this length that is used twice gets a line of its own
_NAMES = "abcdefghjklmnopqrsuvwyz"  # not x, i and t, which stand for what comes from outside


def term_lines(results: Sequence[Term]) -> list[str]:
    """Expressions as lines; the last ones are the results, those before give names to what is used more than once, or is long."""
    order = inner_terms(results)
    uses: dict[int, int] = {}
    for each in order:
        for arg in each.args:
            if isinstance(arg, Term):
                uses[id(arg)] = uses.get(id(arg), 0) + 1
    written: dict[int, tuple[str, int]] = {}
    lines: list[str] = []
    for each in order:
        text, level = _write(each, written)
        if (
            all(each is not result for result in results)
            and each.args
            and (uses.get(id(each), 0) > 1 or len(text) > _LONG)
        ):
            name = _name(len(lines))
            lines.append(f"{name} = {text}")
            text, level = name, 9
        written[id(each)] = text, level
    return [*lines, *(written[id(result)][0] for result in results)]


def _name(count: int) -> str:
    turn, place = divmod(count, len(_NAMES))
    return _NAMES[place] + (str(turn) if turn else "")


def _write(term: Term, written: dict[int, tuple[str, int]]) -> tuple[str, int]:
    """A step with what it is made of, and how strongly it binds."""
    args = [written[id(arg)] if isinstance(arg, Term) else (_number(arg), 9 if arg >= 0 else 8) for arg in term.args]
    if term.name == "given":
        return term.label, 9
    if term.name == "cut":
        place = term.label[1:-1] if term.label[:1] == "[" else term.label
        return f"{_bound(args[0], 9)}[{place}]", 9
    if term.name in _INFIX and len(args) == 2 and not term.notes:
        level, sign = _INFIX[term.name]
        if level > 1:
            return f"{_factor(args[0], level)}{sign}{_factor(args[1], level)}", level
        return f"{_bound(args[0], level)}{sign}{_bound(args[1], level + (term.name == 'sub'))}", level
    if term.name == "neg":
        return f"−{_bound(args[0], 2)}", 1
    if term.name == "transposed":
        return f"{_bound(args[0], 9)}ᵀ", 9
    if term.name == "pow" and len(args) == 2:
        return f"{_bound(args[0], 9)}^{_bound(args[1], 9)}", 8
    lent = len(args) > 1 and isinstance(term.args[1], Term) and "table" in term.args[1].notes
    if term.name == "linear" and len(args) > 1 and not lent:  # with a table of tokens it is no lookup
        called = f"{args[1][0].removesuffix('.weight')}({args[0][0]})"
        return (f"{called} + {args[2][0]}", 1) if len(args) > 2 else (called, 9)
    inside = ", ".join([text for text, _ in args] + list(term.notes))
    return f"{term.label if term.name == 'call' else term.name}({inside})", 9


def _bound(arg: tuple[str, int], level: int) -> str:
    text, own = arg
    return text if own >= level else f"({text})"


def _factor(arg: tuple[str, int], level: int) -> str:
    """An operand of a product: in brackets where it is a sum, a quotient, or a product of the other kind."""
    text, own = arg
    return text if own >= _WHOLE or own == level != _QUOTIENT else f"({text})"


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
