"""Ids of models whose facts are stored from earlier questions to the Hub."""

from __future__ import annotations

from archviz.late_patterns import late_pattern
from archviz.network.cache import Cache

_MOST = 2_000
_MODEL = late_pattern(r"/api/models/([A-Za-z0-9_][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95})(?=[/?]|$)")


def stored_ids(cache: Cache | None = None) -> list[str]:
    """The ids, those first that were used last.  Nobody is asked."""
    found = (_MODEL.search(key) for key in (cache or Cache()).keys(_MOST))
    return list(dict.fromkeys(match[1] for match in found if match))
