"""What each topic finds, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.codesearch.topics import TOPICS
from tests.codesearch.samples import found

FOUND = {
    "rope": [
        "q, k = apply_rotary_pos_emb(q, k, cos, sin)",
        "self.rope(x)",
        "class RoPE: pass",
        "even = q[..., 0::2]",
        "odd = q[..., 1::2]",
        "torch.stack((-b, a), dim=-1)",
        "torch.view_as_complex(x)",
        "torch.polar(one, angles)",
        "freqs.cos()",
        "base ** (torch.arange(0, d, 2) / d)",
        "attend(q, k, interleaved=True)",
        "cos.repeat_interleave(2, dim=-1)",
        "if self.config.rope_interleave: pass",
        "if self.use_rope: pass",
    ],
    "split": [
        "q, gate = torch.chunk(self.q_proj(x), 2, dim=-1)",
        "q.split(self.sizes, dim=-1)",
        "a, b, c = qkv.unbind(0)",
        "x[..., : d // 2]",
        "x[..., d:, :]",
        "fused[..., 0, :]",
        "fused[:, :, :width]",
        "torch.cat([a, b], dim=-1)",
        "rr(qkv, 'b s (three d) -> three b s d', three=3)",
        "self._split_heads(x, 4)",
    ],
    "norm": [
        "self.q_norm(q)",
        "class AcmeRMSNorm: pass",
        "nn.LayerNorm(4)",
        "torch.rsqrt(v + eps)",
        "l2norm(q)",
        "self.ln_1(x)",
    ],
    "moe": [
        "class AcmeSparseMoeBlock: pass",
        "self.experts(x, i, w)",
        "torch.topk(scores, 8)",
        "class Gate: pass",
        "class ChoiceRouter:\n    def forward(self, x): return self.gate(x)",
        "class MoE:\n    def __init__(self, args): self.gate = Gate(args)",
        "if self.score_func == 'softmax': pass",
        "self.shared_expert_gate = nn.Linear(4, 1)",
        "@use_experts_implementation\nclass A: pass",
    ],
    "attention": [
        "F.scaled_dot_product_attention(q, k, v)",
        "scores.softmax(dim=-1)",
        "torch.matmul(query, key.transpose(2, 3))",
        "q @ k.transpose(-1, -2)",
        "self.sinks = nn.Parameter(x)",
        "create_sliding_window_causal_mask(c)",
        "attend(q, sliding_window=4096)",
    ],
    "kernels": [
        "@use_kernel_forward_from_hub('RMSNorm')\nclass A: pass",
        "import triton.language as tl",
        "from flash_attn import flash_attn_func",
        "torch.ops.acme.add(x)",
        "from kernel import act_quant",
        "add[grid](x, y)",
        "chunk_gated_delta_rule(q, k, v)",
        "@torch.compile\ndef f(x): pass",
    ],
    "cache": [
        "past_key_values.update(k, v, 0)",
        "DynamicCache(config)",
        "self.k_cache[:n, a:b] = k",
        "self.register_buffer('kv_cache', x)",
        "torch.cat((past_key, key), dim=-2)",
        "if use_cache: pass",
    ],
    "quantization": [
        "act_quant(x, 128)",
        "weight_dequant(w, s)",
        "x.to(torch.float8_e4m3fn)",
        "import bitsandbytes as bnb",
        "load(load_in_4bit=True)",
        "if weight.element_size() > 1: pass",
    ],
}
LEFT_ALONE = {
    "rope": ["@property\ndef f(x): pass", "europe(x)", "x[::1]", "torch.stack((a, b))", "base ** 2"],
    "split": [
        "'a b'.split()",
        "name.split('.')",
        "name.split(sep='.')",
        "os.path.split(p)",
        "re.split(p, t)",
        "x[..., None]",
        "x[:, None]",
        "x[0]",
        "x[:, 1:]",
    ],
    "norm": ["nn.init.normal_(w)", "clip_grad_norm_(p, 1.0)", "normal(x)"],
    "moe": [
        "self.gate_proj(x)",
        "x.sigmoid()",
        "config.get('num_experts')",
        "class Indexer:\n  def f(s, x): x.topk(4)",
    ],
    "attention": ["self.attn_dropout(x)", "a @ b", "class Router:\n  def f(s, x): x.softmax(-1)"],
    "kernels": ["nn.Conv1d(4, 4, kernel_size=3)", "import torch", "table[0](x)"],
    "cache": ["torch.cuda.empty_cache()", "@lru_cache\ndef f(x): pass", "torch.cat((a, b))"],
    "quantization": ["x.to(torch.float32)", "quantile(x)", "import bits"],
}
HEAD = (
    "import os, re, torch\nimport torch.nn.functional as F\nfrom torch import nn\nfrom einops import rearrange as rr\n"
)


@pytest.mark.parametrize(("topic", "code"), [(topic, code) for topic, rows in FOUND.items() for code in rows])
def test_what_a_topic_is_about_is_found(tmp_path: Path, topic: str, code: str) -> None:
    assert found(tmp_path, HEAD + code + "\n", topic)


@pytest.mark.parametrize(("topic", "code"), [(topic, code) for topic, rows in LEFT_ALONE.items() for code in rows])
def test_what_only_looks_like_it_is_left_alone(tmp_path: Path, topic: str, code: str) -> None:
    assert found(tmp_path, HEAD + code + "\n", topic) == []


def test_every_topic_is_tested_and_says_what_it_is() -> None:
    assert set(TOPICS) == set(FOUND) == set(LEFT_ALONE)
    assert all(topic.what and name == topic.name for name, topic in TOPICS.items())


def test_a_routers_scores_count_within_routers_only(tmp_path: Path) -> None:
    text = "class AcmeTopkRouter:\n    def forward(self, x):\n        return x.sigmoid().gather(1, i)\n"
    assert found(tmp_path, text, "moe") == ["class AcmeTopkRouter", "x.sigmoid().gather(1, i)", "x.sigmoid()"]
