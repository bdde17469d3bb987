"""`write_document`: the specification, a validation report, memory and operations, or the layers of an estimator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp_types import CallToolResult
from pydantic import Field

from archviz.errors import UsageError
from archviz.formats import figure_name
from archviz.outputs import write_text
from archviz.service.answering import gap_lines, left_out_lines, line, lines, refuse_idle, result_of
from archviz.service.callers import caller
from archviz.service.outputs import URI, file_stem, request_key
from archviz.service.paging import ANSWER_BYTES, cut_to_fit, page_of, size_of
from archviz.service.results import DocumentAnswer
from archviz.service.tools.describing import remarks
from archviz.service.tools.files import links_to, rows_of
from archviz.service.tools.verifying import check_line
from archviz.service.workshop import ClassName, Model, Workshop

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture
    from archviz.estimator.export import Export
    from archviz.verify.report import Verification

Kind = Literal["document", "validation", "memory", "estimator"]
Save = Literal["nothing", "configuration", "gap_reports"]

_MOST_CHECKS = 12
_MOST_FILES = 5
_LINK_BYTES = 200  # of a link beside the answer
_CONTEXTS = "4k,32k,256k"


class Request:
    """What is to be written about which model."""

    def __init__(self, model: str, class_name: str | None, kind: str, *rest: object) -> None:
        self.model, self.class_name = model, class_name
        self.stem = file_stem(f"{figure_name(model)}-{kind}", request_key(model, class_name, kind, *rest))


class DocumentingTools:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def write_document(
        self,
        model: Model,
        kind: Kind = "document",
        expect: Annotated[str | None, Field(description="For validation: layers=60,params=397B")] = None,
        context: Annotated[str | None, Field(description="For memory: 4k,32k")] = None,
        estimator: Annotated[str | None, Field(description="Folder of its layer classes")] = None,
        save: Annotated[Save, Field(description="For estimator; ask the user before each step")] = "nothing",
        class_name: ClassName = None,
    ) -> Annotated[CallToolResult, DocumentAnswer]:
        """Write the specification, a validation report, memory and operations by context, or estimator layers with gap reports."""
        self.workshop.reach.check_model(model)
        for name, given, its in (
            ("expect", expect, "validation"), ("context", context, "memory"), ("estimator", estimator, "estimator"),
            ("save", save != "nothing", "estimator"),
        ):  # fmt: skip
            refuse_idle(name, given and kind != its, f"kind={its}")
        request = Request(model, class_name, kind, expect, context, estimator)
        if kind == "validation":
            return self._validation(request, expect)
        if kind == "memory":
            return self._memory(request, context or _CONTEXTS)
        if kind == "estimator":
            return self._estimator(request, estimator, save)
        return self._document(request)

    def _document(self, request: Request) -> CallToolResult:
        found, text = self.workshop.document(request.model, request.class_name)

        def write(folder: Path) -> tuple[Any, list[Path]]:
            file = folder / f"{request.stem}.md"
            write_text(file, text)
            return found, [file]

        files = _published(write)[1]
        answer = _about("document", found.architecture, files)
        answer.text = _cut(found.summary)
        answer.notes += lines([remark for remark in found.remarks if remark], 4)
        answer.next = [
            "Give the user the short form and the link; the linked file has evidence and pseudocode (?offset=0 reads it in pages)."
        ]
        return _linked(answer, files)

    def _validation(self, request: Request, expect: str | None) -> CallToolResult:
        from archviz import pipeline

        def write(folder: Path) -> tuple[Any, list[Path]]:
            reports = [folder / f"{request.stem}.md"]
            found = pipeline.verify(
                request.model,
                expect=expect,
                report=reports[0],
                class_name=request.class_name,
                settings=self.workshop.settings,
            )
            return found, reports

        found, files = _published(write)
        checks = [check_line(each) for each in sorted(found.checks, key=lambda each: each.status != "conflict")]
        statuses = [claim.status for claim in found.claims]
        answer = DocumentAnswer(
            kind="validation",
            model=found.model,
            class_name=found.class_name,
            files=rows_of(files),
            checks=lines(checks, _MOST_CHECKS),
            summary={
                "conflicts": len(found.conflicts),
                "claims": {status: statuses.count(status) for status in dict.fromkeys(statuses)},
                "sources": [line(f"{each.kind} {each.name}: {each.trouble or 'read'}", 120) for each in found.sources],
            },
            gaps=gap_lines(found.gaps),
            gaps_total=len(found.gaps),
            notes=lines(found.notes),
        )
        answer.next = [_after_validation(found)]
        return _linked(answer, files)

    def _memory(self, request: Request, context: str) -> CallToolResult:
        from archviz import pipeline
        from archviz.numbers.memory import contexts_of
        from archviz.numbers.memory_text import memory_data, memory_text

        def write(folder: Path) -> tuple[Any, list[Path]]:
            found = pipeline.measure(
                request.model, contexts_of(context), output=folder / request.stem, formats=["svg"],
                class_name=request.class_name, settings=self.workshop.settings,
            )  # fmt: skip
            whole = folder / f"{request.stem}.md"
            write_text(whole, f"```text\n{memory_text(found.memory)}```\n")
            return found, [whole, *found.files]

        found, files = _published(write)
        data = memory_data(found.memory)
        contexts = data["contexts"] if isinstance(data["contexts"], list) else []
        data["contexts"] = [{key: value for key, value in each.items() if value is not None} for each in contexts]
        summary = {
            key: data[key]
            for key in ("weights", "weights_as_stated", "cache_dtype", "per_token", "contexts", "max_context", "missing", "remarks")
            if data.get(key)
        }  # fmt: skip
        left_out = cut_to_fit(summary, ("remarks", "contexts", "weights"), ANSWER_BYTES - 1_500)
        answer = DocumentAnswer(
            kind="memory", model=str(data["model"]), class_name=str(data["class"]), files=rows_of(files), summary=summary,
            gaps=gap_lines(found.gaps), gaps_total=len(found.gaps),
            notes=left_out_lines(left_out, "the linked file has all"),
        )  # fmt: skip
        answer.next = ["Bytes and operations are of one sequence; say which column a number is from."]
        return _linked(answer, files)

    def _estimator(self, request: Request, estimator: str | None, save: Save) -> CallToolResult:
        from archviz import pipeline

        if estimator is None:
            raise UsageError(
                "the folder of the estimator's layer classes is missing",
                where="estimator",
                hint="give estimator: a folder of Python layer classes",
            )
        self.workshop.reach.check_path(estimator, "estimator")
        folder, class_name = Path(estimator).expanduser(), request.class_name
        found = self.workshop.shelf.made(
            "export", request.model, (class_name, str(folder), _state_of(folder)),
            lambda: pipeline.exported(request.model, folder, class_name=class_name, settings=self.workshop.settings),
        )  # fmt: skip
        files: list[Path] = []
        if save != "nothing":

            def write(folder: Path) -> tuple[Any, list[Path]]:
                return found, pipeline.write_exported(found, folder / request.stem, with_reports=save == "gap_reports")

            files = _published(write)[1]
        return _exported(found, files, save)


def _state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of the layer classes: another state of the folder is another request."""
    from archviz.estimator.supported import class_files

    stated = ((path, path.stat()) for path in class_files(folder))
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stated)


