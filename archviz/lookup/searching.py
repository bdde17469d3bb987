"""What the Hub's search offers for a name that is no repository's: names that fit it, names that are near.  Never a choice."""

from __future__ import annotations

from archviz.errors import SourceUnavailableError
from archviz.lookup.candidates import find_fitting_names, find_near
from archviz.lookup.catalog import model_ids
from archviz.lookup.hub.find import search_models
from archviz.lookup.identity import identity, line
from archviz.lookup.names import ModelName
from archviz.lookup.resolution import Candidate
from archviz.network.session import Session
from archviz.records import record


@record(frozen=True)
class Searched:
    """What a search gave.

    Args:
        fitting: Repositories that the catalog does not know whose names say all that the asked one says.
        near: The nearest names of catalog and search together.
        offered: How many of the near ones only the search knows.
        trouble: Why the Hub could not be searched.
    """

    fitting: tuple[Candidate, ...] = ()
    near: tuple[Candidate, ...] = ()
    offered: int = 0
    trouble: SourceUnavailableError | None = None


def search_hub(asked: ModelName, session: Session, *, fits_catalog: bool, denied: str = "") -> Searched:
    """The Hub searched for the name as it is, then for the line of models that it may belong to.

    Args:
        denied: The id that the Hub has just denied for this name.
        fits_catalog: The catalog has models that fit the name, so that near names help nobody.
    """
    ids: list[str] = []
    for text in _whole_texts(asked):
        try:
            ids += search_models(text, session)
        except SourceUnavailableError as error:
            return Searched(near=find_near(asked, _known(asked, denied)), trouble=error)
        if asked.is_family_name and (fitting := find_fitting_names(asked, ids, model_ids())):
            return Searched(fitting)
    if fits_catalog:
        return Searched()
    trouble = None
    family = line(_written(asked))
    if family and not find_near(asked, ids) and family not in _whole_texts(asked):
        try:
            ids += search_models(family, session, author=asked.organisation)
        except SourceUnavailableError as error:
            trouble = error
    near = find_near(asked, _known(asked, denied, ids))
    return Searched((), near, sum(each.id not in model_ids() for each in near), trouble)


def _known(asked: ModelName, denied: str, ids: list[str] | None = None) -> tuple[str, ...]:
    """The ids of catalog and search; without the one that was denied, unless only its revision was."""
    known = (*model_ids(), *(each for each in ids or () if "/" in each))
    gone = () if asked.revision else (asked.text, denied)
    return tuple(each for each in dict.fromkeys(known) if each not in gone or each in (ids or ()))


def _whole_texts(asked: ModelName) -> tuple[str, ...]:
    """The name as it is, and one of several parts (`gemma3 4b`) as repositories are written."""
    names = (asked.repository, _written(asked)) if asked.kind == "bare_name" else (asked.repository,)
    return tuple(dict.fromkeys(name for name in names if name))


def _written(asked: ModelName) -> str:
    return "-".join(part.text for part in identity(asked.repository))
