"""What a module computes, as one expression over its projections: read off the ops of a pass in the order of execution.

Moves that only put axes where the next step wants them, and casts between floating-point types, are left out; what is made twice from
the same is written once.  `axis_moves` knows the other moves, `term_text` writes an expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from archviz.interpreter.reading import Event, StoredTensor, ValueRef
from archviz.patterns.axis_moves import Layout, Mixed, layout_of, moved
from archviz.patterns.op_families import FRESH, JOINS, canonical, writes_in_place
from archviz.patterns.origins import cut_elsewhere, cut_words
from archviz.patterns.positions_cut import Positions
from archviz.patterns.term_notes import fresh_words, is_number, notes_of
from archviz.patterns.trace import Trace

_LEFT_OUT = frozenset({
    "view", "reshape", "transpose", "permute", "contiguous", "to", "type", "type_as", "float", "half", "bfloat16", "double", "unsqueeze",
    "squeeze", "expand", "expand_as", "broadcast_to", "flatten", "unflatten", "clone", "detach", "dropout", "t", "T", "mT", "view_as",
    "reshape_as", "requires_grad", "cpu", "cuda", "alias", "long", "int", "size",
})  # fmt: skip
_BY_ELEMENT = frozenset({
    "add", "sub", "mul", "div", "pow", "where", "masked_fill", "maximum", "minimum", "max", "min", "lt", "gt", "le", "ge", "eq", "ne",
    "logical_and", "logical_or", "and", "or", "atan2", "remainder", "floor_divide",
})  # fmt: skip
_ALONE = _BY_ELEMENT | {
    "neg",
    "exp",
    "abs",
    "log",
    "sqrt",
    "rsqrt",
    "sigmoid",
    "clamp",
    "logical_not",
    "invert",
    "square",
}
_PRODUCTS = ("matmul", "bmm")
_ALONG = frozenset({
    "sum", "mean", "softmax", "log_softmax", "cumsum", "cumprod", "amax", "amin", "max", "min", "argmax", "topk", "sort", "argsort",
    "gather", "scatter", "index_select", "index_add", "any", "all", "logsumexp", "norm", "prod", "var", "std", "flip", "roll", "getitem",
    "where", "nonzero",
})  # fmt: skip
"""Ops that do something else along other axes."""
_CUTS = ("slice", "getitem", "narrow", "select", "split", "chunk", "unbind")
_VIEWED = frozenset(
    {
        "view",
        "slice",
        "getitem",
        "narrow",
        "select",
        "transpose",
        "unsqueeze",
        "squeeze",
        "expand",
        "permute",
        "reshape",
    }
)


class Term:
    """A step of an expression; one that is used twice is the same object.

    Args:
        name: Canonical name of an op, `call` of a module, `cut` or `given`; `label` says which module, part or value.
        args: What it is made of: terms and numbers, in the order of the code.
        notes: Further options, as `dim=-1`.
    """

    __slots__ = ("args", "label", "name", "notes")

    def __init__(
        self, name: str, label: str = "", args: tuple[Term | float, ...] = (), notes: tuple[str, ...] = ()
    ) -> None:
        self.name, self.label, self.args, self.notes = name, label, args, notes


class TermReader:
    """The expressions of one call.

    Args:
        trace: The whole trace.
        call: The call to look into.
        closed: Whether a module call or function inside is one step.
        stored: Number of a value → the tensor of the model that it is.
        rates: How many positions become one, where the call pools them.
        handed: Tell also masks and positions that the call makes and hands to modules.
        apart: Numbered modules that follow one another are steps of their own.
    """

    def __init__(
        self, trace: Trace, call: Event, closed: Callable[[Event], bool], stored: Mapping[int, StoredTensor],
        rates: tuple[int, ...] = (), *, handed: bool = False, apart: bool = False,
    ) -> None:  # fmt: skip
        self.handed, self.apart = handed, apart
        self.trace, self.call, self.closed, self.stored = trace, call, closed, stored
        self.terms: dict[int, Term] = {}
        self.layouts: dict[int, Layout] = {}  # of tensors that were moved
        self.arranged: dict[int, Term] = {}
        self.bases: dict[int, int] = {}
        self.unknown: dict[int, Term] = {}
        self.joined: list[Term] = []  # calls that are told as one with those after them
        self.made: list[int] = []  # values that ops and modules made of the data
        self.steps = 0
        length = _length(call)
        self.positions = Positions(length, rates) if length > 1 else None
        data = [value for value in call.inputs if trace.carries(value)]
        for place, value in enumerate(data):
            self.terms.setdefault(value.id, Term("given", "x" if place == 0 else f"x{place + 1}"))
        self._walk(call)

    def results(self) -> list[Term]:
        """What the call returns and something reads, or the pass gives; the first result alone where that is not known."""
        made = [value for value in self.call.outputs if value.id in self.terms and value.shape]
        above = self.trace.parent(self.call)
        if above is None:
            return list({id(term): term for value in made for term in (self._term(value),)}.values())
        beside = self.trace.children(above)
        taken = {value.id for event in beside for value in event.inputs}
        read = [value for value in made[1:] if value.id in taken]
        return list({id(term): term for value in (*made[:1], *read) for term in (self._term(value),)}.values())

    def unread(self, results: Sequence[Term]) -> list[Term]:
        """What is made of the data and reaches none of the results, such as a state that only a further round or step reads."""
        told = set(map(id, inner_terms([*results, *self.joined])))
        made = [self.terms[number] for number in self.made if number in self.terms]
        left = list({id(term): term for term in made if id(term) not in told and not _is_beside(term, told)}.values())
        inside = {id(each) for term in left for each in inner_terms([term])[:-1]}
        return [term for term in left if id(term) not in inside]

    def term(self, value: ValueRef) -> Term:
        """What a value inside the call is made of."""
        return self._term(value)

    def _walk(self, event: Event) -> None:
        for child in self.trace.children(event):
            self.made += [value.id for value in child.outputs if self.trace.carries(value)]
            if child.kind == "op":
                self._op(child)
            elif self.closed(child):
                self._step(child)
            else:
                self._walk(child)
                self._hand_on(child)

    def _hand_on(self, event: Event) -> None:
        """What an opened call returns under a new number."""
        first = next((value for value in event.inputs if value.id in self.terms), None)
        for value in event.outputs:
            if value.id not in self.terms and first is not None and value.shape == first.shape:
                self._same(value, first)

    def _step(self, event: Event) -> None:
        """A module or function that is one step; each of its results is a part of it."""
        if event.name.startswith(("Dropout", "Identity")) and event.inputs:
            for value in event.outputs:
                self._same(value, event.inputs[0])
            return
        self.steps += 1
        name = event.module.removeprefix(self.call.module).lstrip(".") if event.kind == "call" else event.name
        data = [value for value in event.inputs if self.trace.carries(value)]
        if event.kind == "function" and len(event.outputs) == len(data) > 1:  # a rotation of each tensor
            for given, made in zip(data, event.outputs, strict=True):
                self.terms[made.id] = Term("call", name, (self._term(given),))
            return
        if self.handed and event.kind == "call" and data:
            data += [value for value in event.inputs if value not in data and self.is_made(value)]
        data = data or list(event.inputs)  # positions and the like, where nothing else is read
        whole = self._follows(name, data) or Term("call", name, tuple(map(self._term, data)))
        for place, value in enumerate(event.outputs):
            if all(value.id != source.id for source in event.inputs):
                self.terms[value.id] = whole if place == 0 else Term("cut", f"result {place + 1}", (whole,))

    def is_made(self, value: ValueRef) -> bool:
        """Whether steps of this call made a value, not only took it from outside."""
        term = self.terms.get(value.id)
        return term is not None and any(each.name not in ("given", "cut") for each in inner_terms([term]))

    def _follows(self, name: str, data: Sequence[ValueRef]) -> Term | None:
        """A numbered module that reads what the one before it made is one step with it: `layers.0…31`."""
        path, _, number = name.rpartition(".")
        before = self._term(data[0]) if number.isdigit() and data and not self.apart else None
        if before is None or before.name != "call" or not before.args:
            return None
        first, _, last = before.label.removeprefix(f"{path}.").partition("…")
        if not before.label.startswith(f"{path}.") or not first.isdigit() or int(last or first) != int(number) - 1:
            return None
        rest = tuple(map(self._term, data[1:]))
        same = len(rest) == len(before.args) - 1 and all(a is b for a, b in zip(rest, before.args[1:], strict=True))
        if not same:
            return None
        self.joined.append(before)
        return Term("call", f"{path}.{first}…{number}", before.args)

    def _op(self, event: Event) -> None:
        name = canonical(event.name)
        written = bool(event.inputs) and writes_in_place(event.name)
        if name in _LEFT_OUT and event.inputs and not written and not _drops(event, name):
            self._pass_on(event)
            return
        self.steps += 1
        if not event.inputs or name in FRESH:
            self.terms.update(
                (value.id, Term("given", fresh_words(event, name, self.positions))) for value in event.outputs
            )
            return
        if name in _CUTS and len(event.inputs) == 1:
            self._cut(event)
            return
        if written:
            self._no_mask(event.inputs[0])
        shown = event.name.strip("_") if name == "clamp" else name  # which of its bounds is stated
        made = Term(shown, "", self._arguments(event), notes_of(event, self.positions))
        for place, value in enumerate(event.outputs):
            self.terms[value.id] = made if place == 0 else Term("cut", f"result {place + 1}", (made,))
        self._keep_layout(event, name)
        if written:
            self._write(event.inputs[0].id, made)

    def _same(self, value: ValueRef, source: ValueRef) -> None:
        """A value that is another one under a new number."""
        self.terms[value.id] = self._base_term(source)
        if source.id in self.layouts:
            self.layouts[value.id] = self.layouts[source.id]

    def _pass_on(self, event: Event) -> None:
        source = event.inputs[0]
        for value in event.outputs:
            if _rounds(source, value):
                self.steps += 1
                self.terms[value.id] = Term("to", "", (self._term(source),), (str(value.dtype),))
            else:
                self._moved(event, source, value)
            if canonical(event.name) in _VIEWED and value.id != source.id:
                self.bases[value.id] = self.bases.get(source.id, source.id)

    def _moved(self, event: Event, source: ValueRef, value: ValueRef) -> None:
        """The same elements on other axes; a reshape across axes is a step."""
        before = self.layouts.get(source.id) or layout_of(source)
        try:
            after = moved(before, event, value) if before is not None else None
        except Mixed:
            self.terms[value.id] = Term("reshape", "", (self._term(source),))
            return
        self._same(value, source)
        self.layouts.pop(value.id, None)
        if after is not None and after != layout_of(value):
            self.layouts[value.id] = after

    def _keep_layout(self, event: Event, name: str) -> None:
        """What is computed of every element of one tensor alone stands on the same axes."""
        if name not in _ALONE or len(event.inputs) != 1 or len(event.outputs) != 1:
            return
        (source,), (made,) = event.inputs, event.outputs
        layout = self.layouts.get(source.id)
        plain = layout is not None and layout.words() is None and not layout.is_transposed()
        if layout is not None and plain and made.id != source.id and made.shape == source.shape:
            self.layouts[made.id] = layout

    def _cut(self, event: Event) -> None:
        source = event.inputs[0]
        for place, value in enumerate(event.outputs):
            several = f"part {place + 1} of {len(event.outputs)}" if len(event.outputs) > 1 else ""
            words = self._neighbours(event, place, source) or cut_words(event, value, self.positions) or several
            if words and value.shape != source.shape:
                self.terms[value.id] = Term("cut", words, (self._term(source),))
            elif _count(source) == _count(value) is not None:
                self._moved(event, source, value)  # only axes are added
            elif elsewhere := cut_elsewhere(event, self.positions):
                self.terms[value.id] = Term("cut", elsewhere, (self._term(source),))
            else:
                self.terms[value.id] = self._term(source)
            self.bases[value.id] = self.bases.get(source.id, source.id)

    def _no_mask(self, value: ValueRef) -> None:
        """A tensor from outside that is written into, as a cache is, masks nothing."""
        given = self._base_term(value)
        if given.name == "given" and given.label.rstrip("0123456789") == "mask":
            same = sum(1 for term in self.unknown.values() if term.label.rstrip("0123456789") == "t")
            given.label = f"t{same + 1 if same else ''}"

    def _neighbours(self, event: Event, place: int, source: ValueRef) -> str | None:
        """Which of every two neighbours is kept, where features were viewed as pairs: `view(…, -1, 2).unbind(-1)`."""
        layout = self.layouts.get(source.id)
        (key, size), *others = (layout.axes[-1] if layout is not None and layout.axes else ()) or (((), 0),)
        inner = layout is not None and key[:1] == (len(layout.source) - 1,) and len(key) > 1 and set(key[1:]) == {1}
        if size != 2 or others or not inner:
            return None
        index, rank = str(event.options.get("index", "")), len(source.shape or ())
        if canonical(event.name) == "unbind" and event.options.get("1", event.options.get("dim", 0)) in (-1, rank - 1):
            return ("even places", "odd places")[place]
        return {"..., 0": "even places", "..., 1": "odd places"}.get(index)

    def _write(self, target: int, made: Term) -> None:
        self.terms[target] = made
        self.layouts.pop(target, None)
        self.arranged.pop(target, None)
        base = self.bases.get(target)
        if base is not None:
            before = self.terms.get(base)
            self.terms[base] = Term("write", "", (before, made) if before is not None else (made,))

    def _arguments(self, event: Event) -> tuple[Term | float, ...]:
        """Tensors and numbers in the order of the code."""
        tensors: list[Term | float] = self._operands(event)
        numbers: dict[int, Any] = {int(key): v for key, v in event.options.items() if key.isdigit() and is_number(v)}
        if canonical(event.name) == "pad":
            numbers.clear()  # its notes tell them
        if canonical(event.name) == "topk" and 1 in numbers:
            numbers[1] = self._most(event, numbers[1]) or numbers[1]
        if canonical(event.name) in JOINS:
            return (*tensors, *numbers.values())  # its tensors are one argument
        found: list[Term | float] = []
        for position in range(len(tensors) + len(numbers)):
            if position in numbers:
                found.append(numbers.pop(position))
            elif tensors:
                found.append(tensors.pop(0))
        found += [*tensors, *numbers.values()]
        return tuple(found)

    def _most(self, event: Event, chosen: float) -> Term | None:
        """How many a choice keeps at most, where it keeps all the positions that a pass has: a longer one may have more than are chosen."""
        shape, axis = event.inputs[0].shape or (), event.options.get("dim", -1)
        whole = isinstance(axis, int) and -len(shape) <= axis < len(shape) and shape[axis] == chosen
        words = self.positions.size_words(chosen, least=1) if self.positions and whole else None
        return Term("given", f"≤ {words}") if words is not None else None

    def _operands(self, event: Event) -> list[Term | float]:
        """The tensors an op reads; one that stands on other axes than it was made on, where the shapes alone do not tell."""
        plain = [self._term(value) for value in event.inputs]
        name = canonical(event.name)
        chooses = name == "where" and len(event.inputs) > 1  # element by element
        if name in _ALONG and not chooses and plain and plain[0].name not in ("rearrange", "transposed"):
            layout = self.layouts.get(event.inputs[0].id)
            words = layout.along(_axes(event, len(layout.axes))) if layout is not None else None
            if words is not None:
                return [Term("rearrange", "", (plain[0],), (words,)), *plain[1:]]
        if len(plain) < 2 or not (name in _BY_ELEMENT or name in _PRODUCTS):
            return list(plain)
        bases = [id(self._base_term(value)) for value in event.inputs]
        known = [self.layouts.get(value.id) or layout_of(value) for value in event.inputs]
        shapes = [layout.source for layout in known if layout is not None]
        told = len(set(bases)) < len(bases)
        if not told and name in _BY_ELEMENT:
            told = len(shapes) < len(known) or not event.outputs or _broadcast(shapes) != event.outputs[0].shape
        if not told:
            return list(plain)
        return [_placed(term, layout) for term, layout in zip(plain, known, strict=True)]

    def _term(self, value: ValueRef) -> Term:
        """What a step reads: with the arrangement of its axes, where that is not the usual one."""
        layout = self.layouts.get(value.id)
        turned = layout is not None and layout.is_transposed()
        words = layout.words() if layout is not None and not turned else None
        if words is None and not turned:
            return self._base_term(value)
        if value.id not in self.arranged:
            notes = (words,) if words is not None else ()
            self.arranged[value.id] = Term("rearrange" if notes else "transposed", "", (self._base_term(value),), notes)
        return self.arranged[value.id]

    def _base_term(self, value: ValueRef) -> Term:
        known = self.terms.get(value.id)
        if known is None:
            known = self.terms[value.id] = self._given(value)
        return known

    def _given(self, value: ValueRef) -> Term:
        """A value from outside: a stored tensor by its name, a mask, or a number of its own."""
        if value.id in self.stored:
            within = self.stored[value.id].name.removeprefix(self.call.module).lstrip(".")
            notes = ("stored", "table") if value.id in self.trace.tables else ("stored",)
            return Term("given", within if within.count(".") < 3 else within.rpartition(".")[2], notes=notes)
        if value.id in self.trace.zeros:
            return Term("given", "zeros")
        turns = self.call.kind == "function" and self.closed(self.call)  # a rotation is given tables, and no mask
        kind = "mask" if (len(value.shape or ()) == 4 and not turns) or value.dtype == "bool" else "t"
        kind = "i" if value.dtype is not None and "int" in value.dtype else kind
        kind = "position_bias" if kind == "mask" and value.id in self.trace.score_biases else kind
        same = sum(1 for term in self.unknown.values() if term.label.rstrip("0123456789") == kind)
        found = self.unknown[value.id] = Term("given", kind + (str(same + 1) if same else ""))
        return found


def _length(call: Event) -> int:
    """How many positions a call is given, in data `[B, S, D]` or in numbers of tokens `[B, S]`; 0 where neither is given."""
    shapes = [value.shape for value in call.inputs if value.shape and len(value.shape) > 2]
    shapes += [value.shape for value in call.inputs if value.shape and len(value.shape) == 2 and not _is_float(value)]
    return (shapes[0][1] or 0) if shapes else 0


def _drops(event: Event, name: str) -> bool:
    """A dropout that is at work although the model is not being trained."""
    options = event.options
    rate, training = options.get("p", options.get("1", 0.5)), options.get("training", options.get("2", True))
    return name == "dropout" and training is True and rate != 0


def _axes(event: Event, rank: int) -> Sequence[int]:
    """The axes that an op runs along, as far as it says; the first ones of an index, all of a search for places."""
    if canonical(event.name) == "getitem":
        return range(max(1, len(event.inputs) - 1))[:rank]
    stated = event.options.get("dim", event.options.get("1"))
    axes = stated if isinstance(stated, (tuple, list)) else range(rank) if stated is None else [stated]
    return [axis for axis in axes if isinstance(axis, int) and -rank <= axis < rank]


def _is_beside(term: Term, told: set[int]) -> bool:
    """A value from outside, or a further result of a step that is told."""
    whole = term.args[0] if term.args else None
    return not term.args or (term.name == "cut" and term.label.startswith("result") and id(whole) in told)


def _placed(term: Term, layout: Layout | None) -> Term:
    """An operand with the axes that it gets to meet the others; as it is, where none is added or its arrangement is written."""
    index = layout.index() if layout is not None and term.name != "rearrange" else None
    if layout is None or index is None:
        return term
    words = layout.turned()
    return Term("cut", index, (term,)) if words is None else Term("rearrange", "", (term,), (words,))


def _rounds(source: ValueRef, value: ValueRef) -> bool:
    """A cast of fractions to whole numbers or truth values."""
    return (
        source.dtype is not None and value.dtype is not None and _is_float(source) and not _is_float(value)
    )  # fmt: skip


def _count(value: ValueRef) -> int | None:
    """How many elements a tensor has; None where that is not known."""
    layout = layout_of(value)
    return prod(layout.source) if layout is not None else None


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape that shapes are spread to together; None where they do not fit."""
    rank = max(map(len, shapes))
    columns = list(zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True))
    found = [{size for size in column if size != 1} for column in columns]
    return tuple(next(iter(sizes), 1) for sizes in found) if all(len(sizes) < 2 for sizes in found) else None


def _is_float(value: ValueRef) -> bool:
    return value.dtype is None or "float" in value.dtype or "complex" in value.dtype


def inner_terms(results: Sequence[Term]) -> Sequence[Term]:
    """All steps of some expressions, each once, those that it is made of first."""
    order: list[Term] = []
    seen: set[int] = set()
    todo: list[tuple[Term, bool]] = [(term, False) for term in reversed(results)]
    while todo:
        each, done = todo.pop()
        if done:
            order.append(each)
        elif id(each) not in seen:
            seen.add(id(each))
            todo.append((each, True))
            todo += [(arg, False) for arg in reversed(each.args) if isinstance(arg, Term)]
    return order
