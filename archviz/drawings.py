"""From a model, an Architecture or a hand-written diagram config to files, each whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archviz.descriptions import architecture_of
from archviz.errors import EXIT_DONE_WITH_GAPS, UsageError
from archviz.formats import Format, Look, View, view_targets
from archviz.json_text import JsonText
from archviz.lookup.names import classify
from archviz.progress import enter_stage
from archviz.readings import DEFAULTS
from archviz.records import field, record, replace
from archviz.settings import Settings
from archviz.sources.model_source import read_json_text, read_model_source

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture, GapEntry
    from archviz.comparison.comparing import Comparison
    from archviz.figure.lint import Finding


DEFAULT_LOOK = Look()


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
        notes: What a reader must know about the name.
    """

    files: list[Path]
    findings: list[Finding] = field(default_factory=list)
    gaps: list[GapEntry] = field(default_factory=list)
    title: str = ""
    model_id: str | None = None
    summary: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """5 when the figure is there but has gaps or a hard finding."""
        hard = any(finding.severity == "hard" for finding in self.findings)
        return EXIT_DONE_WITH_GAPS if self.gaps or hard else 0


def draw(
    source: str,
    output: Path,
    formats: Sequence[Format],
    *,
    class_name: str | None = None,
    look: Look = DEFAULT_LOOK,
    settings: Settings = DEFAULTS,
    figure_config: Path | None = None,
) -> DrawResult:
    """Draw a model, an Architecture document or a hand-written diagram config.

    Args:
        source: MODEL, or a JSON file that holds one of the three.
        output: Path of the files without their suffix.
        formats: Of `png`, `svg`, `pdf`, `tex`, `html`, `dot`.
        class_name: Which model class to build.
        look: Which views, and how they are to look.
        settings: Limits and offline mode.
        figure_config: Where to write the model as a diagram config, to edit and draw again.

    Raises:
        UsageError: The JSON file is none of the three, or an output cannot be written.
    """
    views = view_targets(output, look.views, formats)
    paths = [path for targets in views.values() for path in targets.values()]
    check_targets(output, source, *paths, *([figure_config] if figure_config else []))
    kind, document = _drawable(source, settings)
    if kind == "figure":
        if figure_config is not None:
            raise UsageError(
                "--figure-config writes a model as a diagram config; the source is one already", where=source
            )
        if look.views != DEFAULT_LOOK.views:
            raise UsageError("a diagram config has no other view than itself", where=source, hint="leave --view out")
        return _draw_figure(Path(source), document, next(iter(views.values())), look)
    notes: list[str] = []
    if kind == "architecture":
        from archviz.architecture.documents import read_architecture

        architecture = read_architecture(document, source)
    else:
        read = read_model_source(source, settings)
        notes = read.notes
        architecture = architecture_of(read, class_name=class_name, settings=settings)
    result = _draw_architecture(architecture, views, look, figure_config)
    result.notes.extend(notes)
    return result


def draw_described(
    architecture: Architecture,
    output: Path,
    formats: Sequence[Format],
    *,
    look: Look = DEFAULT_LOOK,
    figure_config: Path | None = None,
) -> DrawResult:
    """Draw a model that was described before; arguments and errors are those of `draw`."""
    views = view_targets(output, look.views, formats)
    paths = [path for targets in views.values() for path in targets.values()]
    check_targets(output, "", *paths, *([figure_config] if figure_config else []))
    return _draw_architecture(architecture, views, look, figure_config)


def check_targets(output: Path, source: str, *paths: Path) -> None:
    """Refuse files that cannot be written, or that are the source.

    Raises:
        UsageError: One of the paths, or the output's name.
    """
    from archviz.outputs import check_output

    if not output.name.strip(". "):
        raise UsageError(f"{str(output)!r} is no name for a figure", where="-o", hint="give a path with a file name")
    for path in paths:
        check_output(path)
        if path.exists() and Path(source).expanduser().exists() and path.samefile(Path(source).expanduser()):
            raise UsageError(
                "the output would replace the file that is drawn", where=str(path), hint="choose another name"
            )


def _drawable(source: str, settings: Settings) -> tuple[str, Any]:
    """What a source is: `figure`, `architecture` or `model`; and what its file holds where it is a JSON file: a figure's text, or the document.

    A JSON file is a figure when it has `stages`, an Architecture when its schema says so, a model configuration when it has
    `model_type` or `architectures`.
    """
    is_code = source.endswith(".py") or bool(settings.arguments)
    if is_code or classify(source).kind != "path" or Path(source).expanduser().is_dir():
        return "model", None
    text = read_json_text(Path(source).expanduser(), settings)
    document = text.value
    if "stages" in document:
        return "figure", text
    if is_architecture(document, source):
        return "architecture", document
    if "model_type" in document or "architectures" in document:
        return "model", document
    raise UsageError(
        "the file is neither a figure (stages), a model configuration (model_type) nor an Architecture (schema: archviz/1)",
        where=source,
        hint="a figure has model_name and stages, each with a name and blocks",
    )


