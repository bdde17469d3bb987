"""The wiring: from a name to a description and to files.  The interfaces on top (cli, service) call only this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archviz.errors import BudgetExceededError, UsageError
from archviz.interpreter.build import build_model, deep_recursion, read_model
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import HOST_ERRORS, Interpreter
from archviz.interpreter.modules import SourceText
from archviz.interpreter.reading import ModelReading
from archviz.lookup.resolution import Resolution
from archviz.settings import Settings
from archviz.sources.installed import find_transformers_source, transformers_version
from archviz.sources.model_source import ModelSource, official_values, read_model_source
from archviz.sources.official import (
    build_configuration,
    configuration_class,
    model_class,
    model_class_name,
    public_module,
    refusal,
)

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture, GapEntry
    from archviz.figure.lint import Finding

DESCRIBED_SEQUENCE = 7  # tokens of the pass that a description reads the data flow from
DEFAULTS = Settings()


@lru_cache(maxsize=1)
def library() -> Library:
    """The tables of ops and layers, filled once."""
    from archviz.layers import register_layers
    from archviz.ops import register_ops

    table = Library()
    register_ops(table)
    register_layers(table)
    return table


def new_interpreter(settings: Settings = DEFAULTS) -> Interpreter:
    """An interpreter over the installed `transformers`."""

    def find_source(dotted: str) -> SourceText | None:
        return find_transformers_source(dotted, settings.limits)

    return Interpreter(library(), find_source, settings.limits, public_module)


def resolve(name: str, settings: Settings = DEFAULTS) -> Resolution:
    """Which published model a name stands for; see `archviz.lookup.resolve`."""
    from archviz.lookup.resolve import resolve as resolve_name

    return resolve_name(name, settings)


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """What one forward pass is given: batch size, number of tokens, an image or not, and the attention path."""

    batch: int = 1
    seq: int = DESCRIBED_SEQUENCE
    pixels: bool = False
    attention: str | None = "eager"


def read(
    source: ModelSource, *, class_name: str | None = None, trace: TraceOptions | None = None, settings: Settings = DEFAULTS
) -> ModelReading:
    """Build a model from its official code, and run its forward pass once when a trace is asked for.

    Raises:
        BadConfigError: The official code refuses the configuration, or does not know its type.
        BudgetExceededError: A bound was reached.
    """
    interp = new_interpreter(settings)
    with deep_recursion():
        try:
            return _read(interp, source, class_name, trace)
        except RaisedError as error:
            raise refusal(error) from error
        except BudgetSpentError as error:
            raise BudgetExceededError(
                f"reading the model took too much: {error.reason}", where=str(error.at) if error.at else None
            ) from error


def _read(
    interp: Interpreter, source: ModelSource, class_name: str | None, trace: TraceOptions | None
) -> ModelReading:
    values = None if source.values is None else official_values(source.values)
    config = build_configuration(interp, configuration_class(interp, source.model_type), values)
    name = model_class_name(interp, source.model_type, source.architectures, class_name)
    options = {"attn_implementation": trace.attention} if trace and trace.attention else {}
    model = build_model(interp, model_class(interp, name, source.model_type), config, **options)
    reading = read_model(interp, model, config)
    if trace is not None:
        from archviz.interpreter.trace import trace_model

        try:
            events, gaps = trace_model(interp, model, batch=trace.batch, seq=trace.seq, pixels=trace.pixels)
            reading.events, reading.trace_gaps = events, gaps
        except (UnsupportedError, *HOST_ERRORS) as error:
            raise UsageError(f"the forward pass is not understood: {error}") from error
        reading.source_files = interp.loaded_sources()
    return reading


def digest(reading: ModelReading) -> str:
    """sha1 over the names and shapes of the distinct parameters, as the reference defines it."""
    rows = sorted([name, list(tensor.shape)] for name, tensor in reading.parameters().items())
    return hashlib.sha1(json.dumps(rows).encode(), usedforsecurity=False).hexdigest()


def tensors(model: str, *, class_name: str | None = None, settings: Settings = DEFAULTS) -> dict[str, Any]:
    """Every distinct parameter of a model with its shape, ties, the digest, and what was not understood."""
    reading = read(read_model_source(model, settings), class_name=class_name, settings=settings)
    parameters = reading.parameters()
    return {
        "class": reading.class_name,
        "params": sum(tensor.numel for tensor in parameters.values()),
        "tensors": {name: list(tensor.shape) for name, tensor in parameters.items()},
        "tied": reading.tied,
        "digest": digest(reading),
        "gaps": [
            {"module": gap.module, "reason": gap.reason, "at": str(gap.at) if gap.at else None} for gap in reading.gaps
        ],
    }
