"""The real Hub, asked for what does not change: run with `-m live`, see CONTRIBUTING.md."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.lookup.resolve import resolve
from archviz.settings import Settings

pytestmark = pytest.mark.live
PINNED = "openai-community/gpt2@607a30d783dfa663caf39e06633721c8d4cfcd7e"


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_a_pinned_model_is_found_and_described() -> None:
    found = resolve(PINNED, Settings())
    assert (found.status, found.source, found.model_id) == ("exact", "hub", "openai-community/gpt2")
    assert pipeline.tensors(PINNED)["params"] == 124_439_808


def test_an_old_name_is_reported_as_renamed() -> None:
    found = resolve("gpt2", Settings())
    assert (found.status, found.model_id) == ("renamed", "openai-community/gpt2")


def test_a_missing_repository_is_told_as_missing_or_private() -> None:
    found = resolve("archviz-no-such-organisation/no-such-model", Settings())
    assert (found.status, found.complete) == ("not_found", True)


def test_headers_are_read_by_ranges() -> None:
    found = pipeline.checkpoint(PINNED)
    names = {tensor.name: tensor.shape for tensor in found.tensors}
    assert names["wte.weight"] == (50257, 768)


def test_a_gated_repository_is_told_as_gated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    found = resolve("meta-llama/Llama-3.1-8B", Settings())
    assert found.status == "gated" or "gated" in found.message
