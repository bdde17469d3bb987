"""Bodies of all modules and functions of a pass, equal ones once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from archviz.free_names import free_name
from archviz.interpreter.events import Events
from archviz.interpreter.reading import Event, ValueRef
from archviz.interpreter.signatures import Signature
from archviz.interpreter.values import FunctionValue, ModuleInstance, Tensor
from archviz.pseudocode.comments import with_common_comments, without_comments
from archviz.pseudocode.escapes import escaping_values
from archviz.pseudocode.expressions import (
    Arguments,
    Expression,
    NotWritableError,
    Piece,
    call_expression,
    item_expression,
    set_expression,
)
from archviz.pseudocode.limits import Limits
from archviz.pseudocode.loops import UncountedError, body_text
from archviz.pseudocode.paths import accessed, path_pieces
from archviz.pseudocode.rounds import Round, pair_events
from archviz.pseudocode.scopes import Line, Scope, distinct, finish, identifiers, is_inplace, names_of
from archviz.pseudocode.sizes import Sizes
from archviz.readings import Traced
from archviz.records import record, replace
from archviz.verify.source_lines import SourceLines

LIBRARY = {
    "Linear", "Embedding", "LayerNorm", "Dropout", "Identity", "Conv1d", "Conv2d", "Conv3d", "SiLU", "GELU", "ReLU", "Tanh", "Sigmoid",
    "Softmax", "Flatten",
}  # fmt: skip
"""Building blocks of torch.nn that are written as such and not opened."""


@record
class Function:
    """A named function of the code: its name here, what it is given, and its lines."""

    name: str
    text: str


class Bodies:
    """The bodies of a pass.

    Args:
        first: The pass that is written.
        second: One of other sizes, that tells which numbers are batch and tokens; its events have to be the same.
        sizes: Batch and tokens of both.
    """

    def __init__(self, first: Traced, second: Traced | None, sizes: Sizes) -> None:
        self.traced = first
        self.sizes = sizes
        self.events = first.recorder.events
        self._other = second.recorder.events if second is not None else None
        self._pairs: dict[int, Event] = {}  # event → what happened in its place in the second pass
        self._rounds: dict[int, Round] = {}  # event → the round of a loop that goes on with more tokens
        self._uneven: set[int] = set()  # calls in which the number of tensors depends on the sizes
        self.unpaired: list[str] = []  # bodies that did something else there
        self.lines = SourceLines(first.interpreter.source_text)
        self.limits = Limits(self.lines)
        self.functions: dict[str, Function] = {}
        self.of_module: dict[str, list[str]] = defaultdict(list)
        self.remarks: list[str] = []
        self._children: dict[int, list[Event]] = defaultdict(list)
        self._scopes: dict[int, tuple[Scope, str]] = {}  # call or function → its scope and what it is called by
        self._copies: dict[int, int] = {}  # call that repeats → call that it repeats
        self._owners = self._parameters()
        self.outline = self.events.outline()
        for event in self.outline:
            self._children[event.parent].append(event)
        self._escaping = escaping_values(
            list(self.outline),
            {event.index: event.parent for event in self.outline},
            lambda event: event.kind == "function" and self._calls_modules(event),
        )
        if self._other is not None:
            self._pair_up(self._other)

    def _parameters(self) -> dict[int, str]:
        """Numbers of parameters and buffers → their dotted names."""
        names: dict[int, str] = {}
        recorder = self.traced.recorder
        apart = defaultdict(list)
        for seen, held in recorder.apart.items():
            apart[id(held)].append(seen)
        waiting: list[tuple[str, ModuleInstance]] = [("", self.traced.model)]
        while waiting:
            path, module = waiting.pop()
            for name, tensor in (*module.parameters.items(), *module.buffers.items()):
                if isinstance(tensor, Tensor):
                    number = recorder.known_number(tensor)
                    for each in ([number] if number is not None else []) + apart[id(tensor)]:
                        names.setdefault(each, f"{path}.{name}".lstrip("."))
            waiting += [
                (f"{path}.{n}".lstrip("."), m) for n, m in module.modules.items() if isinstance(m, ModuleInstance)
            ]
        return names

    @property
    def is_paired(self) -> bool:
        """Whether there is a second pass."""
        return self._other is not None

    def roots(self) -> list[Event]:
        return [event for event in self._children[-1] if event.kind == "call"]

    def called(self) -> set[str]:
        """Modules that the model's own pass calls, or whose tensors it reads; not those that were run apart from it."""
        roots = self.roots()
        inside = {roots[0].index} if roots else set()
        found: set[str] = set()
        for event in self.outline:  # a call stands before what happens in it
            if event.index in inside or event.parent in inside:
                inside.add(event.index)
                found |= {event.module} if event.kind == "call" else set()
                repeat = self.events.repeats.get(event.index)
                found |= set(repeat.paths) | set(repeat.paths.values()) if repeat is not None else set()
                owned = {value.id for value in event.inputs} & set(self._owners)
                found |= {self._owners[number].rpartition(".")[0] for number in owned}
        return found

    def write(self) -> None:
        """Write the bodies of all modules that were called."""
        for event in self.roots():
            self._call(event)
        for place, repeat in self.events.repeats.items():
            self._copies[place] = repeat.start
            for old, new in repeat.paths.items():
                if new != old and self.of_module.get(old) and not self.of_module.get(new):
                    self.of_module[new] = self.of_module[old]

    def inputs_of(self, event: Event) -> list[ValueRef]:
        """The tensors that a call reads, in order."""
        scope, _ = self._call(event)
        known = {value.id: value for value in self._all_refs(event)}
        return [known[number] for number in scope.inputs if number in known]

    def _all_refs(self, event: Event) -> Iterator[ValueRef]:
        yield from event.inputs
        for child in self._children[event.index]:
            yield from child.inputs
            yield from child.outputs
            if child.kind != "op":
                yield from self._all_refs(child)

    def _pair_up(self, other: Events) -> None:
        """Find for each event what stands in its place in the second pass; where a body did something else, its inside has none."""
        children: dict[int, list[Event]] = defaultdict(list)
        for event in other.outline():
            children[event.parent].append(event)
        waiting = [("", self._children[-1], children[-1])]
        while waiting:
            where, mine, theirs = waiting.pop()
            found = pair_events(mine, theirs, self.limits.loop_at)
            if found is None:
                self.unpaired.append(where)
                continue
            self._rounds |= found[1]
            for one, two in found[0]:
                self._pairs[one.index] = two
                if one.kind == "op" and len(one.outputs) != len(two.outputs):  # a tensor for each of the batch
                    self._uneven.add(one.parent)
                    self.unpaired.append(where)
                if one.kind != "op" and one.index not in self.events.repeats and two.index not in other.repeats:
                    waiting.append((f"{one.module} {one.name}", self._children[one.index], children[two.index]))

    def _pair(self, event: Event) -> Event | None:
        return self._pairs.get(event.index)

    def _is_fixed(self, event: Event) -> bool:
        """Whether a body is written with sizes of the first pass, because the second did something else in it or has others that are not understood."""
        inside = list(self._inside(event))
        if not self._uneven.isdisjoint([event.index, *(child.index for child in inside if child.kind == "function")]):
            return True
        if self._other is None or not inside:
            return False
        return inside[0].index not in self._pairs or not all(self._has_forms(each) for each in inside)

    def _has_forms(self, event: Event) -> bool:
        """Whether the sizes of what an event gives are known for other numbers of batch and tokens."""
        other = self._pairs.get(event.index)
        if other is None or len(other.outputs) != len(event.outputs):
            return True  # told of the body as a whole
        pairs = zip(event.outputs, other.outputs, strict=True)
        return all(self.sizes.has_form(mine.shape, theirs.shape) for mine, theirs in pairs)

    def shapes(self, event: Event, which: str) -> list[str]:
        """The shapes of the `inputs` or `outputs` of an event."""
        other = self._pair(event)
        values = getattr(event, which)
        pairs = getattr(other, which) if other is not None else values
        pairs = pairs if len(pairs) == len(values) else values
        return [_with_type(self.sizes.shape(a.shape, b.shape), a.dtype) for a, b in zip(values, pairs, strict=True)]

    def _passed(self, event: Event) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, kwargs, _ = self.events.passed.get(event.index, ((), {}, None))
        return args, kwargs

    def _other_passed(self, event: Event) -> tuple[tuple[Any, ...], dict[str, Any]]:
        pair = self._pairs.get(event.index)
        if self._other is None or pair is None or pair.index not in self._other.passed:
            return self._passed(event)
        args, kwargs, _ = self._other.passed[pair.index]
        return args, kwargs

    # --- calls of modules ---

    def _call(self, event: Event) -> tuple[Scope, str]:
        """The scope of a module call, and the name of the method that runs it."""
        known = self._scopes.get(event.index)
        if known is not None:
            return known
        given = self._given(event, self._signature_of_module(event.module))
        scope = Scope(list(self._body(event)), given, distinct(self._results(event)))
        prefix = f"{event.module}." if event.module else ""

        def own(number: int) -> str | None:
            name = self._owners.get(number)
            return "self." + accessed(name[len(prefix) :]) if name is not None and name.startswith(prefix) else None

        finish(scope, lambda number: own(number) is not None)
        names = names_of(scope, own)
        text = self._method_text(event, scope, names)
        texts = self.of_module[event.module]
        code = [without_comments(each) for each in texts]
        if without_comments(text) in code:
            number = code.index(without_comments(text)) + 1
            texts[number - 1] = with_common_comments(texts[number - 1], text)
        else:
            texts.append(text)
            number = len(texts)
        self._scopes[event.index] = (scope, "" if number == 1 else f".forward_{number}")
        return self._scopes[event.index]

    def _method_text(self, event: Event, scope: Scope, names: dict[int, str]) -> str:
        """Signature, shapes of the inputs, statements and return."""
        shapes = dict(zip([v.id for v in event.inputs], self.shapes(event, "inputs"), strict=True))
        for child in self._inside(event):
            for which in ("inputs", "outputs"):
                for value, shape in zip(getattr(child, which), self.shapes(child, which), strict=True):
                    shapes.setdefault(value.id, shape)
        head = ", ".join(["self", *(names[number] for number in scope.inputs)])
        told = "; ".join(f"{names[number]} {shapes.get(number, '?')}" for number in scope.inputs)
        lines = [f"    def forward({head}):"] + ([f"        # {told}"] if told else [])
        try:
            statements, after = body_text(scope.lines, names, scope.returns, self.sizes)
            fixed = self._is_fixed(event)
        except UncountedError:
            self.unpaired.append(f"{event.module} {event.name}")
            unrolled = [replace(line, round=None) for line in scope.lines]
            statements, after = body_text(unrolled, names, scope.returns, self.sizes)
            fixed = True
        if fixed:
            lines.append("        # sizes are those of B = {}, T = {}".format(*self.sizes.first))
        if any(child.name == "nonzero" for child in self._inside(event)):
            lines.append("        # what follows nonzero() is one round of a loop over the rows that it finds")
        named = {c.index for c in self._inside(event) if c.kind == "function" and not self._calls_modules(c)}
        ops = [each for each in self._inside(event) if each.parent not in named]
        lines += [f"        # {each}" for each in self.limits.remarks(ops, statements)]
        lines += [*statements, f"        {_returned(scope, after)}"]
        return "\n".join(lines)

    def _module_at(self, path: str) -> ModuleInstance | None:
        module: Any = self.traced.model
        for name in path.split(".") if path else []:
            module = module.modules.get(name) if isinstance(module, ModuleInstance) else None
        return module if isinstance(module, ModuleInstance) else None

    def _inside(self, event: Event) -> Iterator[Event]:
        for child in self._children[event.index]:
            yield child
            if child.kind == "function":
                yield from self._inside(child)

    def _signature_of_module(self, path: str) -> Signature | None:
        module = self._module_at(path)
        if module is None or not module.cls.has("forward"):
            return None
        function = module.cls.lookup("forward")
        return function.signature if isinstance(function, FunctionValue) else None

    def _given(self, event: Event, signature: Signature | None) -> dict[int, str]:
        """Names for what a call is given: those of the parameters that take it."""
        args, kwargs = self._passed(event)
        names = [name for name in signature.positional if name != "self"] if signature is not None else []
        refs = iter(event.inputs)
        found: dict[int, str] = {}
        for place, value in enumerate(args):
            name = names[place] if place < len(names) else f"x{place}"
            _name_tensors(value, name, refs, found)
        for key, value in kwargs.items():
            _name_tensors(value, key, refs, found)
        return found

    # --- statements ---

    def _body(self, event: Event) -> Iterator[Line]:
        for child in self._children[event.index]:
            if child.kind == "function" and self._calls_modules(child):
                yield from self._body(child)  # a function has no `self`: what it calls is written where it is called
            else:
                line = self._op(child) if child.kind == "op" else self._invoked(child)
                line.round = self._rounds.get(child.index)
                yield line

    def _calls_modules(self, event: Event) -> bool:
        return any(
            c.kind == "call" or (c.kind == "function" and self._calls_modules(c)) for c in self._children[event.index]
        )

    def _source(self, event: Event) -> tuple[object, list[str]]:
        node = self.lines.assignment(event.at)
        statement = (event.at.file, node.lineno) if node is not None and event.at is not None else event.at
        return statement, list(identifiers(node))

    def _op(self, event: Event) -> Line:
        statement, hints = self._source(event)
        args, kwargs = self._passed(event)
        other = self._other_passed(event)
        outputs = [value.id for value in event.outputs]
        changes = is_inplace(event)
        if event.index not in self.events.passed:
            return self._placeholder(event, outputs, "the pass broke off in it")
        try:
            expression = self._expression(event, args, kwargs, other)
        except (NotWritableError, StopIteration) as error:
            return self._placeholder(event, outputs, str(error) or "its tensors are not known")
        result = self.events.passed[event.index][2]
        expression.makes_tuple = isinstance(result, tuple | list) and not changes
        shapes = self.shapes(event, "outputs")
        return Line([] if changes else outputs, expression, shapes, changes=changes, statement=statement, hints=hints)

    def _expression(self, event: Event, args: tuple[Any, ...], kwargs: dict[str, Any], other: Any) -> Expression:
        write = Arguments(iter(event.inputs), self.sizes)
        if event.name in ("getitem", "slice") and event.index not in self.events.callees:
            return item_expression(args, other[0], write)
        if event.name == "setitem" and event.index not in self.events.callees:
            return set_expression(args, other[0], write)
        name = self.events.callees.get(event.index)
        if not isinstance(name, str):
            raise NotWritableError("what was called is not known")
        if self._other is not None:
            module = self._module_at(event.module)
            read = (module.attrs if module is not None else {}).get
            args, kwargs = self.limits.stated(event, (args, kwargs), other, read, self.sizes)
        return call_expression(name, args, kwargs, other, write)

    def _placeholder(self, event: Event, outputs: list[int], why: str) -> Line:
        """A tensor of the shape that an op gives, where the op itself has no form in source."""
        self.remarks.append(f"{event.name} at {event.at}: {why}")
        shapes = self.shapes(event, "outputs")
        parts = [_empty(shape, value.dtype) for shape, value in zip(shapes, event.outputs, strict=True)]
        text = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
        return Line(
            outputs, Expression([text], makes_tuple=len(parts) != 1), shapes, remark=f"{event.name}, not written out"
        )

    def _invoked(self, event: Event) -> Line:
        """A call of a module or of a named function of the code."""
        repeat = self.events.repeats.get(event.index)
        origin = self.events[repeat.start] if repeat is not None else event
        statement, hints = self._source(event)
        escaped = self._escaping.get(origin.index, [])
        further = {v.id if repeat is None else repeat.number(v.id): self._shape_of(v) for v in escaped}
        outputs = list(dict.fromkeys([*distinct(event.outputs), *further]))
        shapes = further | dict(zip([v.id for v in event.outputs], self.shapes(event, "outputs"), strict=True))
        if event.kind == "call":
            head, inputs = self._module_head(event, origin)
        else:
            function, inputs = self._function(event)
            head = [f"{function}("]
        given = [repeat.number(number) for number in inputs] if repeat is not None else inputs
        pieces: list[Piece] = [*head]
        for place, number in enumerate(given):
            pieces += ([", "] if place else []) + [number]
        pieces.append(")")
        expression = Expression(pieces, makes_tuple=len(outputs) > 1)
        return Line(
            outputs,
            expression,
            [shapes[n] for n in outputs],
            keeps=event.kind == "call",
            statement=statement,
            hints=hints,
        )

    def _results(self, event: Event) -> list[ValueRef]:
        """What a body hands out: its results, and what is read outside of it besides."""
        return [*event.outputs, *self._escaping.get(event.index, ())]

    def _shape_of(self, value: ValueRef) -> str:
        """The shape of a tensor, as the op that made it tells it."""
        for event in self.outline:
            numbers = [each.id for each in event.outputs]
            if value.id in numbers:
                return self.shapes(event, "outputs")[numbers.index(value.id)]
        return self.sizes.shape(value.shape, value.shape)

    def _module_head(self, event: Event, origin: Event) -> tuple[list[Piece], list[int]]:
        """`self.layers[3](` and what the module is given."""
        parent = self._enclosing(event)
        path = event.module[len(parent) + 1 :] if parent else event.module
        record_ = self.traced.reading.root.find(event.module)
        plain = (
            record_ is not None
            and record_.class_name in LIBRARY
            and (record_.library or "").endswith(f".{record_.class_name}")
        )
        if plain:
            return [*path_pieces(path), "("], [value.id for value in event.inputs[:1]]
        scope, method = self._call(origin)
        return [*path_pieces(path), f"{method}("], scope.inputs

    def _enclosing(self, event: Event) -> str:
        """Path of the module whose forward makes a call."""
        place = event.parent
        while place >= 0:
            above = self.events[place]
            if above.kind == "call":
                return above.module
            place = above.parent
        return ""

    # --- named functions ---

    def _function(self, event: Event) -> tuple[str, list[int]]:
        known = self._scopes.get(event.index)
        if known is None:
            called = self.events.callees.get(event.index)
            signature = called.signature if isinstance(called, FunctionValue) else None
            scope = Scope(list(self._body(event)), self._given(event, signature), distinct(self._results(event)))
            finish(scope, lambda number: False)
            names = names_of(scope, lambda number: None)
            known = self._scopes[event.index] = (scope, self._define(event, scope, names))
        return known[1], known[0].inputs

    def _define(self, event: Event, scope: Scope, names: dict[int, str]) -> str:
        method = self._method_text(event, scope, names)
        head, _, rest = method.partition("\n")
        head = head.strip().replace("forward(self, ", "forward(").replace("forward(self)", "forward()")
        text = "\n".join([head, *(line[4:] for line in rest.splitlines())])
        code = without_comments(text)
        if code in self.functions:
            known = self.functions[code]
            known.text = with_common_comments(known.text, text.replace("def forward(", f"def {known.name}(", 1))
        else:
            base = event.name if event.name.isidentifier() else "function"
            taken = {each.name for each in self.functions.values()}
            name = free_name(base, taken)
            self.functions[code] = Function(name, text.replace("def forward(", f"def {name}(", 1))
        return self.functions[code].name


