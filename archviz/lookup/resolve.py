"""From a name to exactly one model, or to a refusal that helps.

A name is matched whole: organisation, version, size, active size and suffix are all part of it. Two liberties are
taken, and both are reported: a repository's name may stand without the organisation when exactly one catalog id has it, and,
where the Hub cannot be asked, a catalog id may be written in other letter case. Nothing is ever dropped from a name to get a hit.

The Hub is asked first, or what is stored of it; it alone says that two names are one repository, and what it denies is not found.
Where it does not answer or does not give the files, the embedded catalog does, with the date of its facts.
"""

from __future__ import annotations

from contextlib import nullcontext

from archviz.errors import SourceUnavailableError, UsageError
from archviz.late_patterns import late_pattern
from archviz.lookup.arxiv.ids import without_version
from archviz.lookup.candidates import find_fitting, find_near
from archviz.lookup.catalog import find_record, model_ids, standing_id
from archviz.lookup.citing import find_citing
from archviz.lookup.hub.ask import HubAnswer, ask_hub
from archviz.lookup.hub.find import models_of_paper
from archviz.lookup.identity import line
from archviz.lookup.names import ModelName, classify, why_no_hub_name
from archviz.lookup.resolution import Candidate, Resolution
from archviz.lookup.searching import search_hub
from archviz.network.services import hub_service
from archviz.network.session import Session, day_of
from archviz.records import replace
from archviz.settings import Settings

_ONLY_CATALOG = "Only the embedded catalog"
_CATALOG_TOO = "The embedded catalog"
_ONE_WORD = late_pattern(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
)  # may be one of the Hub's old names without an organisation


def resolve(name: str, settings: Settings, session: Session | None = None) -> Resolution:
    """Say which published model a name stands for.

    Args:
        name: `org/name[@revision]`, a bare repository or family name, or a Hub URL; for a paper's id or a GitHub URL the
            models that name it are candidates.
        settings: What the run may do.
        session: The command's use of the network; one of its own by default.

    Raises:
        UsageError: The text is no name of a published model at all: a path, a model type, control characters.
    """
    asked = classify(name)
    if asked.kind in ("path", "transformers_type"):
        raise UsageError(
            f"{name!a} is a {asked.kind.replace('_', ' ')}, not the name of a published model",
            hint="Write org/name, a repository name or a Hub URL; a path or a model type needs no resolving.",
        )
    with Session(settings) if session is None else nullcontext(session) as own:
        return _ask_citing(asked, own) if asked.kind in ("arxiv_id", "github") else look_up(asked, own)


def look_up(asked: ModelName, session: Session) -> Resolution:
    """The Hub's answer where it gives one, also when it denies the name; else the catalog's, with what the Hub said."""
    at_hand, offline = ask_catalog(asked), session.is_offline(hub_service())
    known = at_hand if offline else ask_catalog(asked, any_case=False)
    model_id = known.model_id if asked.kind == "bare_name" and known.model_id else asked.text
    may_be_id = asked.kind == "hub_id" or _ONE_WORD.fullmatch(model_id) or known.model_id
    may_be_searched = not why_no_hub_name(asked.plain)
    if not may_be_searched or (offline and (not may_be_id or why_no_hub_name(asked.text))):
        return known
    session.at_hand = session.at_hand or at_hand.status in ("exact", "ambiguous")
    if not may_be_id or why_no_hub_name(asked.text):
        return _with_search(asked, known, "", session)
    answer = ask_hub(model_id, asked.revision, session)
    if answer.status in ("exact", "renamed"):
        return _on_hub(asked, known, answer, session)
    if answer.status == "not_found":
        return _with_search(asked, _denied(asked, known), answer.said, session, denied=model_id)
    if answer.status == "gated":
        at_hand = _of_the_gated(asked, at_hand, known, answer)
    if at_hand.model_id is not None:
        return _from_catalog(at_hand, answer, session)
    if answer.status == "unreachable" and known.status == "ambiguous":
        return replace(known, message=f"{answer.said} {known.message}", notes=tuple(session.notes))
    return _refused(asked, known, answer, session)


def _of_the_gated(asked: ModelName, at_hand: Resolution, known: Resolution, answer: HubAnswer) -> Resolution:
    """What the catalog holds of a repository that keeps its files: under the name that the Hub gives it, else under the exact asked one."""
    model = answer.model
    if model is not None and answer.is_renamed and find_record(model.id):
        return replace(_exact(ModelName("hub_id", model.id, asked.revision), model.id), asked=_as_asked(asked))
    # the Hub answers: only where it says so is another letter case the same
    return at_hand if model is not None and model.id == at_hand.model_id else known


def _from_catalog(at_hand: Resolution, answer: HubAnswer, session: Session) -> Resolution:
    """The catalog's answer in the Hub's stead; of a repository that has another name now, under that one."""
    said = f"{answer.said} The catalog answers: {at_hand.message}" if answer.said else at_hand.message
    found = replace(at_hand, message=said, hub=answer.model, notes=tuple(session.notes), error=answer.error)
    if answer.model is None or not answer.is_renamed:
        return found
    return replace(found, status="renamed", model_id=answer.model.id)


