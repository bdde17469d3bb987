"""The Hub as a place where a name is looked up: one exact repository at a commit, or why there is none."""

from __future__ import annotations

from typing import Literal

from archviz.errors import ArchvizError, GatedError, ModelNotFoundError, OfflineError, SourceUnavailableError
from archviz.lookup.catalog import standing_id
from archviz.lookup.hub.facts import HubModel
from archviz.lookup.hub.files import CONFIG, read_config
from archviz.lookup.hub.find import find_model
from archviz.network.session import Session, day_of
from archviz.records import record


@record(frozen=True)
class HubAnswer:
    """What the Hub says to a name.

    Args:
        status: `unasked` where it may not be asked and nothing is stored.
        said: What to tell the reader, in sentences.
        model: The repository; also with `gated`, whose facts are readable and whose files are not.
        hint: What to do about a refusal.
        is_renamed: The repository has another name than the asked one.
    """

    status: Literal["exact", "renamed", "gated", "not_found", "unreachable", "unasked"]
    said: str
    model: HubModel | None = None
    hint: str | None = None
    error: ArchvizError | None = None
    is_renamed: bool = False


def ask_hub(model_id: str, revision: str | None, session: Session) -> HubAnswer:
    """What the Hub, or what is stored of it, says to an exact id and revision."""
    try:
        model = find_model(model_id, revision, session)
    except OfflineError as error:
        return HubAnswer("unasked", "", error=error)
    except ModelNotFoundError as error:
        return HubAnswer("not_found", f"{error.sentence}.", hint=error.hint, error=error)
    except GatedError as error:
        return HubAnswer("gated", f"{error.sentence}.", hint=error.hint, error=error)
    except SourceUnavailableError as error:
        return HubAnswer("unreachable", f"{error.sentence}.", hint=error.hint, error=error)
    said, is_renamed = _identity(model, model_id, revision), model.id.lower() != model_id.lower()
    if model.gated and (refusal := _refused(model, revision, model_id, session)):
        return HubAnswer("gated", f"{said} {refusal.sentence}.", model, refusal.hint, refusal, is_renamed)
    return HubAnswer("renamed" if is_renamed else "exact", said, model, is_renamed=is_renamed)


def _refused(model: HubModel, revision: str | None, asked: str, session: Session) -> GatedError | None:
    """Whether a gated repository refuses its files to this account; a file that is stored was given once."""
    if CONFIG not in model.files:
        return None
    try:
        read_config(model, session, stands=standing_id(revision, model.id, asked) is not None)
    except GatedError as error:
        return error
    except SourceUnavailableError:
        return None  # whoever reads the file next says why it cannot be read
    return None


def _identity(model: HubModel, asked: str, revision: str | None) -> str:
    at = (
        f"commit {model.commit[:12]}"
        if revision == model.commit
        else f"{revision or 'main'} is commit {model.commit[:12]}"
    )
    said = [f"{model.id} is on the Hub; {at}, as of {day_of(model.fetched)}."]
    if model.id.lower() != asked.lower():
        said.append(f"{asked} was renamed to {model.id}.")
    if model.derivation:
        said.append(f"It is {model.derivation}.")
    return " ".join(said)
