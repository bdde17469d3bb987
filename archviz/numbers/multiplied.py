"""What a pass multiplies: the weights that it meets, products of tensors, and projections that run over more than the new token."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from math import prod

from archviz.architecture.model import Architecture
from archviz.interpreter.caches import CachedPass, Weight
from archviz.interpreter.events import Events
from archviz.interpreter.reading import Event
from archviz.records import record

PRODUCTS = ("matmul", "bmm", "mm", "einsum", "baddbmm", "scaled_dot_product_attention")
"""Ops that multiply two tensors of which none need be a weight; projections are counted by their weights."""
LOOKUPS = ("embedding", "getitem", "index_select", "gather", "take_along_dim")
CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")


@record(frozen=True)
class Product:
    """One multiplication of a pass.

    Args:
        module: The module that runs it.
        operations: Additions and multiplications.
        left, right: Sizes of what is multiplied.
        anew: A projection that runs over more than the new token; `operations` are those of the further rows.
        reads: Numbers of what is multiplied.
    """

    module: str
    operations: int
    left: tuple[int, ...]
    right: tuple[int, ...]
    anew: bool = False
    reads: tuple[int, ...] = ()


def products_of(each: CachedPass) -> list[Product]:
    """The products of a decode step that its weights do not count: of tensors, and of projections for further rows."""
    found = []
    forms = Forms(each.weights)
    for event in each.events:
        if event.kind != "op":
            continue
        if event.name == "linear":
            sizes = _sizes(event)
            rows = prod(sizes[0][:-1]) if len(sizes) > 1 else 1
            if rows > 1 and len(sizes[1]) == 2:
                found.append(Product(event.module, 2 * (rows - 1) * prod(sizes[1]), sizes[0], sizes[1], anew=True))
        elif event.name in PRODUCTS and not forms.holds(event):
            sizes = _sizes(event)
            if len(sizes) > 1:
                found.append(
                    Product(
                        event.module,
                        product_operations(event, sizes, equation_of(each.events, event)),
                        sizes[0],
                        sizes[1],
                        reads=tuple(value.id for value in event.inputs),
                    )
                )
        forms.follow(event)
    return found


class Forms:
    """Numbers of parameters in any form: reshaped, transposed, one expert's part of a stack."""

    def __init__(self, weights: Mapping[int, Weight]) -> None:
        self._of = {number: frozenset({number}) for number in weights}
        self.looked_up: set[int] = set()

    def holds(self, event: Event) -> bool:
        return any(value.id in self._of for value in event.inputs)

    def of(self, number: int) -> frozenset[int]:
        """The parameters that a tensor is a form of; none where it is none."""
        return self._of.get(number, frozenset())

    def follow(self, event: Event) -> None:
        """Know the outputs of an op that reads nothing but weights, or a part of one."""
        inputs = [value.id for value in event.inputs]
        known = [self._of[number] for number in inputs if number in self._of]
        if known and (len(known) == len(inputs) or (event.name in LOOKUPS and inputs[0] in self._of)):
            whole: frozenset[int] = frozenset().union(*known)
            self._of.update((value.id, whole) for value in event.outputs)
            if (event.name in LOOKUPS and len(inputs) > 1) or not self.looked_up.isdisjoint(inputs):
                self.looked_up.update(value.id for value in event.outputs)


def met_weights(architecture: Architecture, each: CachedPass) -> int:
    """Parameters that one token meets in a decode step: experts by their share, tables that are only looked up not at all.

    A weight that a token meets more than once, as in layers that share theirs, counts each time.
    """
    stacks = [stack.path for stack in architecture.layers]
    met = _met(each, stacks)
    idle = sum(
        (kind.parameters - kind.active_parameters) * len(kind.indices)
        for stack in architecture.layers if any(name.startswith(f"{stack.path}.") for name in met)
        for kind in stack.kinds
    )  # fmt: skip
    return sum(met.values()) - idle


def _met(each: CachedPass, stacks: Sequence[str]) -> dict[str, int]:
    """Name → elements that the step multiplies or adds; of experts that stand in a list all, though one stands for all in a pass."""
    uses = _uses(each)
    called = {event.module for event in each.events if event.kind == "call"}
    whole = called - {_owner(each.weights[number].name) for number in uses}  # ops that do not tell their weights
    multiplied = {_owner(each.weights[number].name) for number, use in uses.items() if use.multiplied}
    met = {}
    for number, weight in each.weights.items():
        use, owner = uses.get(number), _owner(weight.name)
        if (use is not None and (use.plain or use.multiplied or owner in multiplied)) or (
            use is None and owner in whole
        ):
            met[weight.name] = max(weight.numel, use.multiplied if use is not None else 0)
    lists = {form for name in met if (form := _in_list(name, stacks)) is not None}
    for weight in each.weights.values():
        if weight.name not in met and _in_list(weight.name, stacks) in lists:
            met[weight.name] = weight.numel
    return met


class _Use:
    """How a step uses a parameter: elements that it multiplies with, and whether any use is more than a lookup."""

    def __init__(self) -> None:
        self.multiplied = 0
        self.plain = False


