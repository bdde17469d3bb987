"""`describe_architecture`: what a model is, in short or part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from mcp_types import CallToolResult
from pydantic import Field

from archviz.errors import UsageError
from archviz.folded_names import first_module
from archviz.service.answering import gap_lines, lines, refuse_idle, result_of
from archviz.service.paging import ANSWER_BYTES, find_part, page_of
from archviz.service.parts import TRACE, graphs_of, module_pointer
from archviz.service.results import DescribeAnswer
from archviz.service.workshop import ClassName, Model, Offset, Workshop
from archviz.trace_text import assumption_text, call_text, op_text

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture

_TRACED_TOKENS = 64


class DescribingTools:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def describe_architecture(
        self,
        model: Model,
        part: Annotated[
            str | None, Field(description="JSON pointer (/tensors), module path (model.layers.0), or trace:MODULE")
        ] = None,
        offset: Offset = 0,
        class_name: ClassName = None,
    ) -> Annotated[CallToolResult, DescribeAnswer]:
        """The architecture as the official code builds it: a summary, or any part of it in pages."""
        self.workshop.reach.check_model(model)
        refuse_idle("offset", offset if part is None else 0, "pages of a part")
        if part is not None and part.startswith(TRACE):
            return self._traced(model, part, offset, class_name)
        kept = self.workshop.shelf.described(model, class_name)
        answer = about(kept.architecture)
        if part is None:
            self._summarise(answer, kept.architecture)
            return result_of(answer)
        document = kept.document
        pointer = part
        if part and not part.startswith("/"):
            module = first_module(part)
            pointer = _module(document, module)
            answer.next = [f"part={each} is its data flow" for each in graphs_of(document["blocks"], module)]
            answer.next += [f"part={TRACE}{module} lists its calls, splits, joins and products"]
        _fill_page(answer, find_part(document, pointer), pointer, offset)
        return result_of(answer)

    def _summarise(self, answer: DescribeAnswer, architecture: Architecture) -> None:
        from archviz.service.summary import parts_of, summarise

        answer.summary, answer.parts = summarise(architecture), parts_of(architecture)
        answer.next = [
            "draw_architecture draws it",
            "part=POINTER or part=MODULE_PATH gives more",
            "verify_code gives the lines that prove it",
        ]

    def _traced(self, model: str, part: str, offset: int, class_name: str | None) -> CallToolResult:
        module = first_module(part.removeprefix(TRACE))
        rows, head = self.workshop.shelf.made(
            "trace", model, (class_name, module), lambda: self._trace(model, module, class_name)
        )
        answer = head.model_copy(update={"next": []})
        _fill_page(answer, rows, part, offset)
        return result_of(answer)

    def _trace(self, model: str, module: str, class_name: str | None) -> tuple[list[str], DescribeAnswer]:
        """The rows of a pass, and the head of every page of them."""
        from archviz import pipeline

        found = pipeline.trace(
            model, class_name=class_name, seq=_TRACED_TOKENS, module=module or None, settings=self.workshop.settings
        )
        notes = [f"one pass of {_TRACED_TOKENS} tokens, without a cache", *found.get("notes", [])]
        head = DescribeAnswer(
            model=found.get("model", model),
            class_name=found["class"],
            gaps_total=len(found["gaps"]),
            notes=lines([*notes, *map(assumption_text, found["assumed"])]),
        )
        rows = [f"call {call_text(row)}{_at(row)}" for row in found["calls"]]
        return [*rows, *(f"op {op_text(row)}{_at(row)}" for row in found["ops"])], head


def _module(document: Mapping[str, Any], path: str) -> str:
    """The pointer of a module; what may have been meant as a pointer is told to be written as one."""
    try:
        return module_pointer(document["modules"], path)
    except UsageError as error:
        if path.replace("/", ".").partition(".")[0] in document:
            error.hint = f"{error.hint}; of the description: part=/{path.replace('.', '/')}"
        raise


def about(architecture: Architecture) -> DescribeAnswer:
    """The head of an answer about a model."""
    return DescribeAnswer(
        model=architecture.identity.id,
        class_name=architecture.identity.class_name,
        code=architecture.identity.code,
        gaps=gap_lines(architecture.gaps),
        gaps_total=len(architecture.gaps),
        notes=remarks(architecture),
    )


def remarks(architecture: Architecture) -> list[str]:
    """What a reader must know beside the numbers: an old copy used, a repository renamed."""
    return lines([str(fact.value) for fact in architecture.facts if fact.key == "remark"])


def _fill_page(answer: DescribeAnswer, value: object, pointer: str, offset: int) -> None:
    page = page_of(value, pointer, offset, ANSWER_BYTES - 600)
    answer.part, answer.value, answer.gaps, answer.page = pointer, page.value, [], page.bounds
    if page.next_offset is not None:
        answer.next.insert(0, f"offset={page.next_offset} goes on")
    if page.outlined is not None:
        answer.next.append(f"part={page.outlined} opens what stands as an outline, and so each `part` in the value")
    elif not answer.next:
        answer.next = ["That is all of this part; the summary names others."]


def _at(row: dict[str, Any]) -> str:
    """Where it stands: the file by its last name, as everywhere in answers."""
    place = str(row.get("at") or "").rpartition("/")[2]
    return f" @ {place}" if place else ""
