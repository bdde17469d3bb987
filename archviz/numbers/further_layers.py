"""Layers that a checkpoint holds and the class does not build: those that predict further tokens (MTP).

Such a block is one more decoder layer of a kind that the model has, a projection from two widths to one, norms of what goes in and of what
comes out, and perhaps an embedding, a head and closing modules of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archviz.architecture.further_tokens import KEYS
from archviz.architecture.model import Architecture, LayerStack
from archviz.interpreter.reading import ModelReading, ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.records import record
from archviz.spans import Status

_NAMES = late_pattern(r"mtp|nextn|multi_token")
MOST_UNSTATED = 4
"""Layers that are tried where nothing states their number."""


@record(frozen=True)
class FurtherLayers:
    """One way to make up the further layers.

    Args:
        title: What they are made of.
        count: Parameters, all layers together.
        layers: How many.
        parts: The modules that each is one more of: a decoder layer, or the parts of several.
        buffers: Elements of the buffers that are stored of them.
        status: `config` where their number is stated, `derived` where it is not.
        where: What says that they are there.
        varied: It is no layer of the model, or one of several though nothing states their number.
    """

    title: str
    count: int
    layers: int
    parts: tuple[ModuleRecord, ...]
    status: Status
    where: str | None
    buffers: int = 0
    varied: bool = False


@record(frozen=True)
class _Layer:
    """What a further layer may be like: in words, its modules, its own tensors beside them, and the layer that its buffers are of."""

    words: str
    parts: tuple[ModuleRecord, ...]
    beside: int
    like: ModuleRecord


def main_stack(architecture: Architecture) -> LayerStack | None:
    """The layers of the tower that a model is named for."""
    paths = [path for tower in architecture.towers for item in tower.column for path in item.stacks]
    stacks = {stack.path: stack for stack in architecture.layers}
    return next((stacks[path] for path in paths if path in stacks), None)


def further_layers(reading: ModelReading, architecture: Architecture) -> list[FurtherLayers]:
    """All ways to make up further layers; none where the class builds them, or nothing speaks of them."""
    stack = main_stack(architecture)
    width = architecture.fact("hidden_size")
    if stack is None or width is None or not isinstance(width.value, int):
        return []
    if any(_NAMES.search(name.lower()) for name in {module.name for module in reading.root.walk()}):
        return []
    layers, status, where = _stated(reading, stack.count)
    plain, mixed = _likes(reading, stack), _mixtures(reading, stack) if where else []
    times = range(1, 1 + (MOST_UNSTATED if where and status == "derived" else 1))
    tried = [(like, layers * n, n > 1 or like in mixed) for n in times for like in (*plain, *mixed)]
    return [
        option for like, count, varied in sorted(tried, key=lambda each: each[2])
        for option in _options(reading, architecture, stack, like, width.value, (count, status, where, varied))
    ]  # fmt: skip


def _likes(reading: ModelReading, stack: LayerStack) -> list[_Layer]:
    """The last layer of each kind."""
    found = [(kind.indices[-1], reading.root.find(f"{stack.path}.{kind.indices[-1]}")) for kind in stack.kinds]
    return [_Layer(f"a layer like layer {index}", (layer,), 0, layer) for index, layer in found if layer is not None]


def _mixtures(reading: ModelReading, stack: LayerStack) -> list[_Layer]:
    """A layer of one kind with a part of another's, of another size than its own: windowed attention with a dense feed-forward."""
    layers = [like.like for like in _likes(reading, stack)]
    found: dict[tuple[int, int], _Layer] = {}
    for base in layers:
        for other in layers:
            for name, part in other.children.items():
                own = base.children.get(name)
                if own is None or _size(own) == _size(part):
                    continue
                rest = tuple(child for key, child in base.children.items() if key != name)
                words = f"a layer like layer {_index(base)}, but with the {name} of layer {_index(other)}"
                beside = sum(tensor.numel for tensor in base.parameters.values())
                found.setdefault((sum(map(_size, rest)), _size(part)), _Layer(words, (*rest, part), beside, base))
    known = {_size(layer) for layer in layers}
    return [each for each in found.values() if sum(map(_size, each.parts)) + each.beside not in known]


def _index(layer: ModuleRecord) -> str:
    return layer.path.rpartition(".")[2]


def _size(module: ModuleRecord) -> int:
    """Parameters of a module and of all below it."""
    return sum(tensor.numel for each in module.walk() for tensor in each.parameters.values())


def _stated(reading: ModelReading, built: int) -> tuple[int, Status, str | None]:
    """How many further layers there are and what says so: a key, or keys of checkpoints that the class ignores."""
    for prefix, values in (("", reading.config), *_inner(reading.config)):
        for key in KEYS:
            value = values.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 64:
                return value, "config", prefix + key
    for pattern, at in reading.ignored:
        if _NAMES.search(pattern) or re.search(rf"layers\\?\.{built}(?!\d)", pattern):
            return 1, "derived", str(at) if at else None
    return 1, "derived", None


def _inner(config: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    for key, value in config.items():
        if isinstance(value, dict) and key.endswith("config"):
            yield f"{key}.", value


def _options(
    reading: ModelReading, architecture: Architecture, stack: LayerStack, like: _Layer, width: int,
    stated: tuple[int, Status, str | None, bool],
) -> Iterator[FurtherLayers]:  # fmt: skip
    times, status, where, varied = stated
    layer = like.like
    tensors = [t for part in like.parts for module in part.walk() for t in module.parameters.values()]
    own = like.beside + sum(t.numel for t in tensors if t.name not in reading.tied)
    base = own + 2 * width * width + 3 * width
    table = _table(architecture, width)
    closing = _closing(reading, architecture, stack)
    last = reading.root.find(f"{stack.path}.{stack.count - 1}") or layer
    kept = list(
        dict.fromkeys((_stored(layer), _stored(last)))
    )  # a router of the last layers may stand in another kind of layer
    parts = f"{like.words}, a projection from {2 * width:,} to {width:,} and three norms"
    for tables, words in (
        (0, ""),
        (2 * table, ", an embedding and a head of its own"),
        (table, ", an embedding of its own"),
    ):
        if tables or not words:
            for more, name in ((0, ""), *closing):
                text = f"{parts}{words}" + (f", {name} of its own" if name else "")
                for buffers in kept:
                    count, stored = times * (base + tables + more), times * buffers
                    yield FurtherLayers(text, count, times, like.parts, status, where, stored, varied)


def _stored(layer: ModuleRecord) -> int:
    """Elements of the stored buffers of a layer; tables are left out."""
    held = [b for module in layer.walk() for b in module.buffers.values() if b.persistent]
    return sum(b.numel for b in held if len(b.shape) == 1)


def _table(architecture: Architecture, width: int) -> int:
    vocabulary = architecture.fact("vocabulary_size")
    return vocabulary.value * width if vocabulary is not None and isinstance(vocabulary.value, int) else 0


def _closing(reading: ModelReading, architecture: Architecture, stack: LayerStack) -> list[tuple[int, str]]:
    """Modules after the layers that are no norm and no head."""
    parent = reading.root.find(stack.path.rpartition(".")[0])
    found = []
    for child in parent.children.values() if parent is not None else ():
        own = sum(t.numel for module in child.walk() for t in module.parameters.values())
        if own and child.path != stack.path and not (child.library or "").startswith("torch.nn.Embedding"):
            if not any(t.name.endswith(("norm.weight", "ln_f.weight")) for t in child.parameters.values()):
                found.append((own, child.name))
    return [(own, name) for own, name in found if "norm" not in name][:3]
