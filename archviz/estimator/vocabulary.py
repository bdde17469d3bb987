"""The words of layer classes: which class names stand for which kind of layer, which parameters for which size."""

from __future__ import annotations

import re

from archviz.late_patterns import late_pattern

KINDS: dict[str, tuple[str, ...]] = {
    "attention": (
        "attention", "selfattention", "groupedqueryattention", "gqa", "gqaattention", "multiheadattention", "mha",
        "multiqueryattention", "mqa", "causalselfattention", "slidingwindowattention", "slidingattention", "localattention",
        "gatedattention", "windowattention", "chunkedattention",
    ),
    "cross_attention": ("crossattention", "multiheadcrossattention"),
    "mla": ("multiheadlatentattention", "mla", "mlaattention", "latentattention"),
    "gated_mlp": ("gatedmlp", "swiglu", "swiglumlp", "swigluffn", "geglu", "gatedfeedforward", "gatedffn", "glu", "glumlp", "mlp",
                  "feedforward", "ffn", "dense", "densemlp", "llamamlp"),
    "mlp": ("mlp", "feedforward", "ffn", "plainmlp", "densemlp", "feedforwardnetwork"),
    "moe": ("moe", "mixtureofexperts", "sparsemoe", "sparsemoeblock", "moefeedforward", "moemlp"),
    "moe_router": ("moerouter", "router", "topkrouter", "moegate", "gate"),
    "moe_experts": ("moeexperts", "experts", "routedexperts", "fusedmoe", "fusedexperts", "expertmlps"),
    "shared_expert": ("sharedexpert", "sharedexperts", "moesharedexpert"),
    "rmsnorm": ("rmsnorm", "norm", "normalization", "normalisation"),
    "layernorm": ("layernorm", "norm", "normalization", "normalisation"),
    "embedding": ("embedding", "tokenembedding", "embeddings", "vocabembedding", "vocabparallelembedding"),
    "position_embedding": ("positionembedding", "positionalembedding", "learnedpositionembedding"),
    "lm_head": ("lmhead", "outputhead", "outputprojection", "unembedding", "parallellmhead", "head", "linear"),
    "linear": ("linear", "projection", "denselinear"),
    "gated_deltanet": ("gateddeltanet", "gateddeltarule", "gateddelta", "gdn"),
    "kda": ("kimideltaattention", "kda"),
    "mamba2": ("mamba2", "mamba2mixer", "ssd"),
    "mamba": ("mamba", "mambamixer", "mamba1", "selectivessm"),
    "short_convolution": ("shortconvolution", "shortconv", "gatedshortconvolution", "gatedshortconv"),
    "lightning_attention": ("lightningattention",),
}  # fmt: skip
"""Kind of layer → the names of classes that stand for it, in small letters, without `Layer`, `Block`, `Module`, `Op`."""

