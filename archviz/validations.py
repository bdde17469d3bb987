"""What is at hand of a model besides its code: stored tensors, configuration, card, paper; as witnesses for expectations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archviz.architecture.model import Architecture
from archviz.conversions import conversion_table
from archviz.errors import ArchvizError
from archviz.lookup.card.card import Card, parse_card
from archviz.lookup.names import classify
from archviz.numbers.checkpoint_match import match_checkpoint
from archviz.readings import read
from archviz.records import field, record
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource
from archviz.verify.expectations import Expectation, facts_of
from archviz.verify.report import Source, Verification
from archviz.verify.witnesses import Witness, check_witnesses, config_witness, headers_witness, statements_witness

if TYPE_CHECKING:
    from archviz.lookup.checkpoint import Checkpoint
    from archviz.network.session import Session

README = "README.md"
MOST_CARD_BYTES = 1_000_000
MOST_PAPERS = 1  # two requests each, of six besides headers


@record
class AtHand:
    """What there is besides the code: witnesses, and the stored tensors by name, with shapes where headers were read."""

    witnesses: list[Witness]
    stored: dict[str, tuple[int, ...] | None] = field(default_factory=dict)

    def add_checkpoint(self, read: Callable[[], Checkpoint], name: str) -> None:
        """Read a checkpoint's headers; why that fails is kept."""
        try:
            found = read()
        except ArchvizError as error:
            self.witnesses.append(Witness("headers", name, {}, error.message))
            return
        self.witnesses.append(headers_witness(found))
        self.stored = {each.name: each.shape for each in found.tensors}

    def add_card(self, text: str, name: str) -> Card:
        card = parse_card(text)
        self.witnesses.append(statements_witness("card", name, card.statements))
        return card


def find_at_hand(
    model: str,
    source: ModelSource,
    architecture: Architecture,
    expectations: Sequence[Expectation],
    settings: Settings,
    *,
    ask: bool,
) -> AtHand:
    """Everything that may say something about a model.

    Args:
        ask: Also ask the network: headers, card and paper of a published model.
    """
    facts = [(each.key, facts_of(each, architecture)) for each in expectations]
    found = AtHand([config_witness(source.values or {}, facts, source.config_name)] if source.values else [])
    folder = Path(model).expanduser()
    if classify(model).kind == "path" and folder.exists():
        _of_folder(found, folder if folder.is_dir() else folder.parent, settings)
    elif ask and not settings.offline:
        _of_repository(found, model, settings)
    elif ask:
        found.witnesses.append(Witness("headers", model, {}, "offline: headers, card and paper were not asked for"))
    return found


def _of_folder(found: AtHand, folder: Path, settings: Settings) -> None:
    from archviz.lookup.checkpoint import INDEX_FILE, parse_weight_map
    from archviz.sources.stored import read_checkpoint

    index = folder / INDEX_FILE
    if any(folder.glob("*.safetensors")):
        found.add_checkpoint(lambda: read_checkpoint(str(folder), settings), str(folder))
    elif index.is_file() and index.stat().st_size <= settings.limits.response_bytes:
        try:
            found.stored = dict.fromkeys(parse_weight_map(index.read_bytes(), index.name))
        except ArchvizError as error:
            found.witnesses.append(Witness("headers", index.name, {}, error.message))
    card = folder / README
    if card.is_file() and card.stat().st_size <= MOST_CARD_BYTES:
        found.add_card(card.read_text("utf-8", "replace"), README)


def _of_repository(found: AtHand, model: str, settings: Settings) -> None:
    from archviz.lookup.hub.files import read_file
    from archviz.lookup.hub.headers import read_hub_checkpoint
    from archviz.lookup.resolve import resolve
    from archviz.network.session import Session
    from archviz.survey.leads import catalog_links, papers

    with Session(settings) as session:
        hub = resolve(model, settings, session).hub
        if hub is None:
            found.witnesses.append(Witness("headers", model, {}, "the Hub did not answer"))
            return
        found.add_checkpoint(lambda: read_hub_checkpoint(hub, session), hub.id)
        card = Card()
        try:
            text = read_file(hub, README, session, MOST_CARD_BYTES).decode("utf-8", "replace")
            card = found.add_card(text, f"{README} at {hub.commit[:12]}")
        except ArchvizError as error:
            found.witnesses.append(Witness("card", README, {}, error.message))
        for lead in papers(card, catalog_links(hub.id), hub.papers)[:MOST_PAPERS]:
            found.witnesses.append(_of_paper(lead.key, session))


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


def hold_against_sources(
    found: Verification, expectations: Sequence[Expectation], model: str, source: ModelSource, architecture: Architecture,
    settings: Settings, *, class_name: str | None, ask: bool,
) -> None:  # fmt: skip
    """Add to a verification what configuration, headers, card and paper say about the expectations, and the stored tensors."""
    at_hand = find_at_hand(model, source, architecture, expectations, settings, ask=ask)
    found.checks.extend(check_witnesses(expectations, at_hand.witnesses, architecture))
    found.sources.extend(Source(each.kind, each.name, each.trouble) for each in at_hand.witnesses)
    if at_hand.stored:
        table = conversion_table(settings)
        reading = read(source, class_name=class_name, settings=settings)
        found.checkpoint = match_checkpoint(reading, at_hand.stored, table, source.model_type)
