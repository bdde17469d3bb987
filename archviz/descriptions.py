"""From a model's source to its Architecture: read, described, with what its reader should know besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archviz.errors import BudgetExceededError
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.reading import ModelReading
from archviz.progress import enter_stage
from archviz.readings import DEFAULTS, TraceOptions, read
from archviz.settings import Settings
from archviz.sources.installed import transformers_version
from archviz.sources.model_source import ModelSource, official_values, read_model_source

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture


def describe(model: str, *, class_name: str | None = None, settings: Settings = DEFAULTS) -> Architecture:
    """The Architecture of a model: what it is, with evidence."""
    source = read_model_source(model, settings)
    return architecture_of(source, class_name=class_name, settings=settings)


def architecture_of(
    source: ModelSource, *, class_name: str | None = None, settings: Settings = DEFAULTS
) -> Architecture:
    """The Architecture of a model source; a forward pass that is not understood leaves gaps, not an error."""
    reading = read(source, class_name=class_name, trace=TraceOptions(), settings=settings)
    return described(source, reading, class_name)


def described(source: ModelSource, reading: ModelReading, class_name: str | None = None) -> Architecture:
    """The Architecture of a model that was read from its source."""
    from archviz.architecture.build import build_architecture
    from archviz.architecture.caveats import add_caveats
    from archviz.architecture.defaulted import add_defaults, is_excerpt, unread_keys, unread_thetas
    from archviz.architecture.model import Evidence, Identity

    identity = Identity(
        id=source.id,
        class_name=reading.class_name,
        model_type=source.model_type,
        revision=source.revision,
        url=source.url,
        origin=source.origin,
        code=_code_shown(source),
        retrieved=source.facts_date,
        licence=source.licence,
        release_date=source.release_date,
        links=source.links,
    )
    enter_stage("describing what was read")
    try:
        with deep_recursion():
            architecture = build_architecture(reading, identity, published_total=source.published_total)
    except RecursionError:
        raise BudgetExceededError("modules nested too deep to describe", where=source.id) from None
    stated = [] if source.custom or source.plain or class_name else source.architectures
    remarks = [(text, Evidence(kind=kind, where=where)) for text, kind, where in source.remarks]
    values = official_values(source.values or {})
    if source.plain is None:
        excerpt = source.origin == "catalog" and is_excerpt(reading, values)
        add_defaults(architecture, reading, values if source.values is not None else None, excerpt=excerpt)
    _reconcile(architecture, reading, source.values or {})
    unread = unread_keys(reading, values)
    for path, value in unread_thetas(reading, values) if source.plain is None else ():
        text = f"{path} {value:,} reaches no part that the official code reads"
        remarks.append((text, Evidence(kind="config", where=path)))
    return add_caveats(architecture, reading.config, source.values, stated, remarks, unread)


def _reconcile(architecture: Architecture, reading: ModelReading, values: dict[str, object]) -> None:
    """Say how the published total comes about, where it is another than the code's."""
    parameters = architecture.parameters
    if parameters.published_total is None:
        return
    if parameters.published_total == parameters.total:
        parameters.unexplained = 0
        return
    from archviz.architecture.model import Evidence, ReconciledStep
    from archviz.numbers.reconcile import evidence_kind, quantisation_of, reconcile

    found = reconcile(reading, architecture, parameters.published_total, quantisation_of(values))
    parameters.unexplained = found.rest
    parameters.reconciliation = [
        ReconciledStep(
            key=step.key, title=step.title, count=step.count, status=step.status,
            evidence=[Evidence(kind=evidence_kind(step.where), where=step.where)] if step.where else [],
        )
        for step in found.steps
    ]  # fmt: skip


def _code_shown(source: ModelSource) -> str:
    """Which code the model was read from."""
    if source.custom is not None and source.custom.origin:
        return source.custom.origin
    if source.custom is not None and source.revision:
        return f"the repository's own code at {source.revision[:12]}"
    if source.plain is not None or source.custom is not None:
        return "the folder's own code"
    return f"transformers {transformers_version()}"