PARAMETERS: dict[str, tuple[str, ...]] = {
    "hidden_size": ("hidden_size", "d_model", "model_dim", "embed_dim", "embedding_dim", "n_embd", "dim", "width", "normalized_shape"),
    "input_dim": ("input_dim", "input_size", "in_features", "in_dim"),
    "output_dim": ("output_dim", "output_size", "out_features", "out_dim"),
    "num_heads": ("num_heads", "n_heads", "num_attention_heads", "n_head", "num_q_heads", "heads"),
    "num_kv_heads": ("num_kv_heads", "n_kv_heads", "num_key_value_heads", "kv_heads"),
    "head_dim": ("head_dim", "d_head", "head_size", "dim_head", "qk_head_dim"),
    "v_head_dim": ("v_head_dim", "value_head_dim"),
    "q_lora_rank": ("q_lora_rank", "query_rank"),
    "kv_lora_rank": ("kv_lora_rank", "kv_rank", "latent_dim"),
    "qk_nope_head_dim": ("qk_nope_head_dim",),
    "qk_rope_head_dim": ("qk_rope_head_dim",),
    "sliding_window": ("sliding_window", "window_size", "window", "attention_window"),
    "attention_chunk_size": ("attention_chunk_size", "chunk_size"),
    "output_gate": ("output_gate", "attn_output_gate", "gated_output", "use_output_gate", "attention_gate"),
    "compress_rate": ("compress_rate", "compress_ratio", "compression_rate"),
    "index_topk": ("index_topk", "indexer_top_k"),
    "qk_norm": ("qk_norm", "use_qk_norm"),
    "qkv_bias": ("qkv_bias", "attention_bias", "bias", "use_bias"),
    "output_bias": ("output_bias", "out_bias"),
    "rope_dim": ("rope_dim", "rotary_dim", "rope_dimensions"),
    "attention_sinks": ("attention_sinks", "sinks", "use_sinks"),
    "attention_softcap": ("attention_softcap", "softcap", "logit_softcapping"),
    "bidirectional": ("bidirectional",),
    "intermediate_size": (
        "intermediate_size", "ffn_dim", "d_ff", "ffn_hidden_size", "mlp_dim", "inner_dim", "hidden_dim", "moe_intermediate_size",
        "expert_hidden_size", "expert_intermediate_size", "ffn_size",
    ),
    "num_experts": ("num_experts", "n_experts", "n_routed_experts", "num_local_experts", "num_routed_experts"),
    "zero_experts": ("zero_experts", "zero_expert_num", "num_zero_experts"),
    "top_k": ("top_k", "topk", "num_experts_per_tok", "experts_per_token", "num_experts_per_token", "num_active_experts"),
    "parameters_per_expert": ("parameters_per_expert",),
    "num_shared_experts": ("num_shared_experts", "n_shared_experts"),
    "shared_intermediate_size": ("shared_intermediate_size", "shared_expert_intermediate_size"),
    "score_function": ("score_function", "scoring_func"),
    "hash_routed": ("hash_routed", "hash_routing"),
    "num_expert_groups": ("num_expert_groups", "n_group", "num_groups"),
    "groups_per_token": ("groups_per_token", "topk_group"),
    "correction_bias": ("correction_bias",),
    "gated": ("gated", "is_gated", "use_gate", "glu"),
    "activation": ("activation", "hidden_act", "act", "act_fn", "activation_function"),
    "bias": ("bias", "use_bias", "mlp_bias"),
    "vocab_size": ("vocab_size", "num_embeddings", "n_vocab", "vocabulary_size"),
    "num_positions": ("num_positions", "max_positions", "num_embeddings", "max_position_embeddings"),
    "eps": ("eps", "epsilon", "norm_eps", "variance_epsilon"),
    "value_heads": ("value_heads", "num_value_heads", "num_v_heads"),
    "key_heads": ("key_heads", "num_key_heads", "num_k_heads"),
    "kernel": ("kernel", "kernel_size", "conv_kernel", "conv_kernel_size", "conv_kernel_dim", "d_conv"),
    "state": ("state", "state_size", "ssm_state_size", "d_state"),
    "groups": ("groups", "n_groups", "num_groups"),
    "width": ("width", "intermediate_size", "d_inner"),
    "layer_idx": ("layer_idx", "layer_index", "layer_id", "layer_num"),
    "parameter_count": ("parameter_count", "num_params", "num_parameters", "param_count", "n_params"),
    "dtype": ("dtype", "torch_dtype", "data_type"),
    "dtype_bytes": ("dtype_bytes", "bytes_per_param", "bytes_per_parameter", "bytes_per_element"),
    "tied": ("tied", "tie_weights", "tie_word_embeddings"),
    "count": ("count", "num_layers"),
    "name": ("name", "layer_name"),
}  # fmt: skip
"""Size or setting → the constructor parameters that take it."""

RUN = late_pattern(
    r"(args|kwargs|device|hardware|system|machine|(max_)?batch(_size)?|seq(_len|_length)?|sequence_length|context(_len|_length)?|"
    r"tokens|phase|mode|(tp|ep|pp|sp|dp|cp|tensor|expert|pipeline|sequence|data|context)(_parallel(ism)?)?(_size|_degree)?|"
    r"parallelism\w*|world_size|rank|config|cfg|quantization|quant\w*|kv_cache\w*|label|description|prefix)"
)
"""Parameters that are about a run, not about the model."""

_SUFFIX = late_pattern(r"(layers?|blocks?|module|op|operator|estimator|spec)$")


def plain_name(class_name: str) -> str:
    """A class's name in small letters without what says only that it is a layer.

    >>> plain_name("GroupedQueryAttentionLayer"), plain_name("MoELayer"), plain_name("LMHead")
    ('groupedqueryattention', 'moe', 'lmhead')
    """
    word = re.sub(r"[^a-z0-9]", "", class_name.lower())
    return _SUFFIX.sub("", word) or word
