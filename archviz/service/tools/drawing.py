"""`draw_architecture`: a model or a diagram config as a picture, with links to its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mcp_types import CallToolResult
from pydantic import Field

from archviz.errors import ArchvizError, UsageError
from archviz.folded_names import first_module
from archviz.formats import Format, Look, Theme, View, figure_name
from archviz.late_patterns import late_pattern
from archviz.service.answering import MOST_LISTED, gap_lines, left_out_lines, line, lines, refuse_idle, result_of
from archviz.service.callers import caller
from archviz.service.outputs import file_stem, request_key
from archviz.service.paging import cut_to_fit
from archviz.service.results import DrawAnswer
from archviz.service.tools.files import ImageState, figure_file, image_of, links_to, rows_of, with_app
from archviz.service.workshop import ClassName, Workshop

if TYPE_CHECKING:
    from archviz.pipeline import DrawResult

_MODEL_TYPE = late_pattern(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")

Formats = Annotated[list[Format], Field(min_length=1, description="png is inline too")]


class DrawingTools:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def draw_architecture(
        self,
        model: Annotated[str | None, Field(description="As elsewhere")] = None,
        figure: Annotated[
            dict[str, Any] | None, Field(description="Instead: a diagram config (model_name, stages, …)")
        ] = None,
        view: View = "overview",
        module: Annotated[str | None, Field(description="Its path, for view=module")] = None,
        formats: Formats = ["png", "svg"],  # noqa: B006 - read only; a list is what the schema shows
        theme: Theme = "light",
        class_name: ClassName = None,
    ) -> Annotated[CallToolResult, DrawAnswer]:
        """Draw a model, or your own diagram config: the picture inline, and links to its files."""
        if (model is None) == (figure is None):
            raise UsageError("give either model or figure", hint="a figure is drawn as it is, a model is read first")
        refuse_idle("module", module if view != "module" else None, "view=module")
        if model is not None:
            self.workshop.reach.check_model(model)
        else:
            refuse_idle("class_name", class_name, "a model")
        module = None if module is None else first_module(module)
        me = caller()
        wanted = list(dict.fromkeys(formats))
        if me.shows_apps and "html" not in wanted:
            wanted.append("html")
        look = Look(theme=theme, views=(view,), module=module)
        with me.outputs.staging() as folder:
            name = (
                figure_name(model)
                if model is not None
                else str((figure or {}).get("model_name", "")) or _type_of(figure)
            )
            name = "-".join(each for each in (name, view if view != "overview" else "", module or "") if each)
            stem = file_stem(name, request_key(model, figure, view, module, theme, class_name))
            result = self._draw(model, figure, folder, stem, wanted, look, class_name)
            files = me.outputs.publish(result.files, folder)
        return _drawn(result, files, module, of_model=model is not None)

    def _draw(
        self, model: str | None, figure: dict[str, Any] | None, folder: Path, stem: str, formats: list[Format], look: Look,
        class_name: str | None,
    ) -> DrawResult:  # fmt: skip
        from archviz import pipeline
        from archviz.lookup.names import classify

        if model is not None and classify(model).kind != "path":
            described = self.workshop.shelf.described(model, class_name).architecture
            return pipeline.draw_described(described, folder / stem, formats, look=look)
        staged = figure_file(figure, folder, _type_of(figure) or "figure") if figure is not None else None
        try:
            return pipeline.draw(
                str(staged or model), folder / stem, formats, class_name=class_name, look=look,
                settings=self.workshop.settings,
            )  # fmt: skip
        except ArchvizError as error:
            if staged is not None and error.where == staged.name:
                error.where = "figure"
            raise


def _type_of(figure: dict[str, Any] | None) -> str:
    """The model type of a model's configuration, which may be given in place of a diagram config; empty where it states none."""
    stated = (figure or {}).get("model_type")
    return stated if isinstance(stated, str) and _MODEL_TYPE.fullmatch(stated) else ""


def _drawn(result: DrawResult, files: list[Path], module: str | None, *, of_model: bool) -> CallToolResult:
    """The answer; of one module without what is said of the whole model, which a figure of one's own need not be."""
    from archviz.answers import plain

    image, state = image_of(files)
    summary = plain(result.summary) if module is None else {}
    shown: dict[str, Any] = summary if isinstance(summary, dict) else {}
    left_out = cut_to_fit(shown, tuple(shown), budget=2_000)
    notes = [*lines(result.notes), *left_out_lines(left_out, "describe_architecture has all")]
    answer = DrawAnswer(
        title=f"{result.title}: {module}" if module is not None else result.title,
        model=result.model_id if of_model else None,
        files=rows_of(files),
        image=state,
        summary=shown,
        findings=[line(f"{item.severity}: {item.message}") for item in result.findings[:MOST_LISTED]],
        gaps=gap_lines(result.gaps),
        gaps_total=len(result.gaps),
        notes=notes,
        next=_after(state, result, module, of_model=of_model),
    )
    return with_app(result_of(answer, [*image, *links_to(files)]), files)


def _after(state: ImageState, result: DrawResult, module: str | None, *, of_model: bool) -> list[str]:
    following = ["Look at the picture before you answer."] if state == "inline" else ["Read the linked files."]
    if result.gaps:
        following.append("Say in your answer what was not understood (gaps).")
    if of_model and module is None:
        following.append("describe_architecture gives the numbers with their evidence, view=module one module")
    elif of_model:
        following.append(f"describe_architecture with part={module} gives its tensors, part=trace:{module} its calls")
    elif result.model_id:
        following.append("That was a model's configuration: give its file as `model` to ask the other tools about it")
    return following
