"""The stored tensors of a repository: names, types and shapes in the headers of its safetensors files, never a weight."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from archviz.lookup.hub.files import file_key, read_file, unless_bad
from archviz.lookup.hub.parsed import parsed_headers
from archviz.lookup.hub.ranges import foretold, read_header
from archviz.network.cache import Entry
from archviz.network.services import hub_service
from archviz.network.session import Session

_AT_ONCE = 8  # requests for headers side by side
# the Hub's own reading costs two requests, a ranged one with its redirect two for each file
_FEWEST_PARSED = 3
_MOST_SHARDS = 2_000


def read_hub_checkpoint(model: HubModel, session: Session) -> Checkpoint:
    """Every stored tensor of a repository at its commit; what is in the cache needs no request.

    Raises:
        NoSafetensorsError: The repository stores no safetensors.
        GatedError: The files are not given to this account.
        BadResponseError: An index or a header is malformed or absurdly large.
    """
    session.reads_files()
    weight_map: dict[str, str] | None = None
    if INDEX_FILE in model.files:
        data = read_file(model, INDEX_FILE, session, session.settings.limits.response_bytes)
        with unless_bad(model, INDEX_FILE, session):
            weight_map = parse_weight_map(data, f"{model.id}, {INDEX_FILE}")
        files = sorted(set(weight_map.values()))
    if not weight_map:  # there is no index, or it names nothing
        files = [SINGLE_FILE] if SINGLE_FILE in model.files else _others(model)
    if not files:
        raise no_safetensors(model)
    if len(files) > _MOST_SHARDS:
        raise BadResponseError(
            f"the index names {len(files):,} files, at most {_MOST_SHARDS:,} are read", where=model.id
        )
    return checkpoint_of(model.id, model.commit, _headers(model, files, weight_map, session), weight_map)


def _others(model: HubModel) -> list[str]:
    """Safetensors files of other names at the root of the repository: an adapter's, a consolidated one."""
    return sorted(path for path in model.files if "/" not in path and is_shard_name(path))


def no_safetensors(model: HubModel) -> NoSafetensorsError:
    others = sorted(
        {path for path in model.files if path.endswith((".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack"))}
    )
    stored = (
        f"; it stores {', '.join(others[:4])}, which {'is' if len(others) == 1 else 'are'} not read" if others else ""
    )
    lacks = f"no {INDEX_FILE}" if INDEX_FILE not in model.files else f"its {INDEX_FILE} names none"
    return NoSafetensorsError(
        f"{model.id} has no *.safetensors and {lacks}{stored}",
        where=f"commit {model.commit[:12]}",
        hint="archviz tensors shows what the official code builds, without a checkpoint.",
    )


def _headers(
    model: HubModel, files: list[str], weight_map: Mapping[str, str] | None, session: Session
) -> list[StoredTensor]:
    kept = {file: _kept(model, file, session) for file in files}
    wanted = [file for file, rows in kept.items() if rows is None]
    if len(wanted) >= _FEWEST_PARSED and weight_map and not session.is_offline(hub_service()):
        for file, rows in parsed_headers(model, weight_map, session).items():
            kept[file] = _keep(model, file, rows, session)
        wanted = [file for file in wanted if kept[file] is None]
    if wanted:
        kept |= dict(zip(wanted, _fetch(model, wanted, weight_map or {}, session), strict=True))
    return [row for file in files for row in kept[file] or ()]


def _fetch(
    model: HubModel, files: list[str], weight_map: Mapping[str, str], session: Session
) -> list[list[StoredTensor]]:
    """The headers of files, side by side; with the first that fails, those not begun are left."""
    from archviz.network.client import open_client

    names: dict[str, list[str]] = {file: [] for file in files}
    for name, file in weight_map.items():
        if file in names:
            names[file].append(name)
    with open_client(hub_service(), session) as client:

        def header(file: str) -> list[StoredTensor]:
            rows = read_header(client, model, file, foretold(names[file]))
            return _keep(model, file, rows, session)  # at once: it stays if a later one fails

        pool = ThreadPoolExecutor(min(_AT_ONCE, len(files)))
        try:
            return list(pool.map(header, files))
        finally:
            pool.shutdown(cancel_futures=True)


def _keep(model: HubModel, file: str, rows: list[StoredTensor], session: Session) -> list[StoredTensor]:
    body = json.dumps([[row.name, row.dtype, row.shape] for row in rows]).encode()
    session.keep(Entry(_key(model, file), body, session.time.now(), pinned=True))
    return rows


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
    return f"hub header {file_key(model, file)}"
