"""Made-up repositories: one of each kind that the Hub holds."""

from __future__ import annotations

import json
from pathlib import Path

from tests.lookup.hub.loopback import LoopbackHub, Repository, safetensors

ELDER = Path(__file__).parents[2] / "sources" / "fixtures" / "elder"
TINY = {
    "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 256,
    "tie_word_embeddings": False,
}  # fmt: skip
CONFIG = json.dumps(TINY).encode()
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def sharded() -> Repository:
    """Two shards, one with a header of more than 100 kB, so that it takes two ranged requests."""
    first = {"model.embed_tokens.weight": ("BF16", [256, 64])}
    second = {
        f"model.layers.{index}.mlp.experts.{expert}.up_proj.weight": ("BF16", [128, 64])
        for index in range(8)
        for expert in range(128)
    }
    index = {
        "metadata": {"total_size": 1},
        "weight_map": {**dict.fromkeys(first, SHARDS[0]), **dict.fromkeys(second, SHARDS[1])},
    }
    files = {
        "README.md": b"# Tiny",
        "config.json": CONFIG,
        "model.safetensors.index.json": json.dumps(index).encode(),
        SHARDS[0]: safetensors(first),
        SHARDS[1]: safetensors(second),
    }
    return Repository(
        files,
        tags=["arxiv:2505.09388", "license:apache-2.0"],
        card={"license": "apache-2.0"},
    )


def many_shards(count: int = 160) -> Repository:
    """As many shards as the largest checkpoints have, three tensors each."""
    files, weight_map = {"config.json": CONFIG}, {}
    for index in range(count):
        file = f"model-{index + 1:05d}-of-{count:05d}.safetensors"
        tensors = {
            f"model.layers.{index}.mlp.{part}_proj.weight": ("F8_E4M3", [128, 64]) for part in ("gate", "up", "down")
        }
        files[file] = safetensors(tensors)
        weight_map |= dict.fromkeys(tensors, file)
    files["model.safetensors.index.json"] = json.dumps({"metadata": {}, "weight_map": weight_map}).encode()
    return Repository(files)


def custom_code() -> Repository:
    """A repository whose configuration names its own code, which the installed transformers does not have."""
    return Repository({path.name: path.read_bytes() for path in sorted(ELDER.iterdir()) if path.is_file()})


def fill(hub: LoopbackHub) -> None:
    """One repository of each kind."""
    one = safetensors({"lm_head.weight": ("F32", [256, 64]), "scale": ("F32", [])})
    hub.repositories |= {
        "acme/Sharded-1B": sharded(),
        "acme/Many-1B": many_shards(),
        "acme/Single-1B": Repository({"config.json": CONFIG, "model.safetensors": one}),
        "acme/Gated-1B": Repository({"config.json": CONFIG, "model.safetensors": one}, gated=True),
        "acme/Private-1B": Repository({"config.json": CONFIG}, private=True),
        "acme/New-Name-1B": Repository({"config.json": CONFIG}),
        "acme/Elder-1B": custom_code(),
        "acme/Pickled-1B": Repository({"config.json": CONFIG, "pytorch_model.bin": b"\x80\x04never read"}),
        "acme/Sharded-1B-FP8": Repository(
            {"config.json": CONFIG},
            tags=["base_model:acme/Sharded-1B", "base_model:quantized:acme/Sharded-1B"],
            card={"base_model": ["acme/Sharded-1B"], "base_model_relation": "quantized"},
        ),
        "acme/Adapter-1B": Repository({"adapter_config.json": b"{}"}, card={"base_model": "acme/Sharded-1B"}),
    }
    hub.renamed |= {"acme/Old-Name-1B": "acme/New-Name-1B", "acme/sharded-1b": "acme/Sharded-1B"}
