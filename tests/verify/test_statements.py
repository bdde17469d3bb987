from __future__ import annotations

import pytest

from archviz.verify.statements import read_statements


def stated(text: str, around: str = "") -> set[tuple[str, object]]:
    return {(s.key, s.value) for s in read_statements(text, around)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Q heads 32, KV heads 2, dim 256", {("heads", 32), ("kv_heads", 2), ("head_dim", 256)}),
        ("GQA, 32 Q / 4 KV heads", {("heads", 32), ("kv_heads", 4), ("attention_kind", "GQA")}),
        ("32 query heads share 2 KV heads", {("heads", 32), ("kv_heads", 2)}),
        ("width 1,152, 16 heads", {("hidden", 1152), ("heads", 16)}),
        ("45 linear + 15 full attention layers", {("layers", 15)}),
        ("Layers: 60", {("layers", 60)}),
        ("10 of 512 experts per token", {("top_k", 10), ("experts", 512)}),
        ("128 experts, top-8", {("experts", 128), ("top_k", 8)}),
        ("Experts: 512 routed (10 per token), 1 shared", {("experts", 512), ("top_k", 10)}),
        ("vocabulary 248,320", {("vocab", 248320)}),
        ("context 262,144 tokens", {("context", 262144)}),
        ("sliding window 4,096", {("window", 4096)}),
        ("θ = 10,000,000", {("rope_theta", 10_000_000)}),
        ("indexer, top-512", {("indexer_top_k", 512)}),
        ("indexer top k: 2048", {("indexer_top_k", 2048)}),
        ("4 positions → 1", {("pooled", 4)}),
        ("4 streams → 1, 20 Sinkhorn iterations", {("streams", 4), ("sinkhorn", 20)}),
        ("q_proj 4,096 → 32 × 2 × 256", {("projection", "4096 → 16384")}),
        ("RMSNorm, SwiGLU", {("norm", "RMSNorm"), ("feed_forward", "SwiGLU")}),
        ("LayerNorm", {("norm", "LayerNorm")}),
        ("1,761,186,816 per token", set()),
        ("about 1.5 layers", set()),
        ("see section 4", set()),
        ("QK heads 16, V heads 64, dim 128", {("key_heads", 16), ("value_heads", 64), ("head_dim", 128)}),
        ("unit, repeated 15 times (60 layers)", {("layers", 15), ("layers", 60)}),
        ("indexer: 64 heads, top-k 1,024", {("indexer_heads", 64), ("indexer_top_k", 1024)}),
    ],
)
def test_numbers_are_read_with_their_nouns(text: str, expected: set[tuple[str, object]]) -> None:
    assert stated(text) == expected


def test_a_part_of_the_head_is_stated_only_where_rotation_is_spoken_of() -> None:
    assert stated("first 64 of 256 dimensions", "RoPE on query and key") == {("rope_part", "first 64 of 256")}
    assert stated("first 64 of 256 tokens", "Sampling") == set()


def test_interleaved_sections_are_no_layout() -> None:
    assert stated("half-split, interleaved M-RoPE", "RoPE") == {("rope_layout", "half_split")}
    assert stated("interleaved pairs", "RoPE") == {("rope_layout", "interleaved")}


@pytest.mark.parametrize(
    ("text", "block", "expected"),
    [
        ("32,000 → 2,048", "Token embedding", {("table", "32000 × 2048")}),
        ("768 → 2,048", "Token embedding projection", set()),
        ("tied", "LM head", {("tied", "True")}),
        ("not tied", "LM head", {("tied", "False")}),
        ("sequential residual", "Attention", {("residual", "sequential")}),
        ("parallel mixers", "Attention", set()),
    ],
)
def test_a_box_states_what_its_lines_mean_in_it(text: str, block: str, expected: set[tuple[str, object]]) -> None:
    assert stated(text, block) == expected


def test_the_sizes_of_a_token_embedding_are_read_with_an_arrow_too() -> None:
    assert ("table", "32000 × 2048") in stated("32,000 → 2,048", "Token embedding")
    assert ("table", "32000 × 2048") in stated("32,000 × 2,048", "Position embedding")
    assert not any(key == "table" for key, _ in stated("588 → 2,048", "Patch embedding"))


def test_a_head_that_is_called_tied_is_tied() -> None:
    assert stated("tied", "LM head") == stated("tied, no bias", "LM head") == {("tied", "True")}
    assert stated("not tied", "LM head") == {("tied", "False")}
    assert stated("7,168 → 129,280, tied", "LM head") >= {("tied", "True")}
    assert stated("129,280 × 7,168 (tied with the head)", "Token embedding") >= {("tied", "True")}
    assert stated("tied", "Layers") == stated("tied across the layers", "Token embedding") == set()
