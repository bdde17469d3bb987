"""From the count of the official code to the total that is published, step by step, to the unit.

A step is a mechanism by which a checkpoint holds more or less than the class builds. What configuration or code states of it has the
status `config` or `verified`; a step that is taken because it makes the count come out is `derived`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain, islice, product
from typing import Literal

from archviz.architecture.model import Architecture
from archviz.interpreter.reading import ModelReading, TensorRecord
from archviz.numbers.further_layers import FurtherLayers, further_layers, main_stack
from archviz.numbers.quantised import (
    BLOCK,
    Matrix,
    Scales,
    block_scales,
    channel_scales,
    excepted,
    group_scales,
    listed,
    matrices,
    scales_stated,
    total,
)
from archviz.records import field, record, replace
from archviz.spans import Status

MOST_CHOICES = 400_000
NEAR = 1000
"""Derived steps that leave more than a thousandth of the difference explain nothing: as many others would come as near."""
NEAR_STATED = 20
"""Of steps that are stated a twentieth may be left: what they are is not in doubt."""


@record(frozen=True)
class Step:
    """One mechanism: how many parameters a checkpoint holds more (or less) by it, and what says so.

    Args:
        fills: It is small and says little, so that it counts only where all comes out.
    """

    key: str
    title: str
    count: int
    status: Status = "derived"
    where: str | None = None
    fills: bool = False


@record(frozen=True)
class Reconciliation:
    """The way from the code's count to the published one.

    Args:
        code: Parameters that the official code builds.
        published: The total that the publisher's checkpoint is said to hold.
        steps: In order; their counts and `code` come to `published`, but for the `rest`.
        rest: What no step explains.
    """

    code: int
    published: int
    steps: list[Step] = field(default_factory=list)

    @property
    def rest(self) -> int:
        return self.published - self.code - sum(step.count for step in self.steps)


Choice = tuple[Step, ...]
"""Steps that are taken together."""


def reconcile(
    reading: ModelReading, architecture: Architecture, published: int, quantisation: dict[str, object] | None = None,
    *, certain: bool = True,
) -> Reconciliation:  # fmt: skip
    """The steps from the code's count to a published total: as few as make it come out; else the nearest, with its rest.

    Steps that do not come out never explain more than there is: what is left over is what the checkpoint holds besides.

    Args:
        reading: What the code builds.
        architecture: Its description.
        published: The total.
        quantisation: The `quantization_config` of the configuration.
        certain: The count is that of the published model; where it may not be, only steps that come out say anything.
    """
    code = architecture.parameters.total
    if published == code:
        return Reconciliation(code, published)
    difference = published - code
    nearest: Choice = ()
    stated: Choice = ()
    for choice in _choices(reading, architecture, quantisation or {}):
        rest = difference - sum(step.count for step in choice)
        if rest == 0:
            return Reconciliation(code, published, list(choice))
        if certain and choice and rest > 0 and not any(step.fills for step in choice):
            nearest = _nearer(nearest, choice, difference)
            if not any(step.status == "derived" for step in choice):
                stated = _nearer(stated, choice, difference)
    rest = difference - sum(step.count for step in nearest)
    if rest * NEAR <= abs(difference):
        return Reconciliation(code, published, list(nearest))
    rest = difference - sum(step.count for step in stated)
    if rest * NEAR_STATED > abs(difference):  # which layers are further ones is not stated, only how many
        stated = tuple(step for step in stated if step.key != "mtp")
    return Reconciliation(code, published, list(stated))


def _nearer(best: Choice, choice: Choice, difference: int) -> Choice:
    """The one that leaves less of the difference; the first of equals."""
    left, rest = (abs(difference - sum(step.count for step in each)) for each in (best, choice))
    return choice if rest < left else best


def _choices(reading: ModelReading, architecture: Architecture, quantisation: dict[str, object]) -> Iterator[Choice]:
    """Combinations of mechanisms, the plainer first, and what is stated before what is not."""
    width = architecture.fact("hidden_size")
    size = width.value if width is not None and isinstance(width.value, int) else 0
    groups = (
        _tied(reading),
        _head(reading),
        _towers(architecture),
        _rotary(reading, architecture),
        _masks(reading, architecture),
    )
    small = [[(), *((step,) for step in group)] for group in groups]
    buffers = _subsets(_buffers(reading))
    further: list[FurtherLayers | None] = list(further_layers(reading, architecture))
    stated = any(each is not None and each.where for each in further)
    further = [*further, None] if stated else [None, *further]
    kept, mixes = _cache_scales(reading), _mixers(architecture)
    ways: list[tuple[FurtherLayers | None, Iterable[Choice]]] = []
    varied: list[tuple[FurtherLayers | None, Iterable[Choice]]] = []
    for more in further:
        (varied if more is not None and more.varied else ways).append((more, [()]))
    is_excepted = excepted(listed(quantisation))
    built = cache(lambda: [each for each in matrices(reading.root, size) if not is_excepted(each.module)])
    for more in further:
        held = partial(_matrices, built, is_excepted, more, size)
        into = varied if more is not None and more.varied else ways
        into.append((more, _weights(held, quantisation, kept, mixes, size)))
    together = [tuple(step for each in rest for step in each) for rest in product(*small)]
    yield from islice(chain(_taken(ways, buffers, together), _taken(varied, buffers, [()])), MOST_CHOICES)


def _taken(
    ways: Iterable[tuple[FurtherLayers | None, Iterable[Choice]]], buffers: Sequence[Choice], others: Sequence[Choice]
) -> Iterator[Choice]:
    """Every way with all buffers and all else that may come with it."""
    for more, storages in ways:
        further = {known: _further_steps(more, stored=known) for known in (False, True)}
        for weights in storages:
            for stored in buffers:
                first = (*further[bool(stored)], *weights, *stored)
                for rest in others:
                    yield (*first, *rest)


def _further_steps(more: FurtherLayers | None, *, stored: bool) -> Choice:
    if more is None:
        return ()
    buffers = more.buffers if stored else 0
    plural = (
        f"{more.layers} layers that predict further tokens, each"
        if more.layers > 1
        else "a layer that predicts a further token:"
    )
    held = f", and {buffers:,} numbers of its stored buffers" if buffers else ""
    return (
        Step(
            "mtp",
            f"{plural} {more.title}{held}",
            more.count + buffers,
            more.status,
            more.where,
            fills=more.where is None,
        ),
    )


def _tied(reading: ModelReading) -> list[Step]:
    """A tied tensor that is stored under its second name as well."""
    parameters = reading.parameters()
    return [
        Step("tied", f"{alias} stored, though it is {name}", parameters[name].numel)
        for alias, name in list(reading.tied.items())[:8]
        if name in parameters
    ]


def _head(reading: ModelReading) -> list[Step]:
    """A head that a base or embedding checkpoint does not hold."""
    heads = [m for m in reading.root.children.values() if m.name in ("lm_head", "embed_out", "score", "classifier")]
    counts = [(m.path, sum(t.numel for t in m.parameters.values() if t.name not in reading.tied)) for m in heads]
    return [Step("head", f"{path} is not in the checkpoint", -count, fills=True) for path, count in counts if count]


def _towers(architecture: Architecture) -> list[Step]:
    """A tower beside the main one that a checkpoint does not hold."""
    return [
        Step("tower", f"the {tower.title.lower()} is not in the checkpoint", -tower.parameters, fills=True)
        for tower in architecture.towers[1:4]
        if tower.parameters
    ]


def _buffers(reading: ModelReading) -> list[Step]:
    """Buffers by name: those that are stored, and those that older code stored."""
    groups: dict[tuple[str, bool], list[TensorRecord]] = {}
    for module in reading.root.walk():
        for tensor in module.buffers.values():
            if tensor.numel:
                groups.setdefault((tensor.name.rpartition(".")[2], tensor.persistent), []).append(tensor)
    return [
        Step("buffers", f"{len(held)} buffer{'s' if len(held) > 1 else ''} {name}" + ("" if stored else ", which the code no longer stores"), sum(t.numel for t in held),
             "verified" if stored else "derived", str(held[0].at) if held[0].at else None, not stored)
        for (name, stored), held in groups.items()
        if not name.startswith("original_")
    ][:8]  # fmt: skip


def _subsets(steps: Sequence[Step]) -> list[Choice]:
    """Stored buffers together, then others besides: at most two of them."""
    stored = tuple(step for step in steps if step.status == "verified")
    others = [step for step in steps if step.status != "verified"]
    chosen: list[Choice] = [
        (),
        *((step,) for step in others),
        *((a, b) for i, a in enumerate(others) for b in others[:i]),
    ]
    return [*chosen, *((*stored, *each) for each in chosen)] if stored else chosen


def _rotary(reading: ModelReading, architecture: Architecture) -> list[Step]:
    """The table of rotary frequencies, once in every layer, as older code stored it."""
    stack = main_stack(architecture)
    sizes = {
        t.numel
        for m in reading.root.walk()
        for n, t in m.buffers.items()
        if n.endswith("inv_freq") and not t.persistent
    }
    return [
        Step("rotary", f"rotary frequencies in each of {stack.count} layers, as older code stored them", stack.count * size, fills=True)
        for size in sorted(sizes) if stack is not None
    ]  # fmt: skip


def _masks(reading: ModelReading, architecture: Architecture) -> list[Step]:
    """The causal mask of all positions, once in every layer, as older code stored it."""
    stack, config = main_stack(architecture), reading.config
    positions = next(
        (
            config[key]
            for key in ("n_positions", "n_ctx", "max_position_embeddings")
            if isinstance(config.get(key), int)
        ),
        None,
    )
    if stack is None or not isinstance(positions, int):
        return []
    mask = stack.count * positions * positions
    words = f"causal masks of {positions:,} × {positions:,} in each of {stack.count} layers, as older code stored them"
    return [Step("masks", words, mask), Step("masks", f"{words}, and the number that fills them", mask + stack.count)]


def _matrices(
    find: Callable[[], Sequence[Matrix]], is_excepted: Callable[[str], bool], more: FurtherLayers | None, width: int
) -> list[Matrix]:
    """The matrices that are quantised: those that the class builds, and those of further layers."""
    parts = [each for part in (more.parts if more else ()) for each in matrices(part, width)]
    return [*find(), *[each for each in parts if not is_excepted(each.module)] * (more.layers if more else 1)]


def _weights(
    find: Callable[[], Sequence[Matrix]], quantisation: dict[str, object], kept: Step, mixes: Callable[[str], bool],
    width: int,
) -> Iterator[Choice]:  # fmt: skip
    """How quantised weights are stored, where not as they are: with scales, packed in bytes."""
    if quantisation.get("kv_cache_scheme"):
        yield (kept,)
    held, stated = find(), scales_stated(quantisation)
    if stated is not None:
        yield (_scales(held, *stated, status="config"),)
        inner = _scales(_without_outputs(held, mixes, width), *stated, of=", but of output projections")
        yield (replace(inner, where="quantization_config", fills=False),)
    feeds = [each for each in held if not mixes(each.module)]
    for words, rule in (*([stated] if stated is not None else []), *_RULES):
        for part, name in ((held, ""), (feeds, " of feed-forwards")):
            yield (_scales(part, words, rule, of=name),)
    experts = [each for each in held if each.expert]
    for part, name in (
        (held, "all projections"),
        (feeds, "the projections of feed-forwards"),
        (experts, "the experts"),
    ):
        if part:
            packed = Step(
                "packed", f"{name} packed, two numbers of 4 bits in a byte", -sum(each.numel // 2 for each in part)
            )
            yield (packed,)
            for size in (16, 32):
                yield (
                    packed,
                    replace(_scales(part, f"a scale for {size} numbers of a row", group_scales(size)), fills=False),
                )


def _without_outputs(held: Sequence[Matrix], mixes: Callable[[str], bool], width: int) -> list[Matrix]:
    """The matrices without the last one of each mixer, which leads back to the stream: many checkpoints leave it as it is."""
    following = [each.module.rpartition(".")[0] for each in held[1:]]
    return [
        each for each, after in zip(held, [*following, ""], strict=True)
        if not (mixes(each.module) and each.rows == width and each.module.rpartition(".")[0] != after)
    ]  # fmt: skip


def _cache_scales(reading: ModelReading) -> Step:
    """A scale for the cached keys and one for the values of every layer."""
    count = sum(module.name in ("k_proj", "v_proj") for module in reading.root.walk())
    return Step(
        "scales",
        "a scale for the cached keys and one for the values of each layer",
        count,
        "config",
        "quantization_config.kv_cache_scheme",
    )


_RULES: tuple[tuple[str, Scales], ...] = (
    (f"a scale for each block of {BLOCK[0]} × {BLOCK[1]}", block_scales(BLOCK)),
    ("a scale for each row", channel_scales),
)


def _scales(held: Iterable[Matrix], words: str, rule: Scales, status: Status = "derived", of: str = "") -> Step:
    where = "quantization_config" if status == "config" else None
    return Step(
        "scales",
        f"scales of quantised weights{of}: {words}",
        total(held, rule),
        status,
        where,
        fills=status == "derived",
    )


def _mixers(architecture: Architecture) -> Callable[[str], bool]:
    """Whether a module is a part of a mixer: attention, recurrence, convolution."""
    blocks = {block.id: block.module for block in architecture.blocks}
    names = {
        blocks[kind.mixer].rpartition(".")[2]
        for stack in architecture.layers for kind in stack.kinds
        if kind.mixer in blocks and kind.mixer is not None and blocks[kind.mixer] != blocks.get(kind.block)
    }  # fmt: skip
    return lambda path: not names.isdisjoint(path.split("."))


def quantisation_of(values: dict[str, object]) -> dict[str, object]:
    """The quantisation that a configuration states, in it or in its text part."""
    inner = values.get("text_config")
    for part in (values, inner if isinstance(inner, dict) else {}):
        found = part.get("quantization_config")
        if isinstance(found, dict):
            return found
    return {}


def evidence_kind(where: str) -> Literal["code", "config"]:
    """A line of code, or a key of the configuration."""
    return "code" if ".py:" in where else "config"
