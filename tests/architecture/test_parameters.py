from __future__ import annotations

from archviz.descriptions import describe
from archviz.settings import Settings
from tests.verify.models import read_model


def labels(model_type: str) -> set[str]:
    return {row.label for row in read_model(model_type)[1].parameters.breakdown}


def test_norms_of_compressed_vectors_are_no_query_and_key_norms() -> None:
    assert "Latent norms" in labels("deepseek_v3")
    assert not any("Q/K" in label for label in labels("deepseek_v3"))


def test_norms_of_heads_are_query_and_key_norms() -> None:
    assert "Q/K norms" in labels("qwen3")


def test_what_a_tower_holds_outside_of_its_modules_is_not_active_for_text() -> None:
    found = describe("meta-llama/Llama-3.2-11B-Vision-Instruct", settings=Settings(offline=True)).parameters
    assert found.active == 9_775_192_080  # the text decoder, without the 1,280 of the vision class embedding


def test_a_compressor_and_its_indexer_have_rows_of_their_own() -> None:
    found = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True)).parameters
    rows = {row.key: row for row in found.breakdown}
    key = "layers/compressed_sparse_attention+moe/mixer"
    parts = [row for row in found.breakdown if row.parent == key]
    assert [row.label for row in parts] == ["Projections", "Attention sinks", "Compressor", "Q/K and latent norms"]
    assert sum(row.count for row in parts) == rows[key].count
    inner = [row for row in found.breakdown if row.parent == f"{key}/compressor"]
    assert [row.label for row in inner] == ["Pooling", "Indexer"]
    assert sum(row.count for row in inner) == rows[f"{key}/compressor"].count
    assert "Hyper-connections (attn_hc, ffn_hc)" in {row.label for row in found.breakdown}


def test_experts_without_weights_take_their_share_of_the_choices_and_the_range_is_told() -> None:
    architecture = describe("transformers:longcat_flash", settings=Settings(offline=True))
    found, values = architecture.parameters, {fact.key: fact.value for fact in architecture.facts}
    assert (values["experts"], values["zero_experts"], values["experts_per_token"]) == (512, 256, 12)
    rows = {row.key: row for row in found.breakdown}
    row = next(row for row in found.breakdown if row.label == "Experts")
    assert row.active == 28 * 8 * 3 * 6144 * 2048  # 12 choices, two of three of them among experts with weights
    assert row.count == 28 * (768 * 2 + 512) * 6144 * 2048
    assert not any(label.startswith("Other") for label in (each.label for each in rows.values()))
    assert found.active == found.total - row.count + row.active
    one = 28 * 3 * 6144 * 2048
    told = found.active_definition or ""
    assert "0 to 12 fall on the 512 experts with weights, the others on 256 zero experts" in told
    assert f"{found.active - 8 * one:,} to {found.active + 4 * one:,}" in told


def test_a_choice_to_skip_the_experts_is_an_expert_without_weights() -> None:
    architecture = describe("transformers:zaya", settings=Settings(offline=True))
    values = {fact.key: fact.value for fact in architecture.facts}
    assert (values["experts"], values["zero_experts"], values["experts_per_token"]) == (16, 1, 1)
    assert "counted are 0.941" in (architecture.parameters.active_definition or "")


def test_experts_that_text_is_never_sent_to_are_not_active() -> None:
    read = describe("transformers:ernie4_5_vl_moe", settings=Settings(offline=True))
    layer = 15_728_640 + 2 * 2_560 + 755_138_624 - 754_974_720 * 58 // 64 + 23_592_960  # 6 of 64 experts of text
    beside = 28_624_635_776 - 110_105_600 - 27 * 1_046_287_488  # embedding and final norm
    head = 29_399_294_336 - 28_624_635_776 - 630_433_280 - 144_225_280
    assert read.parameters.active == beside + 110_105_600 + 27 * layer + head == 3_352_150_208
    assert "Not on the way of text: the experts of vision_moe." in (read.parameters.active_definition or "")
    hidden = read.fact("expert_hidden_size")
    assert hidden is not None
    assert hidden.value == {"attention+moe×2+swiglu": [1536, 512]}


def test_a_norm_that_all_experts_share_is_counted_once_and_passed_by_every_token() -> None:
    found = describe("transformers:muse_spark", settings=Settings(offline=True)).parameters
    each = {row.label: row.each for row in found.breakdown}
    assert each["Experts"] == 3 * 4_096 * 4_096
    assert each["Common to the experts (post_expert_norm)"] == 4_096
    idle = 62 * 248 * 3 * 4_096 * 4_096
    assert found.active == 819_990_536_192 - idle
