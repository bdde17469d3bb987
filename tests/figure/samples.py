"""Hand-made Architectures of the shapes that models have; realistic, but not read from code."""

from __future__ import annotations

from archviz.architecture.model import (
    Architecture,
    BlockEdge,
    BlockGraph,
    BlockNode,
    ColumnItem,
    Evidence,
    Fact,
    GapEntry,
    Identity,
    LayerKind,
    LayerStack,
    ModuleNode,
    Parameters,
    Tower,
)


def node(spec: str, **more: object) -> BlockNode:
    """`id:role:Label|detail|detail`."""
    name, role, text = spec.split(":", 2)
    label, *details = text.split("|")
    return BlockNode(**{"id": name, "role": role, "label": label, "details": details, "module": name, **more})


def graph(
    graph_id: str, title: str, nodes: str, edges: str, *, module: str | None = None, **more: object
) -> BlockGraph:
    """Nodes one a line (see `node`), edges as `a>b`, a residual as `a~b`, a label as `a>b:gate`."""
    joined = []
    for edge in edges.split():
        pair, _, label = edge.partition(":")
        sign = "~" if "~" in pair else ">"
        source, target = pair.split(sign)
        joined.append(BlockEdge(source=source, target=target, residual=sign == "~", label=label or None))
    return BlockGraph(
        **{
            "id": graph_id,
            "title": title,
            "module": module or graph_id,
            "class_name": more.pop("class_name", title.replace(" ", "")),
            "nodes": [node(line.strip()) for line in nodes.strip().splitlines()],
            "edges": joined,
            **more,
        }
    )


def layer_graph(graph_id: str, mixer: str, feed: str | None, *, norm: str = "RMSNorm", module: str = "") -> BlockGraph:
    """A pre-norm layer."""
    nodes = f"""x:input:x
        input_layernorm:norm:{norm}
        {mixer}
        add1:residual_add:+"""
    edges = "x>input_layernorm input_layernorm>MIX MIX>add1 x~add1"
    if feed:
        nodes += f"\n post_attention_layernorm:norm:{norm}\n{feed}\nadd2:residual_add:+"
        edges += " add1>post_attention_layernorm post_attention_layernorm>FF FF>add2 add1~add2 add2>y"
    else:
        edges += " add1>y"
    nodes += "\ny:output:y"
    edges = edges.replace("MIX", mixer.split(":", maxsplit=1)[0]).replace("FF", (feed or "").split(":")[0])
    return graph(graph_id, "Decoder layer", nodes, edges, module=module or graph_id)


def kind(
    kind_id: str, title: str, indices: list[int], mixer: str | None, feed: str | None, **more: object
) -> LayerKind:
    return LayerKind(
        **{
            "id": kind_id,
            "title": title,
            "indices": indices,
            "count": len(indices),
            "class_name": "DecoderLayer",
            "block": f"block/{kind_id}",
            "mixer": mixer,
            "feed_forward": feed,
            "parameters": 0,
            "active_parameters": 0,
            **more,
        }
    )


def tower(tower_id: str, title: str, parameters: int, column: list[str | BlockNode], feeds: str | None = None) -> Tower:
    """A column of node specs, and of stack paths marked `@path`."""
    items = []
    for item in column:
        if isinstance(item, BlockNode):
            items.append(ColumnItem(node=item))
        elif item.startswith("@"):
            items.append(ColumnItem(stack=item[1:]))
        else:
            items.append(ColumnItem(node=node(item)))
    return Tower(id=tower_id, title=title, module=tower_id, parameters=parameters, column=items, feeds=feeds)


def architecture(
    model_id: str,
    class_name: str,
    total: int,
    towers: list[Tower],
    layers: list[LayerStack],
    blocks: list[BlockGraph],
    facts: dict[str, object] | None = None,
    *,
    active: int | None = None,
    gaps: list[GapEntry] | None = None,
    **identity: object,
) -> Architecture:
    return Architecture(
        identity=Identity(
            **{
                "id": model_id,
                "class_name": class_name,
                "origin": "catalog",
                "code": "transformers 5.23.0",
                "retrieved": "2026-11-01",
                **identity,
            }
        ),
        facts=[
            Fact(key=key, value=value, evidence=[Evidence(kind="config", where=key)])
            for key, value in (facts or {}).items()
        ],
        modules=ModuleNode(path="", name="", class_name=class_name),
        towers=towers,
        layers=layers,
        blocks=blocks,
        parameters=Parameters(total=total, active=active),
        gaps=gaps or [],
    )


GATED_ATTENTION = """x:input:x|[seq, 4096]
    q_proj:projection:q_proj|4096 → 2 × 32 × 256
    k_proj:projection:k_proj|4096 → 2 × 256
    v_proj:projection:v_proj|4096 → 2 × 256
    chunk:split:split per head|query · gate
    q_norm:qk_norm:q_norm|RMSNorm(256)
    k_norm:qk_norm:k_norm|RMSNorm(256)
    rope_q:rope:RoPE|64 of 256 dims
    rope_k:rope:RoPE|64 of 256 dims
    sdpa:attention_core:Scaled dot-product attention|causal · 32 Q share 2 KV heads
    sigmoid:activation:sigmoid|gate
    mul:multiply:×
    o_proj:projection:o_proj|32 × 256 → 4096
    y:output:output|[seq, 4096]"""
