"""What models keep for each token against published tables; where definitions differ, the code's numbers stand."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.errors import UsageError
from archviz.lookup.catalog import find_record
from archviz.measures import curve_of
from archviz.numbers.memory import Memory, contexts_of
from archviz.numbers.memory_text import length_text, memory_data, memory_text, operations_text
from archviz.numbers.sizes import size_text
from archviz.settings import Limits, Settings

KIB = 1024
LENGTHS = [4096, 262144]


OFFLINE = Settings(offline=True)


@lru_cache(maxsize=2)
def memory(model: str) -> Memory:
    return pipeline.measure(model, LENGTHS, settings=OFFLINE).memory


def with_layers(values: Any, kept: int, of: int) -> Any:
    """A configuration with fewer layers: numbers of layers, and lists with an entry for each."""
    if isinstance(values, dict):
        return {
            key: kept if key == "num_hidden_layers" and each == of else with_layers(each, kept, of)
            for key, each in values.items()
        }
    return values[:kept] if isinstance(values, list) and len(values) == of else values


def shortened(folder: Path, model: str, kept: int, of: int) -> Memory:
    """A published model with fewer layers, in the same proportion."""
    record = find_record(model)
    assert record is not None
    path = folder / "config.json"
    path.write_text(json.dumps(with_layers(record.as_config(), kept, of)))
    found = pipeline.measure(str(path), LENGTHS, settings=OFFLINE).memory
    assert max(layer for kind in found.kinds for layer in kind.layers) == kept - 1
    return found


# model, its layers and how many of them are read, per token within windows, beyond them, indexer keys (KiB in bf16), bytes of state
PUBLISHED = [
    ("deepseek-ai/DeepSeek-V3", 61, 4, 68.625, 68.625, 0, 0),
    ("Qwen/Qwen3.5-397B-A17B", 60, 4, 30, 30, 0, 45 * (49152 * 2 + 1048576 * 4)),
    ("openai/gpt-oss-20b", 24, 4, 48, 24, 0, 0),
    ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", None, None, 6, 6, 0, None),
    ("google/gemma-4-26B-A4B", 30, 6, 210, 10, 0, 0),
    ("moonshotai/Kimi-Linear-48B-A3B-Instruct", None, None, 7.875, 7.875, 0, None),
    ("MiniMaxAI/MiniMax-M2", 62, 4, 248, 248, 0, 0),
    ("zai-org/GLM-5", 78, 4, 87.75, 87.75, 19.5, 0),
    ("deepseek-ai/DeepSeek-V4-Flash", None, None, 48.40625, 5.40625, 1.3125, None),
]


@pytest.mark.parametrize(
    ("model", "layers", "kept", "inside", "beyond", "indexer", "state"), PUBLISHED, ids=[row[0] for row in PUBLISHED]
)
def test_what_a_token_needs_is_what_published_tables_say(
    tmp_path: Path, model: str, layers: int | None, kept: int | None, inside: float, beyond: float, indexer: float, state: int | None
) -> None:  # fmt: skip
    found = memory(model) if layers is None or kept is None else shortened(tmp_path, model, kept, layers)
    share = Fraction(kept or 1, layers or 1)
    assert found.missing is None
    assert found.per_token(growing=False) == Fraction(inside) * KIB * share
    assert found.per_token(growing=True) == Fraction(beyond) * KIB * share
    assert found.per_token(growing=False, roles=("indexer",)) == Fraction(indexer) * KIB * share
    if state is None:
        assert found.contexts[0].state == found.contexts[1].state > 0
    else:
        assert found.contexts[0].state == state * share
    short, long = found.contexts
    assert short.cache <= short.as_coded
    assert long.cache + long.indexer + long.state <= long.reserved
    assert size_text(found.per_token(growing=True)) in memory_text(found)


def test_states_of_equal_layers_in_one_cache_stand_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps(
            {"model_type": "xlstm", "hidden_size": 256, "num_heads": 2, "num_hidden_layers": 3, "vocab_size": 99}
        )
    )
    found = memory_text(pipeline.measure(str(path), LENGTHS, settings=OFFLINE).memory)
    kept = [line.split() for line in found.splitlines() if line.startswith("      rnn_state")]
    assert [(line[0], line[-1]) for line in kept] == [(f"rnn_state.{{0-2}}.{part}", "each") for part in range(3)]


def gpt_oss(folder: Path, contexts: list[int], **options: str) -> Memory:
    """gpt-oss with four layers."""
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": "gpt_oss", "num_hidden_layers": 4}))
    return pipeline.measure(str(path), contexts, settings=OFFLINE, **options).memory  # type: ignore[arg-type]


def test_windows_bound_what_is_kept_and_an_engine_may_reserve_all(tmp_path: Path) -> None:
    found = gpt_oss(tmp_path, [64, 4096, 40960])
    windowed = next(kind for kind in found.kinds if kind.window is not None)
    full = next(kind for kind in found.kinds if kind.window is None)
    assert windowed.window == 128
    token = 2 * 8 * 64 * 2
    assert [each.cache for each in found.contexts] == [
        token * (len(windowed.layers) * min(n, 128) + len(full.layers) * n) for n in (64, 4096, 40960)
    ]
    assert found.contexts[1].reserved == token * (len(windowed.layers) + len(full.layers)) * 4096
    assert found.need(5).reserved == token * (len(windowed.layers) + len(full.layers)) * 16


def test_operations_are_two_for_each_active_weight_and_the_products_with_the_context() -> None:
    found = pipeline.measure("transformers:qwen3", [1000, 2000], settings=Settings(offline=True)).memory
    config = {"layers": 32, "heads": 32, "width": 128, "vocabulary": 151936 * 4096}
    assert found.active is not None
    products = 2 * 2 * config["layers"] * config["heads"] * config["width"]
    assert found.contexts[0].decode == 2 * (found.active - config["vocabulary"]) + products * 1000
    assert found.contexts[1].decode == found.contexts[0].decode + products * 1000
    assert found.contexts[1].prefill == 2 * (found.active - config["vocabulary"]) + products * 2001 // 2


def test_weights_that_are_multiplied_in_other_forms_are_not_counted_twice() -> None:
    found = memory("deepseek-ai/DeepSeek-V4-Flash")  # its grouped output projection is a product with a reshaped weight
    assert found.operations.weights is not None
    scores = 64 * 512 * 2 * 2
    windows = 43 * 128 * scores  # every layer looks at a window of 128 tokens
    growing = (
        21 * (scores + 64 * 128 * 2) // 4 + 20 * scores // 128
    )  # indexer keys and entries for 4 and for 128 tokens
    assert found.contexts[0].decode == found.operations.weights + windows + growing * 4096


def test_the_type_of_the_cache_counts_and_states_keep_their_own(tmp_path: Path) -> None:
    half, whole = gpt_oss(tmp_path, [4096], cache_dtype="fp8"), gpt_oss(tmp_path, [4096])
    assert 2 * half.contexts[0].cache == whole.contexts[0].cache
    assert memory_data(half)["cache_dtype"] == "float8_e4m3fn"


def test_keys_and_values_of_an_encoders_output_are_told_apart() -> None:
    found = pipeline.measure("transformers:t5", [128], settings=Settings(offline=True)).memory
    assert found.source_token == found.per_token(growing=False) > 0


def test_the_curve_names_what_it_shows(tmp_path: Path) -> None:
    found = gpt_oss(tmp_path, LENGTHS)
    chart = curve_of(found)
    assert "kept:" in chart.description
    assert {group.id for group in chart.groups()} >= {"title", "axes", "curve-0", "curve-1", "names"}


@pytest.mark.parametrize(("text", "expected"), [("4k", [4096]), ("1, 32K,1m", [1, 32768, 1048576])])
def test_lengths_are_read(text: str, expected: list[int]) -> None:
    assert contexts_of(text) == expected


@pytest.mark.parametrize("text", ["0", "4k,0", "-1", "4x", "", "k", "9999m", "1.5k", "4k,,8k"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no length of context"):
        contexts_of(text)


def test_sizes_read_in_the_unit_that_fits() -> None:
    assert [size_text(each) for each in (0, 512, 70272, 8_053_063_680)] == ["0 B", "512 B", "68.6 KiB", "7.5 GiB"]
    assert [operations_text(each) for each in (None, 34_700_000_000, 2_000_000_000_000)] == ["-", "34.7 G", "2 T"]
    assert [length_text(each) for each in (0, 100, 4096, 1048576)] == ["0", "100", "4k", "1M"]


def test_a_pass_that_did_not_end_gives_no_numbers(tmp_path: Path) -> None:
    record = find_record("Qwen/Qwen3-0.6B")
    assert record is not None
    path = tmp_path / "config.json"
    path.write_text(json.dumps(with_layers(record.as_config(), 3, 28)))
    whole = pipeline.measure(str(path), [4096], settings=OFFLINE)
    ended = set()
    for steps in range(5_000, 14_001, 1_000):
        found = pipeline.measure(str(path), [4096], settings=Settings(offline=True, limits=Limits(steps=steps)))
        if not found.gaps:
            assert found.memory == whole.memory
            continue
        reason = f"more than {steps:,} steps"
        assert found.memory.missing == reason
        assert reason in {gap.reason for gap in found.gaps}
        assert (found.memory.kinds, found.memory.contexts, found.memory.active) == ([], [], None)
        assert memory_data(found.memory)["per_token"] is None
        assert memory_text(found.memory).endswith(f"cache in bf16\n  not known: {reason}\n")
        ended.add(steps)
    assert 4 < len(ended) < 10, "bounds that end passes, and bounds that do not"


def test_positions_that_an_indexer_leaves_out_are_told_to_count() -> None:
    found = memory("deepseek-ai/DeepSeek-V4-Flash")
    assert any("indexer does not choose" in each for each in found.remarks)


def test_tokens_that_wait_to_be_compressed_are_in_the_state() -> None:
    found = memory("deepseek-ai/DeepSeek-V4-Flash")
    overlap = 21 * 2 * (2048 + 512)
    waiting = {4: 21 * 2 * (1024 + 256), 128: 20 * 2 * 512}  # keys and gates, of compressor and indexer
    for tokens in (1, 3, 4, 127, 128, 4095, 4096):
        kept = sum(tokens % window * size for window, size in waiting.items())
        assert found.need(tokens).state == 2 * (kept + (overlap if tokens >= 4 else 0))


def test_a_length_that_is_given_twice_counts_once() -> None:
    assert contexts_of("4k,32k,4096") == [4096, 32768]