def _returned(scope: Scope, names: dict[int, str]) -> str:
    return f"return {', '.join(names[number] for number in scope.returns)}" if scope.returns else "return None"


def _name_tensors(value: Any, name: str, refs: Iterator[ValueRef], found: dict[int, str], depth: int = 0) -> None:
    """Give the tensors of an argument its name; several get it with their place."""
    if isinstance(value, Tensor):
        ref = next(refs, None)
        if ref is not None:
            found.setdefault(ref.id, name)
    elif depth < 4 and isinstance(value, tuple | list):
        for place, each in enumerate(value):
            _name_tensors(each, f"{name}_{place}" if len(value) > 1 else name, refs, found, depth + 1)
    elif depth < 4 and isinstance(value, dict):
        for key, each in value.items():
            _name_tensors(
                each, f"{name}_{key}" if isinstance(key, str) and key.isidentifier() else name, refs, found, depth + 1
            )


def _with_type(shape: str, dtype: str | None) -> str:
    return shape if dtype in (None, "float32") else f"{shape} {dtype}"


def _empty(shape: str, dtype: str | None) -> str:
    sizes = shape.partition(" ")[0] if "]" not in shape else shape[: shape.index("]") + 1]
    return f"torch.empty({sizes}" + (f", dtype=torch.{dtype})" if dtype not in (None, "float32") else ")")
