"""Everything that exists for one exact model, gathered: what was read already, then what its sources lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archviz.architecture.model import Architecture
from archviz.errors import ArchvizError, GatedError, OfflineError
from archviz.lookup.card.card import Card, parse_card
from archviz.lookup.catalog import CatalogRecord, find_record
from archviz.lookup.hub.facts import HubModel
from archviz.lookup.hub.files import CONFIG, file_url, read_file
from archviz.lookup.resolution import Resolution
from archviz.network.services import hub_service
from archviz.network.session import Session, day_of
from archviz.sources.custom_code import CustomCode
from archviz.sources.installed import transformers_version
from archviz.sources.model_source import ModelSource
from archviz.sources.official import class_module
from archviz.survey.conflicts import Said, find_disagreements
from archviz.survey.entries import Entry, SourceStatus, Survey, in_order
from archviz.survey.found import About, code_entries, github_entries, page_entries, paper_entries
from archviz.survey.leads import catalog_links, own_papers, pages, papers, repositories

README = "README.md"
MOST_CARD_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Described:
    """What was read of a model before the survey: its source and its description, or why there is none."""

    source: ModelSource | None = None
    architecture: Architecture | None = None
    trouble: str = ""


def survey_model(found: Resolution, described: Described, session: Session, *, with_text: bool = False) -> Survey:
    """The view of a model that a resolution names.

    Args:
        with_text: Give the text of the card and of blogs on hosts that are read.
    """
    assert found.model_id is not None
    held = found.record_id or found.model_id
    record, links = find_record(held), catalog_links(held)
    card, card_entry = _card(found.hub, session, with_text=with_text)
    own, others = repositories(card, links, found.model_id)
    read = papers(card, links, found.hub.papers if found.hub else ())
    about = About(found.model_id, own_papers(read))
    code = _code(described, found.hub)
    elsewhere, unsearched = _code_elsewhere(code, described, session)
    entries = [
        code,
        _configuration(found, described, record),
        _hub(found),
        *paper_entries(read, session),
        *github_entries(own, others, about, session),
        *elsewhere,
        *([card_entry] if card_entry else []),
        *page_entries("report", pages(card, links, "report"), session, read=False),
        *page_entries("blog", pages(card, links, "blog"), session, read=with_text),
    ]
    return Survey(
        found.asked,
        found.status,
        found.message,
        found.model_id,
        _commit(found, described),
        in_order(entries),
        find_disagreements(_said(found, described, record, card)),
        (*_not_known(entries, found), *unsearched),
        notes=session.notes,
    )


def _commit(found: Resolution, described: Described) -> str | None:
    """The commit that the view is of; none where the catalog's facts stand for files that the Hub did not give."""
    is_catalog = described.source is not None and described.source.origin == "catalog"
    return found.revision if found.hub is None or is_catalog else found.hub.commit


def _code(described: Described, hub: HubModel | None) -> Entry:
    source, architecture = described.source, described.architecture
    if source is None and (hub is None or not hub.architectures):
        return Entry("code", "unknown", described.trouble or "the configuration is not known, so neither is the code")
    if source is not None and source.custom is not None:
        return _own_code(source.custom, source.url, described)
    stated = source.architectures if source else hub.architectures if hub else ()  # the Hub excerpts gated ones too
    model_type = source.model_type if source else hub.model_type if hub else ""
    name = architecture.identity.class_name if architecture else next(iter(stated), "")
    module = class_module(name, model_type) if name else None
    if module is None:
        unread = source.unread if source else None
        trouble = (
            f"; newer code was not read: {unread.message}"
            if unread
            else f": {described.trouble}"
            if described.trouble
            else ""
        )
        status: SourceStatus = "missing" if source and not unread else "unknown"
        return Entry("code", status, f"transformers {transformers_version()} has no code for {model_type!r}{trouble}")
    path = module.replace(".", "/") + ".py"
    url = f"https://github.com/huggingface/transformers/blob/v{transformers_version()}/src/{path}"
    what = f"transformers {transformers_version()}, {path}, class {name}"
    if architecture is None:
        what += f"; not described: {described.trouble}"
    return Entry("code", "found", what, url, rests=architecture is not None)


def _own_code(code: CustomCode, url: str | None, described: Described) -> Entry:
    """The files that hold the configuration and the model, as `auto_map` names them; the commit may lack them.

    Of a newer release, the files of its model type, at their own address.
    """
    stated = [value for name, value in code.stated.items() if name.startswith(("AutoConfig", "AutoModel"))]
    named = sorted({_file_of(value) for value in stated if isinstance(value, str)})
    whose, url = code.origin or f"{code.whose} own code", code.url or url
    what = f"{whose}: {', '.join(named[:4]) or 'auto_map names no file'}"
    if described.architecture is None:
        return Entry("code", "unknown", f"{what}; not described: {described.trouble}", url)
    return Entry("code", "found", what, url, rests=True)


