"""What a forward pass leaves behind for the next one: the tensors of its cache, layer by layer.

The cache classes are interpreted like all other code; here their objects are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.reading import Event, Gap
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import DEFAULT_FLOAT, Instance, ModuleInstance, Tensor
from archviz.interpreter.walk import walk
from archviz.records import field, record, replace
from archviz.spans import Span

OUTPUTS = ("past_key_values", "cache_params", "state", "mems", "past_buckets_states", "rnn_state")
"""The names under which models return what they want back with the next token."""
NO_CACHE = "the model returned no cache"
"""The gap of a pass that left nothing behind though all of it was understood."""
PARTS = {"self_attention_cache": "self", "cross_attention_cache": "cross"}
BARE = "tensor"
"""The name of a tensor that is itself an item of a cache."""
INDEXED, LINEAR, PAIR = "indexer_keys", ("conv_states", "recurrent_states"), ("keys", "values")


@record(frozen=True)
class CacheLayer:
    """One layer of a cache after a pass.

    Args:
        index: The layer's number in its cache.
        part: `self`, or `cross` for keys and values of an encoder's output.
        class_name: The class of the layer's cache in the code.
        kind: What it holds: `full`, `sliding` or `static` keys and values, `linear` states, both (`linear + full`), `indexed` keys
            beside them, `state` for anything else, `empty`.
        module: Path of the module that wrote it; None when none did.
        tensors: Name → tensor; several states are numbered (`conv_states.0`).
        window: Tokens that a sliding layer keeps in view.
        at: The line that wrote it.
        earlier: Name → shape that it had before the last pass; empty after the first.
        writers: Name → path of the module that wrote it last, as far as that is known.
    """

    index: int
    part: str
    class_name: str
    kind: str
    module: str | None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    window: int | None = None
    at: Span | None = None
    earlier: dict[str, tuple[int, ...]] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)


class Weight(NamedTuple):
    """A parameter that events read."""

    name: str
    numel: int


@record(frozen=True)
class CachedPass:
    """What a model keeps after a prefill and one decode step.

    Args:
        tokens: How many tokens it has seen.
        layers: What each layer keeps.
        events: The events of the decode step.
        numbers: Identity of a cached tensor → its number in the events.
        gaps: What was not understood on the way.
        weights: Number of a parameter in the events → its name and elements.
        before: The events of the prefill that came before, for `tokens` less one.
        ended_by: What ended one of the two before it was through.
        walks: A loop of the prefill had a round for each of its tokens.
    """

    tokens: int
    layers: list[CacheLayer]
    events: Sequence[Event]
    numbers: dict[int, int]
    gaps: list[Gap]
    weights: dict[int, Weight] = field(default_factory=dict)
    before: Sequence[Event] = ()
    ended_by: str | None = None
    walks: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all of it was understood, and every layer keeps something where any does."""
        return all(gap.reason == NO_CACHE for gap in self.gaps) and all(each.kind != "empty" for each in self.layers)


def cached_pass(
    tokens: int, layers: list[CacheLayer], recorders: Sequence[Recorder], gaps: list[Gap], model: ModuleInstance
) -> CachedPass:
    """The last of some passes with a cache; `recorders` has the latest first."""
    last, first = recorders[0], recorders[-1]
    held = [tensor for layer in layers for tensor in layer.tensors.values()]
    known = {id(tensor): number for tensor in held if (number := last.known_number(tensor)) is not None}
    before = first.events if first is not last else ()
    ended_by = next((each.ended_by for each in recorders if each.ended_by is not None), None)
    return CachedPass(tokens, layers, last.events, known, gaps, _weights(last, model), before, ended_by)


def _weights(recorder: Recorder, model: ModuleInstance) -> dict[int, Weight]:
    """The parameters by their numbers in a pass; a tied one under its first name, those that the pass has not seen by negative numbers."""
    found: dict[int, Weight] = {}
    for path, module in walk(model, "", set()):
        for name, tensor in module.parameters.items():
            if tensor is not None:
                size = prod(map(int, tensor.shape)) if tensor.shape is not None else 0
                number = recorder.known_number(tensor)
                found.setdefault(
                    -tensor.serial - 1 if number is None else number, Weight(f"{path}.{name}" if path else name, size)
                )
    return found


def returned_cache(output: Any) -> tuple[str, Any] | None:
    """The name and the object of the cache in a model's output; None when it returns none."""
    if not isinstance(output, Instance):
        return None
    for name in OUTPUTS:
        held = output.attrs.get(name)
        if held is not None and held is not False:
            return name, held
    return None


def handed_cache(recorder: Recorder) -> Any:
    """The cache that a model made for itself in a pass and handed to its layers, though it does not return it; None where it made none."""
    for args, kwargs, _ in recorder.passed.values():
        for value in (*args, *kwargs.values()):
            if isinstance(value, Instance) and isinstance(value.attrs.get("layers"), list) and value.cls.has("update"):
                return value
    return None


Shapes = list[dict[str, tuple[int, ...]]]
"""Of each layer of a cache, name → shape of what it holds."""


def cache_shapes(cache: Any) -> Shapes:
    """The shapes of what each layer of a cache holds now, as far as they are known."""
    return [
        {name: tuple(each.shape) for name, each in held.tensors().items() if each.shape is not None}
        for held in _layers(cache)
    ]


