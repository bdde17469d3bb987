"""`inspect_tensors`: the tensors of a model, as its code makes them or as they are stored."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from archviz.numbers.name_pattern import matcher
from archviz.service.answering import line, lines, refuse_idle, result_of
from archviz.service.paging import ANSWER_BYTES, page_of
from archviz.service.results import TensorsAnswer
from archviz.service.tensor_rows import rows_of_equals
from archviz.service.workshop import ClassName, Model, Offset, Workshop

_MOST_TIED = 5


class InspectingTools:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def inspect_tensors(
        self,
        model: Model,
        match: Annotated[str | None, Field(description="Part of a name; with * or ?, pattern of whole names")] = None,
        stored: Annotated[bool, Field(description="As the checkpoint stores them, with types")] = False,
        offset: Offset = 0,
        class_name: ClassName = None,
    ) -> Annotated[CallToolResult, TensorsAnswer]:
        """Every tensor with its shape, and the sum of those that match; headers only, no weights."""
        self.workshop.reach.check_model(model)
        refuse_idle("class_name", class_name if stored else None, "what code builds, not for stored=true")
        return self._stored(model, match, offset) if stored else self._coded(model, match, offset, class_name)

    def _coded(self, model: str, match: str | None, offset: int, class_name: str | None) -> CallToolResult:
        from archviz import pipeline

        settings = self.workshop.settings
        found = self.workshop.shelf.made(
            "tensors", model, (class_name,), lambda: pipeline.tensors(model, class_name=class_name, settings=settings)
        )
        fits = matcher(match)
        shown = {name: shape for name, shape in found["tensors"].items() if fits(name)}
        tied = {alias: name for alias, name in found["tied"].items() if fits(alias) or fits(name)}
        page = page_of(rows_of_equals(shown), "", offset, ANSWER_BYTES - 1_200)
        answer = TensorsAnswer(
            model=found.get("model", model),
            class_name=found["class"],
            parameters=sum(map(prod, shown.values())),
            count=len(shown),
            whole={"parameters": found["params"], "digest": found["digest"]},
            tensors=page.value,
            tied=dict(list(tied.items())[:_MOST_TIED]),
            page=page.bounds,
            gaps=[line(f"{gap['module'] or 'the model'}: {gap['reason']} ({gap['at']})") for gap in found["gaps"][:5]],
            gaps_total=len(found["gaps"]),
            notes=lines(found.get("notes", [])),
        )
        return _paged(answer, page.next_offset, match)

    def _stored(self, model: str, match: str | None, offset: int) -> CallToolResult:
        from archviz import pipeline

        settings = self.workshop.settings
        found = self.workshop.shelf.made("checkpoint", model, (), lambda: pipeline.checkpoint(model, settings))
        fits = matcher(match)
        fitting = [row for row in found.tensors if fits(row.name)]
        rows = rows_of_equals({row.name: [row.dtype, *row.shape] for row in fitting})
        page = page_of(rows, "", offset, ANSWER_BYTES - 1_200)
        dtypes: Counter[str] = Counter()
        for row in fitting:
            dtypes[row.dtype] += row.numel
        answer = TensorsAnswer(
            model=found.model,
            parameters=dtypes.total(),
            count=len(fitting),
            whole={"parameters": sum(row.numel for row in found.tensors), "dtypes": found.as_dict()["dtypes"]},
            dtypes=dict(dtypes),
            tensors=page.value,
            page=page.bounds,
            problems=lines(found.problems),
            notes=lines(found.notes),
        )
        return _paged(answer, page.next_offset, match)


def _no_name(match: str | None) -> str:
    """What to do where no name fits: a pattern may have been meant as a part of names.

    >>> _no_name("h.0.*")
    'No tensor has such a name: a pattern is of the whole name, match=*h.0.* looks for it anywhere; or leave `match` out.'
    """
    anywhere = f"*{(match or '').strip('*')}*"
    is_pattern = match is not None and not set("*?").isdisjoint(match)
    meant = (
        f" a pattern is of the whole name, match={anywhere} looks for it anywhere; or"
        if is_pattern and match != anywhere
        else ""
    )
    return f"No tensor has such a name:{meant} leave `match` out."


def _paged(answer: TensorsAnswer, following: int | None, match: str | None) -> CallToolResult:
    if any("{" in name for name in answer.tensors):
        answer.notes.insert(0, "one row for equal tensors: {0-61} stands for each of these numbers")
    if following is not None:
        answer.next = [f"offset={following} goes on" + ("" if match else "; match=WORD narrows it")]
    elif not answer.tensors:
        answer.next = [_no_name(match)]
    else:
        answer.next = ["That is all of them."]
    return result_of(answer)
