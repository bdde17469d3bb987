"""What is at hand of a model besides its code: stored tensors, configuration, card, paper; as witnesses for expectations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archviz.architecture.model import Architecture
from archviz.errors import ArchvizError
from archviz.lookup.card.card import Card, parse_card
from archviz.lookup.names import classify
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource
from archviz.verify.expectations import Expectation, facts_of
from archviz.verify.report import Source, Verification
from archviz.verify.witnesses import Witness, check_witnesses, config_witness, headers_witness, statements_witness

if TYPE_CHECKING:
    from archviz.network.session import Session

README = "README.md"
MOST_CARD_BYTES = 1_000_000
MOST_PAPERS = 2


def find_witnesses(
    model: str,
    source: ModelSource,
    architecture: Architecture,
    expectations: Sequence[Expectation],
    settings: Settings,
    *,
    ask: bool,
) -> list[Witness]:
    """Everything that may say something about a model.

    Args:
        ask: Also ask the network: headers, card and paper of a published model.
    """
    facts = [(each.key, facts_of(each, architecture)) for each in expectations]
    found = [config_witness(source.values or {}, facts, source.config_name)]
    folder = Path(model).expanduser()
    if classify(model).kind == "path" and folder.exists():
        return [*found, *_of_folder(folder if folder.is_dir() else folder.parent, settings)]
    if ask and not settings.offline:
        found += _of_repository(model, source, settings)
    elif ask:
        found.append(Witness("headers", model, {}, "offline: headers, card and paper were not asked for"))
    return found


def _of_folder(folder: Path, settings: Settings) -> list[Witness]:
    from archviz.sources.stored import read_checkpoint

    found = []
    if any(folder.glob("*.safetensors")):
        try:
            found.append(headers_witness(read_checkpoint(str(folder), settings)))
        except ArchvizError as error:
            found.append(Witness("headers", str(folder), {}, error.message))
    card = folder / README
    if card.is_file() and card.stat().st_size <= MOST_CARD_BYTES:
        text = card.read_text("utf-8", "replace")
        found.append(statements_witness("card", README, parse_card(text).statements))
    return found


def _of_repository(model: str, source: ModelSource, settings: Settings) -> list[Witness]:
    from archviz.lookup.hub.files import read_file
    from archviz.lookup.hub.headers import read_hub_checkpoint
    from archviz.lookup.resolve import resolve
    from archviz.network.session import Session

    found: list[Witness] = []
    with Session(settings) as session:
        hub = resolve(model, settings, session).hub
        if hub is None:
            return [Witness("headers", model, {}, "the Hub did not answer")]
        try:
            found.append(headers_witness(read_hub_checkpoint(hub, session)))
        except ArchvizError as error:
            found.append(Witness("headers", hub.id, {}, error.message))
        card = Card()
        try:
            card = parse_card(read_file(hub, README, session, MOST_CARD_BYTES).decode("utf-8", "replace"))
            found.append(statements_witness("card", f"{README} at {hub.commit[:12]}", card.statements))
        except ArchvizError as error:
            found.append(Witness("card", README, {}, error.message))
        from archviz.survey.leads import papers

        for lead in papers(card, source.links, hub.papers)[:MOST_PAPERS]:
            found.append(_of_paper(lead.key, session))
    return found


def _of_paper(key: str, session: Session) -> Witness:
    from archviz.lookup.card.stated import find_statements
    from archviz.lookup.papers import read_paper

    try:
        answer = read_paper(key, "architecture", session)
    except ArchvizError as error:
        return Witness("paper", f"arXiv {key}", {}, error.message)
    sections = "\n".join(each.text for each in answer.selection.sections) if answer.selection is not None else ""
    abstract = answer.paper.abstract if answer.paper is not None else ""
    return statements_witness("paper", f"arXiv {key}", find_statements(f"{abstract}\n{sections}"))


def hold_against_witnesses(
    found: Verification, expectations: Sequence[Expectation], model: str, source: ModelSource, architecture: Architecture,
    settings: Settings, *, ask: bool,
) -> None:  # fmt: skip
    """Add what configuration, headers, card and paper say about the expectations to a verification."""
    witnesses = find_witnesses(model, source, architecture, expectations, settings, ask=ask)
    found.checks.extend(check_witnesses(expectations, witnesses, architecture))
    found.sources.extend(Source(each.kind, each.name, each.trouble) for each in witnesses)
