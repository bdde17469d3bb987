"""The wiring: from a name to a description and to files.  The interfaces on top (cli, service) call only this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archviz.errors import BadConfigError, BudgetExceededError
from archviz.interpreter.build import build_model, deep_recursion, read_model
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceText
from archviz.interpreter.reading import Gap, ModelReading
from archviz.interpreter.values import ModuleInstance
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
        model, reading = _build(interp, source, class_name, trace.attention if trace else None)
        if trace is not None:
            from archviz.interpreter.trace import trace_model

            recorder, gaps = trace_model(interp, model, batch=trace.batch, seq=trace.seq, pixels=trace.pixels)
            reading.events, reading.trace_gaps = recorder.events, gaps
            reading.source_files = interp.loaded_sources()
    return reading


def _build(
    interp: Interpreter, source: ModelSource, class_name: str | None, attention: str | None
) -> tuple[ModuleInstance, ModelReading]:
    values = None if source.values is None else official_values(source.values)
    options = {"attn_implementation": attention} if attention else {}
    try:
        config = build_configuration(interp, configuration_class(interp, source.model_type), values)
        name = model_class_name(interp, source.model_type, source.architectures, class_name)
        model = build_model(interp, model_class(interp, name, source.model_type), config, **options)
        return model, read_model(interp, model, config)
    except RaisedError as error:
        raise refusal(error) from error
    except UnsupportedError as error:
        raise BadConfigError(
            f"the official code is not understood: {error.reason}", where=str(error.at) if error.at else None
        ) from error
    except BudgetSpentError as error:
        raise BudgetExceededError(
            f"reading the model took too much: {error.reason}", where=str(error.at) if error.at else None
        ) from error


def trace(  # noqa: PLR0913 - the options of the command
    model: str, *, class_name: str | None = None, batch: int = 1, seq: int = 64, pixels: bool = False, settings: Settings = DEFAULTS
) -> dict[str, Any]:
    """The calls and ops of one forward pass without a cache, as the reference records them."""
    from archviz.interpreter.trace import trace_model, trace_rows

    source = read_model_source(model, settings)
    interp = new_interpreter(settings)
    with deep_recursion():
        built, reading = _build(interp, source, class_name, "eager")
        recorder, gaps = trace_model(interp, built, batch=batch, seq=seq, pixels=pixels)
    return {"class": reading.class_name, **trace_rows(recorder), "gaps": [gap_row(gap) for gap in [*reading.gaps, *gaps]]}


def gap_row(gap: Gap) -> dict[str, str | None]:
    """A gap as the commands print it."""
    return {"module": gap.module, "reason": gap.reason, "at": str(gap.at) if gap.at else None}


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
        "gaps": [gap_row(gap) for gap in reading.gaps],
    }


def describe(model: str, *, class_name: str | None = None, settings: Settings = DEFAULTS) -> Architecture:
    """The Architecture of a model: what it is, with evidence."""
    source = read_model_source(model, settings)
    return architecture_of(source, class_name=class_name, settings=settings)


def architecture_of(source: ModelSource, *, class_name: str | None = None, settings: Settings = DEFAULTS) -> Architecture:
    """The Architecture of a model source; a forward pass that is not understood leaves gaps, not an error."""
    from archviz.architecture.build import build_architecture
    from archviz.architecture.model import Identity

    reading = read(source, class_name=class_name, trace=TraceOptions(), settings=settings)
    identity = Identity(
        id=source.id,
        class_name=reading.class_name,
        model_type=source.model_type,
        revision=source.revision,
        url=source.url,
        origin=source.origin,
        code=f"transformers {transformers_version()}",
        retrieved=source.facts_date,
        licence=source.licence,
        release_date=source.release_date,
        links=source.links,
    )
    return build_architecture(reading, identity, published_total=source.published_total)
