from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archviz.errors import UsageError
from archviz.estimator import (
    analyze_layer_structure,
    count_parameters,
    estimate_memory,
    get_model_config,
    get_supported_layers,
    inspect_model_structure,
    read_tensor_inspection,
    save_tensor_inspection,
    validate_config,
)
from tests.estimator.models import OFFLINE, SAMPLES

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


@pytest.fixture(scope="module")
def tensors() -> list[dict[str, object]]:
    return inspect_model_structure(LLAMA, settings=OFFLINE)


def test_the_configuration_has_common_names_for_common_sizes() -> None:
    config = get_model_config("Qwen/Qwen3.5-397B-A17B", settings=OFFLINE)
    assert [config[key] for key in ("hidden_size", "num_layers", "vocab_size", "num_heads", "num_kv_heads", "head_dim")] == [
        4096, 60, 248_320, 32, 2, 256,
    ]  # fmt: skip
    assert config["architecture"] == "Qwen3_5MoeForConditionalGeneration"


def test_tensors_are_listed_as_the_official_class_builds_them(tensors: list[dict[str, object]]) -> None:
    assert tensors[0] == {
        "kind": "param",
        "name": "model.embed_tokens.weight",
        "shape": (128_256, 8192),
        "dtype": "torch.bfloat16",
    }
    assert count_parameters(tensors) == {"total": 70_553_706_496, "total_formatted": "70.6B"}
    assert {row["kind"] for row in tensors} == {"param", "buffer"}


def test_memory_is_given_for_a_type(tensors: list[dict[str, object]]) -> None:
    assert estimate_memory(tensors, dtype="float16")["gb"] == pytest.approx(141.107412992)
    for half in ("torch.int4", "nf4", "mxfp4"):
        size = estimate_memory(tensors, dtype=half)["bytes"]
        assert (size, type(size)) == (70_553_706_496 // 2, int)
    with pytest.raises(UsageError, match="'float3' is no data type"):
        estimate_memory(tensors, dtype="float3")


def test_expectations_hold_within_one_percent(tensors: list[dict[str, object]]) -> None:
    assert validate_config(tensors, expected_params=70e9, expected_layers=80) == {"valid": True, "discrepancies": []}
    wrong = validate_config(tensors, expected_params=69e9, expected_layers=81)
    assert wrong["valid"] is False
    assert wrong["discrepancies"] == [
        "parameters: 70,553,706,496 built, 69,000,000,000 expected (+2.3%, more than 1 %)", "layers: 80 built, 81 expected",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"expected_params": 0},
        {"expected_layers": -1},
        {"expected_params": float("nan")},
        {"expected_params": "70B"},
    ],
)
def test_expectations_that_are_none_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        validate_config([], **given)  # type: ignore[arg-type]


def test_a_file_of_tensors_reads_back(tensors: list[dict[str, object]], tmp_path: Path) -> None:
    path = save_tensor_inspection(tensors, tmp_path / "tensors.csv")
    lines = path.read_text().splitlines()
    assert lines[:2] == ["kind,name,shape,dtype", 'param,model.embed_tokens.weight,"(128256, 8192)",torch.bfloat16']
    assert read_tensor_inspection(path) == tensors
    assert save_tensor_inspection(tensors, tmp_path / "output" / "tensors.csv").read_text() == path.read_text()
    with pytest.raises(UsageError, match="is a file, not a folder"):
        save_tensor_inspection(tensors, path / "below" / "tensors.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="no list of tensors"):
        read_tensor_inspection(tmp_path / "other.csv")


def test_names_and_shapes_tell_the_structure(tensors: list[dict[str, object]]) -> None:
    found = analyze_layer_structure(tensors)
    assert [found[key] for key in ("num_layers", "hidden_size", "vocab_size", "attention_type", "mlp_type", "lm_head")] == [
        80, 8192, 128_256, "GQA", "gated MLP", "separate",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "attention", "feed"),
    [
        ("Qwen/Qwen3.5-397B-A17B", "recurrent + GQA", "MoE"),
        ("deepseek-ai/DeepSeek-V3", "MLA", "gated MLP + MoE"),
        ("openai-community/gpt2", "fused QKV", "MLP"),
    ],
)
def test_structures_of_other_models(model: str, attention: str, feed: str) -> None:
    found = analyze_layer_structure(inspect_model_structure(model, settings=OFFLINE))
    assert (found["attention_type"], found["mlp_type"]) == (attention, feed)


def test_layers_are_counted_where_the_configuration_only_lists_their_kinds() -> None:
    """Nemotron-H's configuration has the kind of each of its 52 layers, and their number nowhere."""
    assert get_model_config("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", settings=OFFLINE)["num_layers"] == 52


def test_a_model_without_a_table_of_tokens_is_as_wide_as_its_norms() -> None:
    rows = inspect_model_structure("google/vit-base-patch16-224-in21k", settings=OFFLINE)
    assert analyze_layer_structure(rows)["hidden_size"] == 768


def test_keys_and_values_of_one_projection_are_told() -> None:
    layer = {"self_attn.q_b_proj.weight": (4096, 1024), "self_attn.kv_proj.weight": (512, 4096)}
    rows = [{"kind": "param", "name": f"model.layers.0.{name}", "shape": shape} for name, shape in layer.items()]
    assert analyze_layer_structure(rows)["attention_type"] == "keys and values in one projection"


def test_supported_layers_are_named_with_docstring_and_module() -> None:
    found = get_supported_layers(SAMPLES)
    assert found["RMSNormLayer"] == {
        "docstring": "Root-mean-square norm.", "module": "estimator_layers.basic", "parameters": ["hidden_size", "eps"],
    }  # fmt: skip


def test_without_a_folder_the_place_of_the_estimators_plan_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        get_supported_layers()
    (tmp_path / "backend" / "layers").mkdir(parents=True)
    (tmp_path / "backend" / "layers" / "norms.py").write_text("class RMSNormLayer:\n    def __init__(self, dim): ...\n")
    assert get_supported_layers()["RMSNormLayer"]["module"] == "layers.norms"


def test_a_folder_without_a_name_is_not_the_current_one() -> None:
    with pytest.raises(UsageError, match="has no name"):
        get_supported_layers("")


@pytest.mark.parametrize(
    "given",
    [
        "model.safetensors",
        7,
        [{"kind": "param", "shape": (2, 3)}],
        [{"name": "a.weight"}],
        [{"name": "a.weight", "shape": "(2, 3)"}],
        [{"name": "a.weight", "shape": (2, "b")}],
        [{"name": "a.weight", "shape": (2, -3)}],
        [("a.weight", (2, 3))],
    ],
)
def test_what_is_no_list_of_tensors_is_refused_by_every_function(given: Any, tmp_path: Path) -> None:
    for function in (
        count_parameters,
        estimate_memory,
        analyze_layer_structure,
        lambda rows: validate_config(rows, expected_params=1),
        lambda rows: save_tensor_inspection(rows, tmp_path / "tensors.csv"),
    ):
        with pytest.raises(UsageError, match="tensor"):
            function(given)


def test_sizes_that_are_not_known_read_back_from_a_file(tmp_path: Path) -> None:
    rows = [{"kind": "param", "name": "a.weight", "shape": (None, 3), "dtype": "torch.float32"}]
    assert read_tensor_inspection(save_tensor_inspection(rows, tmp_path / "tensors.csv")) == rows
