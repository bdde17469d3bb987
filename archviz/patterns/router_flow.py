"""Where a router's scores go: what the choice of experts sees of them, and what their weights multiply.

The scores are followed forward through the block from the projection that makes one per expert; whole numbers, such as the chosen
experts, carry no score on.
"""

from __future__ import annotations

from collections.abc import Sequence

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.activations import number_in
from archviz.patterns.op_families import FRESH, canonical, writes_in_place
from archviz.patterns.trace import Trace
from archviz.records import field, record

_CONTRACTIONS = frozenset({"linear", "matmul", "bmm", "baddbmm", "addmm", "einsum"})
_PRODUCTS = _CONTRACTIONS | {"mul", "addcmul"}
_CHANGES = frozenset(
    {
        "pow",
        "square",
        "sqrt",
        "exp",
        "log",
        "sigmoid",
        "softmax",
        "neg",
        "mul",
        "div",
        "add",
        "sub",
        "relu",
        "abs",
        "clamp",
        "tanh",
    }
)
_CUTS = frozenset({"slice", "getitem", "narrow", "split", "chunk"})
_CHOICES = frozenset({"topk", "argmax", "argmin", "sort", "argsort"})
_SINGLE = frozenset({"argmax", "argmin", "max", "min"})


@record(frozen=True)
class Choice:
    """A step that takes some of the scores.

    Args:
        lowest: It takes the lowest of them: of scores with their sign changed, or as the step's options say.
        of: How many there are to choose from; None when that was not understood.
    """

    event: Event
    lowest: bool
    of: int | None


@record
class RouterFlow:
    """What becomes of the scores of one block.

    Args:
        choices: In order of execution.
        weighting: The product of the scores with hidden states; None where there is none.
        place: Whether that are the experts' `input` or `output`, or something `inside`.
        bias: The step that adds a stored number per expert to the scores; `biased_weights` whether the weights see it.
        ran: The experts' projections were seen.
        changes: What the experts' own steps do to the scores before that product.
    """

    choices: list[Choice] = field(default_factory=list)
    weighting: Event | None = None
    place: str | None = None
    bias: Event | None = None
    biased_weights: bool = False
    ran: bool = False
    changes: list[str] = field(default_factory=list)


def router_flow(trace: Trace, block: Event, routing: Sequence[Event], experts: str, count: int) -> RouterFlow:
    """Follow the scores through a block.

    Args:
        block: The call of the block.
        routing: The steps of the router and of the block itself, among which the scores are made.
        experts: Path of the experts.
        count: How many there are.
    """
    follower = _Follower(trace, routing, experts, count)
    for event in trace.inside(block):
        if event.kind == "op":
            follower.step(event)
    return follower.result()


def single_choices(trace: Trace, routing: Sequence[Event], count: int) -> list[Event]:
    """The steps that each choose one of `count` experts for a token, such as `argmax`.

    A later one counts where it sees what an earlier one chose, as when those scores are masked; else it makes the same choice again.
    """
    found: list[Event] = []
    told: set[int] = set()
    for event in routing:
        after = any(value.id in told for value in event.inputs)
        if _takes_one(trace, event, count) and (after or not found):
            found.append(event)
            after = True
        if after:
            told.update(value.id for value in event.outputs)
            told.update(value.id for value in (event.inputs[:1] if writes_in_place(event.name) else ()))
    return found


def _takes_one(trace: Trace, event: Event, count: int) -> bool:
    """Whether a step takes the place of the highest or lowest of `count` scores of a token: `max` gives it second."""
    name = canonical(event.name)
    if name not in _SINGLE or not event.inputs or not is_float(event.inputs[0]) or not event.outputs:
        return False
    places = event.outputs[1:2] if name in ("max", "min") else event.outputs[:1]
    return chosen_of(event, event.inputs[0]) == count and any(trace.is_live(value) for value in places)


def chosen_of(event: Event, scores: ValueRef) -> int | None:
    """How many scores a step chooses among; None where it names no axis, or that was not understood."""
    at = "2" if canonical(event.name) == "topk" else "1"
    rest = None if canonical(event.name) in _SINGLE else -1
    dim, shape = event.options.get("dim", event.options.get(at, rest)), scores.shape or ()
    return shape[dim] if isinstance(dim, int) and -len(shape) <= dim < len(shape) else None


def experts_choice(routing: Sequence[Event], count: int) -> Event | None:
    """The step by which experts choose their tokens: among all tokens, for each of `count` experts."""
    for event in routing:
        shape = event.inputs[0].shape if canonical(event.name) == "topk" and event.inputs else None
        of = chosen_of(event, event.inputs[0]) if shape and is_float(event.inputs[0]) else None
        if shape and of is not None and of != count and count in shape and len(shape) > 1:
            return event
    return None


def _cut_widths(routing: Sequence[Event], count: int) -> set[int]:
    """How many scores there are before those of the experts are cut out of them: shared experts may have theirs beside."""
    cut = [e for e in routing if canonical(e.name) in _CUTS and e.inputs and e.outputs]
    sizes = (
        (e.inputs[0].shape or (0,))[-1] or 0 for e in cut if any((v.shape or (0,))[-1] == count for v in e.outputs)
    )
    return {size for size in sizes if size > count}