def is_architecture(document: dict[str, Any], where: str) -> bool:
    """Whether a document says that it is an Architecture of the schema that is read here.

    Raises:
        UsageError: It is one of another schema.
    """
    from archviz.architecture.model import SCHEMA

    stated = document.get("schema")
    if isinstance(stated, str) and stated != SCHEMA and stated.startswith(SCHEMA.partition("/")[0] + "/"):
        raise UsageError(
            f"the Architecture's schema is {stated[:80]}, and this archviz reads {SCHEMA}",
            where=where,
            hint="write it again with archviz describe MODEL --json, or read it with the archviz that wrote it",
        )
    return stated == SCHEMA


def _draw_figure(path: Path, text: JsonText, targets: dict[Format, Path], look: Look) -> DrawResult:
    from archviz.emit.diagram_files import diagram_files
    from archviz.figure.diagram_config import checked_diagram

    config = checked_diagram(text, path.name)
    contents, findings = diagram_files(config, list(targets), look)
    write_files(targets, contents)
    return DrawResult(list(targets.values()), findings, title=config.title or config.model_name)


def _draw_architecture(
    architecture: Architecture, views: dict[View, dict[Format, Path]], look: Look, figure_config: Path | None
) -> DrawResult:
    from archviz.emit.architecture_files import architecture_files

    files: list[Path] = []
    findings: list[Finding] = []
    drawn = {}
    for view, targets in views.items():
        enter_stage(f"drawing the {view}")
        drawn[view] = architecture_files(architecture, list(targets), look, view)
    for view, (contents, found) in drawn.items():
        write_files(views[view], contents)
        files += views[view].values()
        several = f"{view}: " if len(views) > 1 else ""
        findings += [replace(finding, message=several + finding.message) for finding in found]
    if figure_config is not None:
        from archviz.figure.diagram_from_architecture import diagram_config
        from archviz.outputs import write_text

        write_text(
            figure_config,
            diagram_config(architecture).model_dump_json(indent=2, exclude_none=True, by_alias=True) + "\n",
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


def draw_comparison(
    comparison: Comparison, output: Path, formats: Sequence[Format], look: Look = DEFAULT_LOOK
) -> DrawResult:
    """Draw two models on one frame.

    Args:
        output: Path of the files without their suffix.
        formats: Of `svg`, `png`, `pdf`, `tex`.
        look: Theme, width and text.

    Raises:
        UsageError: There are not two models, a format shows no drawing, or an output cannot be written.
    """
    from archviz.emit.drawn_files import DRAWN, drawn_files
    from archviz.figure import theme
    from archviz.figure.contents import contents_of_columns
    from archviz.figure.fidelity import check_contents
    from archviz.figure.lint import lint
    from archviz.figure.versus import drawn_versus
    from archviz.outputs import check_output

    stray = [name for name in formats if name not in DRAWN]
    if stray:
        raise UsageError(f"a comparison cannot be drawn as {stray[0]}", hint=f"formats are {', '.join(DRAWN)}")
    targets = {name: Path(f"{output}.{name}") for name in formats}
    for path in targets.values():
        check_output(path)
    display, columns = drawn_versus(comparison, theme.theme(look.theme))
    contents, more = drawn_files(display, formats, look)
    write_files(targets, contents)
    gaps = [gap for model in comparison.models for gap in model.gaps]
    untrue = check_contents(display, contents_of_columns(columns))
    findings = [*untrue, *more, *lint(display, printed=True)]
    return DrawResult(list(targets.values()), findings, gaps, title=display.title)


def _summary(architecture: Architecture) -> dict[str, object]:
    from archviz.architecture.column_layers import runs_of

    return {
        "class": architecture.identity.class_name,
        "parameters": architecture.parameters.total,
        "active_parameters": architecture.parameters.active,
        "pattern": {
            run.path: run.pattern_text for tower in architecture.towers for run in runs_of(architecture, tower)
        },
        **{fact.key: fact.value for fact in architecture.facts},
    }


def write_files(targets: Mapping[Format, Path], contents: dict[str, bytes]) -> None:
    """Write every file, each whole or not at all."""
    from archviz.outputs import write_bytes

    for name, path in targets.items():
        write_bytes(path, contents[name])
