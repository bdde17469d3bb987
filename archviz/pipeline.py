"""The wiring: one function for each thing that the interfaces on top (commands, service, scripts) offer.

`readings` reads models, `descriptions` makes their Architecture, `drawings` writes files; the rest is passed on to the room that does it,
which is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archviz.descriptions import architecture_of, describe, described
from archviz.drawings import DrawResult, draw, draw_comparison, draw_described, is_architecture
from archviz.errors import ArchvizError, UsageError
from archviz.interpreter.machine import Interpreter
from archviz.lookup.resolution import Resolution
from archviz.readings import (
    DEFAULTS,
    TraceOptions,
    digest,
    gap_row,
    interpreter_for,
    library,
    new_interpreter,
    read,
    tensors,
    trace,
)
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource, read_json_text, read_model_source

__all__ = [
    "DEFAULTS",
    "DrawResult",
    "TraceOptions",
    "architecture_of",
    "checkpoint",
    "code_search",
    "compare",
    "describe",
    "describe_text",
    "digest",
    "document",
    "draw",
    "draw_comparison",
    "draw_described",
    "export",
    "exported",
    "gap_row",
    "interpreter_for",
    "library",
    "measure",
    "new_interpreter",
    "papers",
    "read",
    "resolve",
    "sources",
    "tensors",
    "trace",
    "verify",
    "write_exported",
]

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture
    from archviz.codesearch.result import SearchResult
    from archviz.comparison.result import ComparisonResult
    from archviz.document.making import DocumentResult
    from archviz.estimator.export import Export, ExportResult
    from archviz.lookup.checkpoint import Checkpoint
    from archviz.lookup.papers import PaperAnswer
    from archviz.measures import Measured
    from archviz.network.session import Session
    from archviz.survey.entries import Survey
    from archviz.survey.gather import Described
    from archviz.verify.claims import Check
    from archviz.verify.report import Verification


def resolve(name: str, settings: Settings = DEFAULTS) -> Resolution:
    """Which published model a name stands for; see `archviz.lookup.resolve`."""
    from archviz.lookup.resolve import resolve as resolve_name

    return resolve_name(name, settings)


def checkpoint(model: str, settings: Settings = DEFAULTS) -> Checkpoint:
    """The tensors that a model stores, from the headers of its safetensors files."""
    from archviz.sources.stored import read_checkpoint

    return read_checkpoint(model, settings)


def describe_text(architecture: Architecture) -> str:
    """The description as a text tree with its breakdown."""
    from archviz.architecture.text import describe_text as text_of

    return text_of(architecture)


def document(
    model: str,
    output: Path | None = None,
    *,
    class_name: str | None = None,
    with_tensors: bool = False,
    settings: Settings = DEFAULTS,
) -> DocumentResult:
    """The written specification of a model as a Markdown file, and its short form.

    Args:
        output: The file; None for the short form alone.
        with_tensors: The JSON in the document also lists every single tensor.

    Raises:
        UsageError: The file cannot be written.
    """
    from archviz.document.making import write_document

    if output is not None:
        from archviz.outputs import check_output

        check_output(output)
    source = read_model_source(model, settings)
    verified = verify_source(source, class_name=class_name, settings=settings)
    return write_document(source, verified, output, class_name=class_name, with_tensors=with_tensors, settings=settings)


def compare(
    models: Sequence[str],
    *,
    family: bool = False,
    markdown: Path | None = None,
    settings: Settings = DEFAULTS,
    described: Callable[[str], Architecture] | None = None,
) -> ComparisonResult:
    """Models held against the first of them; see `archviz.comparison`.

    Args:
        family: Also order them by what changed from one to the next.
        markdown: Write the comparison to this file.
        described: Gives the description of a model, where the caller keeps them.

    Raises:
        UsageError: Fewer than two models, one named twice, or the file cannot be written.
    """
    from archviz.comparison.comparing import check_different
    from archviz.comparison.comparing import compare as compared
    from archviz.comparison.family import family as family_of
    from archviz.comparison.result import ComparisonResult

    if len(models) < 2 or len(set(models)) < len(models):
        raise UsageError("a comparison takes two different models or more", hint="name another model")
    if markdown is not None:
        from archviz.outputs import check_output

        check_output(markdown)
    read = [described(model) if described else describe(model, settings=settings) for model in models]
    check_different(read)
    comparison = compared(read)
    result = ComparisonResult(comparison, family_of(comparison) if family else [])
    if markdown is not None:
        from archviz.emit.comparison_markdown import markdown_from_comparison
        from archviz.outputs import write_text

        write_text(markdown, markdown_from_comparison(comparison, result.steps))
    return result


def measure(model: str, contexts: Sequence[int], **options: Any) -> Measured:
    """The memory and compute of a model at some lengths of context; see `archviz.measures.measure`."""
    from archviz.measures import measure as measure_model

    return measure_model(model, contexts, **options)


def export(
    model: str,
    estimator: Path,
    output: Path,
    *,
    class_name: str | None = None,
    settings: Settings = DEFAULTS,
) -> ExportResult:
    """Write a model as the layers of a performance estimator, with a report on each kind that it lacks.

    Args:
        estimator: A folder of Python layer classes.
        output: The folder that `{model_id}.json` and `gaps/{layer}.md` are written to; made where it is missing.

    Raises:
        UsageError: The folder of classes is not there or does not parse, or the output cannot be written.
    """
    from archviz.estimator.export import ExportResult, check_folder

    check_folder(output)
    built = exported(model, estimator, class_name=class_name, settings=settings)
    return ExportResult(built, write_exported(built, output))


def exported(model: str, estimator: Path, *, class_name: str | None = None, settings: Settings = DEFAULTS) -> Export:
    """What `export` would write."""
    from archviz.estimator.export import build_export

    return build_export(model, estimator.expanduser(), class_name=class_name, settings=settings)


def write_exported(built: Export, output: Path, *, with_reports: bool = True) -> list[Path]:
    """Write an export into a folder, with or without the reports on what the estimator lacks."""
    from dataclasses import replace

    from archviz.estimator.export import write_export

    return write_export(built if with_reports else replace(built, reports={}), output)


def code_search(
    path: str,
    topics: Sequence[str] = (),
    *,
    class_name: str | None = None,
    limit: int | None = None,
    settings: Settings = DEFAULTS,
) -> SearchResult:
    """Where Python code does what the topics are about; see `archviz.codesearch`.

    Args:
        path: A file, a folder, an archive, or the address of a repository on GitHub, whose modelling files are read at a commit.
    """
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from archviz.codesearch.search import DEFAULT_BOUNDS, search, topics_named
    from archviz.lookup.github.address import searched_address
    from archviz.lookup.github.code import read_code
    from archviz.network.session import Session

    bounds = replace(DEFAULT_BOUNDS, seconds=settings.limits.seconds)
    if limit is not None:
        bounds = replace(bounds, matches=limit)
    topics_named(topics)  # what is wrong with the request itself costs no request
    if (address := searched_address(path)) is None:
        return search(Path(path), topics, class_name=class_name, bounds=bounds)
    with Session(settings) as session, TemporaryDirectory(prefix="archviz-") as folder:
        for name, data in read_code(address, session).items():
            file = Path(folder, name)  # the client lets only plain relative paths through
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return search(Path(folder), topics, class_name=class_name, bounds=bounds)


def papers(name: str, *, sections: str | None = None, settings: Settings = DEFAULTS) -> PaperAnswer:
    """The paper of exactly this arXiv id or title, and the sections that are wanted; see `archviz.lookup.papers`."""
    from archviz.lookup.papers import read_paper
    from archviz.network.session import Session

    with Session(settings) as session:
        return read_paper(name, sections, session)


def sources(name: str, *, with_text: bool = False, settings: Settings = DEFAULTS) -> Survey:
    """What exists for a published model, which of it the description rests on, and where it disagrees.

    Raises:
        AmbiguousNameError: The name fits several models.
        SourceUnavailableError: The Hub did not say whether there is such a model.
    """
    from archviz.lookup.names import classify
    from archviz.lookup.resolve import resolve as resolve_name
    from archviz.network.session import Session
    from archviz.survey.address import ADDRESSES, survey_address
    from archviz.survey.closed import survey_closed
    from archviz.survey.gather import survey_model

    with Session(settings) as session:
        session.most_counted = None if with_text else settings.limits.requests
        found, asked = resolve_name(name, settings, session), classify(name)
        if asked.kind in ADDRESSES:
            return survey_address(asked, found, session)
        refused = found.status in ("gated", "unreachable") and found.model_id is None
        if refused or found.status == "ambiguous":
            raise found.as_error()
        if found.model_id is None:
            return survey_closed(found, session)
        return survey_model(found, _read_for_survey(found, session), session, with_text=with_text)


def _read_for_survey(found: Resolution, session: Session) -> Described:
    """The source and the description of a resolved model, as far as they go."""
    from archviz.sources.model_source import resolved_source
    from archviz.survey.gather import Described

    source = None
    try:
        source = resolved_source(found, session)
        return Described(source, architecture_of(source, settings=session.settings))
    except ArchvizError as error:
        return Described(source, None, error.message)


def verify(
    model: str,
    *,
    expect: str | None = None,
    against: Path | None = None,
    report: Path | None = None,
    class_name: str | None = None,
    settings: Settings = DEFAULTS,
) -> Verification:
    """Claims about a model with their evidence, held against expectations and against a figure or an Architecture.

    Args:
        expect: `params=70e9±2%,layers=80`; also held against configuration, headers and card where they are at hand.
        against: A JSON file: a diagram config or an Architecture.
        report: Where to write the validation report, `.md` or `.json`; headers, card and paper of a published model are asked for it.

    Raises:
        UsageError: An expectation cannot be read, the file is neither of the two, or the report cannot be written.
    """
    from archviz.verify.expectations import check_expectations, parse_expectations

    expectations = parse_expectations(expect) if expect is not None else []
    stated = _stated(against, settings) if against is not None else None
    if report is not None:
        from archviz.emit.validation_report import check_report

        check_report(report)
    source = read_model_source(model, settings)
    found, architecture = verify_source(source, class_name=class_name, settings=settings)
    found.checks.extend(check_expectations(expectations, architecture))
    if expectations or report is not None:
        from archviz.validations import hold_against_sources

        hold_against_sources(
            found, expectations, model, source, architecture, settings, class_name=class_name, ask=report is not None
        )
    if stated is not None:
        found.checks.extend(_held_against(stated, architecture, found))
    if report is not None:
        from archviz.emit.validation_report import write_report

        write_report(found, architecture, report)
    return found


def verify_source(
    source: ModelSource,
    *,
    class_name: str | None = None,
    settings: Settings = DEFAULTS,
    interpreter: Interpreter | None = None,
) -> tuple[Verification, Architecture]:
    """The claims about a model source, and the Architecture they go with."""
    from archviz.verify.build import find_claims
    from archviz.verify.report import Verification

    interp = interpreter or interpreter_for(source, settings, class_name)
    reading = read(
        source, class_name=class_name, trace=TraceOptions(stored=True), settings=settings, interpreter=interp
    )
    architecture = described(source, reading, class_name)
    claims = find_claims(reading, architecture, interp.source_text)
    found = Verification(source.id, reading.class_name, claims, gaps=list(architecture.gaps), notes=source.notes)
    found.assumed = reading.assumed
    return found, architecture


def _stated(path: Path, settings: Settings) -> Architecture | dict[str, Any]:
    """What a file states: an Architecture, or a checked diagram config as data."""
    text = read_json_text(path.expanduser(), settings)
    document = text.value
    if "stages" in document:
        from archviz.figure.diagram_config import checked_diagram

        config = checked_diagram(text, path.name)
        return config.model_dump(mode="json", by_alias=True, exclude_none=True)
    if is_architecture(document, str(path)):
        from archviz.architecture.documents import read_architecture

        return read_architecture(document, str(path))
    raise UsageError(
        "the file is neither a figure (stages) nor an Architecture (schema: archviz/1)",
        where=str(path),
        hint="a figure has model_name and stages, each with a name and blocks",
    )


def _held_against(
    stated: Architecture | dict[str, Any], architecture: Architecture, found: Verification
) -> list[Check]:
    from archviz.verify.against_architecture import check_architecture
    from archviz.verify.against_figure import check_figure

    if isinstance(stated, dict):
        from archviz.figure.diagram_from_architecture import diagram_config

        written = diagram_config(architecture).model_dump(mode="json", by_alias=True, exclude_none=True)
        return check_figure(stated, architecture, found.claims, written)
    return check_architecture(stated, architecture)
