"""What all builders of an Architecture share: the reading, its trace, and detections made once per module."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from archviz.architecture.model import Evidence
from archviz.interpreter.reading import ModelReading, ModuleRecord
from archviz.patterns.compression import spares_work
from archviz.patterns.layer_parts import LayerParts, detect_layer_parts
from archviz.patterns.trace import Trace
from archviz.records import record
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.architecture.embedding_steps import EmbeddingSteps
    from archviz.interpreter.scaling import JoinedNumber
    from archviz.patterns.norm_form import NormForm


@record(frozen=True)
class ConfigPart:
    """A configuration or sub-configuration and the key path that leads to it (`text_config.`, or empty)."""

    prefix: str
    values: dict[str, object]

    def find(self, *names: str) -> tuple[str, object] | None:
        """The first of several keys that is set, with its full key."""
        for name in names:
            value = self.values.get(name)
            if value is not None:
                return self.prefix + name, value
        return None


class Context:
    """One model on its way from reading to Architecture."""

    def __init__(self, reading: ModelReading) -> None:
        self.reading = reading
        self.parts_of: dict[str, LayerParts] = {}
        self.norm_forms: dict[object, NormForm | None] = {}  # by class and shape of what is normalised
        self.sizes_told: list[JoinedNumber] | None = None  # numbers of formulas that follow from sizes of the pass
        self.embedding_steps: dict[str, EmbeddingSteps | None] = {}  # by the path of the layers
        self.signatures: dict[str, list[tuple[object, ...]]] = {}  # of the children of a module, by its path

    @cached_property
    def trace(self) -> Trace:
        return Trace(self.reading.events, whole=not self.reading.trace_gaps)

    @cached_property
    def modules(self) -> dict[str, ModuleRecord]:
        """All modules by path."""
        return {module.path: module for module in self.reading.root.walk()}

    @cached_property
    def sparing(self) -> list[str]:
        """The paths of the modules that pool or choose positions; asked for every box, and mostly there are none."""
        return [path for path, module in self.modules.items() if spares_work(module)]

    @staticmethod
    def has_below(paths: Iterable[str], path: str) -> bool:
        """Whether one of some paths is a given one or lies below it."""
        start = f"{path}." if path else ""
        return any(each == path or each.startswith(start) for each in paths)

    def parts(self, layer: ModuleRecord) -> LayerParts:
        """The parts of a layer, detected once."""
        if layer.path not in self.parts_of:
            self.parts_of[layer.path] = detect_layer_parts(layer, self.trace)
        return self.parts_of[layer.path]

    def own_parameters(self, module: ModuleRecord) -> int:
        """Parameters of a module itself, ties counted where they count."""
        return sum(t.numel for t in module.parameters.values() if t.name not in self.reading.tied)

    @cached_property
    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}

        def count(module: ModuleRecord) -> int:
            counts[module.path] = self.own_parameters(module) + sum(map(count, module.children.values()))
            return counts[module.path]

        count(self.reading.root)
        return counts

    def parameters(self, path: str) -> int:
        """Parameters of a module and everything below it."""
        return self._counts.get(path, 0)

    @cached_property
    def configs(self) -> list[ConfigPart]:
        """The configuration and all its sub-configurations, outermost first."""
        found: list[ConfigPart] = []

        def visit(prefix: str, values: dict[str, object]) -> None:
            found.append(ConfigPart(prefix, values))
            for key, value in values.items():
                if isinstance(value, dict) and ("config" in key or key in ("encoder", "decoder")):
                    visit(f"{prefix}{key}.", value)

        visit("", self.reading.config)
        return found

    def config_for(self, layers: int, width: int | None, path: str = "") -> ConfigPart:
        """The sub-configuration that states this many layers of this width; the outermost when none does.

        Args:
            path: Where the layers are; what is named after another module of the model (`qformer_config`) is not theirs.
        """
        words = {word for piece in path.split(".") for word in (piece, *piece.split("_"))}

        def score(part: ConfigPart) -> tuple[int, bool, bool]:
            depth = any(part.values.get(key) == layers for key in LAYER_KEYS)
            wide = width is not None and any(part.values.get(key) == width for key in WIDTH_KEYS)
            name = part.prefix.rstrip(".").rpartition(".")[2].removesuffix("_config")
            fits = not name or name in path.split(".") or name not in self._names
            return 2 * depth + 2 * wide, fits, name in words

        best = max(self.configs, key=score)  # max keeps the first, that is the outermost
        return best if score(best)[0] else self.configs[0]

    @cached_property
    def _names(self) -> frozenset[str]:
        """What the modules of the model are called."""
        return frozenset(module.name for module in self.modules.values())


LAYER_KEYS = (
    "num_hidden_layers", "n_layer", "n_layers", "num_layers", "depth", "encoder_layers", "decoder_layers",
    "num_decoder_layers", "num_encoder_layers", "num_blocks",
)  # fmt: skip
WIDTH_KEYS = ("hidden_size", "n_embd", "d_model", "dim", "embed_dim", "model_dim", "n_embed", "word_embed_proj_dim")


_HALVES = ("encoder", "decoder")


def keys_of(names: Iterable[str], tower: str) -> list[str]:
    """Configuration keys as a tower would read them: those that name its half of the model first, those of the other half left out.

    >>> keys_of(("encoder_layers", "num_layers", "num_decoder_layers"), "decoder")
    ['num_decoder_layers', 'num_layers']
    """
    half = next((half for half in _HALVES if tower.partition("_")[0] == half), None)
    other = next((each for each in _HALVES if half and each != half), "\0")
    return sorted((name for name in names if other not in name), key=lambda name: not half or half not in name)


def code(at: Span | None, text: str | None = None) -> list[Evidence]:
    """Evidence from a line of code; none when the line is not known."""
    return [Evidence(kind="code", where=str(at), text=text)] if at is not None else []
