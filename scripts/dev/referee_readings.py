"""Reading many models in one process, and telling how two sets of tensors differ: shared by the checks and the tests.

Imports archviz only, so that a test that wants neither torch nor `transformers` can use it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archviz import pipeline
from archviz.interpreter.build import build_model, deep_recursion, read_model
from archviz.interpreter.control import RaisedError
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.reading import ModelReading
from archviz.interpreter.sizes import Tagged
from archviz.interpreter.values import Instance
from archviz.settings import Limits, Settings
from archviz.sources.model_source import ModelSource, official_values, read_model_source
from archviz.sources.official import (
    build_configuration,
    configuration_class,
    model_class,
    model_class_name,
    refusal,
)
from archviz.stack_room import with_stack_room

PART_DIGITS = 6
UNHURRIED = Settings(
    limits=Limits(seconds=600.0)
)  # what is right must not depend on how busy the machine is; steps still bound

Shapes = Mapping[str, list[int | None]]
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")


class Reader:
    """Reads model after model with one interpreter, so that parsed files are shared; each model has the full budget."""

    def __init__(self) -> None:
        self.interp: Interpreter = pipeline.new_interpreter(UNHURRIED)

    def renew(self) -> None:
        """Forget the previous model and start the budget afresh."""
        self.interp.renew_budget()
        self.interp.gaps.clear()
        self.interp.building.clear()
        self.interp.notes.clear()

    def configuration(self, source: ModelSource) -> Instance:
        """The configuration as the official class makes it, before any model is built from it."""
        self.renew()
        values = None if source.values is None else official_values(source.values)
        with deep_recursion():
            return build_configuration(self.interp, configuration_class(self.interp, source.model_type), values)

    @with_stack_room
    def read(self, source: ModelSource, class_name: str | None = None) -> ModelReading:
        """Build a model and read it, as `pipeline.read` does.

        Raises:
            BadConfigError: The official code refuses the configuration.
        """
        try:
            config = self.configuration(source)
            with deep_recursion():
                name = model_class_name(self.interp, source.model_type, source.architectures, class_name)
                tagged = Tagged(config, source.values or {})
                model = build_model(self.interp, model_class(self.interp, name, source.model_type), config)
                return read_model(self.interp, model, config, tagged)
        except RaisedError as error:
            raise refusal(error) from error

    def read_default(self, model_type: str, class_name: str | None) -> ModelReading:
        """A model class with the default configuration of its type."""
        return self.read(read_model_source(f"transformers:{model_type}", Settings()), class_name)


@dataclass(frozen=True, slots=True)
class Part:
    """Tensors that differ only in the numbers of their names: `layers.*.mlp.up_proj.weight [24576, 4096] × 36`."""

    name: str
    shape: tuple[int | None, ...]
    count: int

    @property
    def digest(self) -> str:
        """A short hash: enough to tell the few dozen parts of one model from others."""
        text = json.dumps([self.name, list(self.shape), self.count])
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:PART_DIGITS]

    def __str__(self) -> str:
        return f"{self.name} {list(self.shape)} × {self.count}"


def parts(tensors: Shapes) -> list[Part]:
    """The parts of a set of tensors, in order of first appearance."""
    counts = Counter((_NUMBER.sub("*", name), tuple(shape)) for name, shape in tensors.items())
    return [Part(name, shape, count) for (name, shape), count in counts.items()]


def parts_text(tensors: Shapes) -> str:
    """The digests of all parts, sorted and joined: what a table keeps to say *which* tensors differ."""
    return "".join(sorted(part.digest for part in parts(tensors)))


def part_differences(tensors: Shapes, expected: str) -> tuple[list[Part], int]:
    """The parts that a table does not expect, and how many it expects that are not there.

    Args:
        tensors: Name → shape.
        expected: `parts_text` of the official tensors.
    """
    wanted = Counter(expected[at : at + PART_DIGITS] for at in range(0, len(expected), PART_DIGITS))
    extra = []
    for part in parts(tensors):
        if wanted[part.digest]:
            wanted[part.digest] -= 1
        else:
            extra.append(part)
    return extra, wanted.total()


def shapes_of(reading: ModelReading) -> dict[str, list[int | None]]:
    """Name → shape over the distinct parameters."""
    return {name: list(tensor.shape) for name, tensor in reading.parameters().items()}


def digest_of(tensors: Shapes) -> str:
    """sha1 over names and shapes, as the referee defines it."""
    rows = json.dumps(sorted([name, shape] for name, shape in tensors.items()))
    return hashlib.sha1(rows.encode(), usedforsecurity=False).hexdigest()


def tensor_differences(ours: Shapes, official: Shapes) -> dict[str, str]:
    """Tensor name → how it differs: missing, extra, or of another shape."""
    found = {name: f"missing {shape}" for name, shape in official.items() if name not in ours}
    for name, shape in ours.items():
        if name not in official:
            found[name] = f"extra {shape}"
        elif shape != official[name]:
            found[name] = f"{shape}, officially {official[name]}"
    return found


def lies_under(name: str, modules: Iterable[str]) -> bool:
    """Whether a tensor lies under one of these module paths; the path of the model itself holds everything."""
    return any(not module or name.startswith(f"{module}.") for module in modules)


def silent_differences(ours: Shapes, official: Shapes, gap_modules: Iterable[str]) -> dict[str, str]:
    """The differing tensors that no gap owns up to."""
    modules = list(gap_modules)
    found = tensor_differences(ours, official)
    return {name: what for name, what in found.items() if not lies_under(name, modules)}
