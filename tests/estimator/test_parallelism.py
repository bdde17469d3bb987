from __future__ import annotations

import pytest

from archviz.estimator.expected import moved, output_shape
from archviz.estimator.official_plan import official_plan, planned
from archviz.estimator.parallelism import is_fused, tensor_splits
from archviz.sources.model_source import read_model_source
from tests.estimator.models import OFFLINE, expected, pieces

QWEN, FLASH = "Qwen/Qwen3.5-397B-A17B", "deepseek-ai/DeepSeek-V4-Flash"


def splits(model: str, piece: str) -> dict[str, str]:
    return {split.tensor: split.how for split in tensor_splits(pieces(model)[piece])}


@pytest.mark.parametrize(
    ("model", "piece"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", "attention"),
        ("MiniMaxAI/MiniMax-M2", "attention"),
        (QWEN, "gated_attention"),
        ("Qwen/Qwen3-0.6B", "swiglu"),
    ],
)
def test_splits_read_off_the_shapes_are_those_of_the_official_plan(model: str, piece: str) -> None:
    plan = official_plan(read_model_source(model, OFFLINE), OFFLINE)
    checked = 0
    for split in tensor_splits(pieces(model)[piece]):
        how = planned(plan, split.tensor)
        if how.startswith(("colwise", "rowwise")):
            assert split.how == {"colwise": "columns", "rowwise": "rows"}[how[:7]]
            checked += 1
    assert checked >= 3


def test_what_serves_all_heads_is_on_every_device() -> None:
    found = splits(FLASH, "compressed_sparse_attention")
    assert {how for name, how in found.items() if "compressor" in name} == {"whole"}
    assert expected(FLASH, "compressed_sparse_attention").shards[8] == 38_018_184


def test_fewer_kv_heads_than_devices_are_copied() -> None:
    held = expected(QWEN, "gated_attention").shards
    sharded, copied = 16_384 * 4_096 + 4_096 * 8_192, 2 * 512 * 4_096
    assert held == {
        2: (sharded + copied) // 2 + 512,
        4: sharded // 4 + copied // 2 + 512,
        8: sharded // 8 + copied // 2 + 512,
    }


def test_heads_that_do_not_divide_are_said() -> None:
    assert expected("openai-community/gpt2", "attention").shards[8] is None  # 12 heads


@pytest.mark.parametrize(
    ("model", "piece", "size"),
    [
        ("deepseek-ai/DeepSeek-V3", "mla", 1_152),  # (512 + 64) × 2
        ("MiniMaxAI/MiniMax-M2", "attention", 4_096),  # 2 × 8 × 128 × 2
        (FLASH, "compressed_sparse_attention", None),
        (QWEN, "gated_deltanet", None),
    ],
)
def test_keys_and_values_of_a_token(model: str, piece: str, size: int | None) -> None:
    assert expected(model, piece).kv_bytes == size


def test_a_recurrent_state_does_not_grow() -> None:
    assert (
        expected(QWEN, "gated_deltanet").state_bytes == 4 * 64 * 128 * 128 + 98_304
    )  # and 4 positions of the convolution in bf16


def test_the_one_head_of_keys_and_values_is_whole_on_every_device() -> None:
    found = splits(FLASH, "heavily_compressed_attention")
    assert {how for name, how in found.items() if name.endswith("self_attn.kv_proj.weight")} == {"whole"}


def test_what_is_added_to_keys_is_no_multiplication() -> None:
    piece = pieces(FLASH)["heavily_compressed_attention"]
    added = [tensor for tensor in piece.tensors if tensor.name.endswith("position_bias")]
    assert [tensor.shape for tensor in added] == [(128, 512)]
    matrices = sum(t.numel for t in piece.tensors if len(t.shape) > 1 and t not in added)
    assert expected(FLASH, "heavily_compressed_attention").flops == 2 * matrices


def sent(model: str, piece: str) -> dict[str, int | None]:
    return {each.name.split()[0]: moved(each, 4, 16) for each in expected(model, piece).strategies}


def test_all_residual_streams_go_from_one_stage_to_the_next() -> None:
    assert sent(FLASH, "moe_experts")["Pipeline"] == 16 * 4 * 4_096 * 2


def test_what_a_gate_of_one_number_hands_on_is_the_hidden_state() -> None:
    assert sent(QWEN, "shared_expert_gate")["Pipeline"] == 16 * 4_096 * 2


def test_the_last_of_several_projections_splits_by_rows_and_adds_over_devices() -> None:
    found = splits(QWEN, "vision_merger")
    by_name = {name.split("merger.")[1]: how for name, how in found.items()}
    assert (by_name["linear_fc1.weight"], by_name["linear_fc2.weight"]) == ("columns", "rows")
    assert (by_name["linear_fc1.bias"], by_name["linear_fc2.bias"]) == ("columns", "whole")
    assert sent(QWEN, "vision_merger")["Tensor"] == 16 * 4_096 * 2 * 2 * 3 // 4
    whole = 4_096 + 2 * 1_152  # the bias of what is added over devices, and the norm before
    assert expected(QWEN, "vision_merger").shards[2] == (4_608 * 4_608 + 4_608 + 4_096 * 4_608) // 2 + whole