def _on_hub(asked: ModelName, known: Resolution, answer: HubAnswer, session: Session) -> Resolution:
    assert answer.model is not None
    model = answer.model
    liberties = _liberties(asked, model.id) if answer.status == "exact" else ()
    return Resolution(
        status="renamed" if answer.status == "renamed" else "exact",
        asked=_as_asked(asked),
        message=" ".join([answer.said, *liberties]),
        source="hub",
        complete=not session.is_offline(hub_service()) and session.oldest is None,
        model_id=model.id,
        revision=asked.revision,
        facts_date=day_of(model.fetched),
        hub=model,
        notes=tuple(session.notes),
        liberties=liberties,
        record_id=_record_of(asked, known, answer),
    )


def _record_of(asked: ModelName, known: Resolution, answer: HubAnswer) -> str | None:
    """The catalog id whose facts are of the repository that the Hub answers with, at the asked revision."""
    old = (known.model_id,) if known.model_id and answer.is_renamed else ()
    return standing_id(asked.revision, answer.model.id, *old) if answer.model else None


def _liberties(asked: ModelName, model_id: str) -> tuple[str, ...]:
    """In which ways a name differs from the id that it stands for, in sentences."""
    said = []
    if asked.text not in (model_id, _whole_name(model_id, asked)):
        said.append(f"{asked.text} differs from {_whole_name(model_id, asked)} in letter case.")
    if asked.kind == "bare_name":
        said.append(f"Its organisation was not given; {model_id} is the only catalog model of this name.")
    return tuple(said)


def _denied(asked: ModelName, known: Resolution) -> Resolution:
    """The catalog's answer where the Hub says that there is no such repository, or no such revision."""
    if known.model_id is None:
        return known
    refusal = _not_found(asked, "", known.candidates)
    held = f"The embedded catalog holds facts of {known.facts_date} about {known.model_id}; --offline uses them."
    return replace(refusal, message=f"No model of exactly the name {_quoted(asked)}. {held}")


def _with_search(asked: ModelName, known: Resolution, said: str, session: Session, *, denied: str = "") -> Resolution:
    """The catalog's refusal, with what the Hub said and what its search offers beside the catalog's candidates."""
    ambiguous = known.status == "ambiguous"
    found = search_hub(asked, session, fits_catalog=ambiguous, denied=denied)
    if found.trouble is not None:
        session.note(f"The Hub could not be searched: {found.trouble.message.rstrip('.')}.")
    message = f"{said} {known.message}" if said else known.message
    if ambiguous or found.fitting:  # only what says all of the name: another version or size is no candidate for it
        candidates = (*(known.candidates if ambiguous else ()), *found.fitting)
        if not ambiguous:
            models = f"{len(found.fitting)} that fit it" if len(found.fitting) > 1 else "one that fits it"
            message = f"{_as_asked(asked)} is not the whole name of a repository; the Hub's search offers {models}. None was chosen."
        elif found.fitting:
            message += f" The Hub's search offers {len(found.fitting)} more."
    else:
        candidates = found.near
        message += f" The Hub's search offers {found.offered} of the candidates." if found.offered else ""
    answer = replace(
        known,
        status="ambiguous" if found.fitting else known.status,
        message=message.replace(_ONLY_CATALOG, _CATALOG_TOO),
        complete=not session.unreachable and found.trouble is None and session.oldest is None,
        candidates=candidates,
        notes=tuple(session.notes),
    )
    unanswered = found.trouble is not None and not said and answer.status == "not_found"
    return _unsearched(asked, answer, found.trouble) if unanswered and found.trouble else answer


def _unsearched(asked: ModelName, answer: Resolution, trouble: SourceUnavailableError) -> Resolution:
    """Nobody who could know the name was there to say that it is none."""
    said = f"{trouble.sentence}. The embedded catalog does not know {_as_asked(asked)}."
    return replace(answer, status="unreachable", message=said, source="hub", advice=trouble.hint, error=trouble)


def _refused(asked: ModelName, known: Resolution, answer: HubAnswer, session: Session) -> Resolution:
    """The Hub gives no files, or was not reached, and the catalog does not know the model."""
    if answer.status == "unasked":
        return replace(known, notes=tuple(session.notes))
    liberties = _liberties(asked, answer.model.id) if answer.model and not answer.is_renamed else ()
    said = " ".join([answer.said, *liberties])
    return replace(
        known,
        status="gated" if answer.status == "gated" else "unreachable",
        message=f"{said} The embedded catalog does not know {_as_asked(asked)}.",
        source="hub",
        model_id=answer.model.id if answer.model else None,
        hub=answer.model,
        facts_date=day_of(answer.model.fetched) if answer.model else None,
        candidates=() if answer.model else known.candidates,
        notes=tuple(session.notes),
        advice=answer.hint,
        error=answer.error,
    )


