from __future__ import annotations

import os
from pathlib import Path

from archviz.lookup.hub.stored_ids import stored_ids
from archviz.network.cache import VERSION, Cache, Entry


def test_ids_of_stored_facts_are_listed_each_once_the_last_used_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    keys = (
        "https://huggingface.co/api/models/acme/Old-1B/revision/main",
        "https://export.arxiv.org/api/query?id_list=2505.09388",
        "https://huggingface.co/api/models/acme/New-1B?blobs=true",
        "https://huggingface.co/api/models/acme/Old-1B/tree/main",
        "https://huggingface.co/api/models/../etc/passwd",
    )
    for number, key in enumerate(keys):
        assert cache.write(Entry(key, b"{}", 1.0))
        os.utime(cache._path(key), (number, number))
    assert stored_ids(cache) == ["acme/Old-1B", "acme/New-1B"]


def test_an_empty_or_damaged_cache_has_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert stored_ids(cache) == []
    cache.write(Entry("https://huggingface.co/api/models/acme/A/x", b"{}", 1.0))
    next(iter(tmp_path.rglob(f"{VERSION}/*/*"))).write_bytes(b"\xff\xfe not json")
    assert stored_ids(cache) == []
