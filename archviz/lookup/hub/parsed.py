"""The headers of all shards in one reply of the Hub, which parses them itself; of the newest commit of `main` only."""

from __future__ import annotations

from collections.abc import Mapping

from archviz.errors import ArchvizError, OfflineError
from archviz.lookup.checkpoint import INDEX_FILE, StoredTensor, rows_of
from archviz.lookup.hub.facts import HubModel
from archviz.lookup.hub.find import find_model
from archviz.network.session import Session


def parsed_headers(model: HubModel, weight_map: Mapping[str, str], session: Session) -> dict[str, list[StoredTensor]]:
    """File → tensors, by the Hub's own reading; without the files of which it is not surely that of the model's commit.

    The reply does not say which commit it is about. It counts when `main` leads to the model's commit before and after it, and
    for the files that hold just the tensors that the index of that commit has there.
    """
    try:
        if find_model(model.id, None, session).commit != model.commit:
            return {}
        found = _ask(model, session)
    except OfflineError:
        raise
    except ArchvizError:
        return {}  # the headers themselves are still to be had
    stored = {(row.name, file) for file, rows in found.items() for row in rows}
    doubtful = {file for _, file in stored ^ set(weight_map.items())}
    return {file: rows for file, rows in found.items() if file not in doubtful}


def _ask(model: HubModel, session: Session) -> dict[str, list[StoredTensor]]:
    from archviz.lookup.hub.api import hub_api, hub_errors

    with hub_errors(model.id), hub_api(session, stored=False) as api:
        from huggingface_hub.errors import SafetensorsParsingError  # what it reads at its import is set by now

        try:
            reply = api.get_sharded_safetensors_metadata(model.id, filename=INDEX_FILE)
        except SafetensorsParsingError:
            return {}
        if api.model_info(model.id, expand=["sha"]).sha != model.commit:
            return {}
    return {
        file: rows_of({name: (each.dtype, each.shape) for name, each in header.tensors.items()}, file, model.id)
        for file, header in reply.files_metadata.items()
    }
