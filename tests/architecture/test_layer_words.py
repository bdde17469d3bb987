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
