"""From a model's source to its Architecture: read, described, with what its reader should know besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archviz.errors import ArchvizError, BudgetExceededError
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.reading import ModelReading
from archviz.progress import enter_stage
from archviz.readings import DEFAULTS, TraceOptions, interpreter_for, read
from archviz.settings import Settings
from archviz.sources.installed import transformers_version
from archviz.sources.model_source import ModelSource, official_values, read_model_source
from archviz.sources.official import pretraining_class_name

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture, ReconciledStep


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
    unread = unread_keys(reading, values)
    _reconcile(architecture, reading, source, certain=not unread)
    for path, value in unread_thetas(reading, values) if source.plain is None else ():
        text = f"{path} {value:,} reaches no part that the official code reads"
        remarks.append((text, Evidence(kind="config", where=path)))
    return add_caveats(architecture, reading.config, source.values, stated, remarks, unread)


def _reconcile(architecture: Architecture, reading: ModelReading, source: ModelSource, *, certain: bool) -> None:
    """Say how the published total comes about, where it is another than the code's."""
    parameters = architecture.parameters
    if parameters.published_total is None:
        return
    if parameters.published_total == parameters.total:
        parameters.unexplained = 0
        return
    from archviz.architecture.model import Evidence, ReconciledStep
    from archviz.numbers.reconcile import evidence_kind, quantisation_of, reconcile

    quantisation = quantisation_of(source.values or {})
    found = reconcile(reading, architecture, parameters.published_total, quantisation, certain=certain)
    if found.rest and certain and (heads := _pretraining_heads(source, reading, found.published - found.code)):
        parameters.unexplained, parameters.reconciliation = 0, [heads]
        return
    parameters.unexplained = found.rest
    parameters.reconciliation = [
        ReconciledStep(
            key=step.key, title=step.title, count=step.count, status=step.status,
            evidence=[Evidence(kind=evidence_kind(step.where), where=step.where)] if step.where else [],
        )
        for step in found.steps
    ]  # fmt: skip


def _pretraining_heads(source: ModelSource, reading: ModelReading, difference: int) -> ReconciledStep | None:
    """The heads that the type's class for pre-training builds besides, where they are the whole difference."""
    from archviz.architecture.model import Evidence, ReconciledStep

    if difference < 0 or source.custom is not None or source.plain is not None:
        return None
    interp = interpreter_for(source)
    name = pretraining_class_name(interp, source.model_type)
    if name is None or name == reading.class_name:
        return None
    try:
        other = read(source, class_name=name, interpreter=interp)
    except ArchvizError:
        return None
    built, more = (sum(t.numel for t in each.parameters().values()) for each in (reading, other))
    if other.gaps or more - built != difference:
        return None
    at = [Evidence(kind="code", where=str(other.root.defined_at))] if other.root.defined_at else []
    return ReconciledStep(
        key="heads",
        title=f"the heads of {name}, which {reading.class_name} does not build",
        count=difference,
        evidence=at,
    )


def _code_shown(source: ModelSource) -> str:
    """Which code the model was read from."""
    if source.custom is not None and source.custom.origin:
        return source.custom.origin
    if source.custom is not None and source.revision:
        return f"the repository's own code at {source.revision[:12]}"
    if source.plain is not None or source.custom is not None:
        return "the folder's own code"
    return f"transformers {transformers_version()}"