def ask_catalog(asked: ModelName, *, any_case: bool = True) -> Resolution:
    """What the embedded catalog knows about a name; it cannot say that a model does not exist.

    Args:
        any_case: The name may differ from a catalog id in letter case.
    """
    if why := why_no_hub_name(asked.text):
        return _not_found(asked, f"{why}.", find_near(asked, model_ids()))
    same = [model_id for model_id in model_ids() if _whole_name(model_id, asked).lower() == asked.text.lower()]
    same = same if any_case else [model_id for model_id in same if _whole_name(model_id, asked) == asked.text]
    if len(same) == 1:
        return _exact(asked, same[0])
    if same:
        found = tuple(Candidate(model_id, f"published by {model_id.split('/')[0]}", asked.text) for model_id in same)
        return _ambiguous(asked, f"{asked.text} is the name of {len(same)} models.", found)
    if asked.is_family_name and (found := find_fitting(asked, model_ids())):
        models = f"{len(found)} catalog models fit" if len(found) > 1 else "one catalog model fits"
        return _ambiguous(
            asked, f"{asked.text} is not the whole name of a repository; {models} it. None was chosen.", found
        )
    return _not_found(asked, "", find_near(asked, model_ids()))


def _ask_citing(asked: ModelName, session: Session) -> Resolution:
    """A paper or a repository is no model; the models that name it may have been meant."""
    what = f"{_as_asked(asked)} is a {'paper on arXiv' if asked.kind == 'arxiv_id' else 'repository on GitHub'}, not a model"
    found = find_citing(asked)
    trouble: SourceUnavailableError | None = None
    if asked.kind == "arxiv_id" and not session.is_offline(hub_service()):
        session.at_hand = session.at_hand or bool(found)
        try:
            others = models_of_paper(without_version(asked.text), session)
        except SourceUnavailableError as error:
            others, trouble = (), error
            session.note(f"The Hub could not be searched: {error.message.rstrip('.')}.")
        known = {item.id for item in found}
        found += tuple(
            Candidate(each, "its card links it", line(each.partition("/")[2])) for each in others if each not in known
        )
    notes = tuple(session.notes)
    if not found and trouble is not None:
        refusal = Resolution("unreachable", _as_asked(asked), "", "hub", False, None, asked.revision, notes=notes)
        said = f"{what}; {trouble.sentence[:1].lower()}{trouble.sentence[1:]}, so which models name it is not known."
        return replace(refusal, message=said, advice=trouble.hint, error=trouble)
    if not found:
        message = f"{what}; no known model names it. Give the model's own name, org/name; archviz sources looks at what it links."
        return Resolution("not_found", _as_asked(asked), message, "catalog", False, None, asked.revision, notes=notes)
    models = f"{len(found)} models name" if len(found) > 1 else "one model names"
    return replace(_ambiguous(asked, f"{what}; {models} it. None was chosen.", found), notes=notes)


def _whole_name(model_id: str, asked: ModelName) -> str:
    """What of a catalog id must equal the asked text: all of it, or its repository name."""
    return model_id if asked.kind == "hub_id" else model_id.split("/", 1)[1]


def _exact(asked: ModelName, model_id: str) -> Resolution:
    record = find_record(model_id)
    facts_date = record.facts_date if record else None
    if standing_id(asked.revision, model_id) is None:
        unpinned = Candidate(model_id, f"its catalog facts are not of revision {asked.revision}", asked.repository)
        return _not_found(asked, f"The catalog does not know revision {asked.revision} of {model_id}.", (unpinned,))
    liberties = _liberties(asked, model_id)
    return Resolution(
        status="exact",
        asked=_as_asked(asked),
        message=" ".join([f"{model_id} is in the catalog, with facts of {facts_date}.", *liberties]),
        source="catalog",
        complete=False,
        model_id=model_id,
        revision=asked.revision,
        facts_date=facts_date,
        liberties=liberties,
        record_id=model_id,
    )


def _ambiguous(asked: ModelName, message: str, found: tuple[Candidate, ...]) -> Resolution:
    return Resolution("ambiguous", _as_asked(asked), message, "catalog", False, None, asked.revision, found)


def _not_found(asked: ModelName, why: str, near: tuple[Candidate, ...]) -> Resolution:
    named = f"No model of exactly the name {_quoted(asked)}"
    said = [f"{named}: {why}" if why else f"{named}.", f"{_ONLY_CATALOG} of {len(model_ids())} models was asked."]
    return Resolution("not_found", _as_asked(asked), " ".join(said), "catalog", False, None, asked.revision, near)


def _quoted(asked: ModelName) -> str:
    """The name at the end of a sentence, whose full stop is none of the name's."""
    text = _as_asked(asked)
    return f"'{text}'" if text.endswith(".") else text


def _as_asked(asked: ModelName) -> str:
    """The name as it may be shown: characters outside ASCII are escaped, so that look-alikes are told apart; no query is shown."""
    if "?" in asked.text:
        return _as_asked(replace(asked, text=f"{asked.text.partition('?')[0]}[...]"))
    text = f"{asked.text}@{asked.revision}" if asked.revision else asked.text
    return text.encode("ascii", "backslashreplace").decode()
