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


@record(frozen=True)
class FurtherLayers:
    """One way to make up the further layers.

    Args:
        title: What they are made of.
        count: Parameters, all layers together.
        layers: How many.
        layer: The decoder layer that each is one more of.
        buffers: Elements of the buffers that are stored of them.
        status: `config` where their number is stated, `derived` where it is not.
        where: What says that they are there.
    """

    title: str
    count: int
    layers: int
    layer: ModuleRecord
    status: Status
    where: str | None
    buffers: int = 0


def main_stack(architecture: Architecture) -> LayerStack | None:
    """The layers of the tower that a model is named for."""
    paths = [item.stack for tower in architecture.towers for item in tower.column if item.stack]
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
    return [
        option for kind in stack.kinds
        for option in _options(reading, architecture, stack, kind.indices[-1], width.value, (layers, status, where))
    ]  # fmt: skip


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
    reading: ModelReading, architecture: Architecture, stack: LayerStack, index: int, width: int,
    stated: tuple[int, Status, str | None],
) -> Iterator[FurtherLayers]:  # fmt: skip
    layer = reading.root.find(f"{stack.path}.{index}")
    if layer is None:
        return
    times, status, where = stated
    own = sum(t.numel for module in layer.walk() for t in module.parameters.values() if t.name not in reading.tied)
    base = own + 2 * width * width + 3 * width
    table = _table(architecture, width)
    closing = _closing(reading, architecture, stack)
    last = reading.root.find(f"{stack.path}.{stack.count - 1}") or layer
    kept = list(
        dict.fromkeys((_stored(layer), _stored(last)))
    )  # a router of the last layers may stand in another kind of layer
    parts = f"a layer like {index}, a projection from {2 * width:,} to {width:,} and three norms"
    for tables, words in (
        (0, ""),
        (2 * table, ", an embedding and a head of its own"),
        (table, ", an embedding of its own"),
    ):
        if tables or not words:
            for more, name in ((0, ""), *closing):
                text = f"{parts}{words}" + (f", {name} of its own" if name else "")
                for buffers in kept:
                    yield FurtherLayers(
                        text, times * (base + tables + more), times, layer, status, where, times * buffers
                    )


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
