from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz.lookup import catalog
from archviz.lookup.catalog.record import BadRecordError, parse_record, read_record

GOOD: dict[str, Any] = {
    "id": "org/name",
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "config": {"hidden_size": 8},
    "sources": {"config": "the model's published config.json", "published_total": "the Hub's model information"},
    "facts_date": "2026-01-01",
    "published_total": 7,
    "published_source": "hub_api",
}


def test_a_record_reads_into_its_fields() -> None:
    record = parse_record(GOOD, Path("org__name.json"))
    assert record.hub_url == "https://huggingface.co/org/name"
    assert record.as_config() == {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8}
    assert (record.licence, record.release_date, record.links) == (None, None, {})


@pytest.mark.parametrize(
    "change, said",
    [
        ({"model_type": None}, "model_type to be of type str"),
        ({"published_total": True}, "published_total to be of type int"),
        ({"published_total": "7"}, "published_total to be of type int"),
        ({"published_source": "memory"}, "unknown published_source"),
        ({"license": "mit"}, "unknown keys: license"),
        ({"licence": "mit"}, "no source for licence"),
        ({"links": {"paper": "https://x"}}, "no source for links"),
        ({"sources": {}}, "no source for config, published_total"),
        ({"architectures": [1]}, "needs text"),
    ],
)
def test_a_malformed_record_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRecordError) as refused:
        parse_record({**GOOD, **change}, Path("org__name.json"))
    assert said in str(refused.value)
    assert "org__name.json" in str(refused.value)


@pytest.mark.parametrize(
    "key", ["id", "model_type", "architectures", "config", "sources", "facts_date", "published_source"]
)
def test_a_record_without_a_needed_key_is_refused(key: str) -> None:
    with pytest.raises(BadRecordError, match=key):
        parse_record({name: value for name, value in GOOD.items() if name != key}, Path("org__name.json"))


@pytest.mark.parametrize("text", ["", "{", "[]", "\ufffd"])
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "org__name.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadRecordError):
        read_record(path)


def test_a_file_about_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org__other.json").write_text(json.dumps(GOOD), encoding="utf-8")
    monkeypatch.setattr(catalog, "RECORDS", tmp_path)
    monkeypatch.setattr(catalog, "model_ids", lambda: ("org/other",))
    with pytest.raises(BadRecordError, match="org/name"):
        catalog.find_record("org/other")
