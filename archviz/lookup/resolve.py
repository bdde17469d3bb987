"""From a name to exactly one model, or to a refusal that helps.

A name is matched whole: organisation, version, size, active size and suffix are all part of it. Two liberties are
taken, and both are reported: a catalog id may be written in other letter case, and its repository name may stand
without the organisation when exactly one catalog id has it. Nothing is ever dropped from a name to get a hit.

The Hub is asked first, or what is stored of it; it alone says that two names are one repository. Where it does not answer or
does not give the files, the embedded catalog does, with the date of its facts.
"""

from __future__ import annotations

from contextlib import nullcontext

from archviz.errors import UsageError
from archviz.late_patterns import late_pattern
from archviz.lookup.arxiv.ids import without_version
from archviz.lookup.candidates import Offered, find_fitting, find_near, find_offered
from archviz.lookup.catalog import find_record, model_ids
from archviz.lookup.citing import find_citing
from archviz.lookup.hub.ask import HubAnswer, ask_hub
from archviz.lookup.hub.find import models_of_paper, search_models
from archviz.lookup.identity import identity, line
from archviz.lookup.names import ModelName, classify, why_no_hub_name
from archviz.lookup.resolution import Candidate, Resolution
from archviz.network.services import hub_service
from archviz.network.session import Session, day_of
from archviz.records import replace
from archviz.settings import Settings

DEFAULT_REVISION = "main"
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
    """The Hub's answer where it knows the model, else the catalog's, with what the Hub said."""
    known, offline = ask_catalog(asked), session.is_offline(hub_service())
    model_id = known.model_id if asked.kind == "bare_name" and known.model_id else asked.text
    may_be_id = asked.kind == "hub_id" or _ONE_WORD.fullmatch(model_id) or known.model_id
    if why_no_hub_name(asked.text) or (offline and not may_be_id):
        return known
    if not may_be_id:
        return _with_search(asked, known, "", session)
    session.at_hand = session.at_hand or known.model_id is not None
    answer = ask_hub(model_id, asked.revision, session)
    if answer.status in ("exact", "renamed"):
        return _on_hub(asked, answer, session)
    if known.model_id is not None:
        said = f"{answer.said} The catalog answers: {known.message}" if answer.said else known.message
        return replace(known, message=said, hub=answer.model, notes=tuple(session.notes))
    if answer.status == "not_found":
        return _with_search(asked, known, answer.said, session)
    return _refused(asked, known, answer, session)


def _on_hub(asked: ModelName, answer: HubAnswer, session: Session) -> Resolution:
    assert answer.model is not None
    model = answer.model
    return Resolution(
        status="renamed" if answer.status == "renamed" else "exact",
        asked=_as_asked(asked),
        message=answer.said,
        source="hub",
        complete=not session.is_offline(hub_service()),
        model_id=model.id,
        revision=asked.revision,
        facts_date=day_of(model.fetched),
        hub=model,
        notes=tuple(session.notes),
    )


def _with_search(asked: ModelName, known: Resolution, said: str, session: Session) -> Resolution:
    """The catalog's refusal, with what the Hub said and what its search offers beside the catalog's candidates."""
    found: list[Offered] = []
    fitting: list[Offered] = []
    for text in _search_texts(asked):
        if not fitting:
            ids = [item.candidate.id for item in found] + list(search_models(text, session))
            found = find_offered(asked, ids, [item.id for item in known.candidates])
            fitting = [item for item in found if item.fits] if asked.kind == "bare_name" else []
    message = f"{said} {known.message}" if said else known.message
    if fitting:  # only what says all of the name: another version or size is no candidate for it
        found = fitting
    kept = known.candidates
    if fitting and known.status != "ambiguous":
        kept = ()  # near names of the catalog
        models = f"{len(fitting)} that fit it" if len(fitting) > 1 else "one that fits it"
        message = f"{_as_asked(asked)} is not the whole name of a repository; the Hub's search offers {models}. None was chosen."
    elif found:
        message += f" The Hub's search offers {len(found)} more."
    return replace(
        known,
        status="ambiguous" if fitting else known.status,
        message=message.replace(_ONLY_CATALOG, _CATALOG_TOO),
        complete=not session.unreachable,
        candidates=(*kept, *(item.candidate for item in found)),
        notes=tuple(session.notes),
    )