@pytest.mark.parametrize(("model", "piece"), [(FLASH, "attn_hc"), (QWEN, "vision_position_embedding")])
def test_nothing_is_sent_only_where_nothing_is_split(model: str, piece: str) -> None:
    assert set(splits(model, piece).values()) == {"whole"}
    assert sent(model, piece)["Tensor"] == 0


def test_keys_and_values_that_go_round_pass_all_other_devices() -> None:
    assert sent("MiniMaxAI/MiniMax-M2", "attention")["Sequence"] == 16 * 4_096 * 3


def at_border(model: str, piece: str) -> int | None:
    found = {each.name.split()[0]: each for each in expected(model, piece).strategies}["Sequence"]
    assert found.bytes_per_token is None
    return found.at_border


def test_what_reaches_back_a_fixed_way_is_sent_once_for_each_border() -> None:
    assert at_border(FLASH, "sliding_attention") == 127 * 512 * 2  # the values are the keys
    assert at_border(QWEN, "gated_deltanet") == 64 * 128 * 128 * 4 + 12_288 * 4 * 2
    assert at_border("openai/whisper-tiny", "encoder_conv1") == 2 * 80 * 2
    assert at_border("openai/whisper-tiny", "encoder_conv2") == 1 * 384 * 2


def test_what_works_on_each_position_and_splits_nothing_sends_nothing() -> None:
    assert sent(FLASH, "moe_router")["Sequence"] == 0
    assert sent(QWEN, "shared_expert_gate")["Sequence"] == 0


def test_a_fused_projection_is_split_in_its_parts() -> None:
    piece = pieces(QWEN)["gated_deltanet"]
    fused = {split.tensor.split(".")[-2] for split in tensor_splits(piece) if is_fused(piece, split)}
    assert {"in_proj_qkv", "conv1d"} <= fused
    assert not fused & {"out_proj", "norm", "in_proj_z", "in_proj_a", "in_proj_b"}


def test_a_convolution_with_a_stride_gives_fewer_positions() -> None:
    piece = pieces("openai/whisper-tiny")["encoder_conv2"]
    assert piece.specs["stride"] == [2]
    assert output_shape(piece) == [2, 8, 384]


def test_keys_and_values_beside_queries_in_one_projection_are_copied() -> None:
    held = expected("transformers:gpt_bigcode", "attention").shards  # 12 heads of 64, 1 of keys and values
    assert held[4] == (768 // 4 + 2 * 64) * (768 + 1) + 768 * 768 // 4 + 768
    assert held[8] is None


def test_states_that_one_group_makes_for_all_heads_are_copied() -> None:
    held = expected("transformers:falcon_h1", "mamba2").shards  # B and C: 2 · 1 · 256 rows
    for devices in (2, 4, 8):
        into = ((2 * 1_024 + 128) // devices + 512) * 4_096
        convolved = (1_024 // devices + 512) * (4 + 1)
        assert held[devices] == into + convolved + 3 * 128 // devices + 1_024 // devices * 4_096


def test_states_of_enough_groups_are_cut() -> None:
    held = expected("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "mamba2").shards
    piece = pieces("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16")["mamba2"]
    norm = sum(t.numel for t in piece.tensors if "norm" in t.name)
    assert held[8] == (sum(t.numel for t in piece.tensors) - norm) // 8 + norm


def test_what_reads_the_channels_of_mamba_splits_by_rows_and_adds_over_devices() -> None:
    found = {name.split("mixer.")[1]: how for name, how in splits("transformers:mamba", "mamba").items()}
    assert (found["x_proj.weight"], found["out_proj.weight"]) == ("rows", "rows")
    assert {found[name] for name in ("D", "A_log", "dt_proj.weight", "dt_proj.bias", "conv1d.bias")} == {"columns"}
    assert sent("transformers:mamba", "mamba")["Tensor"] == 16 * (768 + 80) * 2 * 2 * 3 // 4
    assert (
        expected("transformers:mamba", "mamba").shards[8]
        == sum(tensor.numel for tensor in pieces("transformers:mamba")["mamba"].tensors) // 8
    )


@pytest.mark.parametrize("piece", ["attention", "mlp"])
def test_matrices_stored_with_their_inputs_first_are_cut_along_the_other_axis(piece: str) -> None:
    found = {
        split.tensor.split(".", 4)[-1]: (split.how, split.axis)
        for split in tensor_splits(pieces("openai-community/gpt2")[piece])
    }
    into = "c_attn" if piece == "attention" else "c_fc"
    assert (found[f"{into}.weight"], found[f"{into}.bias"]) == (("columns", 1), ("columns", 0))
    assert (found["c_proj.weight"], found["c_proj.bias"][0]) == (("rows", 0), "whole")
    wide, outputs = (2_304, 768) if piece == "attention" else (3_072, 768)
    sizes = 768 * wide + wide + (768 if piece == "attention" else 3_072) * outputs
    assert expected("openai-community/gpt2", piece).shards[4] == sizes // 4 + outputs