def _file_of(reference: str) -> str:
    return reference.rpartition(".")[0].replace(".", "/")[:200] + ".py"


def _code_elsewhere(code: Entry, described: Described, session: Session) -> tuple[list[Entry], list[str]]:
    """Where the model has no official code: public files that define exactly its class; and why they were not looked for."""
    names = described.source.architectures if described.source else []
    if code.status != "missing" or not names:
        return [], []
    try:
        return code_entries(names[0], session, matches=("defines",)), []
    except ArchvizError as error:
        return [], [f"public code that defines {names[0]}: {error.message}"]


def _configuration(found: Resolution, described: Described, record: CatalogRecord | None) -> Entry:
    source = described.source
    rests = described.architecture is not None
    if source is not None and source.origin == "hub" and found.hub is not None:
        url = file_url(found.hub, "config.json")
        return Entry("configuration", "found", f"config.json at {found.hub.commit[:12]}", url, rests=rests)
    if source is not None and record is not None:
        what = f"the embedded catalog's record, facts of {record.facts_date}"
        return Entry("configuration", "found", what, record.hub_url, rests=rests)
    files = found.hub.files if found.hub is not None else ()
    is_absent = bool(files) and CONFIG not in files  # else it may be there, and could not be read
    status: SourceStatus = "gated" if found.status == "gated" else "missing" if is_absent else "unknown"
    return Entry("configuration", status, described.trouble or "no configuration")


def _hub(found: Resolution) -> Entry:
    model = found.hub
    url = f"{hub_service().endpoint}/{found.model_id}"
    if model is None:
        what = f"{found.model_id}, not asked: {found.message}"
        return Entry("hub", "stated", what, url, "the catalog", error=found.error)
    said = [f"{model.id} at {model.commit[:12]}, as of {day_of(model.fetched)}"]
    said += [f"it is {model.derivation}"] if model.derivation else []
    said += [f"licence {model.licence}"] if model.licence else []
    is_gated = found.status == "gated" or isinstance(found.error, GatedError)
    status: SourceStatus = "gated" if is_gated else "renamed" if found.status == "renamed" else "found"
    return Entry("hub", status, "; ".join(said), url)


def _card(model: HubModel | None, session: Session, *, with_text: bool) -> tuple[Card, Entry | None]:
    """The card at the model's commit; without one, an empty card and what is known about it."""
    if model is None:
        return Card(), None
    if README not in model.files:
        return Card(), Entry("card", "missing", f"no {README} at {model.commit[:12]}")
    url = file_url(model, README)
    try:
        text = read_file(model, README, session, MOST_CARD_BYTES).decode("utf-8", "replace")
    except ArchvizError as error:
        status: SourceStatus = "gated" if model.gated and not isinstance(error, OfflineError) else "unknown"
        return Card(), Entry("card", status, f"{README}: {error.message}", url, error=error)
    card = parse_card(text)
    what = f"{README} at {model.commit[:12]}: {len(card.links)} links, {len(card.statements)} sizes stated"
    return card, Entry("card", "found", what, url, text=card.text if with_text else None)


def _said(found: Resolution, described: Described, record: CatalogRecord | None, card: Card) -> Said:
    model, source = found.hub, described.source
    licences = {
        "card": card.licence,
        "Hub": model.licence if model else None,
        "catalog": record.licence if record else None,
    }
    bases = {"card": card.base_models, "Hub": model.base_models if model else ()}
    values: dict[str, Mapping[str, object]] = {}
    if source is not None and source.origin == "hub" and source.values and record is not None:
        values = {"config.json": source.values, "catalog": record.as_config()}
    published = source.published_total if source else record.published_total if record else None
    return Said(
        found.model_id or "",
        _numbers(described.architecture),
        published,
        {name: value for name, value in licences.items() if value},
        bases,
        values,
        card,
    )


def _numbers(architecture: Architecture | None) -> dict[str, float]:
    if architecture is None:
        return {}
    facts = {fact.key: fact.value for fact in architecture.facts}
    return {
        key: value for key, value in facts.items() if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _not_known(entries: list[Entry], found: Resolution) -> list[str]:
    kinds = {entry.kind for entry in entries}
    missing = [
        f"no {name} is known"
        for kind, name in (("paper", "paper"), ("github", "GitHub repository"))
        if kind not in kinds
    ]
    if found.hub is None:
        missing.append("the card was not read, so its links are not known")
    return missing + [f"{entry.kind}: {entry.what}" for entry in entries if entry.status == "unknown"]
