"""`resolve_model` and `find_sources`: which model a name stands for, and what exists for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import CallToolResult, ClientCapabilities
from pydantic import BaseModel, Field, create_model

from archviz.errors import ArchvizError, OfflineError, RateLimitedError, SourceUnavailableError, UsageError
from archviz.service.answering import MOST_LISTED, left_out_lines, line, lines, refuse_idle, result_of
from archviz.service.failures import code_of, next_step
from archviz.service.paging import ANSWER_BYTES, cut_to_fit, page_of
from archviz.service.results import ResolveAnswer, SourcesAnswer
from archviz.service.workshop import Offset, Workshop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archviz.lookup.papers import PaperAnswer
    from archviz.lookup.resolution import Resolution
    from archviz.survey.entries import Survey

_SECTIONS = "architecture"
_READABLE = ("found", "renamed", "stated", "unverified")
_MOST_OFFERED = 20  # candidates that a user is asked about


class Choice(BaseModel):
    """Which of the candidates the user means; empty where nobody was asked."""

    model_id: str = ""


class NamingTools:
    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    async def ask_which(self, name: str, ctx: Context[Any, Any]) -> Elicit[Choice] | Choice:
        """Ask the user which candidate is meant, where the name is ambiguous and the client can ask."""
        if not _asks_by_form(ctx.client_capabilities):
            return Choice()
        try:
            found = await self.workshop.desk.run(partial(self._resolve, name))
        except Exception:  # noqa: BLE001 - the tool itself meets it again, and answers it
            return Choice()
        ids = [each.id for each in found.candidates[:_MOST_OFFERED]]
        if found.status != "ambiguous" or len(ids) < 2:
            return Choice()
        one_of: Any = Literal[tuple(ids)]
        schema = create_model("Choice", __base__=Choice, model_id=(one_of, Field(title="Model")))
        return Elicit(f"{found.message} Which one is meant?"[:500], schema)

    def resolver(self) -> Any:
        """The tool, with the question that the framework asks before it runs."""
        ask = self.ask_which

        def resolve_model(
            name: Annotated[str, Field(description="The whole name, as the user wrote it: Qwen3.5-397B-A17B")],
            choice: Annotated[ElicitationResult[Choice], Resolve(ask)],
        ) -> Annotated[CallToolResult, ResolveAnswer]:
            """Which published model a name stands for. Call first. Near names are offered, never chosen."""
            chosen = choice.data.model_id if isinstance(choice, AcceptedElicitation) else ""
            return self.resolve_model(name, chosen)

        resolve_model.__annotations__ |= {
            "choice": Annotated[ElicitationResult[Choice], Resolve(ask)],
        }
        return resolve_model

    def resolve_model(self, name: str, chosen: str = "") -> CallToolResult:
        found = self._resolve(name)
        notes = list(found.notes)
        if chosen and chosen in [each.id for each in found.candidates]:
            notes.append(f"The user chose it for {name!r}.")
            found = self._resolve(chosen)
        offered = [{"id": item.id, "why": item.why} for item in found.candidates]
        return result_of(
            ResolveAnswer(
                status=found.status,
                message=found.message,
                model_id=found.model_id,
                candidates=offered[:MOST_LISTED],
                more_candidates=max(0, len(offered) - MOST_LISTED),
                source=found.source,
                complete=found.complete,
                facts_date=found.facts_date,
                commit=found.hub.commit if found.hub else None,
                derivation=(found.hub.derivation or None) if found.hub else None,
                error=found.as_error().code if found.exit_status else None,
                retry_after=found.retry_after,
                hint=found.advice,
                notes=lines(notes),
                next=_after_resolving(found),
            )
        )

    def _resolve(self, name: str) -> Resolution:
        from archviz import pipeline

        self.workshop.reach.check_model(name, "name")
        return pipeline.resolve(name, self.workshop.settings)

    def find_sources(
        self,
        name: Annotated[str, Field(description="Model; with read=paper an arXiv id or whole title")],
        read: Literal["list", "paper", "card"] = "list",
        sections: Annotated[str, Field(description="Of a paper: architecture, all, or numbers and words")] = _SECTIONS,
        offset: Offset = 0,
    ) -> Annotated[CallToolResult, SourcesAnswer]:
        """What exists for exactly this model: code, configuration, Hub, paper, GitHub, card; where they disagree. Or the text of its paper or card, in pages."""
        from archviz import pipeline

        refuse_idle("offset", offset if read == "list" else 0, "read=paper or read=card")
        refuse_idle("sections", sections if read != "paper" and sections != _SECTIONS else None, "read=paper")
        if read == "paper":
            return _paper(pipeline.papers(name, sections=sections, settings=self.workshop.settings), offset)
        self.workshop.reach.check_model(name, "name")
        survey = pipeline.sources(name, with_text=read == "card", settings=self.workshop.settings)
        return _card(survey, offset) if read == "card" else _listed(survey)


def _asks_by_form(capabilities: ClientCapabilities | None) -> bool:
    """Whether a client shows its user a form; one that names no way has that one, one that names only addresses has not."""
    stated = capabilities.elicitation if capabilities is not None else None
    return stated is not None and (stated.form is not None or stated.url is None)


def _as_asked(model_id: str, asked: str) -> str:
    """The model at the revision that was asked for."""
    from archviz.lookup.names import classify

    revision = classify(asked).revision
    return f"{model_id}@{revision}" if revision else model_id


def _after_resolving(found: Resolution) -> list[str]:
    if found.model_id and not found.exit_status:
        # under its new name the catalog does not know it, and the Hub keeps its files
        is_kept = found.status == "renamed" and found.source == "catalog"
        model = found.asked if is_kept else _as_asked(found.model_id, found.asked)
        return [f"describe_architecture or draw_architecture with model={model}"]
    return [next_step(found.as_error().code, hinted=bool(found.advice), offered=bool(found.candidates))]


def _listed(survey: Survey) -> CallToolResult:
    data = survey.as_dict()
    sources = [
        {key: value for key, value in entry.items() if value and key not in ("evidence", "text")}
        for entry in (each.as_dict() for each in survey.entries)
    ]
    answer = {
        "sources": sources,
        "disagreements": data["disagreements"],
        "candidates": [{"id": each, "why": why} for each, why in survey.candidates[:MOST_LISTED]],
        "not_known": lines(survey.not_known),
    }
    left_out = cut_to_fit(answer, ("not_known", "candidates", "sources", "disagreements"), ANSWER_BYTES - 1_000)
    notes = [*lines(survey.notes), *left_out_lines(left_out, "the whole list: `archviz sources` on a command line")]
    return result_of(
        SourcesAnswer(
            status=survey.status, message=survey.message, model_id=survey.model_id, notes=notes,
            next=_after_listing(survey), **answer,
        )
    )  # fmt: skip


def _after_listing(survey: Survey) -> list[str]:
    from archviz.lookup.arxiv.ids import arxiv_id

    if survey.model_id:
        is_kept = survey.status == "renamed" and any(each.status == "gated" for each in survey.entries)
        model = survey.asked if is_kept else _as_asked(survey.model_id, survey.asked)
        following = [f"describe_architecture with model={model}"]
        if any(each.kind == "card" and each.status in _READABLE for each in survey.entries):
            following.append("read=card gives the card's text")
        papers = (arxiv_id(each.url.rpartition("/")[2]) for each in survey.entries if each.kind == "paper" and each.url)
        if (paper := next(filter(None, papers), None)) is not None:
            following.append(f"read=paper with name={paper} gives the paper's sections")
        return following
    if arxiv_id(survey.asked) is not None:
        return [f"read=paper with name={survey.asked} gives the paper's sections"]
    if survey.candidates:
        return [next_step("ambiguous", hinted=False, offered=True)]
    errors = [each.error for each in survey.entries if isinstance(each.error, SourceUnavailableError)]
    return [_later(errors[0]) if errors else next_step("not_found", hinted=False, offered=False)]


def _card(survey: Survey, offset: int) -> CallToolResult:
    entry = next((each for each in survey.entries if each.kind == "card" and each.text), None)
    if entry is None or entry.text is None:
        raise _no_card(survey)
    return _text_answer(
        SourcesAnswer(status=survey.status, message=entry.what, model_id=survey.model_id), entry.text, offset
    )


def _no_card(survey: Survey) -> ArchvizError:
    """Why there is no text: what kept the card, or else its repository, from being read."""
    errors = [each.error for each in survey.entries if each.kind in ("card", "hub") and each.error is not None]
    if not errors:
        return UsageError(
            f"no card of {survey.asked[:80]} can be read",
            hint="read=list says what exists and why something is missing",
        )
    if isinstance(errors[-1], OfflineError):
        return OfflineError(f"no card of {survey.asked[:80]} is stored here")
    return errors[-1]


def _paper(found: PaperAnswer, offset: int) -> CallToolResult:
    data: Any = found.as_dict()
    paper: dict[str, Any] = data["paper"] or {}
    answer = SourcesAnswer(
        status=found.status,
        message=found.message,
        paper={key: paper[key] for key in ("id", "title", "published", "url") if paper.get(key)} or None,
        candidates=[{"id": each["id"], "why": line(each["title"])} for each in data["results"][:MOST_LISTED]],
        contents=[line(each, 80) for each in data["contents"][:40]],
        notes=lines([*found.notes, *([found.unverified] if found.unverified else [])]),
    )
    if found.paper is None:
        answer.next = [_after_no_paper(found)]
        return result_of(answer)
    from archviz.lookup.papers import paper_text

    first = [f"Its sections were not read ({found.failed.code}). {_later(found.failed)}"] if found.failed else []
    return _text_answer(answer, paper_text(found), offset, first)


def _after_no_paper(found: PaperAnswer) -> str:
    from archviz.lookup.names import classify

    if classify(found.asked).kind == "hub_id":
        return "read=paper takes an arXiv id or a whole title: read=list names the papers of a model."
    return "Ask the user which paper is meant: a title is matched exactly."


def _later(error: SourceUnavailableError) -> str:
    """The next step after an error that an answer is without, with the seconds that it asks for."""
    if isinstance(error, RateLimitedError) and error.retry_after:
        return f"Wait {error.retry_after:g} seconds, then call again."
    return next_step(code_of(error), hinted=False, offered=False)


def _text_answer(answer: SourcesAnswer, text: str, offset: int, first: Sequence[str] = ()) -> CallToolResult:
    """A page of a long text, as much as an answer holds; `first` is what to do before it is read on."""
    page = page_of(text, "", offset, ANSWER_BYTES)
    answer.text = str(page.value)
    answer.page = page.bounds
    answer.next = [*first, f"offset={page.next_offset} goes on" if page.next_offset is not None else "This is its end."]
    return result_of(answer)