def _search_texts(asked: ModelName) -> tuple[str, ...]:
    """What the Hub is searched for: the name as it is, and one of several parts (`gemma3 4b`) as repositories are written."""
    written = "-".join(part.text for part in identity(asked.repository))
    names = (asked.repository, written) if asked.kind == "bare_name" else (asked.repository,)
    return tuple(dict.fromkeys(names))


def _refused(asked: ModelName, known: Resolution, answer: HubAnswer, session: Session) -> Resolution:
    """The Hub gives no files, or was not reached, and the catalog does not know the model."""
    if answer.status == "unasked":
        return replace(known, notes=tuple(session.notes))
    return replace(
        known,
        status="gated" if answer.status == "gated" else "unreachable",
        message=f"{answer.said} The embedded catalog does not know {_as_asked(asked)}.",
        source="hub",
        model_id=answer.model.id if answer.model else None,
        hub=answer.model,
        facts_date=day_of(answer.model.fetched) if answer.model else None,
        candidates=() if answer.model else known.candidates,
        notes=tuple(session.notes),
        advice=answer.hint,
    )


def ask_catalog(asked: ModelName) -> Resolution:
    """What the embedded catalog knows about a name; it cannot say that a model does not exist."""
    if why := why_no_hub_name(asked.text):
        return _not_found(asked, f"{why}.", find_near(asked, model_ids()))
    same = [model_id for model_id in model_ids() if _whole_name(model_id, asked).lower() == asked.text.lower()]
    if len(same) == 1:
        return _exact(asked, same[0])
    if same:
        found = tuple(Candidate(model_id, f"published by {model_id.split('/')[0]}", asked.text) for model_id in same)
        return _ambiguous(asked, f"{asked.text} is the name of {len(same)} models.", found)
    if asked.kind == "bare_name" and (found := find_fitting(asked, model_ids())):
        models = f"{len(found)} catalog models fit" if len(found) > 1 else "one catalog model fits"
        return _ambiguous(
            asked, f"{asked.text} is not the whole name of a repository; {models} it. None was chosen.", found
        )
    return _not_found(asked, "", find_near(asked, model_ids()))


def _ask_citing(asked: ModelName, session: Session) -> Resolution:
    """A paper or a repository is no model; the models that name it may have been meant."""
    what = f"{_as_asked(asked)} is a {'paper on arXiv' if asked.kind == 'arxiv_id' else 'repository on GitHub'}, not a model"
    found = find_citing(asked)
    if asked.kind == "arxiv_id" and not session.is_offline(hub_service()):
        known = {item.id for item in found}
        others = [each for each in models_of_paper(without_version(asked.text), session) if each not in known]
        found += tuple(Candidate(each, "its card links it", line(each.partition("/")[2])) for each in others)
    notes = tuple(session.notes)
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
    if asked.revision not in (None, DEFAULT_REVISION):
        unpinned = Candidate(model_id, f"its catalog facts are not of revision {asked.revision}", asked.repository)
        return _not_found(asked, f"The catalog does not know revision {asked.revision} of {model_id}.", (unpinned,))
    said = [f"{model_id} is in the catalog, with facts of {facts_date}."]
    if asked.text != _whole_name(model_id, asked):
        said.append(f"{asked.text} differs from it in letter case.")
    if asked.kind == "bare_name":
        said.append("It is the only catalog model of this name; its organisation was not given.")
    return Resolution(
        status="exact",
        asked=_as_asked(asked),
        message=" ".join(said),
        source="catalog",
        complete=False,
        model_id=model_id,
        revision=asked.revision,
        facts_date=facts_date,
    )


def _ambiguous(asked: ModelName, message: str, found: tuple[Candidate, ...]) -> Resolution:
    return Resolution("ambiguous", _as_asked(asked), message, "catalog", False, None, asked.revision, found)


def _not_found(asked: ModelName, why: str, near: tuple[Candidate, ...]) -> Resolution:
    said = [
        f"No model of exactly the name {_as_asked(asked)}:"
        if why
        else f"No model of exactly the name {_as_asked(asked)}."
    ]
    said += [why] if why else []
    said.append(f"{_ONLY_CATALOG} of {len(model_ids())} models was asked.")
    return Resolution("not_found", _as_asked(asked), " ".join(said), "catalog", False, None, asked.revision, near)


def _as_asked(asked: ModelName) -> str:
    """The name as it may be shown: characters outside ASCII are escaped, so that look-alikes are told apart."""
    text = f"{asked.text}@{asked.revision}" if asked.revision else asked.text
    return text.encode("ascii", "backslashreplace").decode()
