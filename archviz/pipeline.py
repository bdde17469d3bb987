"""The wiring: from a name to a description and to files.  The interfaces on top (cli, service) call only this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archviz.errors import EXIT_DONE_WITH_GAPS, ArchvizError, BudgetExceededError, UsageError
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.reading import ModelReading
from archviz.lookup.names import classify
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
from archviz.records import record
from archviz.settings import Settings
from archviz.sources.installed import transformers_version
from archviz.sources.model_source import ModelSource, official_values, read_json, read_model_source

__all__ = [
    "DEFAULTS",
    "DrawResult",
    "TraceOptions",
    "checkpoint",
    "code_search",
    "describe",
    "describe_text",
    "digest",
    "draw",
    "gap_row",
    "interpreter_for",
    "library",
    "new_interpreter",
    "papers",
    "read",
    "resolve",
    "sources",
    "tensors",
    "trace",
    "verify",
]

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture, GapEntry
    from archviz.codesearch.result import SearchResult
    from archviz.figure.lint import Finding
    from archviz.lookup.checkpoint import Checkpoint
    from archviz.lookup.papers import PaperAnswer
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


def describe(model: str, *, class_name: str | None = None, settings: Settings = DEFAULTS) -> Architecture:
    """The Architecture of a model: what it is, with evidence."""
    source = read_model_source(model, settings)
    return architecture_of(source, class_name=class_name, settings=settings)


def architecture_of(
    source: ModelSource, *, class_name: str | None = None, settings: Settings = DEFAULTS
) -> Architecture:
    """The Architecture of a model source; a forward pass that is not understood leaves gaps, not an error."""
    reading = read(source, class_name=class_name, trace=TraceOptions(), settings=settings)
    return _described(source, reading, class_name)


def _described(source: ModelSource, reading: ModelReading, class_name: str | None = None) -> Architecture:
    from archviz.architecture.build import build_architecture
    from archviz.architecture.caveats import add_caveats
    from archviz.architecture.defaulted import add_defaults, is_excerpt, unread_keys
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
    return add_caveats(architecture, reading.config, source.values, stated, remarks, unread)


def _code_shown(source: ModelSource) -> str:
    """Which code the model was read from."""
    if source.custom is not None and source.custom.origin:
        return source.custom.origin
    if source.custom is not None and source.revision:
        return f"the repository's own code at {source.revision[:12]}"
    if source.plain is not None or source.custom is not None:
        return "the folder's own code"
    return f"transformers {transformers_version()}"


def describe_text(architecture: Architecture) -> str:
    """The description as a text tree with its breakdown."""
    from archviz.architecture.text import describe_text as text_of

    return text_of(architecture)


def code_search(
    path: str,
    topics: Sequence[str] = (),
    *,
    class_name: str | None = None,
    limit: int | None = None,
    settings: Settings = DEFAULTS,
) -> SearchResult:
    """Where a file, folder or archive of Python does what the topics are about; see `archviz.codesearch`."""
    from dataclasses import replace

    from archviz.codesearch.search import DEFAULT_BOUNDS, search

    bounds = replace(DEFAULT_BOUNDS, seconds=settings.limits.seconds)
    if limit is not None:
        bounds = replace(bounds, matches=limit)
    return search(Path(path), topics, class_name=class_name, bounds=bounds)


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
    """
    from archviz.lookup.resolve import resolve as resolve_name
    from archviz.network.session import Session
    from archviz.survey.address import ADDRESSES, survey_address
    from archviz.survey.closed import survey_closed
    from archviz.survey.gather import survey_model

    with Session(settings) as session:
        found, asked = resolve_name(name, settings, session), classify(name)
        if asked.kind in ADDRESSES:
            return survey_address(asked, found, session)
        if found.status == "ambiguous":
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
    class_name: str | None = None,
    settings: Settings = DEFAULTS,
) -> Verification:
    """Claims about a model with their evidence, held against expectations and against a figure or an Architecture.

    Args:
        expect: `params=70e9±2%,layers=80`.
        against: A JSON file: a diagram config or an Architecture.

    Raises:
        UsageError: An expectation cannot be read, or the file is neither of the two.
    """
    from archviz.verify.expectations import check_expectations, parse_expectations

    expectations = parse_expectations(expect) if expect is not None else []
    stated = _stated(against, settings) if against is not None else None
    found, architecture = verify_source(read_model_source(model, settings), class_name=class_name, settings=settings)
    found.checks.extend(check_expectations(expectations, architecture))
    if stated is not None:
        found.checks.extend(_held_against(stated, architecture, found))
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

    interp = interpreter or interpreter_for(source, settings)
    reading = read(source, class_name=class_name, trace=TraceOptions(), settings=settings, interpreter=interp)
    architecture = _described(source, reading, class_name)
    claims = find_claims(reading, architecture, interp.source_text)
    return Verification(source.id, reading.class_name, claims, gaps=list(architecture.gaps)), architecture


def _stated(path: Path, settings: Settings) -> Architecture | dict[str, Any]:
    """What a file states: an Architecture, or a checked diagram config as data."""
    document = read_json(path.expanduser(), settings)
    if "stages" in document:
        from archviz.figure.diagram_config import load_diagram_config

        config = load_diagram_config(path.expanduser(), settings.limits)
        return config.model_dump(mode="json", by_alias=True, exclude_none=True)
    if document.get("schema") == "archviz/1":
        from archviz.architecture.documents import read_architecture

        return read_architecture(document, str(path))
    raise UsageError("the file is neither a figure (stages) nor an Architecture (schema: archviz/1)", where=str(path))


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


