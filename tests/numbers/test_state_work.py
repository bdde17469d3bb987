"""Work on recurrent states, counted by hand: the same in the memory of a model and in the costs of its modules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.descriptions import described
from archviz.numbers.layer_costs import LayerCosts
from archviz.numbers.memory import SAMPLED, find_memory
from archviz.readings import read_cached
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)
MODELS = {
    "delta rule": (
        {
            "model_type": "qwen3_next", "num_hidden_layers": 2, "layer_types": ["linear_attention", "full_attention"], "hidden_size": 32,
            "vocab_size": 40,
            "num_attention_heads": 4, "num_key_value_heads": 2, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
            "linear_key_head_dim": 8, "linear_value_head_dim": 6, "num_experts": 0, "mlp_only_layers": [0], "intermediate_size": 48,
        },
        "model.layers.0.linear_attn", 4 * 8 * 6, 7,
    ),
    "state space beside attention": (
        {
            "model_type": "falcon_h1", "num_hidden_layers": 1, "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2,
            "intermediate_size": 48, "vocab_size": 60, "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_n_groups": 1,
            "mamba_d_state": 16,
        },
        "model.layers.0.mamba", 4 * 8 * 16, 7,
    ),
    "decay by a weight of the state's size": (
        {"model_type": "mamba", "num_hidden_layers": 1, "hidden_size": 16, "state_size": 6, "vocab_size": 40},
        "backbone.layers.0.mixer", 32 * 6, 6,  # that product counts as a weight
    ),
    "a vector, of whose shape the gates are too": (
        {
            "model_type": "recurrent_gemma", "num_hidden_layers": 2, "block_types": ["recurrent", "attention"], "hidden_size": 32, "lru_width": 32,
            "vocab_size": 40, "num_attention_heads": 4, "num_key_value_heads": 1, "intermediate_size": 96,
        },
        "model.layers.0.temporal_block.rg_lru", 32, 2,  # decay, and the input added
    ),
    "a list beside the layers": (
        {
            "model_type": "minimax", "num_hidden_layers": 1, "layer_types": ["linear_attention"], "hidden_size": 32, "vocab_size": 40,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 48, "num_local_experts": 2,
        },
        "model.layers.0.self_attn", 4 * 8 * 8, 6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_every_multiplication_and_addition_on_the_state_counts(name: str, tmp_path: Path) -> None:
    config, module, state, each = MODELS[name]
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    source = read_model_source(str(path), OFFLINE)
    reading, passes = read_cached(source, SAMPLED, settings=OFFLINE)
    found = find_memory(described(source, reading), passes, [10, 20])
    work = [growth for growth in found.operations.growths if not growth.slope and growth.window is None]
    assert sum(int(growth.constant) for growth in work) == each * state
    assert LayerCosts(reading, passes).recurrence([module]) == each * state
    assert found.contexts[0].state == found.contexts[1].state >= 4 * state
    kinds = {kept.name: kept.dtype for kind in found.kinds for kept in kind.kept}
    assert kinds.get("conv_states.0") is None, "a factor made in the default type does not widen it"