class _Follower:
    def __init__(self, trace: Trace, routing: Sequence[Event], experts: str, count: int) -> None:
        self.trace, self.experts, self.count = trace, experts, count
        self.routing = {event.index for event in routing}
        self.widths = {count, *_cut_widths(routing, count)}
        self.signs: dict[int, int] = {}  # value made of scores → −1 where more of the score is less of the value
        self.biased: set[int] = set()
        self.depths: dict[int, int] = {}  # hidden states → how many of the experts' projections they went through
        self.products: list[tuple[Event, int, bool]] = []
        self.found = RouterFlow()

    def step(self, event: Event) -> None:
        name = canonical(event.name)
        if name in FRESH:
            return
        read = [value for value in event.inputs if is_float(value)]
        scores = [value for value in read if value.id in self.signs]
        if not scores:
            self._hidden(event, name, read)
            return
        hidden = [value for value in read if value.id not in self.signs and self._is_hidden(value)]
        if hidden and name in _PRODUCTS:
            depth = max(self.depths.get(value.id, 0) for value in hidden)
            self.products.append((event, depth, any(value.id in self.biased for value in scores)))
            self._mark(event, self.depths, depth)
            return
        inside = f"{event.module}.".startswith(f"{self.experts}.")
        if inside and name in _CHANGES and name not in self.found.changes:
            self.found.changes.append(name)
        if name in _CHOICES or _takes_one(self.trace, event, self.count):
            self._choose(event, name, scores[0])
        self._mark(event, self.signs, self._sign(event, name, scores))
        if any(value.id in self.biased for value in scores) or self._adds_bias(event, name):
            self.biased.update(value.id for value in event.outputs)

    def result(self) -> RouterFlow:
        most = max(self.depths.values(), default=0)
        self.found.ran = most > 0
        if self.products and most:
            # A shared expert may be weighed by scores as well, and is none of these experts.
            event, depth, biased = next(
                (p for p in reversed(self.products) if self._is_of_experts(*p)), self.products[-1]
            )
            self.found.weighting, self.found.biased_weights = event, biased
            self.found.place = "input" if depth == 0 else "output" if depth == most else "inside"
        return self.found

    def _is_of_experts(self, event: Event, depth: int, _biased: bool) -> bool:
        return depth > 0 or f"{event.module}.".startswith(f"{self.experts}.")

    def _mark(self, event: Event, labels: dict[int, int], label: int) -> None:
        """Give what an event makes, and what it writes into, a label."""
        written = event.inputs[:1] if writes_in_place(event.name) else ()
        for value in (*event.outputs, *written):
            if is_float(value):
                labels[value.id] = label

    def _hidden(self, event: Event, name: str, read: Sequence[ValueRef]) -> None:
        """A step without scores: it makes them, or carries hidden states on."""
        makes = event.outputs and (event.outputs[0].shape or (None,))[-1] in self.widths and name in _CONTRACTIONS
        if makes and event.index in self.routing:
            self._mark(event, self.signs, 1)
            return
        data = [value for value in read if self.trace.carries(value)]
        inside = f"{event.module}.".startswith(f"{self.experts}.")
        depth = max((self.depths.get(value.id, 0) for value in data), default=0)
        if inside and data and name in _CONTRACTIONS:
            depth += 1
        if depth:
            self._mark(event, self.depths, depth)

    def _is_hidden(self, value: ValueRef) -> bool:
        """Features of tokens: not one number per expert, group or choice."""
        size = (value.shape or (None,))[-1]
        return self.trace.carries(value) and (value.id in self.depths or (size is not None and size > self.count))

    def _adds_bias(self, event: Event, name: str) -> bool:
        stored = [v for v in event.inputs if not self.trace.carries(v) and (v.shape or (None,))[-1] == self.count]
        if name not in ("add", "sub") or len(stored) != 1 or len(event.inputs) != 2:
            return False
        self.found.bias = self.found.bias or event
        return True

    def _sign(self, event: Event, name: str, scores: Sequence[ValueRef]) -> int:
        """The sign of a result: turned by a minus, a product with a negative number, and where the scores are taken from something."""
        sign = self.signs[scores[0].id]
        number = number_in(event) if len(event.inputs) == 1 else None
        second = name in ("sub", "div") and len(event.inputs) == 2 and event.inputs[0].id not in self.signs
        reflected = name in ("sub", "div") and "0" in event.options  # a number less, or divided by, the scores
        negative = name in ("mul", "div") and number is not None and number < 0
        turns = name in ("neg", "reciprocal") or second or reflected
        return -sign if turns != negative else sign

    def _choose(self, event: Event, name: str, scores: ValueRef) -> None:
        options = event.options
        turned = options.get("largest", options.get("3", True)) is False or name in ("argmin", "min")
        if name in ("sort", "argsort"):
            turned = options.get("descending", options.get("2", False)) is not True
        self.found.choices.append(Choice(event, (self.signs[scores.id] < 0) != turned, chosen_of(event, scores)))


def is_float(value: ValueRef) -> bool:
    """Whether a value holds numbers of floating point; true where its type is not known."""
    return value.dtype is None or "float" in value.dtype
