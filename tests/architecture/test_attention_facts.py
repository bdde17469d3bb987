"""Facts of official models whose layers differ: one value for each kind of layer, never one that is wrong for some."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.architecture.labels import attention_details
from archviz.architecture.model import Fact
from archviz.descriptions import describe
from archviz.patterns.attention import Attention
from archviz.patterns.masks import Mask
from archviz.settings import Settings
from tests.verify.models import read_model


def fact(model_type: str, key: str) -> Fact:
    found = read_model(model_type)[1].fact(key)
    assert found is not None, key
    return found


def test_gemma_4_states_what_differs_for_each_kind_of_layer() -> None:
    by_kind = {"sliding_attention": 256, "full_attention": 512}
    assert fact("gemma4_text", "head_dim").value == by_kind
    assert fact("gemma4_text", "kv_heads").value == {"sliding_attention": 4, "full_attention": 2}
    assert fact("gemma4_text", "attention_ratio").value == {"sliding_attention": "2:1", "full_attention": "4:1"}
    assert fact("gemma4_text", "rope_theta").value == {"sliding_attention": 1e4, "full_attention": 1e6}
    assert fact("gemma4_text", "rope_partial_factor").value == {"sliding_attention": 1.0, "full_attention": 0.25}


def test_a_value_that_all_kinds_share_is_stated_once() -> None:
    assert fact("gemma4_text", "attention_heads").value == 8
    assert fact("gemma4_text", "sliding_window").value == 512  # only sliding layers have a window


def test_a_window_that_looks_both_ways_says_so() -> None:
    assert (fact("modernbert", "sliding_window").value, fact("modernbert", "sliding_window").unit) == (
        64,
        "tokens to each side",
    )
    assert fact("gemma4_text", "sliding_window").unit == "tokens"


@pytest.mark.parametrize(
    "mask, words", [(Mask("sliding", 64, both_ways=True), "window 64 to each side"), (Mask("sliding", 64), "window 64")]
)
def test_the_label_of_an_attention_says_where_its_window_looks(mask: Mask, words: str) -> None:
    what = Attention("mha", 12, 12, 64, span="sliding", window=64, mask=mask)
    assert attention_details(what)[-1] == words


def test_rotated_dimensions_are_told_of_the_whole_head_where_a_part_is_cut_off_before() -> None:
    for model_type, total in (("gptj", 256), ("deepseek_v3", 192)):
        found = fact(model_type, "rope_dimensions")
        assert (found.value, found.unit) == (64, f"of {total} per head")


def test_qk_norms_and_thetas_of_only_some_layers_are_told_by_kind() -> None:
    assert fact("llama4_text", "qk_norm").value == {"chunked_rope_attention": "per head", "full_nope_attention": "none"}


@pytest.mark.parametrize(
    ("model_type", "scale"),
    [("gemma2", "1/√d_h"), ("t5", 1.0), ("llama", "1/√d_h"), ("bloom", "1/√d_h"), ("gptj", "1/√d_h")],
)
def test_a_usual_scale_of_scores_is_told_from_one_that_is_not_known(model_type: str, scale: float | str | None) -> None:
    found = read_model(model_type)[1].fact("attention_scale")
    assert (found.value if found else None) == scale


def of_file(folder: Path, **values: object) -> dict[str, object]:
    """The facts of a configuration in a file."""
    file = folder / "small.json"
    sizes = {
        "num_hidden_layers": 2,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_attention_heads": 4,
        "vocab_size": 99,
    }
    file.write_text(json.dumps({**sizes, **values}))
    return {each.key: each.value for each in describe(str(file), settings=Settings(offline=True)).facts}


def test_sections_of_m_rope_that_stand_in_the_code_alone_are_told(tmp_path: Path) -> None:
    found = of_file(tmp_path, model_type="qwen3_vl_text", num_key_value_heads=4, head_dim=128)
    assert found["mrope_section"] == [24, 20, 20]


@pytest.mark.parametrize(("context", "effect"), [(32, "none: it is not shorter than the context length"), (64, None)])
def test_a_window_as_long_as_the_context_hides_nothing(context: int, effect: str | None, tmp_path: Path) -> None:
    stated = {"sliding_window": 32, "max_position_embeddings": context, "num_key_value_heads": 4, "pad_token_id": 0}
    found = of_file(tmp_path, model_type="phi3", **stated)
    assert (found["sliding_window"], found.get("sliding_window_effect")) == (32, effect)


@pytest.mark.parametrize(("bound", "words"), [(8.0, "−8 … 8"), (None, None)])
def test_bounds_of_queries_keys_and_values_are_told(bound: float | None, words: str | None, tmp_path: Path) -> None:
    assert of_file(tmp_path, model_type="olmo", clip_qkv=bound, pad_token_id=0).get("projection_bounds") == words


def test_frequencies_of_zero_turn_nothing() -> None:
    assert fact("gemma4_text", "rope_dimensions").value == {"sliding_attention": 256, "full_attention": 128}
    graph = read_model("gemma4_text")[1].block("text/full_attention")
    assert graph is not None
    assert {node.details[0] for node in graph.nodes if node.role == "rope"} == {"128 of 512 dims"}


def test_settings_of_a_rotation_cite_their_own_keys() -> None:
    where = {
        key: [each.where for each in fact("gemma4_text", key).evidence if each.kind == "config"]
        for key in ("rope_theta", "rope_partial_factor", "rope_scaling")
    }
    own = "rope_parameters.full_attention"
    assert where["rope_theta"][-1] == f"{own}.rope_theta"
    assert where["rope_partial_factor"] == [f"{own}.partial_rotary_factor"]
    assert where["rope_scaling"] == [own]


@pytest.mark.parametrize(
    ("model", "mask"), [("google/gemma-4-26B-A4B", "bidirectional"), ("meta-models/Muse-Glimmer-30B", "none")]
)
def test_a_tower_is_called_with_patches_as_it_reads_them(model: str, mask: str) -> None:
    """Patches with the place of each (Gemma-4), patches of several frames (Muse-Glimmer)."""
    architecture = describe(model, settings=Settings(offline=True))
    found = {fact.key: (fact.value, fact.status) for fact in architecture.facts}
    assert found["vision_attention_mask"] == (mask, "verified")
    assert found["vision_position_encoding"] == ("RoPE and table of positions", "verified")
    assert "vision_trace" not in found


def test_positions_of_a_tower_that_no_pass_reaches_are_told_from_its_modules_and_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("archviz.interpreter.tower_passes.tower_inputs", lambda *_: iter(()))
    found = describe("google/gemma-4-26B-A4B", settings=Settings(offline=True)).fact("vision_position_encoding")
    assert found is not None
    assert (found.value, found.status) == ("RoPE and table of positions", "unverified")
    assert any("modeling_gemma4.py" in each.where for each in found.evidence)


@pytest.mark.parametrize(("model_type", "words"), [("qwen3_vl", "M-RoPE"), ("qwen3", "RoPE")])
def test_rotations_by_time_height_and_width_are_called_so(model_type: str, words: str) -> None:
    found = {each.key: each for each in describe(f"transformers:{model_type}").facts}
    assert found["position_encoding"].value == words
    places = [each.where for each in found["position_encoding"].evidence]
    assert any("modeling_qwen3_vl.py:" in each for each in places[1:]) == (words == "M-RoPE")


SMALL = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 50}


@pytest.mark.parametrize("normed", [True, False])
def test_a_list_of_norms_one_for_each_head_is_a_qk_norm(tmp_path: Path, normed: bool) -> None:
    values = {"model_type": "stablelm", "num_key_value_heads": 2, "intermediate_size": 64, "qk_layernorm": normed}
    assert of_file(tmp_path, **SMALL, **values)["qk_norm"] == ("per head" if normed else "none")


def test_a_base_is_not_told_of_a_model_whose_code_turns_nothing(tmp_path: Path) -> None:
    linear = {"model_type": "falcon", "alibi": True, "multi_query": False, "parallel_attn": False}
    facts = of_file(tmp_path, **SMALL, **linear)
    assert (facts["position_encoding"], facts["attention_mask"]) == ("ALiBi", "causal")
    assert "rope_theta" not in facts
    assert of_file(tmp_path, **SMALL, **linear | {"alibi": False})["rope_theta"] == 10000.0


@pytest.mark.parametrize("layers", [[], [1]])
def test_layers_that_only_carry_a_state_have_no_rotation(tmp_path: Path, layers: list[int]) -> None:
    sizes = {"mamba_n_heads": 4, "mamba_d_head": 32, "mamba_d_state": 16, "num_key_value_heads": 2}
    values = {"model_type": "bamba", "intermediate_size": 64, "attn_layer_indices": layers}
    facts = of_file(tmp_path, **SMALL, **sizes, **values)
    assert facts.get("position_encoding") == ("RoPE" if layers else None)


def test_the_state_of_a_mixer_inside_a_wrapper_has_its_sizes(tmp_path: Path) -> None:
    kinds = ["mamba", "mamba", "hybrid"]
    sizes = {"mamba_d_state": 16, "n_mamba_heads": 4, "mamba_ngroups": 1, "num_mem_blocks": 1, "intermediate_size": 64}
    values = {"model_type": "zamba2", "layers_block_type": kinds, "use_shared_attention_adapter": False}
    facts = of_file(tmp_path, **SMALL | {"num_hidden_layers": 3}, **sizes, **values)
    assert facts["mamba2"]["state"] == 16  # type: ignore[index]


def test_keys_of_another_sequence_are_crossed_to_whatever_the_module_is_called() -> None:
    found = describe("transformers:pix2struct", settings=Settings(offline=True))
    decoder = next(stack for stack in found.layers if stack.path.startswith("decoder"))
    assert {kind.title.partition(" + ")[2] for kind in decoder.kinds} == {"Cross attention + GeGLU"}
    encoder = next(stack for stack in found.layers if stack.path.startswith("encoder"))
    assert [kind.title for kind in encoder.kinds] == ["Attention + GeGLU"]


def test_products_with_waves_of_distances_are_relative_positions() -> None:
    facts = {f.key: f for f in describe("transformers:parakeet_encoder", settings=Settings(offline=True)).facts}
    assert facts["position_encoding"].value == "relative, sinusoidal"
    assert "modeling_parakeet.py" in facts["position_encoding"].evidence[0].where
