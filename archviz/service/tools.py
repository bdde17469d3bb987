"""The tools: thin functions from arguments to answers over `archviz.pipeline`, which is imported when first needed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

from mcp.server.mcpserver import Image
from mcp_types import CallToolResult, ContentBlock, ResourceLink, TextContent
from pydantic import Field

from archviz.errors import ArchvizError, UsageError
from archviz.formats import Format, Look, Theme, figure_name
from archviz.service.failures import NEXT_STEPS, failure_result
from archviz.service.outputs import MIME_TYPES, URI, OutputRoot, file_stem, format_of
from archviz.service.paging import cut_to_fit, find_part, page_of
from archviz.service.results import Candidate, DescribeAnswer, DrawAnswer, DrawnFile, PageBounds, ResolveAnswer
from archviz.settings import Settings

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture, GapEntry
    from archviz.lookup.resolution import Resolution
    from archviz.pipeline import DrawResult

_MOST_LISTED = 8  # candidates and findings in one answer
_MOST_GAPS = 5
_LONGEST_LINE = 180
_INLINE_BYTES = 1_500_000
_KEPT = 8  # descriptions that are kept, so that paging does not read the model again

Model = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        description="Exact Hub id org/name, a folder or config.json path, or transformers:MODEL_TYPE",
    ),
]
ClassName = Annotated[str | None, Field(max_length=200, description="Model class; architectures[0] by default")]
Formats = Annotated[tuple[Format, ...], Field(min_length=1, max_length=6, description="png comes inline too")]
Figure = Annotated[
    dict[str, Any] | None,
    Field(
        description="A diagram config to draw instead of a model: model_name, title, source, stages, custom_nodes, …"
    ),
]

_log = logging.getLogger("archviz.service")
_P = ParamSpec("_P")


def _answering_errors(tool: Callable[_P, CallToolResult]) -> Callable[_P, CallToolResult]:
    """Turn errors into results: an agent can act on data, not on a masked exception."""

    @wraps(tool)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> CallToolResult:
        try:
            return tool(*args, **kwargs)
        except ArchvizError as error:
            return failure_result(error)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            _log.exception("%s failed", tool.__name__)
            return failure_result(ArchvizError(f"internal fault: {type(error).__name__}"))

    return run


class Tools:
    """The tools of one server.

    Args:
        settings: What runs may do.
        outputs: Where files go.
    """

    def __init__(self, settings: Settings, outputs: OutputRoot) -> None:
        self.settings = settings
        self.outputs = outputs
        self._described: dict[tuple[str, str | None], Architecture] = {}
        self._lock = Lock()  # tools run in threads

    @_answering_errors
    def resolve_model(
        self,
        name: Annotated[str, Field(min_length=1, max_length=300, description="The name, whole: Qwen3.5-397B-A17B")],
    ) -> Annotated[CallToolResult, ResolveAnswer]:
        """Say which published model a name stands for. Call this first. Near names are offered, never chosen."""
        from archviz import pipeline

        found = pipeline.resolve(name, self.settings)
        offered = [Candidate(id=item.id, why=item.why) for item in found.candidates]
        return _result(
            ResolveAnswer(
                status=found.status,
                model_id=found.model_id,
                candidates=offered[:_MOST_LISTED],
                more_candidates=max(0, len(offered) - _MOST_LISTED),
                source=found.source,
                complete=found.complete,
                facts_date=found.facts_date,
                commit=found.hub.commit if found.hub else None,
                derivation=(found.hub.derivation or None) if found.hub else None,
                notes=[_line(note) for note in found.notes[:_MOST_LISTED]],
                message=found.message,
                error=found.as_error().code if found.exit_status else None,
                retry_after=found.retry_after,
                hint=found.advice,
                next=_after_resolving(found),
            )
        )

    @_answering_errors
    def describe_architecture(
        self,
        model: Model,
        part: Annotated[
            str | None,
            Field(max_length=500, description="JSON pointer, such as /tensors or /layers/0; summary by default"),
        ] = None,
        offset: Annotated[int, Field(ge=0, description="First item of the part")] = 0,
        class_name: ClassName = None,
    ) -> Annotated[CallToolResult, DescribeAnswer]:
        """The architecture as the official code builds it: a summary, or any part of the full document in pages."""
        from archviz.service.summary import parts_of, summarise

        architecture = self._describe(model, class_name)
        answer = DescribeAnswer(
            model=architecture.identity.id,
            class_name=architecture.identity.class_name,
            code=architecture.identity.code,
            gaps=_gap_lines(architecture.gaps),
            gaps_total=len(architecture.gaps),
        )
        if part is None:
            answer.summary, answer.parts = summarise(architecture), parts_of(architecture)
            answer.next = ["draw_architecture draws it", "part=POINTER gives any of `parts` and `/blocks/N`"]
        else:
            self._fill_part(answer, architecture, part, offset)
        return _result(answer)

    def _fill_part(self, answer: DescribeAnswer, architecture: Architecture, part: str, offset: int) -> None:
        document = architecture.as_dict()
        page = page_of(find_part(document, part), part, offset)
        answer.part, answer.value, answer.gaps = part, page.value, []
        answer.page = PageBounds(offset=page.offset, returned=page.returned, total=page.total)
        if page.next_offset is not None:
            answer.next = [f"offset={page.next_offset} goes on"]

    @_answering_errors
    def draw_architecture(
        self,
        model: Annotated[
            Model | None, Field(description="As in describe_architecture; or the path of a diagram config")
        ] = None,
        figure: Figure = None,
        formats: Formats = ("png", "svg"),
        theme: Theme = "light",
        class_name: ClassName = None,
    ) -> Annotated[CallToolResult, DrawAnswer]:
        """Draw a model, or a hand-written diagram config: the PNG inline, facts, and links to the files."""
        from archviz import pipeline

        if (model is None) == (figure is None):
            raise UsageError("give either model or figure", hint="a figure is drawn as it is, a model is read first")
        wanted = list(dict.fromkeys(formats))
        with self.outputs.staging() as folder:
            source = model if model is not None else _written(figure, folder)
            name = figure_name(model) if model is not None else str((figure or {}).get("model_name", ""))
            stem = file_stem(name, _key(model, figure, class_name, theme))
            result = pipeline.draw(
                source, folder / stem, wanted, class_name=class_name, look=Look(theme=theme), settings=self.settings
            )
            files = self.outputs.publish(result.files)
        return _drawn(result, files)

    def _describe(self, model: str, class_name: str | None) -> Architecture:
        """Describe a model; those that are no files of this machine, and so do not change, are kept."""
        from archviz import pipeline

        key = (model, class_name)
        if kept := self._described.get(key):
            return kept
        architecture = pipeline.describe(model, class_name=class_name, settings=self.settings)
        if architecture.identity.origin in ("catalog", "transformers"):
            with self._lock:
                while len(self._described) >= _KEPT:
                    del self._described[next(iter(self._described))]
                self._described[key] = architecture
        return architecture


def _result(answer: ResolveAnswer | DescribeAnswer | DrawAnswer, more: Sequence[ContentBlock] = ()) -> CallToolResult:
    data = {key: value for key, value in answer.model_dump(mode="json").items() if value is not None}
    text = TextContent(type="text", text=json.dumps(data, ensure_ascii=False))
    return CallToolResult(content=[text, *more], structured_content=data)


def _after_resolving(found: Resolution) -> list[str]:
    if found.model_id and not found.exit_status:
        return [f"describe_architecture or draw_architecture with model={found.model_id}"]
    return [NEXT_STEPS.get(found.as_error().code, NEXT_STEPS["unreachable"])]


def _written(figure: dict[str, Any] | None, folder: Path) -> str:
    path = folder / "figure.json"
    path.write_text(json.dumps(figure, ensure_ascii=False), encoding="utf-8", errors="surrogatepass")
    return str(path)


def _key(*request: object) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:8]


def _drawn(result: DrawResult, files: list[Path]) -> CallToolResult:
    from archviz.answers import plain

    drawn = [
        DrawnFile(format=kind, uri=URI + path.name, path=str(path), bytes=path.stat().st_size)
        for path in files
        if (kind := format_of(path))
    ]
    png = next((item for item in drawn if item.format == "png"), None)
    inline = png is not None and png.bytes <= _INLINE_BYTES
    summary = plain(result.summary)
    shown: dict[str, object] = summary if isinstance(summary, dict) else {}
    cut_to_fit(shown, tuple(shown), budget=2_000)
    answer = DrawAnswer(
        title=result.title,
        model_id=result.model_id,
        files=drawn,
        image="inline" if inline else "too_large" if png else "not_asked",
        summary=shown,
        findings=[_line(f"{item.severity}: {item.message}") for item in result.findings[:_MOST_LISTED]],
        gaps=_gap_lines(result.gaps),
        gaps_total=len(result.gaps),
        next=["Look at the picture before you answer.", "describe_architecture gives the numbers with their evidence"],
    )
    content: list[ContentBlock] = [Image(path=png.path).to_image_content()] if png and inline else []
    return _result(answer, [*content, *(_link(item) for item in drawn)])


def _link(item: DrawnFile) -> ResourceLink:
    return ResourceLink(
        name=Path(item.path).name,
        uri=item.uri,
        mime_type=MIME_TYPES[item.format],
        size=item.bytes,
        type="resource_link",
    )


def _gap_lines(gaps: Sequence[GapEntry]) -> list[str]:
    """Gaps in short, those of one cause together: one line of code is often missed in every layer."""
    causes: dict[tuple[str, str | None], list[str]] = {}
    for gap in gaps:
        causes.setdefault((gap.reason, gap.at), []).append(gap.module or "the model")
    return [_line(_gap_line(reason, at, modules)) for (reason, at), modules in list(causes.items())[:_MOST_GAPS]]


def _gap_line(reason: str, at: str | None, modules: list[str]) -> str:
    more = f" and {len(modules) - 1} more" if len(modules) > 1 else ""
    return f"{modules[0]}{more}: {reason}" + (f" ({at})" if at else "")


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_LINE else flat[: _LONGEST_LINE - 1] + "…"
