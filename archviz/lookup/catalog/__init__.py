"""The embedded catalog: compact, sourced facts about exact models, one file a model.

In: an exact Hub id. Out: its `CatalogRecord`, or None. Nothing here is fuzzy; `archviz.lookup.resolve` is where
names are judged. Start reading at `find_record`, then `record.py` for what a record holds.

How to add a model: put its facts into `records/<org>__<name>.json` (the format is `CatalogRecord`; each group of facts
names its source), or, where the reference data has the model, regenerate with `scripts/dev/make_catalog.py`; then run
`pytest tests/lookup`.

Listing the folder gives the ids; a record's file is read only when that record is asked for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from archviz.lookup.catalog.record import BadRecordError, CatalogRecord, read_record

__all__ = ["BadRecordError", "CatalogRecord", "find_record", "model_ids", "record_name", "standing_id"]

RECORDS = Path(__file__).parent / "records"
_OF_RECORDS = (None, "main")  # the revisions that records are of


@cache
def model_ids() -> tuple[str, ...]:
    """Every model id of the catalog, sorted."""
    return tuple(sorted(path.stem.replace("__", "/", 1) for path in RECORDS.glob("*__*.json")))


def record_name(model_id: str) -> str:
    """The file name of a model's record: `org/name` → `org__name.json`."""
    return model_id.replace("/", "__", 1) + ".json"


def standing_id(revision: str | None, *names: str) -> str | None:
    """The first of a repository's names whose record can stand for it at a revision; records are of none but `main`.

    >>> standing_id("dev", "Qwen/Qwen3-0.6B")
    """
    return next((each for each in names if each in model_ids()), None) if revision in _OF_RECORDS else None


def find_record(model_id: str) -> CatalogRecord | None:
    """The record of exactly this model, or None.

    Raises:
        BadRecordError: The record is there and malformed.
    """
    if model_id not in model_ids():  # never a path made from a name that is not listed
        return None
    path = RECORDS / record_name(model_id)
    record = read_record(path)
    if record.id != model_id:
        raise BadRecordError(f"catalog record {path.name} is about {record.id}", where=path.name)
    return record
