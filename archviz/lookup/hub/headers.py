"""The stored tensors of a repository: names, types and shapes in the headers of its safetensors files, by ranged requests."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from archviz.errors import BadResponseError, SourceUnavailableError
from archviz.lookup.checkpoint import (
    INDEX_FILE,
    SINGLE_FILE,
    Checkpoint,
    NoSafetensorsError,
    StoredTensor,
    checkpoint_of,
    is_shard_name,
    parse_weight_map,
    rows_of,
)
from archviz.lookup.hub.facts import HubModel
from archviz.lookup.hub.files import file_url, read_file
from archviz.network.cache import Entry
from archviz.network.session import Session

_AT_ONCE = 4  # requests for headers side by side
_MOST_SHARDS = 2_000


def read_hub_checkpoint(model: HubModel, session: Session) -> Checkpoint:
    """Every stored tensor of a repository at its commit; what is in the cache needs no request.

    Raises:
        NoSafetensorsError: The repository stores no safetensors.
        GatedError: The files are not given to this account.
        BadResponseError: An index or a header is malformed or absurdly large.
    """
    weight_map: dict[str, str] | None = None
    if INDEX_FILE in model.files:
        data = read_file(model, INDEX_FILE, session, session.settings.limits.response_bytes)
        weight_map = parse_weight_map(data, f"{model.id}, {INDEX_FILE}")
        files = sorted(set(weight_map.values()))
    else:
        files = [SINGLE_FILE] if SINGLE_FILE in model.files else []
    if not files:
        raise no_safetensors(model)
    if len(files) > _MOST_SHARDS:
        raise BadResponseError(
            f"the index names {len(files):,} files, at most {_MOST_SHARDS:,} are read", where=model.id
        )
    return checkpoint_of(model.id, model.commit, _headers(model, files, session), weight_map)


def no_safetensors(model: HubModel) -> NoSafetensorsError:
    others = sorted(
        {path for path in model.files if path.endswith((".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack"))}
    )
    stored = f"; it stores {', '.join(others[:4])}, which are not read" if others else ""
    return NoSafetensorsError(
        f"{model.id} has no {SINGLE_FILE} and no {INDEX_FILE}{stored}",
        where=f"commit {model.commit[:12]}",
        hint="archviz tensors shows what the official code builds, without a checkpoint.",
    )


def _headers(model: HubModel, files: list[str], session: Session) -> list[StoredTensor]:
    kept = {file: _kept(model, file, session) for file in files}
    wanted = [file for file, rows in kept.items() if rows is None]
    if wanted:
        for file, rows in zip(wanted, _fetch(model, wanted, session), strict=True):
            kept[file] = rows
            body = json.dumps([[row.name, row.dtype, row.shape] for row in rows]).encode()
            session.cache.write(Entry(_key(model, file), body, session.time.now(), pinned=True))
    return [row for file in files for row in kept[file] or ()]


def _fetch(model: HubModel, files: list[str], session: Session) -> list[list[StoredTensor]]:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    from archviz.lookup.hub.api import hub_api, hub_errors

    def header(api: HfApi, file: str) -> list[StoredTensor]:
        found = api.parse_safetensors_file_metadata(model.id, file, revision=model.commit)
        return rows_of({name: (each.dtype, each.shape) for name, each in found.tensors.items()}, file, model.id)

    pool = ThreadPoolExecutor(min(_AT_ONCE, len(files)))
    try:
        with hub_errors(model.id, model.commit), hub_api(session) as api, pool:
            return list(pool.map(lambda file: header(api, file), files))
    except (SafetensorsParsingError, NotASafetensorsRepoError) as error:
        raise BadResponseError(
            f"a header is no safetensors header: {' '.join(str(error).split())[:200]}", where=model.id
        ) from None


def _kept(model: HubModel, file: str, session: Session) -> list[StoredTensor] | None:
    if not is_shard_name(file):
        raise SourceUnavailableError(f"{file[:100]!a} is no path of a safetensors file", where=model.id)
    entry = session.cache.read(_key(model, file))
    if entry is None:
        return None
    try:
        return rows_of({name: (dtype, shape) for name, dtype, shape in json.loads(entry.body)}, file, model.id)
    except (ValueError, TypeError):
        return None


def _key(model: HubModel, file: str) -> str:
    return f"hub header {file_url(model, file)}"
