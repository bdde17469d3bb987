"""The sample Architectures by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from archviz.architecture.model import Architecture, GapEntry, LayerStack, PatternItem
from tests.figure.samples import (
    DELTANET,
    DELTANET_EDGES,
    GATED_ATTENTION,
    GATED_ATTENTION_EDGES,
    MOE,
    MOE_EDGES,
    architecture,
    attention,
    graph,
    kind,
    layer_graph,
    mlp,
    node,
    swiglu,
    tower,
)

EMBEDDING = "embed_tokens:embedding:Token embedding"
FINAL_NORM = "norm:norm:Final RMSNorm"
HEAD = "lm_head:head:LM head|linear"
TOKENS = "input_ids:input:Tokenized text"


def one(kind_id: str, times: int) -> PatternItem:
    return PatternItem(times=times, kind=kind_id)


def stack(path: str, kinds: list, pattern: list[PatternItem], text: str) -> LayerStack:  # type: ignore[type-arg]
    return LayerStack(path=path, count=sum(k.count for k in kinds), kinds=kinds, pattern=pattern, pattern_text=text)


def qwen35() -> Architecture:
    linear = [i for i in range(60) if i % 4 != 3]
    full = [i for i in range(60) if i % 4 == 3]
    kinds = [
        kind("gated_deltanet+moe", "Gated DeltaNet + MoE", linear, "deltanet", "moe"),
        kind("gated_attention+moe", "Gated attention + MoE", full, "gated_attention", "moe"),
    ]
    pattern = [PatternItem(times=15, items=[one(kinds[0].id, 3), one(kinds[1].id, 1)])]
    moe = "mlp:moe:MoE|10 of 512 experts + shared"
    blocks = [
        layer_graph(
            "block/gated_deltanet+moe",
            "linear_attn:linear_attention:Gated DeltaNet|linear attention|16 QK heads|64 V heads|head dim 128",
            moe,
        ),
        layer_graph(
            "block/gated_attention+moe",
            "self_attn:attention:Gated attention|grouped-query, 32 Q / 2 KV|head dim 256",
            moe,
        ),
        layer_graph("block/vision", "attn:attention:Attention|16 heads", "mlp:feed_forward:MLP|GELU 1152 → 4304 → 1152", norm="LayerNorm"),
        graph("deltanet", "Gated DeltaNet", DELTANET, DELTANET_EDGES, class_name="Qwen3_5MoeGatedDeltaNet", parameters=117_000_000),
        graph("gated_attention", "Gated attention", GATED_ATTENTION, GATED_ATTENTION_EDGES, class_name="Qwen3_5MoeAttention", parameters=105_000_000),
        graph("moe", "Mixture of experts", MOE, MOE_EDGES, class_name="Qwen3_5MoeSparseMoeBlock", parameters=6_460_000_000, notes=["10 of 512 experts per token, 1 shared expert", "Each expert is SwiGLU: down(SiLU(gate(x)) × up(x)), 12.6M parameters"]),
        attention("vision_attention", 1152, 16, 16, 72, title="Vision attention", mask="full"),
        mlp("vision_mlp", 1152, 4304),
    ]  # fmt: skip
    vision_kind = kind("vision", "Vision block", list(range(27)), "vision_attention", "vision_mlp")
    return architecture(
        "Qwen/Qwen3.5-397B-A17B",
        "Qwen3_5MoeForConditionalGeneration",
        396_802_360_816,
        [
            tower("text", "Text decoder", 396_346_000_000, [TOKENS, EMBEDDING + "|248,320 × 4096", "@model.layers", FINAL_NORM, HEAD]),
            tower(
                "vision",
                "Vision encoder",
                456_000_000,
                ["pixels:input:Image patches", "patch_embed:embedding:Patch embedding|conv3d 2 × 16 × 16", "pos_embed:position_embedding:Position embedding|2304 × 1152", "@model.visual.blocks", "merger:projection:Patch merger|4 × 1152 → 4096"],
                feeds="text",
            ),
        ],
        [
            stack("model.layers", kinds, pattern, "15 × (3 × gated DeltaNet + MoE, 1 × gated attention + MoE)"),
            stack("model.visual.blocks", [vision_kind], [one("vision", 27)], "27 × vision block"),
        ],
        blocks,
        {"hidden_size": 4096, "context_length": 262144, "vocabulary_size": 248320, "attention_heads": 32, "kv_heads": 2, "head_dim": 256, "rope_theta": 1e7},
        active=16_954_000_000,
        licence="apache-2.0",
        release_date="2026-02-16",
    )  # fmt: skip


def llama() -> Architecture:
    kinds = [kind("attention+swiglu", "Attention + SwiGLU", list(range(32)), "attn", "mlp")]
    return architecture(
        "meta-llama/Llama-3.1-8B", "LlamaForCausalLM", 8_030_261_248,
        [tower("text", "Decoder", 8_030_261_248, [TOKENS, EMBEDDING, "@model.layers", FINAL_NORM, HEAD])],
        [stack("model.layers", kinds, [one(kinds[0].id, 32)], "32 × attention + SwiGLU")],
        [
            layer_graph("block/attention+swiglu", "self_attn:attention:Grouped-query attention|32 Q / 8 KV heads|head dim 128", "mlp:feed_forward:SwiGLU|hidden dimension 14,336"),
            attention("attn", 4096, 32, 8, 128, title="Grouped-query attention"),
            swiglu("mlp", 4096, 14336),
        ],
        {"hidden_size": 4096, "context_length": 131072, "vocabulary_size": 128256, "attention_heads": 32, "kv_heads": 8, "head_dim": 128, "rope_theta": 500000.0},
    )  # fmt: skip


def parallel() -> Architecture:
    block = graph(
        "block/parallel", "Layer",
        """x:input:x
        input_layernorm:norm:LayerNorm
        attention:attention:Attention|64 heads
        post_attention_layernorm:norm:LayerNorm
        mlp:feed_forward:MLP|6144 → 24576 → 6144
        add1:add:+
        add2:residual_add:+
        y:output:y""",
        "x>input_layernorm x>post_attention_layernorm input_layernorm>attention post_attention_layernorm>mlp attention>add1 mlp>add1 add1>add2 x~add2 add2>y",
    )  # fmt: skip
    kinds = [kind("parallel", "Attention beside MLP", list(range(44)), "attn", "mlp")]
    return architecture(
        "EleutherAI/gpt-neox-20b", "GPTNeoXForCausalLM", 20_554_567_680,
        [tower("text", "Decoder", 20_554_567_680, [TOKENS, EMBEDDING, "@gpt_neox.layers", "final_layer_norm:norm:Final LayerNorm", HEAD])],
        [stack("gpt_neox.layers", kinds, [one("parallel", 44)], "44 × attention beside MLP")],
        [block, attention("attn", 6144, 64, 64, 96), mlp("mlp", 6144, 24576)],
        {"hidden_size": 6144, "context_length": 2048, "vocabulary_size": 50432, "attention_heads": 64},
    )  # fmt: skip


def bert() -> Architecture:
    block = graph(
        "block/bert", "Layer",
        """x:input:x
        attention:attention:Self-attention|12 heads · bidirectional
        add1:residual_add:+
        norm1:norm:LayerNorm
        mlp:feed_forward:MLP|768 → 3072 → 768
        add2:residual_add:+
        norm2:norm:LayerNorm
        y:output:y""",
        "x>attention attention>add1 x~add1 add1>norm1 norm1>mlp mlp>add2 norm1~add2 add2>norm2 norm2>y",
    )  # fmt: skip
    kinds = [kind("bert", "Attention + MLP", list(range(12)), "attn", "mlp")]
    return architecture(
        "google-bert/bert-base-uncased", "BertForMaskedLM", 109_514_298,
        [tower("text", "Encoder", 109_514_298, [TOKENS, EMBEDDING + "|word + position + type", "emb_norm:norm:LayerNorm", "@bert.encoder.layer", "transform:projection:Dense + GELU + LayerNorm", HEAD])],
        [stack("bert.encoder.layer", kinds, [one("bert", 12)], "12 × attention + MLP")],
        [block, attention("attn", 768, 12, 12, 64, rope=False, mask="bidirectional"), mlp("mlp", 768, 3072)],
        {"hidden_size": 768, "context_length": 512, "vocabulary_size": 30522, "attention_heads": 12},
    )  # fmt: skip


def t5() -> Architecture:
    encoder = layer_graph(
        "block/encoder",
        "self_attn:attention:Self-attention|8 heads · relative bias",
        "mlp:feed_forward:ReLU MLP|512 → 2048 → 512",
    )
    decoder = graph(
        "block/decoder", "Layer",
        """x:input:x
        norm1:norm:RMSNorm
        self_attn:attention:Self-attention|8 heads · causal
        add1:residual_add:+
        norm2:norm:RMSNorm
        encoder:input:Encoder output
        cross:attention:Cross-attention|8 heads
        add2:residual_add:+
        norm3:norm:RMSNorm
        mlp:feed_forward:ReLU MLP|512 → 2048 → 512
        add3:residual_add:+
        y:output:y""",
        "x>norm1 norm1>self_attn self_attn>add1 x~add1 add1>norm2 norm2>cross encoder>cross cross>add2 add1~add2 add2>norm3 norm3>mlp mlp>add3 add2~add3 add3>y",
    )  # fmt: skip
    return architecture(
        "google-t5/t5-small", "T5ForConditionalGeneration", 60_506_624,
        [
            tower("decoder", "Decoder", 41_600_000, ["decoder_ids:input:Target tokens", EMBEDDING + "|shared", "@decoder.block", FINAL_NORM, HEAD]),
            tower("encoder", "Encoder", 35_300_000, ["input_ids:input:Source tokens", EMBEDDING + "|shared", "@encoder.block", FINAL_NORM], feeds="decoder"),
        ],
        [
            stack("encoder.block", [kind("encoder", "Encoder layer", list(range(6)), "attn", "mlp")], [one("encoder", 6)], "6 × encoder layer"),
            stack("decoder.block", [kind("decoder", "Decoder layer", list(range(6)), "attn", "mlp")], [one("decoder", 6)], "6 × decoder layer"),
        ],
        [encoder, decoder, attention("attn", 512, 8, 8, 64, rope=False, mask="relative position bias"), mlp("mlp", 512, 2048, "ReLU")],
        {"hidden_size": 512, "context_length": 512, "vocabulary_size": 32128, "attention_heads": 8},
    )  # fmt: skip


MLA = """x:input:x|[seq, 7168]
    q_a_proj:projection:q_a_proj|7168 → 1536
    q_a_layernorm:norm:RMSNorm|1536
    q_b_proj:projection:q_b_proj|1536 → 128 × 192
    kv_a_proj:projection:kv_a_proj_with_mqa|7168 → 512 + 64
    q_split:split:split|nope 128 · rope 64
    kv_split:split:split|latent 512 · rope 64
    kv_a_layernorm:norm:RMSNorm|512
    kv_b_proj:projection:kv_b_proj|512 → 128 × 256
    k_split:split:split|K 128 · V 128
    rope_q:rope:RoPE|64 dims · interleaved
    rope_k:rope:RoPE|64 dims · interleaved
    q_cat:concat:concat
    k_cat:concat:concat
    sdpa:attention_core:Scaled dot-product attention|causal · 128 heads
    o_proj:projection:o_proj|128 × 128 → 7168
    y:output:output|[seq, 7168]"""
MLA_EDGES = (
    "x>q_a_proj q_a_proj>q_a_layernorm q_a_layernorm>q_b_proj q_b_proj>q_split q_split>q_cat q_split>rope_q rope_q>q_cat "
    "x>kv_a_proj kv_a_proj>kv_split kv_split>kv_a_layernorm kv_a_layernorm>kv_b_proj kv_b_proj>k_split k_split>k_cat "
    "kv_split>rope_k rope_k>k_cat k_split>sdpa:V q_cat>sdpa:Q k_cat>sdpa:K sdpa>o_proj o_proj>y"
)


def deepseek() -> Architecture:
    mixer = "self_attn:attention:Multi-head latent attention|128 heads|KV latent of 512 + 64"
    kinds = [
        kind("mla+dense", "MLA + dense SwiGLU", [0, 1, 2], "mla", "mlp"),
        kind("mla+moe", "MLA + MoE", list(range(3, 61)), "mla", "moe"),
    ]
    moe = MOE.replace("4096", "7168").replace("512", "256").replace("top-10", "top-8").replace("1024", "2048")
    return architecture(
        "deepseek-ai/DeepSeek-V3", "DeepseekV3ForCausalLM", 671_026_419_200,
        [tower("text", "Decoder", 671_026_419_200, [TOKENS, EMBEDDING, "@model.layers", FINAL_NORM, HEAD])],
        [stack("model.layers", kinds, [one("mla+dense", 3), one("mla+moe", 58)], "3 × MLA + dense SwiGLU, 58 × MLA + MoE")],
        [
            layer_graph("block/mla+dense", mixer, "mlp:feed_forward:Dense SwiGLU|hidden dimension 18,432"),
            layer_graph("block/mla+moe", mixer, "mlp:moe:MoE|8 of 256 experts + 1 shared"),
            graph("mla", "Multi-head latent attention", MLA, MLA_EDGES, parameters=187_107_328),
            graph("moe", "Mixture of experts", moe, MOE_EDGES, notes=["8 of 256 experts per token, 1 shared expert", "Groups: the best 4 of 8 are searched"]),
            swiglu("mlp", 7168, 18432, "Dense SwiGLU"),
        ],
        {"hidden_size": 7168, "context_length": 163840, "vocabulary_size": 129280, "attention_heads": 128, "kv_heads": 128},
        active=37_500_000_000,
    )  # fmt: skip


def nemotron() -> Architecture:
    order = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME"
    names = {"M": ("mamba", "Mamba-2"), "E": ("moe", "MoE"), "*": ("attention", "Attention")}
    mixers = {
        "M": "mixer:state_space:Mamba-2|64 heads · state 128",
        "E": "mixer:moe:MoE|6 of 128 experts + 1 shared",
        "*": "mixer:attention:Grouped-query attention|32 Q / 2 KV heads",
    }
    kinds = []
    for sign, (kind_id, title) in names.items():
        indices = [i for i, letter in enumerate(order) if letter == sign]
        block = kind_id if sign != "*" else "attn"
        kinds.append(kind(kind_id, title, indices, None if sign == "E" else block, block if sign == "E" else None))
    pattern = [one(names[letter][0], 1) for letter in order]
    mamba = """x:input:x|[seq, 2688]
        in_proj:projection:in_proj|2688 → 10304
        split:split:split|gate · xBC · dt
        conv1d:convolution:causal conv1d|6144 · kernel 4
        silu:activation:SiLU
        bc:split:split|x · B · C
        softplus:activation:softplus|dt + bias
        ssd:recurrence_core:State-space duality|64 heads × 64 · 8 groups · state 128
        norm:norm:gated RMSNorm|4096
        out_proj:projection:out_proj|4096 → 2688
        y:output:output|[seq, 2688]"""
    edges = "x>in_proj in_proj>split split>norm:gate split>conv1d conv1d>silu silu>bc bc>ssd split>softplus:dt softplus>ssd ssd>norm norm>out_proj out_proj>y"
    moe = MOE.replace("4096", "2688").replace("512", "128").replace("top-10", "top-6")
    return architecture(
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "NemotronHForCausalLM", 31_577_940_288,
        [tower("text", "Decoder", 31_577_940_288, [TOKENS, EMBEDDING, "@backbone.layers", FINAL_NORM, HEAD])],
        [stack("backbone.layers", kinds, pattern, "52 layers: 23 × Mamba-2, 23 × MoE, 6 × attention")],
        [
            *(layer_graph(f"block/{names[s][0]}", mixers[s], None) for s in names),
            graph("mamba", "Mamba-2", mamba, edges, class_name="NemotronHMamba2Mixer"),
            graph("moe", "Mixture of experts", moe, MOE_EDGES, notes=["6 of 128 experts per token, 1 shared expert"]),
            attention("attn", 2688, 32, 2, 128, rope=False, title="Grouped-query attention"),
        ],
        {"hidden_size": 2688, "context_length": 262144, "vocabulary_size": 131072, "attention_heads": 32, "kv_heads": 2},
        active=3_580_000_000,
        gaps=[GapEntry(module="backbone.layers.0.mixer", reason="kernel mamba_chunk_scan is not interpreted", at="modeling_nemotron_h.py:412")],
    )  # fmt: skip


def nested() -> Architecture:
    """A repeat inside a repeat."""
    base = nemotron()
    order = ["attention", *["moe", "mamba"] * 3] * 4
    kinds = [
        replace(k, indices=[i for i, n in enumerate(order) if n == k.id], count=order.count(k.id))
        for k in base.layers[0].kinds
    ]
    inner = PatternItem(times=3, items=[one("moe", 1), one("mamba", 1)])
    pattern = [PatternItem(times=4, items=[one("attention", 1), inner])]
    base.layers[0] = stack("backbone.layers", kinds, pattern, "4 × (1 × attention, 3 × (1 × MoE, 1 × Mamba-2))")
    return base


def gemma() -> Architecture:
    def block(name: str, mixer: str) -> object:
        return graph(
            f"block/{name}", "Layer",
            f"""x:input:x
            n1:norm:RMSNorm (1 + w)
            {mixer}
            n2:norm:RMSNorm (1 + w)
            add1:residual_add:+
            n3:norm:RMSNorm (1 + w)
            mlp:feed_forward:GeGLU|3584 → 14336 → 3584
            n4:norm:RMSNorm (1 + w)
            add2:residual_add:+
            y:output:y""",
            "x>n1 n1>self_attn self_attn>n2 n2>add1 x~add1 add1>n3 n3>mlp mlp>n4 n4>add2 add1~add2 add2>y",
        )  # fmt: skip

    kinds = [
        kind("sliding", "Sliding attention + GeGLU", list(range(0, 42, 2)), "attn", "mlp"),
        kind("full", "Full attention + GeGLU", list(range(1, 42, 2)), "attn2", "mlp"),
    ]
    return architecture(
        "google/gemma-2-9b", "Gemma2ForCausalLM", 9_241_705_984,
        [tower("text", "Decoder", 9_241_705_984, [TOKENS, EMBEDDING, "scale:scale:× √3584", "@model.layers", FINAL_NORM, HEAD, "cap:activation:soft cap|30 · tanh(x / 30)"])],
        [stack("model.layers", kinds, [PatternItem(times=21, items=[one("sliding", 1), one("full", 1)])], "21 × (1 × sliding, 1 × full)")],
        [
            block("sliding", "self_attn:attention:Sliding attention|window 4,096 · 16 Q / 8 KV"),
            block("full", "self_attn:attention:Full attention|16 Q / 8 KV heads"),
            attention("attn", 3584, 16, 8, 256, title="Sliding-window attention", mask="window 4,096"),
            attention("attn2", 3584, 16, 8, 256, title="Full attention"),
            swiglu("mlp", 3584, 14336, "GeGLU feed-forward"),
        ],
        {"hidden_size": 3584, "context_length": 8192, "vocabulary_size": 256000, "attention_heads": 16, "kv_heads": 8, "head_dim": 256},
    )  # type: ignore[list-item]  # fmt: skip


def gemma3() -> Architecture:
    base = gemma()
    pattern = [PatternItem(times=7, items=[one("sliding", 5), one("full", 1)]), one("sliding", 4)]
    order = (["sliding"] * 5 + ["full"]) * 7 + ["sliding"] * 4
    old = base.layers[0]
    kinds = [
        replace(k, indices=[i for i, n in enumerate(order) if n == k.id], count=order.count(k.id)) for k in old.kinds
    ]
    base.layers[0] = stack(old.path, kinds, pattern, "7 × (5 × sliding, 1 × full), 4 × sliding")
    return base


def hostile() -> Architecture:
    names = [
        "<script>alert(1)</script>",
        "]; } digraph {",
        "$x_1$ \\input{/etc/passwd} %",
        "😀 emoji",
        "שלום עולם",
        "注意力机制",
        "A" * 10_000,
        "a\x00b\x1b[0m\ud800",
    ]
    nodes = "\n".join(f"n{i}:projection:plain" for i in range(len(names)))
    edges = " ".join(f"n{i}>n{i + 1}" for i in range(len(names) - 1))
    inside = graph("inside", '<b>Inside</b> & "quotes"', nodes, edges, notes=list(names))
    for box, name in zip(inside.nodes, names, strict=True):
        box.label, box.details = name, [name]
    layer = layer_graph("block/k", "self_attn:attention:x", "mlp:feed_forward:y")
    layer.nodes[2].label = names[6]
    layer.nodes[1].label = names[0]
    kinds = [kind("k", "<i>kind</i> " + names[5], [0, 1], "inside", None)]
    return architecture(
        "evil/" + names[0], "Evil<Class>", 10, [tower("text", names[1], 10, [node("e:embedding:e"), "@m", HEAD])],
        [stack("m", kinds, [one("k", 2)], names[6])], [layer, inside], {"hidden_size": names[0], "context_length": "∞"},
    )  # fmt: skip


ZOO: dict[str, Callable[[], Architecture]] = {
    "qwen35": qwen35,
    "llama": llama,
    "parallel": parallel,
    "bert": bert,
    "t5": t5,
    "deepseek": deepseek,
    "nemotron": nemotron,
    "nested": nested,
    "gemma": gemma,
    "gemma3": gemma3,
    "hostile": hostile,
}
