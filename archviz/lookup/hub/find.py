"""From an exact id and a revision to facts at a commit; candidates by search are only ever candidates."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from archviz.errors import BadResponseError, ModelNotFoundError, OfflineError, SourceUnavailableError
from archviz.lookup.hub.facts import HubModel, facts_of, is_commit, parse_facts
from archviz.lookup.names import is_hub_id
from archviz.network.cache import Entry
from archviz.network.services import hub_service
from archviz.network.session import Session, day_of
from archviz.records import replace

_EXPANDED = [
    "cardData", "config", "createdAt", "gated", "lastModified", "private", "safetensors", "sha", "siblings", "tags",
]  # fmt: skip
_MOST_FOUND = 20
_LONGEST_ID = 200


def find_model(model_id: str, revision: str | None, session: Session) -> HubModel:
    """The repository of exactly this id at a revision; its `id` differs from the asked one where it was renamed.

    A commit that is known needs no request; a branch is asked again after some minutes.

    Raises:
        ModelNotFoundError: There is no such repository or revision, or it is private.
        SourceUnavailableError: The Hub cannot be asked, and nothing is stored.
    """
    kept = _kept(model_id, revision, session)
    age = session.time.now() - kept.fetched if kept else 0.0
    session.at_hand = session.at_hand or (kept is not None and not session.is_long)  # facts stand for no file
    offline = session.is_offline(hub_service())
    if kept and (is_commit(revision) or (not offline and 0 <= age < hub_service().fresh_seconds)):
        return kept
    if offline:
        if kept is None:
            raise OfflineError("the Hub is not asked offline, and nothing is stored of it", where=model_id)
        return _old(kept, f"Offline: the Hub was not asked; its answer of {day_of(kept.fetched)} is used.", session)
    try:
        model = _ask(model_id, revision, session)
    except ModelNotFoundError:
        _forget_denied(model_id, revision, session)
        raise
    except SourceUnavailableError as error:
        if kept is None:
            raise
        return _old(kept, f"{error.sentence}; its answer of {day_of(kept.fetched)} is used.", session)
    _keep(model, model_id, revision, session)
    return model


def _ask(model_id: str, revision: str | None, session: Session) -> HubModel:
    from archviz.lookup.hub.api import hub_api, hub_errors

    before, session.oldest = session.oldest, None
    try:
        with hub_errors(model_id, revision), hub_api(session) as api:
            info = api.model_info(model_id, revision=revision, expand=_EXPANDED)  # type: ignore[arg-type] # literals
            return _checked(facts_of(info, session.last_fetched or session.time.now()), model_id, revision, session)
    except BadResponseError as error:
        _forget_bad(error, session)
        raise
    finally:
        session.oldest = min((each for each in (before, session.oldest) if each is not None), default=None)


def _checked(model: HubModel, asked_id: str, revision: str | None, session: Session) -> HubModel:
    """The facts, where they are of the repository and commit that was asked for; a redirect leads to the new name.

    Raises:
        BadResponseError: They are of another one.
    """
    path = unquote(urlsplit(session.last_found_at).path).lower()
    if f"/api/models/{model.id.lower()}/" not in f"{path}/" and model.id.lower() != asked_id.lower():
        raise BadResponseError(
            f"the Hub answers with {model.id}, and no redirect leads there",
            where=asked_id,
            hint="Nothing of this answer is kept. Check HF_ENDPOINT and the proxy.",
        )
    if is_commit(revision) and model.commit != revision:
        raise BadResponseError(
            f"the Hub answers with commit {model.commit[:12]} where {str(revision)[:12]} was asked for",
            where=asked_id,
            hint="Nothing of this answer is kept. Check HF_ENDPOINT and the proxy.",
        )
    return model


def search_models(text: str, session: Session, *, author: str | None = None) -> tuple[str, ...]:
    """The ids that the Hub's own search offers for a text, most used first.

    Args:
        author: Whose repositories alone are looked for.

    Raises:
        SourceUnavailableError: The search failed, which says nothing about any repository.
    """
    return tuple(found for found, _ in _listed(session, search=text, **({"author": author} if author else {})))


def models_of_paper(paper: str, session: Session) -> tuple[str, ...]:
    """The ids of the repositories whose cards link a paper, most used first.

    Args:
        paper: Its arXiv id without a version.

    Raises:
        SourceUnavailableError: The search failed.
    """
    tag = f"arxiv:{paper}"  # looked for in the reply too: a mirror may not know the filter, and list everything
    return tuple(found for found, tags in _listed(session, filter=tag) if tag in tags)


def _listed(session: Session, **how: str) -> tuple[tuple[str, tuple[object, ...]], ...]:
    """The ids and tags of a search; stored for the account that asked, because it may show what is private to it."""
    from archviz.lookup.hub.api import hub_api, search_errors

    account = hub_service().account()
    try:
        with search_errors("the Hub"), hub_api(session, account=account) as api:
            found = list(api.list_models(**how, sort="downloads", limit=_MOST_FOUND))  # type: ignore[arg-type] # texts
    except BadResponseError as error:
        _forget_bad(error, session)
        raise
    sound = [each for each in found if isinstance(each.id, str) and len(each.id) < _LONGEST_ID and is_hub_id(each.id)]
    return tuple((each.id, tuple(each.tags or ())) for each in sound)


def _forget_bad(error: SourceUnavailableError, session: Session) -> None:
    """An answer that could not be used is not taken from the cache the next time."""
    if isinstance(error, BadResponseError) and session.last_key is not None:
        session.cache.forget(session.last_key)


def _kept(model_id: str, revision: str | None, session: Session) -> HubModel | None:
    key, account = _key(model_id, revision), hub_service().account()
    entry = (session.cache.read(account + key) if account else None) or session.cache.read(key)
    model = parse_facts(entry.body) if entry else None
    return None if model and is_commit(revision) and model.commit != revision else model


def _forget_denied(model_id: str, revision: str | None, session: Session) -> None:
    """What the Hub denies is not answered from a copy later; a copy for a token that it refused may still hold."""
    session.cache.forget(_key(model_id, revision))
    if (account := hub_service().account()) and hub_service().name not in session.refused_tokens:
        session.cache.forget(account + _key(model_id, revision))


def _keep(model: HubModel, asked_id: str, revision: str | None, session: Session) -> None:
    """Under the name that was asked and the one that it led to, at the revision and its commit; what is private for its account alone."""
    account = hub_service().account() if model.private else ""
    if model.private and session.last_key is not None:
        session.cache.forget(session.last_key)
    for name, at in {(asked_id, revision), (model.id, revision), (model.id, model.commit)}:
        session.keep(Entry(account + _key(name, at), model.as_json(), model.fetched, pinned=is_commit(at)))


def _old(kept: HubModel, note: str, session: Session) -> HubModel:
    session.note(note)
    session.used_old(kept.fetched)
    return replace(kept)


def _key(model_id: str, revision: str | None) -> str:
    return f"hub model {hub_service().endpoint} {model_id}@{revision or 'main'}"
