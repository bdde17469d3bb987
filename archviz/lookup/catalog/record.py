"""A catalog record: what is known about one published model, and where each fact comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archviz.errors import ArchvizError
from archviz.records import field, record

PUBLISHED_SOURCES = {
    "hub_api": "the safetensors total that the Hub reports",
    "hub_api_quantised": "the safetensors total that the Hub reports; quantised: scales and packed weights count too",
    "headers": "the headers of the published safetensors files",
    "index_metadata": "the total in the published safetensors index",
    "index_bytes": "the bytes in the published safetensors index, divided by the element size",
}
"""What a published total was read from; it always counts *stored* tensors."""

FACT_GROUPS = ("config", "published_total", "licence", "release_date", "links")
"""The groups of facts that a record's `sources` explains."""


@record(frozen=True)
class CatalogRecord:
    """The facts about one exact model id; what no source states is absent.

    Args:
        id: The exact Hub id, `org/name`.
        model_type: The `transformers` model type.
        architectures: Class names that the published configuration states, in its order.
        config: The configuration keys that the official code needs, sub-configurations nested.
        sources: For each group of facts that is present, where it came from.
        facts_date: When the facts were gathered, `YYYY-MM-DD`.
        published_total: Elements of the stored tensors, as published.
        published_source: Key of `PUBLISHED_SOURCES`.
        licence: Licence identifier as the Hub writes it.
        release_date: `YYYY-MM-DD`.
        links: What it leads to (`paper`, `repository`, `blog`) → URL.
        remarks: What a reader of these facts must know.
    """

    id: str
    model_type: str
    architectures: tuple[str, ...]
    config: Mapping[str, object]
    sources: Mapping[str, str]
    facts_date: str
    published_total: int | None = None
    published_source: str | None = None
    licence: str | None = None
    release_date: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    remarks: str | None = None

    @property
    def hub_url(self) -> str:
        """The model's page on the Hub, which follows from its id."""
        return f"https://huggingface.co/{self.id}"

    def as_config(self) -> dict[str, object]:
        """The configuration in the shape of a `config.json`."""
        return {"model_type": self.model_type, "architectures": list(self.architectures), **self.config}


class BadRecordError(ArchvizError):
    """A catalog record that is malformed: a fault of the installed package, not of the caller."""

    code = "bad_record"


_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "model_type": (str,),
    "architectures": (list,),
    "config": (dict,),
    "sources": (dict,),
    "facts_date": (str,),
    "published_total": (int,),
    "published_source": (str,),
    "licence": (str,),
    "release_date": (str,),
    "links": (dict,),
    "remarks": (str,),
}
_REQUIRED = ("id", "model_type", "architectures", "config", "sources", "facts_date")


def read_record(path: Path) -> CatalogRecord:
    """Read and check one record file.

    Raises:
        BadRecordError: The file is not a well-formed record.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _bad(path, f"is not readable JSON: {error}") from error
    return parse_record(raw, path)


def parse_record(raw: object, path: Path) -> CatalogRecord:
    """Check the content of a record file and make the record of it.

    Raises:
        BadRecordError: A key is missing, unknown or of the wrong type, or a fact has no source.
    """
    if not isinstance(raw, dict):
        raise _bad(path, "must hold one JSON object")
    _check_keys(raw, path)
    _check_values(raw, path)
    return CatalogRecord(**{**raw, "architectures": tuple(raw["architectures"])})


def _check_keys(raw: Mapping[str, Any], path: Path) -> None:
    if missing := [key for key in _REQUIRED if key not in raw]:
        raise _bad(path, f"lacks {', '.join(missing)}")
    if stray := sorted(set(raw) - set(_TYPES)):
        raise _bad(path, f"has unknown keys: {', '.join(stray)}")
    for key, value in raw.items():
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            expected = _TYPES[key][0].__name__
            raise _bad(path, f"needs {key} to be of type {expected}, got {type(value).__name__}")


def _check_values(raw: Mapping[str, Any], path: Path) -> None:
    published = raw.get("published_source")
    if ("published_total" in raw) != (published is not None):
        raise _bad(path, "must give published_total and published_source together")
    if published is not None and published not in PUBLISHED_SOURCES:
        raise _bad(path, f"has the unknown published_source {published!r}")
    if unsourced := [group for group in FACT_GROUPS if group in raw and group not in raw["sources"]]:
        raise _bad(path, f"states no source for {', '.join(unsourced)}")
    texts = [*raw["architectures"], *raw["sources"].values(), *raw.get("links", {}).values()]
    if not all(isinstance(text, str) for text in texts):
        raise _bad(path, "needs text in architectures, sources and links")


def _bad(path: Path, what: str) -> BadRecordError:
    return BadRecordError(
        f"catalog record {path.name} {what}",
        where=path.name,
        hint="Regenerate the records with scripts/dev/make_catalog.py, or install archviz again.",
    )