GATED_ATTENTION_EDGES = (
    "x>q_proj x>k_proj x>v_proj q_proj>chunk chunk>q_norm:query chunk>sigmoid:gate k_proj>k_norm q_norm>rope_q "
    "k_norm>rope_k rope_q>sdpa:Q rope_k>sdpa:K v_proj>sdpa:V sdpa>mul sigmoid>mul mul>o_proj o_proj>y"
)
DELTANET = """x:input:x|[seq, 4096]
    in_proj_qkv:projection:in_proj_qkv|4096 → 12288
    in_proj_z:projection:in_proj_z|4096 → 8192
    in_proj_b:projection:in_proj_b|4096 → 64
    in_proj_a:projection:in_proj_a|4096 → 64
    conv1d:convolution:causal conv1d|kernel 4 · depthwise
    silu:activation:SiLU
    split:split:split|q · k · v
    l2q:norm:L2 norm
    l2k:norm:L2 norm
    sigmoid:activation:sigmoid|β
    dt_bias:parameter:dt_bias|64
    add:add:+
    softplus:activation:softplus
    A_log:parameter:−exp(A_log)|64
    mul:multiply:×
    delta:recurrence_core:Gated delta rule|16 QK heads · 64 V heads · head dim 128
    norm:norm:gated RMSNorm|128
    out_proj:projection:out_proj|8192 → 4096
    y:output:output|[seq, 4096]"""
DELTANET_EDGES = (
    "x>in_proj_qkv x>in_proj_z x>in_proj_b x>in_proj_a in_proj_qkv>conv1d conv1d>silu silu>split split>l2q:q "
    "split>l2k:k split>delta:v l2q>delta l2k>delta in_proj_b>sigmoid sigmoid>delta in_proj_a>add dt_bias>add "
    "add>softplus softplus>mul A_log>mul mul>delta:g delta>norm in_proj_z>norm:z norm>out_proj out_proj>y"
)
MOE = """x:input:x|[seq, 4096]
    gate:router:Router|4096 → 512
    softmax:softmax:softmax
    topk:top_k:top-10 of 512|normalised
    experts:experts:512 experts|SwiGLU 4096 → 1024 → 4096 each
    shared_expert:shared_expert:Shared expert|SwiGLU 4096 → 1024 → 4096
    shared_gate:projection:shared_expert_gate|4096 → 1
    sigmoid:activation:sigmoid
    mul:multiply:×
    add:add:+
    y:output:output|[seq, 4096]"""
MOE_EDGES = (
    "x>gate gate>softmax softmax>topk topk>experts:weights x>experts x>shared_expert x>shared_gate shared_gate>sigmoid "
    "sigmoid>mul shared_expert>mul experts>add mul>add add>y"
)


def attention(
    graph_id: str,
    hidden: int,
    heads: int,
    groups: int,
    size: int,
    *,
    rope: bool = True,
    title: str = "Attention",
    mask: str = "causal",
) -> BlockGraph:
    """Multi-head or grouped-query attention, with RoPE where asked for."""
    rotated = "rope_q:rope:RoPE|half-split\nrope_k:rope:RoPE|half-split" if rope else ""
    nodes = f"""x:input:x|[seq, {hidden}]
        q_proj:projection:q_proj|{hidden} → {heads} × {size}
        k_proj:projection:k_proj|{hidden} → {groups} × {size}
        v_proj:projection:v_proj|{hidden} → {groups} × {size}
        {rotated}
        sdpa:attention_core:Scaled dot-product attention|{mask} · {heads} Q, {groups} KV heads
        o_proj:projection:o_proj|{heads} × {size} → {hidden}
        y:output:output|[seq, {hidden}]"""
    nodes = "\n".join(line for line in nodes.splitlines() if line.strip())
    middle = "q_proj>rope_q k_proj>rope_k rope_q>sdpa rope_k>sdpa" if rope else "q_proj>sdpa k_proj>sdpa"
    return graph(graph_id, title, nodes, f"x>q_proj x>k_proj x>v_proj {middle} v_proj>sdpa sdpa>o_proj o_proj>y")


def swiglu(graph_id: str, hidden: int, inner: int, title: str = "SwiGLU feed-forward") -> BlockGraph:
    nodes = f"""x:input:x|[seq, {hidden}]
        gate_proj:projection:gate_proj|{hidden} → {inner}
        up_proj:projection:up_proj|{hidden} → {inner}
        act:activation:SiLU
        mul:multiply:×
        down_proj:projection:down_proj|{inner} → {hidden}
        y:output:output|[seq, {hidden}]"""
    return graph(
        graph_id, title, nodes, "x>gate_proj x>up_proj gate_proj>act act>mul up_proj>mul mul>down_proj down_proj>y"
    )


def mlp(graph_id: str, hidden: int, inner: int, act: str = "GELU") -> BlockGraph:
    nodes = f"""x:input:x|[seq, {hidden}]
        fc1:projection:fc1|{hidden} → {inner}
        act:activation:{act}
        fc2:projection:fc2|{inner} → {hidden}
        y:output:output|[seq, {hidden}]"""
    return graph(graph_id, "MLP", nodes, "x>fc1 fc1>act act>fc2 fc2>y")
