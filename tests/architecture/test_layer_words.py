"""Words of layer kinds and rows of the breakdown, on small models of official code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz.architecture.model import Architecture
from archviz.architecture.text import describe_text
from archviz.descriptions import describe
from tests.verify.models import SETTINGS

INKLING2 = {"num_hidden_layers": 6, "hidden_size": 64, "head_dim": 16, "swa_head_dim": 16, "num_attention_heads": 4, "num_key_value_heads": 2,
            "swa_num_attention_heads": 4, "swa_num_key_value_heads": 2, "moe_intermediate_size": 32, "n_routed_experts": 8, "vocab_size": 99,
            "unpadded_vocab_size": 99}  # fmt: skip
ZAMBA2 = {"num_hidden_layers": 3, "hidden_size": 64, "layers_block_type": ["mamba", "hybrid", "mamba"], "num_mem_blocks": 1, "vocab_size": 99,
          "num_attention_heads": 4, "mamba_ngroups": 1, "n_mamba_heads": 4, "mamba_d_state": 8, "adapter_rank": 4, "intermediate_size": 96}  # fmt: skip


def described(folder: Path, model_type: str, config: dict[str, Any]) -> Architecture:
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": model_type, **config}))
    return describe(str(path), settings=SETTINGS)


def labels(found: Architecture, start: str) -> list[str]:
    return [row.label for row in found.parameters.breakdown if row.label.startswith(start)]


def test_mixers_stand_in_the_order_in_which_they_run(tmp_path: Path) -> None:
    found = described(tmp_path, "zamba2", ZAMBA2)
    assert found.layers[0].pattern_text == "mamba2, attention+mamba2+geglu, mamba2"
    rows = {row.key.partition("/attention+mamba2+geglu/")[2]: row for row in found.parameters.breakdown}
    alone = next(row for row in found.parameters.breakdown if row.key == "layers/mamba2/mixer")
    assert rows["mixer_2"].each == alone.each  # the Mamba layer inside the layer has its norm among the norms
    assert rows["norms"].count == 64 * 2 + 64 + 64


def test_layers_that_pool_their_queries_say_so(tmp_path: Path) -> None:
    found = described(
        tmp_path, "funnel", {"block_sizes": [1, 2], "d_model": 64, "n_head": 4, "d_head": 16, "d_inner": 96}
    )
    titles = [kind.title for stack in found.layers for kind in stack.kinds]
    assert "Attention + MLP (GELU-tanh) (fewer queries than keys)" in titles
    assert not any("variant" in title for title in titles)


def test_a_layer_is_told_apart_by_what_it_lacks(tmp_path: Path) -> None:
    found = described(
        tmp_path,
        "modernbert",
        {"num_hidden_layers": 7, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4},
    )
    assert [kind.title for kind in found.layers[0].kinds if kind.indices == [0]] == [
        "Full attention + GeGLU (without attn norm)"
    ]


def test_keys_of_another_mix_of_the_same_states_make_no_cross_attention(tmp_path: Path) -> None:
    found = described(tmp_path, "inkling2_text", INKLING2)
    assert {kind.mixer_kind for kind in found.layers[0].kinds if "attention" in (kind.mixer_kind or "")} == {
        "sliding_gated_attention+depthwise_convolution×2", "full_gated_attention+depthwise_convolution×2"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model_type", "config", "feed", "hidden"),
    [
        ("cpmant", {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "dim_head": 16, "dim_ff": 96, "vocab_size": 99}, "GeGLU", 96),
        ("lightglue", {}, "MLP (GELU)", 512),
        ("mobilevitv2", {}, "MLP (SiLU)", 384),
    ],
)  # fmt: skip
def test_feed_forwards_in_several_modules_are_whole(
    tmp_path: Path, model_type: str, config: dict[str, Any], feed: str, hidden: int
) -> None:
    found = described(tmp_path, model_type, config)
    facts = {fact.key: fact.value for fact in found.facts}
    assert facts["feed_forward"] == feed
    assert hidden in (
        facts["intermediate_size"],
        *([] if isinstance(facts["intermediate_size"], int) else facts["intermediate_size"]),
    )
    assert labels(found, "Other") == []


def test_what_else_a_layer_holds_is_named(tmp_path: Path) -> None:
    found = described(tmp_path, "convnext", {"hidden_sizes": [16], "depths": [2], "num_stages": 1})
    assert labels(found, "Other") == ["Other (layer_scale_parameter)"]
    found = described(tmp_path, "mobilebert", {"num_hidden_layers": 2, "vocab_size": 99})
    assert labels(found, "Other") == [
        "Other (output.bottleneck.dense, bottleneck.input.dense, bottleneck.attention.dense)"
    ]


def test_what_the_pass_of_a_token_does_not_call_is_not_active(tmp_path: Path) -> None:
    found = described(tmp_path, "luke", {"num_hidden_layers": 1, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "vocab_size": 99,
                                         "entity_vocab_size": 500, "entity_emb_size": 32})  # fmt: skip
    entities = 500 * 32 + 32 * 64 + 512 * 64 + 2 * 64 + 2 * 64
    assert found.parameters.active == found.parameters.total - entities
    assert (found.parameters.active_definition or "").endswith(
        "Left out, because its pass does not call them: entity_embeddings."
    )


def test_what_projects_the_encoders_states_for_the_layers_reads_no_token_ids(tmp_path: Path) -> None:
    encoder = {
        "num_hidden_layers": 1,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "subsampling_conv_channels": 16,
    }
    found = described(tmp_path, "cohere_asr", {"encoder_config": encoder, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1,
                                               "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16, "vocab_size": 99})  # fmt: skip
    line = next(line for line in describe_text(found).splitlines() if line.strip().startswith("proj "))
    assert line.endswith("(beside the stack: reads the output of the encoder, for the layers)")


def test_layers_that_differ_in_a_number_are_told_apart_by_it(tmp_path: Path) -> None:
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 99,
             "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": 99, "laurel_rank": 4, "num_kv_shared_layers": 0}  # fmt: skip
    found = described(tmp_path, "gemma3n_text", {**sizes, "num_hidden_layers": 3, "layer_types": ["full_attention"] * 3,
                                                 "activation_sparsity_pattern": [0.95, 0.0, 0.0]})  # fmt: skip
    assert [kind.title for kind in found.layers[0].kinds] == [
        "Attention + GeGLU (activation sparsity 0.95)",
        "Attention + GeGLU",
    ]


def test_a_path_that_a_module_keeps_of_itself_parts_no_layers(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(OWN_PATHS)
    found = describe(str(path), class_name="Model", settings=SETTINGS)
    assert found.layers[0].pattern_text == "2 × mlp"


def test_stages_that_differ_state_a_value_each(tmp_path: Path) -> None:
    found = described(tmp_path, "segformer", {})
    facts = {fact.key: fact.value for fact in found.facts}
    assert facts["intermediate_size"] == [128, 256, 640, 1024]
    assert facts["attention_heads"] == [1, 2, 5, 8]
    assert facts["feed_forward"] == "MLP (GELU) with depthwise convolution 3 × 3"


def test_tables_of_positions_are_told_by_the_class_that_holds_them(tmp_path: Path) -> None:
    sizes = {"hidden_size": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
             "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}  # fmt: skip
    found = described(tmp_path, "speecht5", sizes)
    assert {
        node.label
        for tower in found.towers
        for item in tower.column
        if (node := item.node) and "16" in "".join(node.details)
    } == {"Position embedding"}


def test_a_rotation_before_states_are_cut_into_heads_is_told_as_one(tmp_path: Path) -> None:
    fact = described(tmp_path, "efficientloftr", {}).fact("rope_dimensions")
    assert fact is not None
    assert (fact.value, fact.unit) == (256, "of 256 for all heads together")


OWN_PATHS = """
from torch import nn


class Layer(nn.Module):
    def __init__(self, key):
        super().__init__()
        self.key = key
        self.norm, self.up, self.act, self.down = nn.LayerNorm(32), nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32)

    def forward(self, x):
        return x + self.down(self.act(self.up(self.norm(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(99, 32)
        self.layers = nn.ModuleList([Layer(f"layers.{index}") for index in range(2)])

    def forward(self, input_ids):
        x = self.embed(input_ids)
        for layer in self.layers:
            x = layer(x)
        return x
"""
