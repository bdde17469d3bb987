"""`compare_models`: models side by side."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp_types import CallToolResult
from pydantic import Field

from archviz.answers import plain
from archviz.errors import ArchvizError, UsageError
from archviz.formats import Format, figure_name
from archviz.service.answering import MOST_LISTED, gap_lines, line, lines, result_of
from archviz.service.callers import caller
from archviz.service.outputs import file_stem, request_key
from archviz.service.paging import ANSWER_BYTES, cut_to_fit, size_of
from archviz.service.results import CompareAnswer
from archviz.service.tools.files import image_of, links_to, rows_of
from archviz.service.workshop import Workshop

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture
    from archviz.comparison.blocks import BlockPair
    from archviz.comparison.comparing import Comparison

MOST_MODELS = 6
_CUT_FIRST = ("equal", "blocks", "differ", "layers")
_LONGEST_VALUE = 80

Drawn = Annotated[list[Literal["png", "svg", "pdf", "tex"]], Field(description="Of two models, a figure too")]


class ComparingTools:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def compare_models(
        self,
        models: Annotated[list[str], Field(min_length=2, max_length=MOST_MODELS)],
        formats: Drawn = [],  # noqa: B006 - read only; a list is what the schema shows
    ) -> Annotated[CallToolResult, CompareAnswer]:
        """Models held against the first: facts, layers, blocks and code that differ; all of it in a Markdown file."""
        from archviz import pipeline

        for index, model in enumerate(models):
            self.workshop.reach.check_model(model, _place(index))
        if formats and len(models) != 2:
            raise UsageError("a figure shows two models", where="formats", hint="leave formats out, or name two models")
        wanted: list[Format] = list(dict.fromkeys(formats))
        me = caller()
        stem = file_stem("-vs-".join(figure_name(model) for model in models), request_key(models))
        findings: list[str] = []
        with me.outputs.staging() as folder:
            page = folder / f"{stem}.md"
            result = pipeline.compare(
                models, markdown=page, settings=self.workshop.settings, described=partial(self._described, models)
            )
            staged = [page]
            if wanted:
                drawn = pipeline.draw_comparison(result.comparison, folder / stem, wanted)
                staged += drawn.files
                findings = [line(f"{each.severity}: {each.message}") for each in drawn.findings[:MOST_LISTED]]
            files = me.outputs.publish(staged, folder)
        return _compared(result.comparison, files, findings)

    def _described(self, models: list[str], model: str) -> Architecture:
        """One of the models; an error says which, where it says no place that the client knows."""
        try:
            return self.workshop.shelf.described(model).architecture
        except ArchvizError as error:
            if error.where is None or (caller().remote and error.where.startswith(("/", "~"))):
                error.where = _place(models.index(model))
            raise


def _place(index: int) -> str:
    return f"models[{index}]"


def _compared(comparison: Comparison, files: list[Path], findings: list[str]) -> CallToolResult:
    image, state = image_of(files)
    shown: dict[str, Any] = {
        "differ": {row.key: [_value(value) for value in row.values] for row in comparison.differing_facts},
        "equal": [row.key for row in comparison.facts if not row.differs],
        "layers": [{"tower": plan.tower, "patterns": plan.patterns} for plan in comparison.plans if plan.differs],
        "blocks": [_pair(pair) for pairs in comparison.pairs for pair in pairs if pair.differs],
    }
    left_out = cut_to_fit(shown, _CUT_FIRST, ANSWER_BYTES - 1_400)
    gaps = [gap for model in comparison.models for gap in model.gaps]
    answer = CompareAnswer(
        models=[
            {
                "id": model.identity.id,
                "parameters": model.parameters.total,
                "active": model.parameters.active,
            }
            for model in comparison.models
        ],
        left_out=left_out,
        image=state,
        files=rows_of(files),
        findings=findings,
        gaps=gap_lines(gaps),
        gaps_total=len(gaps),
        notes=lines(comparison.notes),
        next=[
            *(["Look at the picture before you answer."] if state == "inline" else []),
            "The linked Markdown file has every difference with its line.",
        ],
        **shown,
    )
    return result_of(answer, [*image, *links_to(files)])


def _value(value: object) -> object:
    """A value as it is, where it is short; else the beginning of it as JSON."""
    if isinstance(value, str):
        return line(value, _LONGEST_VALUE)
    shown = plain(value)
    if size_of(shown) <= _LONGEST_VALUE:
        return shown
    return line(json.dumps(shown, ensure_ascii=False), _LONGEST_VALUE)


def _pair(pair: BlockPair) -> dict[str, Any]:
    if pair.first is None or pair.other is None:
        return {"slot": pair.slot, "what": line(pair.title, 100), "only": "first" if pair.other is None else "other"}
    steps = [f"{step.kind}: {step.first or '-'} | {step.other or '-'}" for step in [*pair.steps, *pair.code]]
    return {
        "slot": pair.slot,
        "what": line(pair.title, 100),
        "differences": len(steps),
        "such_as": [line(each, 100) for each in steps[:2]],
    }