def _published(write: Callable[[Path], tuple[Any, list[Path]]]) -> tuple[Any, list[Path]]:
    """Have files written in a folder of their own, and publish them when all are whole."""
    me = caller()
    with me.outputs.staging() as folder:
        found, staged = write(folder)
        return found, me.outputs.publish(staged, folder)


def _after_validation(found: Verification) -> str:
    if found.conflicts:
        return "Tell the user of each conflict before you go on."
    if found.gaps:
        return "Nothing contradicts; say what was not understood (gaps)."
    return "Nothing contradicts. Show the user the linked report."


def _about(kind: str, architecture: Architecture, files: list[Path]) -> DocumentAnswer:
    return DocumentAnswer(
        kind=kind,
        model=architecture.identity.id,
        class_name=architecture.identity.class_name,
        files=rows_of(files),
        gaps=gap_lines(architecture.gaps),
        gaps_total=len(architecture.gaps),
        notes=remarks(architecture),
    )


_AFTER_SAVING: dict[str, str] = {
    "nothing": "Show the user the validation and the layer types, and ask before save=configuration.",
    "configuration": "Show the user which layers lack a class (without_class), and ask before save=gap_reports.",
    "gap_reports": "Give the user the links: the configuration, and a report on each layer that the estimator lacks.",
}


def _exported(found: Export, files: list[Path], save: Save) -> CallToolResult:
    """What was or would be written: validation, layer types, those without a class."""
    configuration: Any = found.configuration
    summary = {
        "saved": save,
        "file": f"{found.model_id}.json",
        "validated": configuration["validated"],
        "validation_notes": line(configuration["validation_notes"], 700),
        "layer_types": {
            each[
                "name"
            ]: f"{each['count']} × {_class_of(each)}, {each['specs'].get('parameter_count') or 0:,} parameters each"
            for each in configuration["layer_types"]
        },
        "without_class": sorted(found.reports),
    }
    shown = files[:_MOST_FILES]
    answer = _about("estimator", found.architecture, shown)
    if files[_MOST_FILES:]:
        answer.notes.append(_further_reports(files))
    spent = size_of(answer.model_dump(mode="json")) + len(shown) * _LINK_BYTES
    if left_out := cut_to_fit(summary, ("layer_types", "without_class"), ANSWER_BYTES - spent):
        summary["left_out"] = left_out
    answer.summary = summary
    answer.next = [_AFTER_SAVING[save]]
    return _linked(answer, shown)


def _further_reports(files: list[Path]) -> str:
    """Where the reports are that an answer has no room for: their names are those of the layer types."""
    last = files[-1]
    address = URI + caller().outputs.name_of(last).removesuffix(last.name)
    return f"{len(files) - _MOST_FILES} further reports: {address}NAME.md, NAME as in without_class"


def _class_of(layer: dict[str, Any]) -> str:
    return str(layer["class"]) if layer["supported"] else f"no class ({layer['class']} is missing)"


def _linked(answer: DocumentAnswer, files: list[Path]) -> CallToolResult:
    return result_of(answer, links_to(files))


def _cut(text: str) -> str:
    """The beginning of a text, as much as an answer holds."""
    page = page_of(text, "", 0, ANSWER_BYTES - 1_400)
    return str(page.value) + ("…" if page.next_offset is not None else "")