def _uses(each: CachedPass) -> dict[int, _Use]:
    uses: dict[int, _Use] = {}
    forms = Forms(each.weights)
    for event in each.events:
        if event.kind != "op":
            continue
        for place, value in enumerate(event.inputs):
            for number in forms.of(value.id):
                use = uses.setdefault(number, _Use())
                if multiplies(event, place):
                    use.multiplied += min(prod(size or 0 for size in value.shape or ()), each.weights[number].numel)
                elif not _is_lookup(event) and value.id not in forms.looked_up:
                    use.plain = True
        forms.follow(event)
    return uses


def multiplies(event: Event, place: int) -> bool:
    """Whether an input is the weight of a multiplication."""
    return (
        (place == 1 and event.name in ("linear", *PRODUCTS, *CONVOLUTIONS))
        or (event.name in PRODUCTS and place == 0 and len(event.inputs) == 2)
        or (event.name == "addmm" and place > 0)
    )


def _is_lookup(event: Event) -> bool:
    return event.name == "embedding" or (event.name in LOOKUPS and len(event.inputs) > 1)


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def _in_list(name: str, stacks: Sequence[str]) -> str | None:
    """A parameter in a list inside of a layer, its place in the list left open; None for one that is in none."""
    for stack in stacks:
        if name.startswith(f"{stack}."):
            layer, *parts = name[len(stack) + 1 :].split(".")
            places = [place for place, part in enumerate(parts) if part.isdecimal()]
            if not places:
                return None
            parts[places[-1]] = "*"
            return ".".join((stack, layer, *parts))
    return None


def products_once(events: Sequence[Event], others: frozenset[str]) -> int:
    """Operations of a pass in modules that are not among some others: projections, convolutions and products of tensors."""
    return sum(count for module, count in products_by_module(events).items() if module not in others)


def products_by_module(events: Sequence[Event]) -> dict[str, int]:
    """Module → operations of a pass: projections, convolutions and products of tensors."""
    found: dict[str, int] = {}
    for event in events:
        if event.kind == "op" and event.name in ("linear", *CONVOLUTIONS, *PRODUCTS):
            sizes = _sizes(event)
            if len(sizes) > 1:
                count = product_operations(event, sizes, equation_of(events, event))
                found[event.module] = found.get(event.module, 0) + count
    return found


def equation_of(events: Sequence[Event], event: Event) -> str | None:
    """The equation that an `einsum` of a pass was given; None for other events, or where it was given letters as numbers."""
    if event.name != "einsum" or not isinstance(events, Events) or event.index not in events.passed:
        return None
    given = events.passed[event.index][0]
    return given[0] if given and isinstance(given[0], str) else None


def _summed(equation: str, sizes: Sequence[tuple[int, ...]]) -> int:
    """How many products an `einsum` adds up for one number of its result: the sizes of the letters that the result lacks.

    >>> _summed("bhqd, bhkd -> bhqk", [(2, 8, 5, 64), (2, 8, 7, 64)])
    64
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    known: dict[str, int] = {}
    for term, size in zip(left.split(","), sizes, strict=False):
        before, _, after = term.partition("...")
        known.update(zip(before, size, strict=False))
        known.update(zip(reversed(after), reversed(size), strict=False))
    kept = right if arrow else [letter for letter in known if left.count(letter) == 1]
    return prod(size for letter, size in known.items() if letter not in kept)


def product_operations(event: Event, sizes: Sequence[tuple[int, ...]], equation: str | None = None) -> int:
    """Additions and multiplications of a projection, a convolution or a product of tensors.

    Args:
        sizes: Those of its inputs.
        equation: Of an `einsum`.
    """
    output = next((_known(value.shape) for value in event.outputs), None)
    if output is None:
        return 0
    if event.name == "linear":
        return 2 * prod(sizes[0][:-1]) * prod(sizes[1])
    if event.name in CONVOLUTIONS:  # [out, in / groups, kernel…]
        return 2 * prod(output) * prod(sizes[1][1:])
    if event.name == "scaled_dot_product_attention":
        query, key, value = sizes[0], sizes[1], sizes[2] if len(sizes) > 2 else sizes[1]
        return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    if event.name == "einsum" and equation is not None:
        return 2 * prod(output) * _summed(equation, sizes)
    if event.name == "einsum":
        summed = max(1, round(math.sqrt(prod(sizes[0]) * prod(sizes[1]) / max(1, prod(output)))))
        return 2 * prod(output) * summed
    left = sizes[1] if event.name == "baddbmm" else sizes[0]
    return 2 * prod(output) * left[-1]


def product_sizes(event: Event) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The two sizes of a product of tensors, as the scores of an attention and its weighted values are; None for other events."""
    if event.kind != "op" or event.name not in PRODUCTS:
        return None
    sizes = _sizes(event)
    return (sizes[0], sizes[1]) if len(sizes) > 1 and all(len(each) > 1 for each in sizes[:2]) else None


def _sizes(event: Event) -> list[tuple[int, ...]]:
    return [size for value in event.inputs if (size := _known(value.shape)) is not None]


def _known(shape: Sequence[int | None] | None) -> tuple[int, ...] | None:
    return None if shape is None or None in shape else tuple(int(size or 0) for size in shape)
