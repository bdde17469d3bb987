"""From a name to exactly one model, or to a refusal that helps.

A name is matched whole: organisation, version, size, active size and suffix are all part of it. Two liberties are
taken, and both are reported: a catalog id may be written in other letter case, and its repository name may stand
without the organisation when exactly one catalog id has it. Nothing is ever dropped from a name to get a hit.
"""

from __future__ import annotations

from collections.abc import Callable

from archviz.errors import UsageError
from archviz.lookup.candidates import find_fitting, find_near
from archviz.lookup.catalog import find_record, model_ids
from archviz.lookup.citing import find_citing
from archviz.lookup.names import ModelName, classify, why_no_hub_name
from archviz.lookup.resolution import Candidate, Resolution
from archviz.settings import Settings

DEFAULT_REVISION = "main"


def resolve(name: str, settings: Settings) -> Resolution:
    """Say which published model a name stands for.

    Args:
        name: `org/name[@revision]`, a bare repository or family name, or a Hub URL; for a paper's id or a GitHub URL the
            models that name it are candidates.
        settings: What the run may do.

    Raises:
        UsageError: The text is no name of a published model at all: a path, a model type, control characters.
    """
    asked = classify(name)
    if asked.kind in ("path", "transformers_type"):
        raise UsageError(
            f"{name!a} is a {asked.kind.replace('_', ' ')}, not the name of a published model",
            hint="Write org/name, a repository name or a Hub URL; a path or a model type needs no resolving.",
        )
    if asked.kind in ("arxiv_id", "github"):
        return _ask_citing(asked)
    for ask in PLACES:
        answer = ask(asked, settings)
        if answer.model_id is not None:
            break
    return answer


def ask_catalog(asked: ModelName, settings: Settings) -> Resolution:
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


def _ask_citing(asked: ModelName) -> Resolution:
    """A paper or a repository is no model; the models that name it may have been meant."""
    what = f"{_as_asked(asked)} is a {'paper on arXiv' if asked.kind == 'arxiv_id' else 'repository on GitHub'}, not a model"
    found = find_citing(asked)
    if not found:
        message = f"{what}; no catalog model names it. Give the model's own name, org/name."
        return Resolution("not_found", _as_asked(asked), message, "catalog", False, None, asked.revision)
    models = f"{len(found)} catalog models name" if len(found) > 1 else "one catalog model names"
    return _ambiguous(asked, f"{what}; {models} it. None was chosen.", found)


PLACES: tuple[Callable[[ModelName, Settings], Resolution], ...] = (ask_catalog,)
"""Where a name is looked up, in this order, until one place knows the model; the catalog is the last."""


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
    said.append(f"Only the embedded catalog of {len(model_ids())} models was asked.")
    return Resolution("not_found", _as_asked(asked), " ".join(said), "catalog", False, None, asked.revision, near)


def _as_asked(asked: ModelName) -> str:
    """The name as it may be shown: characters outside ASCII are escaped, so that look-alikes are told apart."""
    text = f"{asked.text}@{asked.revision}" if asked.revision else asked.text
    return text.encode("ascii", "backslashreplace").decode()
