"""Models of official code with few layers, read once a session; and copies of that code with one line changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from archviz import pipeline
from archviz.architecture.model import Architecture
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceText
from archviz.sources.installed import find_transformers_source
from archviz.sources.model_source import ModelSource
from archviz.sources.official import public_module
from archviz.verify.claims import Claim
from archviz.verify.report import Verification

SETTINGS = pipeline.DEFAULTS
MODELS: dict[str, dict[str, Any]] = {
    "qwen3_5_moe_text": {"num_hidden_layers": 4, "architectures": ["Qwen3_5MoeForCausalLM"]},
    "deepseek_v3": {"num_hidden_layers": 4},
    "deepseek_v32": {"num_hidden_layers": 4},
    "deepseek_v4": {"num_hidden_layers": 6},
    "gemma2": {"num_hidden_layers": 4},
    "gemma4_text": {"num_hidden_layers": 6, "attention_k_eq_v": True, "num_global_key_value_heads": 2},
    "llama4_text": {
        "num_hidden_layers": 4, "interleave_moe_layer_step": 2, "architectures": ["Llama4ForCausalLM"]
    },
    "gpt_oss": {"num_hidden_layers": 2},
    "modernbert": {"num_hidden_layers": 4},
    "olmo2": {"num_hidden_layers": 2},
    "cohere": {"num_hidden_layers": 2},
    "gptj": {"n_layer": 2},
    "gpt_neox": {"num_hidden_layers": 2},
    "smollm3": {"num_hidden_layers": 4},
    "t5": {"num_layers": 2, "num_decoder_layers": 2},
    "bloom": {"n_layer": 2},
    "mpt": {"n_layers": 2},
    "nemotron_h": {"num_hidden_layers": 4},
    "falcon_h1": {"num_hidden_layers": 2},
    "llama": {"num_hidden_layers": 2},
    "qwen3": {"num_hidden_layers": 2},
    "qwen3_moe": {"num_hidden_layers": 2},
    "mixtral": {"num_hidden_layers": 2},
    "phimoe": {"num_hidden_layers": 2},
    "granite": {"num_hidden_layers": 2, "residual_multiplier": 0.22, "logits_scaling": 8.0, "embedding_multiplier": 12.0},
    "gemma3_text": {"num_hidden_layers": 6},
    "mamba2": {"num_hidden_layers": 2},
    "glm_moe_dsa": {"num_hidden_layers": 4},
    "kimi_linear": {
        "num_hidden_layers": 4, "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"]
    },
    "xlstm": {"num_hidden_layers": 2},
    "rwkv": {"num_hidden_layers": 2},
    "whisper": {
        "encoder_layers": 2, "decoder_layers": 2, "architectures": ["WhisperForConditionalGeneration"]
    },
    "clip": {},
    "hiera": {"depths": [1, 1, 2, 1]},
    "albert": {}, "cpmant": {"num_hidden_layers": 1}, "funnel": {"block_sizes": [1, 2]}, "fnet": {"num_hidden_layers": 1},
    "lxmert": {"l_layers": 1, "x_layers": 1, "r_layers": 1}, "lasr_encoder": {"num_hidden_layers": 1},
    "pe_audio_encoder": {"num_hidden_layers": 1}, "inkling2_vision": {"num_hidden_layers": 1},
    "timesformer": {"num_hidden_layers": 1}, "sam_vision_model": {"num_hidden_layers": 3, "global_attn_indexes": [2]},
    "mgp-str": {"num_hidden_layers": 1}, "mpnet": {"num_hidden_layers": 1}, "canine": {"num_hidden_layers": 1},
    "prophetnet": {"num_encoder_layers": 1, "num_decoder_layers": 1}, "longformer": {"num_hidden_layers": 1, "attention_window": [512]},
    "aimv2": {"text_config": {"num_hidden_layers": 1}, "vision_config": {"num_hidden_layers": 1}}, "fuyu": {"text_config": {"num_hidden_layers": 1}},
    "chinese_clip": {"text_config": {"num_hidden_layers": 2}, "vision_config": {"num_hidden_layers": 2, "hidden_size": 768}},
    "lightglue": {}, "efficientloftr": {},
    "seggpt": {"num_hidden_layers": 1, "merge_index": 0, "intermediate_hidden_state_indices": [0]},
    "kyutai_speech_to_text": {"num_hidden_layers": 1}, "qwen3_asr_encoder": {"num_hidden_layers": 1},
    "speecht5": {}, "minicpm_ocr_vision": {"num_hidden_layers": 1},
    "muse_glimmer_assistant": {}, "vibevoice_acoustic_tokenizer_encoder": {},
    "depth_pro": {}, "rf_detr": {}, "tvp": {"num_hidden_layers": 1},
    "big_bird": {"num_hidden_layers": 1},
    "decision_transformer": {"n_layer": 1},
    "layoutlmv3": {"num_hidden_layers": 1},
    "kosmos-2.5": {"text_config": {"layers": 1}, "vision_config": {"num_hidden_layers": 1}},
    "dia": {
        "encoder_config": {"num_hidden_layers": 1}, "decoder_config": {"num_hidden_layers": 2}, "architectures": ["DiaModel"]
    },
    "diffllama": {"num_hidden_layers": 3},
    "m2m_100": {"encoder_layers": 1, "decoder_layers": 1},
    "ctrl": {"n_layer": 1},
    "muse_spark_text": {"num_hidden_layers": 4},
    "inkling2_text": {"num_hidden_layers": 6},
    "deberta-v2": {"num_hidden_layers": 1},
    "hrm_text": {"num_hidden_layers": 2},
    "jamba": {"num_hidden_layers": 8},
    "minimax": {"num_hidden_layers": 2, "full_attn_alpha_factor": 3.5},
    "zaya": {"num_hidden_layers": 2},
    "zamba2": {"num_hidden_layers": 8, "layer_types": [*["mamba"] * 6, "hybrid", "mamba"]},
    "gemma3n_text": {"num_hidden_layers": 5, "num_kv_shared_layers": 0, "activation_sparsity_pattern": [0.95] * 5},
    "swinv2": {"depths": [2, 2], "num_heads": [3, 6]},
    "gpt2": {"n_layer": 3, "scale_attn_by_inverse_layer_idx": True},
    "axk2": {"num_hidden_layers": 3},
    "csm": {},
    "laguna": {"num_hidden_layers": 2},
    "camembert": {"num_hidden_layers": 2},
    "mobilebert": {"num_hidden_layers": 2},
    "bert": {"num_hidden_layers": 2},
    "opt": {"num_hidden_layers": 2},
    "xlnet": {"n_layer": 2},
    "convnext": {"depths": [1, 1, 1, 1]},
    "cohere2": {"num_hidden_layers": 4},
    "olmo3": {"num_hidden_layers": 2},
    "exaone4": {"num_hidden_layers": 4},
    "ernie4_5_moe": {"num_hidden_layers": 3},
    "granitemoe": {"num_hidden_layers": 2, "residual_multiplier": 0.22},
    "bitnet": {"num_hidden_layers": 2},
    "swin": {"depths": [2, 2], "num_heads": [3, 6], "architectures": ["SwinModel"]},
    "doge": {"num_hidden_layers": 2},
    "qwen2_5_vl": {
        "vision_config": {"depth": 4, "fullatt_block_indexes": [3]}, "text_config": {"num_hidden_layers": 2},
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    },
    "idefics": {
        "num_hidden_layers": 6, "cross_layer_interval": 3, "vision_config": {"num_hidden_layers": 2},
        "architectures": ["IdeficsForVisionText2Text"],
    },
    "mllama": {
        "vision_config": {"num_hidden_layers": 6, "num_global_layers": 1, "intermediate_layers_indices": [0, 1, 2, 3, 4]},
        "text_config": {"num_hidden_layers": 5, "cross_attention_layers": [3]},
        "architectures": ["MllamaForConditionalGeneration"],
    },
}  # fmt: skip
"""Overrides of the official defaults by model type; few layers of each, as wide as they are."""


def source_of(model_type: str) -> ModelSource:
    values = {"model_type": model_type, **MODELS[model_type]}
    return ModelSource(model_type, "folder", model_type, values, architectures=values.get("architectures", []))


@cache
def read_model(model_type: str) -> tuple[Verification, Architecture]:
    """Claims and Architecture of a model; every model is read once."""
    return pipeline.verify_source(source_of(model_type))


def verified(model_type: str) -> Verification:
    found = read_model(model_type)[0]
    assert found.gaps == []
    return replace(found, checks=[])


def values(found: Verification, key: str) -> dict[str, object]:
    """Scope → value of all claims of a key."""
    return {claim.scope: claim.value for claim in found.claims if claim.key == key}


def only(found: Verification, key: str) -> object:
    """The one value that all claims of a key have."""
    own = list(values(found, key).values())
    assert own, f"no claim about {key}"
    assert all(value == own[0] for value in own), own
    return own[0]


def claim_of(found: Verification, key: str, scope: str | None = None) -> Claim:
    """The claim of a key (and scope)."""
    own = [claim for claim in found.claims if claim.key == key and scope in (None, claim.scope)]
    assert len(own) == 1, [claim.scope for claim in found.claims if claim.key == key]
    return own[0]


def split_of(found: Verification, origin: str) -> dict[str, Any]:
    """The one split of a projection's output."""
    own = [c.value for c in found.claims if c.key == "split" and isinstance(c.value, dict) and c.value["of"] == origin]
    assert len(own) == 1, own
    return own[0]


def mutated(model_type: str, old: str, new: str) -> Verification:
    """The claims about a model whose modelling file has one place changed."""
    file = f"modeling_{model_type.removesuffix('_text').replace('-', '_')}"
    applied: list[str] = []

    def find_source(name: str) -> SourceText | None:
        found = find_transformers_source(name, SETTINGS.limits)
        if not name.endswith(f".{file}") or found is None:
            return found
        assert found.text.count(old) == 1, f"{found.text.count(old)} places in {found.shown}"
        applied.append(name)
        return found._replace(text=found.text.replace(old, new))

    result = pipeline.verify_source(source_of(model_type), interpreter=interpreter(find_source))[0]
    assert applied, f"{file} was not read"
    return result


def interpreter(find_source: Callable[[str], SourceText | None]) -> Interpreter:
    return Interpreter(pipeline.library(), find_source, SETTINGS.limits, public_module)
