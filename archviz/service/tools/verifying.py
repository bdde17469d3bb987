"""`verify_code`: claims about a model with the lines that prove them; and where any code does what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mcp_types import CallToolResult
from pydantic import Field

from archviz.errors import UsageError
from archviz.service.answering import gap_lines, line, lines, result_of
from archviz.service.outputs import scratch
from archviz.service.paging import ANSWER_BYTES, page_of
from archviz.service.results import VerifyAnswer
from archviz.service.subject import about_claims, near_keys, subjects
from archviz.service.summary import ranges
from archviz.service.tools.files import figure_file
from archviz.service.workshop import ClassName, Model, Offset, Workshop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archviz.codesearch.result import Match, SearchResult
    from archviz.verify.claims import Check, Claim
    from archviz.verify.report import Verification

_LONGEST_CLAIM = 240
_MOST_CHECKS = 12
_PLACES = 2  # of a claim's evidence, in one line

Figure = Annotated[dict[str, Any] | None, Field(description="A diagram config to check")]


class VerifyingTools:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def verify_code(
        self,
        model: Model | None = None,
        code: Annotated[str | None, Field(description="Instead: folder, file or GitHub URL to search")] = None,
        expect: Annotated[str | None, Field(description="layers=60,params=397B±1%")] = None,
        figure: Figure = None,
        about: Annotated[
            str | None,
            Field(
                description="Words, such as rope; for code of rope,split,norm,moe,attention,kernels,cache,quantization"
            ),
        ] = None,
        offset: Offset = 0,
        class_name: ClassName = None,
    ) -> Annotated[CallToolResult, VerifyAnswer]:
        """Claims about a model with file:line, held against what is expected; or where any code does something."""
        if (model is None) == (code is None):
            raise UsageError("give either model or code", hint="a model is verified, code is searched")
        if code is not None:
            if expect or figure:
                raise UsageError("expect and figure are held against a model", where="code", hint="give model")
            topics = [word.strip().lower() for word in (about or "").split(",") if word.strip()]
            return self._search(code, topics, offset, class_name)
        assert model is not None
        self.workshop.reach.check_model(model)
        found = self._verify(model, expect, figure, class_name)
        return _verified(found, subjects(about), offset, checked=bool(expect or figure))

    def _verify(
        self, model: str, expect: str | None, figure: dict[str, Any] | None, class_name: str | None
    ) -> Verification:
        def verify() -> Verification:
            from archviz import pipeline

            asked: dict[str, Any] = {"expect": expect, "class_name": class_name, "settings": self.workshop.settings}
            if figure is None:
                return pipeline.verify(model, **asked)
            with scratch() as folder:
                return pipeline.verify(model, against=figure_file(figure, folder), **asked)

        return self.workshop.shelf.made("verification", model, (class_name, expect, json.dumps(figure)), verify)

    def _search(self, code: str, topics: list[str], offset: int, class_name: str | None) -> CallToolResult:
        from archviz import pipeline
        from archviz.lookup.github.address import github_address, with_scheme
        from archviz.lookup.names import classify

        if not self.workshop.reach.is_whole:
            code = with_scheme(
                code
            )  # a folder that is called like the host is a path, which is not told from an address
        if github_address(code) is None:
            if "://" in code:
                raise UsageError(
                    "of addresses only those of GitHub are searched", where="code", hint="github.com/OWNER/NAME"
                )
            self.workshop.reach.check_path(code, "code")
        try:
            found = pipeline.code_search(code, topics, class_name=class_name, settings=self.workshop.settings)
        except UsageError as error:
            if classify(code).kind != "path" and not Path(code).exists():
                error.hint = f"{error.hint}; a model is given as model"
            raise
        return _matches(found, code, offset, narrowed=bool(topics or class_name))


def _verified(found: Verification, asked: list[list[str]], offset: int, *, checked: bool) -> CallToolResult:
    """The answer; where something was to be held against the claims and no subject is named, the comparisons without the claims."""
    answer = VerifyAnswer(
        subject=found.model,
        class_name=found.class_name,
        statuses=_counted([claim.status for claim in found.claims]),
        gaps=gap_lines(found.gaps),
        gaps_total=len(found.gaps),
        notes=lines(found.notes),
    )
    if checked and not asked:
        _fill_comparisons(answer, found, offset)
    else:
        _fill_claims(answer, found, asked, offset)
    if answer.conflicts:
        answer.next.insert(0, "Tell the user of each conflict, with both values and the line.")
    answer.next.append("write_document with kind=validation writes a report")
    return result_of(answer)


def _fill_comparisons(answer: VerifyAnswer, found: Verification, offset: int) -> None:
    """A page of what was held against what, the conflicts first."""
    conflicts, agreeing = found.conflicts, [each for each in found.checks if each.status != "conflict"]
    page = page_of([line(_said(each)) for each in (*conflicts, *agreeing)], "", offset, ANSWER_BYTES - 1_600)
    first = max(0, len(conflicts) - offset)  # of the page, that agrees
    answer.conflicts, answer.checks = page.value[:first], page.value[first:]
    if page.next_offset is not None:
        left = len(conflicts) - page.next_offset
        answer.page = page.bounds
        answer.next.append(f"offset={page.next_offset} goes on" + (f": {left} further conflicts" if left > 0 else ""))
    elif offset:
        answer.page = page.bounds
    if not page.total:
        answer.next.append("Nothing in the figure could be held against the code: it states no numbers or kinds.")
    answer.next.append("about=WORD lists claims with their lines")


def _fill_claims(answer: VerifyAnswer, found: Verification, asked: list[list[str]], offset: int) -> None:
    """A page of the claims about the subjects, and the first of what was held against them."""
    claims, said = about_claims(found.claims, asked)
    conflicts = [each for each in found.conflicts if each in claims or each in found.checks]
    agreeing = [each for each in found.checks if each.status != "conflict"]
    answer.conflicts = lines([_said(each) for each in conflicts], _MOST_CHECKS)
    answer.checks = lines([check_line(each) for each in agreeing], _MOST_CHECKS)
    if claims:
        page = page_of([_claim(claim) for claim in claims], "", offset, ANSWER_BYTES - 1_600)
        answer.claims, answer.page = page.value, page.bounds
        if page.next_offset is not None:
            answer.next.append(f"offset={page.next_offset} goes on; about=WORD narrows it")
    if said or not claims:
        answer.next.append(said or _no_claim(found, asked))
    if max(len(conflicts), len(agreeing)) > _MOST_CHECKS:
        answer.next.append("without `about` all comparisons are listed, in pages")


def _no_claim(found: Verification, asked: list[list[str]]) -> str:
    near = ", ".join(near_keys(found.claims, asked))
    return (
        f"No claim has these words; ask `about` one of these keys: {near}; "
        "or read part=trace:MODULE of describe_architecture."
    )


def _claim(claim: Claim) -> str:
    from archviz.architecture.words import value_words

    status = "" if claim.status == "verified" else f" [{claim.status}]"
    scope = f" ({_scope(claim)})" if claim.scope else ""
    return line(
        f"{claim.key}{scope} = {value_words(claim.value, of_code=True)}{status}{_places(claim)}", _LONGEST_CLAIM
    )


def _scope(claim: Claim) -> str:
    """Where it holds, layers as the summary writes them: `layers.{3-59/4}.self_attn`."""
    steps = (f"{claim.stack}.{{{ranges(claim.indices)}}}" if claim.stack else "", claim.part)
    return ".".join(filter(None, steps))


def _places(claim: Claim | Check) -> str:
    """Where it is seen: files by their last names, which is what one looks for."""
    places = [each.where.rpartition("/")[2] if each.kind == "code" else each.where for each in claim.evidence]
    return f" @ {', '.join(places[:_PLACES])}" if places else ""


def check_line(check: Check) -> str:
    """A statement against the code or another source, and where that says so."""
    from archviz.architecture.words import value_words

    told = (
        f"{check.source} {'has' if isinstance(check.found, list) else 'says'} {value_words(check.found, of_code=True)}"
    )
    said = told if check.found is not None else f"the {check.source} does not tell"
    stated = "" if check.place.startswith("--expect") else f"{check.place}: "
    return (
        f"{stated}{check.key} stated {value_words(check.stated, of_code=True)}, {said}: {check.status}{_places(check)}"
    )


def _said(each: Claim | Check) -> str:
    return check_line(each) if hasattr(each, "stated") else _claim(each)  # type: ignore[arg-type]


def _counted(words: Sequence[str]) -> dict[str, int]:
    return {word: words.count(word) for word in dict.fromkeys(words)}


def _matches(found: SearchResult, code: str, offset: int, *, narrowed: bool) -> CallToolResult:
    answer = VerifyAnswer(
        subject=code,
        topics=_counted([match.topic for match in found.matches]),
        skipped=lines([f"{row.file}: {row.reason}" for row in found.skipped]),
        notes=[
            f"{found.files} files were searched"
            + (f"; ended at the {found.truncated_by}" if found.truncated_by else "")
        ],
        gaps_total=len(found.skipped),
    )
    if found.matches:
        page = page_of([_match(match) for match in found.matches], "", offset, ANSWER_BYTES - 1_000)
        answer.matches, answer.page = page.value, page.bounds
        if page.next_offset is not None:
            answer.next = [f"offset={page.next_offset} goes on; about=TOPIC and class_name narrow it"]
        else:
            answer.next = ["Those are all places; class_name narrows them to one class."]
    else:
        answer.next = [_no_match(found, narrowed=narrowed)]
    return result_of(answer)


def _no_match(found: SearchResult, *, narrowed: bool) -> str:
    if not found.files:
        return "No file could be searched: `skipped` says why." if found.skipped else "There is no Python file."
    return "Nothing matches: leave `about` or class_name out." if narrowed else "Nothing matches any topic."


def _match(match: Match) -> str:
    from archviz.codesearch.text import place_text

    place = ".".join(name for name in (match.class_name, match.function) if name)
    return line(f"{match.file}:{match.line} [{match.topic}] {place}: {place_text(match)}", _LONGEST_CLAIM)