def cache_layers(
    interp: Interpreter, cache: Any, recorders: list[Recorder], earlier: Shapes | None = None
) -> list[CacheLayer]:
    """The layers of a cache.

    Args:
        interp: The interpreter.
        cache: What the model returned.
        recorders: The passes that may have written it, latest first.
        earlier: What `cache_shapes` said of it before the last pass.
    """
    made = [(recorder, recorder.makers()) for recorder in recorders]
    found = [_described(interp, held, made) for held in _layers(cache)]
    if earlier is None or len(earlier) != len(found):
        return found
    return [replace(layer, earlier=shapes) for layer, shapes in zip(found, earlier, strict=True)]


_Made = list[tuple[Recorder, dict[int, Event]]]


@record(frozen=True)
class _Held:
    """What a cache holds of one layer: the object of the layer, and items of lists beside those objects, by the name of the list."""

    part: str
    index: int
    layer: Any
    beside: dict[str, Any] = field(default_factory=dict)

    def tensors(self) -> dict[str, Tensor]:
        found = dict(held_tensors(self.layer))
        for name, item in self.beside.items():
            found.update(held_tensors(item, name))
        return found


def _layers(cache: Any, part: str = "self") -> Iterator[_Held]:
    if isinstance(cache, Instance) and any(name in cache.attrs for name in PARTS):
        for name, side in PARTS.items():
            yield from _layers(cache.attrs.get(name), side)
    elif isinstance(cache, Instance) and isinstance(cache.attrs.get("layers"), list):
        yield from _with_lists(cache.attrs["layers"], cache, part)
    elif isinstance(cache, (list, tuple)):
        yield from (_Held(part, index, layer) for index, layer in enumerate(cache))
    elif cache is not None:
        yield _Held(part, 0, cache)


def _with_lists(layers: list[Any], cache: Instance, part: str) -> Iterator[_Held]:
    """The layers of a cache, each with its item of every other list of tensors: states that a class keeps beside its layers."""
    lists = {
        name: value for name, value in cache.attrs.items()
        if name != "layers" and isinstance(value, list) and any(isinstance(each, Tensor) for each in value)
    }  # fmt: skip
    for index in range(max(len(layers), *map(len, lists.values())) if lists else len(layers)):
        layer = layers[index] if index < len(layers) else None
        yield _Held(part, index, layer, {name: value[index] for name, value in lists.items() if index < len(value)})


def _described(interp: Interpreter, held: _Held, made: _Made) -> CacheLayer:
    layer, tensors = held.layer, held.tensors()
    makers = {name: event for name, tensor in tensors.items() if (event := _maker(tensor, made)) is not None}
    latest = min(makers.values(), key=lambda each: each[0], default=(0, None))[1]
    sliding = isinstance(layer, Instance) and interp.find_attribute(layer, "is_sliding") is True
    window = layer.attrs.get("sliding_window") if sliding else None
    return CacheLayer(
        held.index, held.part, layer.cls.name if isinstance(layer, Instance) else type(layer).__name__,
        _kind(layer, tensors, sliding=sliding), latest.module if latest is not None else None, tensors,
        window if isinstance(window, int) else None, latest.at if latest is not None else None,
        writers={name: event.module for name, (_, event) in makers.items()},
    )  # fmt: skip


def held_tensors(layer: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors with at least one axis that an object, a list or a dict holds, by name."""
    if isinstance(layer, Tensor):
        if layer.shape is None or layer.shape:
            yield prefix or BARE, layer
        return
    held: Any = ()
    if isinstance(layer, Instance) and not isinstance(layer, ModuleInstance):
        held = layer.attrs.items()
    elif isinstance(layer, dict):
        held = layer.items()
    elif isinstance(layer, (list, tuple)):
        held = enumerate(layer)
    for name, value in held:
        if isinstance(value, (Tensor, list, tuple, dict)):
            yield from held_tensors(value, f"{prefix}.{name}" if prefix else str(name))


def _kind(layer: Any, tensors: dict[str, Tensor], *, sliding: bool) -> str:
    if not tensors:
        return "empty"
    names = {name.partition(".")[0] for name in tensors}
    kinds = ["linear"] if names & set(LINEAR) else []
    if names & set(PAIR):
        static = isinstance(layer, Instance) and "max_cache_len" in layer.attrs
        kinds.append("sliding" if sliding else "static" if static else "full")
    if INDEXED in names:
        kinds.append("indexed")
    return " + ".join(kinds) or "state"


def _maker(tensor: Tensor, made: _Made) -> tuple[int, Event] | None:
    """The op that made a tensor, in the latest pass that did, and how many passes ago that was."""
    for ago, (recorder, makers) in enumerate(made):
        number = recorder.known_number(tensor)
        event = None if number is None else makers.get(number)
        if event is not None:
            return ago, event
    return None


def give_dtype(model: ModuleInstance, dtype: str) -> None:
    """Let the parameters and buffers whose type the code leaves to the loader have the model's dtype, so that what is cached has it."""
    for _, module in walk(model, "", set()):
        for tensor in module.parameters.values():
            if tensor is not None and tensor.dtype == "float32":
                tensor.dtype = dtype
        for tensor in module.buffers.values():
            if tensor is not None and tensor.dtype is DEFAULT_FLOAT:
                tensor.dtype = dtype


def cache_rows(layers: list[CacheLayer]) -> list[dict[str, Any]]:
    """The `cache` list of `archviz trace --json`."""
    return [
        {
            "layer": layer.index,
            "part": layer.part,
            "module": layer.module,
            "kind": layer.kind,
            "class": layer.class_name,
            "window": layer.window,
            "tensors": {
                name: {"shape": None if tensor.shape is None else list(tensor.shape), "dtype": tensor.dtype}
                for name, tensor in layer.tensors.items()
            },
            "at": str(layer.at) if layer.at else None,
        }
        for layer in layers
    ]
