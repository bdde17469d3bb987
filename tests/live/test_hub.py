"""The real Hub, asked for what does not change: run with `-m live`, see CONTRIBUTING.md."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.lookup.hub.find import find_model
from archviz.lookup.hub.headers import read_hub_checkpoint
from archviz.lookup.hub.ranges import foretold, read_header
from archviz.lookup.resolve import resolve
from archviz.network.client import open_client
from archviz.network.services import hub_service
from archviz.network.session import Session
from archviz.settings import Settings

pytestmark = pytest.mark.live
SHARDED = "HuggingFaceH4/zephyr-7b-beta"
PINNED = "openai-community/gpt2@607a30d783dfa663caf39e06633721c8d4cfcd7e"


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHVIZ_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_a_pinned_model_is_found_and_described() -> None:
    found = resolve(PINNED, Settings())
    assert (found.status, found.source, found.model_id) == ("exact", "hub", "openai-community/gpt2")
    assert pipeline.tensors(PINNED)["params"] == 124_439_808


def test_an_old_name_is_reported_as_renamed() -> None:
    found = resolve("xlm-roberta-base", Settings())
    assert (found.status, found.model_id) == ("renamed", "FacebookAI/xlm-roberta-base")
    known = resolve("gpt2", Settings())  # the only catalog model of this name, so it is asked for by its whole id
    assert (known.status, known.model_id) == ("exact", "openai-community/gpt2")


def test_other_letter_case_is_the_same_repository_where_the_hub_says_so() -> None:
    found = resolve("qwen/qwen3-0.6b", Settings())
    assert (found.status, found.source, found.model_id) == ("exact", "hub", "Qwen/Qwen3-0.6B")
    assert found.liberties


def test_a_missing_repository_is_told_as_missing_or_private() -> None:
    found = resolve("archviz-no-such-organisation/no-such-model", Settings())
    assert (found.status, found.complete) == ("not_found", True)


def test_headers_are_read_by_ranges() -> None:
    found = pipeline.checkpoint(PINNED)
    names = {tensor.name: tensor.shape for tensor in found.tensors}
    assert names["wte.weight"] == (50257, 768)


def test_all_headers_of_a_sharded_model_come_in_one_reply_that_says_what_the_headers_say() -> None:
    with Session(Settings()) as asking:
        model = find_model(SHARDED, None, asking)
        found = read_hub_checkpoint(model, asking)
        assert (len(found.tensors), found.problems) == (291, ())
        assert asking.requests <= 5
        with open_client(hub_service(), asking) as client:
            first = found.tensors[0].file
            names = [row.name for row in found.tensors if row.file == first]
            rows = read_header(client, model, first, foretold(names))
    assert sorted(rows, key=lambda row: row.name) == [row for row in found.tensors if row.file == first]


def test_a_gated_repository_is_told_as_gated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    found = resolve("meta-llama/Llama-3.1-8B", Settings())
    assert found.status == "gated" or "gated" in found.message
