"""What holds for every record of the embedded catalog."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date

import pytest

from archviz.lookup.catalog import RECORDS, CatalogRecord, find_record, model_ids, record_name

NOT_FACTS = re.compile(
    r"^_|initializer|dropout|_pdrop$|^(bos|eos|sep|cls)_token|^(transformers_version|auto_map|use_cache|"
    r"id2label|label2id|architectures|torchscript|task_specific_params|num_beams|do_sample|max_length|min_length|"
    r"top_p|temperature|gradient_checkpointing|router_aux_loss_coef|output_attentions|return_dict)$"
)
WANTED = """
    openai-community/gpt2 meta-llama/Llama-2-7b-hf meta-llama/Meta-Llama-3.1-8B mistralai/Mistral-7B-v0.1
    meta-llama/Llama-4-Maverick-17B-128E-Instruct mistralai/Mixtral-8x7B-v0.1 Qwen/Qwen2.5-7B Qwen/Qwen3-0.6B
    Qwen/Qwen3-30B-A3B Qwen/Qwen3-Next-80B-A3B-Instruct Qwen/Qwen3.5-397B-A17B Qwen/Qwen3.5-27B
    Qwen/Qwen3-VL-4B-Instruct google/gemma-2-2b google/gemma-3-27b-it google/gemma-4-26B-A4B
    deepseek-ai/DeepSeek-V2-Lite deepseek-ai/DeepSeek-V3 deepseek-ai/DeepSeek-V4-Flash
    moonshotai/Kimi-Linear-48B-A3B-Instruct moonshotai/Kimi-K2.5 MiniMaxAI/MiniMax-M2 zai-org/GLM-4.5 zai-org/GLM-5
    openai/gpt-oss-20b nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 allenai/OLMo-2-1124-7B HuggingFaceTB/SmolLM3-3B
    microsoft/Phi-3.5-MoE-instruct tiiuae/falcon-7b bigscience/bloom mosaicml/mpt-7b-instruct LiquidAI/LFM2-1.2B
    google-bert/bert-base-uncased google-t5/t5-small openai/whisper-tiny openai/clip-vit-base-patch32
    google/vit-base-patch16-224-in21k
"""


def record_of(model_id: str) -> CatalogRecord:
    record = find_record(model_id)
    assert record is not None
    return record


def config_keys(config: object) -> Iterator[str]:
    if isinstance(config, dict):
        for key, value in config.items():
            yield key
            yield from config_keys(value)


def test_the_catalog_covers_many_models_of_many_types() -> None:
    assert len(model_ids()) >= 140
    assert len({record_of(model_id).model_type for model_id in model_ids()}) >= 60
    assert set(WANTED.split()) <= set(model_ids())


@pytest.mark.parametrize("model_id", model_ids())
def test_a_record_loads_and_says_where_its_facts_come_from(model_id: str) -> None:
    record = record_of(model_id)
    assert record.id == model_id
    assert record.config
    assert record.architectures
    assert all(record.sources.values())
    assert date.fromisoformat(record.facts_date) >= date(2026, 1, 1)
    assert record.published_total is None or record.published_total > 1_000_000
    assert all(url.startswith("https://") for url in record.links.values())
    assert set(record.links) <= {"paper", "repository", "blog"}
    assert record.release_date is None or date.fromisoformat(record.release_date) < date.fromisoformat(
        record.facts_date
    )


@pytest.mark.parametrize("model_id", model_ids())
def test_a_record_holds_architecture_and_nothing_of_generation_or_training(model_id: str) -> None:
    assert [key for key in config_keys(record_of(model_id).config) if NOT_FACTS.search(key)] == []


@pytest.mark.parametrize("model_id", model_ids())
def test_a_record_s_file_is_compact_and_names_no_machine(model_id: str) -> None:
    text = (RECORDS / record_name(model_id)).read_text(encoding="utf-8")
    assert len(text) < 12_000
    assert not re.search(r'"(/|~|[A-Z]:\\\\|file:)', text)
    assert json.loads(text)["id"] == model_id


def test_every_file_in_the_folder_is_a_record() -> None:
    assert sorted(path.name for path in RECORDS.iterdir()) == sorted(map(record_name, model_ids()))


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3", "qwen/qwen3-0.6b", "../records/Qwen/Qwen3-0.6B", "", "/", "Qwen__Qwen3-0.6B"]
)
def test_only_an_exact_id_finds_a_record(name: str) -> None:
    assert find_record(name) is None


def test_ids_come_from_the_folder_alone() -> None:
    assert model_ids() == tuple(sorted(model_ids()))
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", model_id) for model_id in model_ids())
