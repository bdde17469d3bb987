"""The checkpoint of MODEL: of a repository on the Hub, or of a folder of safetensors files."""

from __future__ import annotations

from pathlib import Path

from archviz.errors import UsageError
from archviz.lookup.checkpoint import Checkpoint, read_folder_checkpoint
from archviz.lookup.hub.headers import read_hub_checkpoint
from archviz.lookup.names import classify
from archviz.lookup.resolution import unavailable
from archviz.lookup.resolve import resolve
from archviz.network.services import hub_service
from archviz.network.session import Session
from archviz.settings import Settings


def read_checkpoint(model: str, settings: Settings) -> Checkpoint:
    """The stored tensors of MODEL, from headers alone.

    Raises:
        UsageError: MODEL is a model type, or there is no such folder.
        ModelNotFoundError: No model of exactly this name is known.
        SourceUnavailableError: The Hub cannot be asked, is gated, or stores no safetensors.
    """
    name = classify(model)
    if name.kind == "transformers_type":
        raise UsageError(
            f"{model!a} is a model type, which stores no tensors", hint="archviz tensors builds its default."
        )
    if name.kind == "path" or model.endswith(".safetensors"):
        return read_folder_checkpoint(Path(model).expanduser(), settings.limits.response_bytes)
    with Session(settings) as session:
        found = resolve(model, settings, session)
        if found.model_id is None or found.exit_status:
            raise found.as_error()
        if found.hub is None or found.source != "hub":
            offline = session.is_offline(hub_service())
            raise unavailable(
                found.error,
                f"the checkpoint of {found.model_id} is on the Hub, which {'was not asked' if offline else 'did not give it'}",
                f"{found.message} The catalog holds no tensors of checkpoints.",
            )
        if found.status == "renamed":
            session.note(f"{found.asked} was renamed to {found.model_id}.")
        checkpoint = read_hub_checkpoint(found.hub, session)
        checkpoint.notes.extend(session.notes)
        return checkpoint