@record(frozen=True)
class DrawResult:
    """What `draw` wrote and found.

    Args:
        files: The files written.
        findings: What lint found in the drawing.
        gaps: What was not understood in the model.
        title: The figure's title.
        model_id: The model drawn; None for a hand-written figure.
        summary: The facts of a fact strip.
    """

    files: list[Path]
    findings: list[Finding] = field(default_factory=list)
    gaps: list[GapEntry] = field(default_factory=list)
    title: str = ""
    model_id: str | None = None
    summary: dict[str, object] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """5 when the figure is there but has gaps or a hard finding."""
        hard = any(finding.severity == "hard" for finding in self.findings)
        return EXIT_DONE_WITH_GAPS if self.gaps or hard else 0


def draw(
    source: str,
    output: Path,
    formats: Sequence[str],
    *,
    class_name: str | None = None,
    theme: str = "light",
    settings: Settings = DEFAULTS,
    figure_config: Path | None = None,
) -> DrawResult:
    """Draw a model, an Architecture document or a hand-written diagram config.

    Args:
        source: MODEL, or a JSON file that holds one of the three.
        output: Path of the files without their suffix.
        formats: Of `png`, `svg`, `pdf`, `dot`.
        class_name: Which model class to build.
        theme: `light` or `dark`.
        settings: Limits and offline mode.
        figure_config: Where to write the model as a diagram config, to edit and draw again.

    Raises:
        UsageError: The JSON file is none of the three, or an output cannot be written.
    """
    from archviz.emit.targets import check_output

    targets = {name: Path(f"{output}.{name}") for name in formats}
    if not output.name.strip(". "):
        raise UsageError(f"{str(output)!r} is no name for a figure", where="-o", hint="give a path with a file name")
    for path in [*targets.values(), *([figure_config] if figure_config else [])]:
        check_output(path)
        if path.exists() and Path(source).expanduser().exists() and path.samefile(Path(source).expanduser()):
            raise UsageError(
                "the output would replace the file that is drawn", where=str(path), hint="choose another name"
            )
    kind, document = _drawable(source, settings)
    if kind == "figure":
        if figure_config is not None:
            raise UsageError(
                "--figure-config writes a model as a diagram config; the source is one already", where=source
            )
        return _draw_figure(Path(source), targets, theme, settings)
    if kind == "architecture":
        from archviz.architecture.documents import read_architecture

        architecture = read_architecture(document, source)
    else:
        architecture = describe(source, class_name=class_name, settings=settings)
    return _draw_architecture(architecture, targets, theme, figure_config)


def _drawable(source: str, settings: Settings) -> tuple[str, Any]:
    """What a source is: `figure`, `architecture` or `model`; and its document where it is a JSON file.

    A JSON file is a figure when it has `stages`, an Architecture when its schema says so, a model configuration when it has
    `model_type` or `architectures`.
    """
    is_code = source.endswith(".py") or bool(settings.arguments)
    if is_code or classify(source).kind != "path" or Path(source).expanduser().is_dir():
        return "model", None
    document = read_json(Path(source).expanduser(), settings)
    if "stages" in document:
        return "figure", document
    if document.get("schema") == "archviz/1":
        return "architecture", document
    if "model_type" in document or "architectures" in document:
        return "model", document
    raise UsageError(
        "the file is neither a figure (stages), a model configuration (model_type) nor an Architecture (schema: archviz/1)",
        where=source,
    )


def _draw_figure(path: Path, targets: dict[str, Path], theme: str, settings: Settings) -> DrawResult:
    from archviz.emit.diagram_files import diagram_files
    from archviz.figure.diagram_config import load_diagram_config

    config = load_diagram_config(path.expanduser(), settings.limits)
    contents, findings = diagram_files(config, list(targets), theme)
    _write(targets, contents)
    return DrawResult(list(targets.values()), findings, title=config.title or config.model_name)


def _draw_architecture(
    architecture: Architecture, targets: dict[str, Path], theme: str, figure_config: Path | None
) -> DrawResult:
    from archviz.emit.architecture_files import architecture_files

    contents, findings = architecture_files(architecture, list(targets), theme)
    _write(targets, contents)
    files = list(targets.values())
    if figure_config is not None:
        from archviz.figure.diagram_from_architecture import diagram_config

        figure_config.write_text(
            diagram_config(architecture).model_dump_json(indent=2, exclude_none=True, by_alias=True) + "\n",
            encoding="utf-8",
        )
        files.append(figure_config)
    return DrawResult(
        files,
        findings,
        architecture.gaps,
        title=architecture.identity.id,
        model_id=architecture.identity.id,
        summary=_summary(architecture),
    )


def _summary(architecture: Architecture) -> dict[str, object]:
    return {
        "class": architecture.identity.class_name,
        "parameters": architecture.parameters.total,
        "active_parameters": architecture.parameters.active,
        "layers": {stack.path: stack.pattern_text for stack in architecture.layers},
        **{fact.key: fact.value for fact in architecture.facts},
    }


def _write(targets: dict[str, Path], contents: dict[str, bytes]) -> None:
    """Write every file, each whole or not at all."""
    for name, path in targets.items():
        partial = path.with_name(f".{path.name}.partial")
        try:
            partial.write_bytes(contents[name])
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise UsageError(f"the file cannot be written: {error.strerror}", where=str(path)) from None
