from __future__ import annotations

import pytest

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.attention import Attention, detect_attention
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, attention, linear, module, rms_norm, swiglu

QUIET = Trace(())


def traced(
    record: ModuleRecord, heads: int, kv_heads: int, dim: int, *, span: int | None = None, window: int | None = None
) -> Attention:
    tape = Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "", "Root", x) as results:
        results.append(tape.attention(record, x, heads, kv_heads, dim, span=span, window=window))
    found = detect_attention(record, Trace(tape.events))
    assert found is not None
    return found


@pytest.mark.parametrize("kv_heads, kind", [(8, "mha"), (2, "gqa"), (1, "mqa")])
def test_grouping_follows_from_the_widths_of_the_projections(kv_heads: int, kind: str) -> None:
    found = detect_attention(attention("a", 64, 8, kv_heads, 16), QUIET)
    assert found is not None
    assert (found.kind, found.heads, found.kv_heads, found.head_dim) == (kind, 8, kv_heads, 16)


def test_a_doubled_query_projection_is_a_gate_with_and_without_a_trace() -> None:
    record = attention("a", 64, 8, 2, 16, gated=True)
    quiet = detect_attention(record, QUIET)
    assert quiet is not None
    assert quiet.gated
    assert quiet.heads == 8
    assert traced(record, 8, 2, 16).gated


@pytest.mark.parametrize("size, kind", [(16, "head"), (128, "whole")])
def test_qk_norm_is_per_head_or_over_all_heads_by_its_width(size: int, kind: str) -> None:
    found = detect_attention(attention("a", 64, 8, 8, 16, qk_norm=size), QUIET)
    assert found is not None
    assert found.qk_norm == kind


def test_a_norm_of_a_low_rank_compression_is_no_qk_norm() -> None:
    record = module(
        "a", "Latent",
        linear("a.q_a_proj", 64, 32), rms_norm("a.q_a_layernorm", 32), linear("a.q_b_proj", 32, 4 * 24),
        linear("a.kv_a_proj_with_mqa", 64, 24), rms_norm("a.kv_a_layernorm", 16), linear("a.kv_b_proj", 16, 4 * 32),
        linear("a.o_proj", 64, 64), num_heads=4, qk_head_dim=24, v_head_dim=16, kv_lora_rank=16, q_lora_rank=32,
    )  # fmt: skip
    found = detect_attention(record, QUIET)
    assert found is not None
    assert (found.kind, found.qk_norm, found.ranks, found.value_dim) == ("mla", None, (32, 16), 16)


def test_a_rank_of_zero_says_that_queries_are_not_compressed() -> None:
    record = module(
        "a", "Latent",
        linear("a.wq", 64, 4 * 24), linear("a.wkv_a", 64, 24), linear("a.wkv_b", 16, 4 * 32), linear("a.wo", 64, 64),
        num_heads=4, qk_head_dim=24, v_head_dim=16, kv_lora_rank=16, q_lora_rank=0,
    )  # fmt: skip
    found = detect_attention(record, QUIET)
    assert found is not None
    assert (found.kind, found.ranks) == ("mla", (None, 16))


def test_rope_tells_its_span_and_layout() -> None:
    found = traced(attention("a", 64, 8, 2, 16), 8, 2, 16, span=4)
    assert found.rope is not None
    assert (found.rope.span, found.rope.width, found.rope.layout) == (4, 16, "half_split")
    assert found.positions == "rope"


def test_attention_without_rotation_has_no_positions() -> None:
    assert traced(attention("a", 64, 8, 2, 16), 8, 2, 16).positions == "none"


def test_the_window_that_the_attention_function_is_given_counts() -> None:
    assert traced(attention("a", 64, 8, 2, 16), 8, 2, 16, window=128).window == 128
    assert traced(attention("a", 64, 8, 2, 16, sliding_window=512), 8, 2, 16, window=None).window is None


def test_a_fused_projection_and_a_head_count_are_enough() -> None:
    record = module("a", "Block", linear("a.c_attn", 64, 192), linear("a.c_proj", 64, 64), num_heads=4, embed_dim=64)
    found = detect_attention(record, QUIET)
    assert found is not None
    assert (found.kind, found.heads, found.head_dim) == ("mha", 4, 16)


def test_sinks_and_soft_caps_are_seen() -> None:
    record = attention("a", 64, 8, 2, 16, attn_logit_softcapping=50.0)
    record.parameters["sinks"] = rms_norm("a", 8).parameters["weight"]
    found = detect_attention(record, QUIET)
    assert found is not None
    assert (found.sinks, found.softcap) == (True, 50.0)


@pytest.mark.parametrize("record", [swiglu("m", 64, 128), rms_norm("n", 64), linear("l", 64, 64)])
def test_other_modules_are_not_mine(record: ModuleRecord) -> None:
    assert detect_attention(record, QUIET) is None


def test_a_wrapper_around_an_attention_is_not_mine() -> None:
    wrapper = module("w", "ToyAttentionBlock", attention("w.self", 64, 8, 2, 16), linear("w.dense", 64, 64))
    assert detect_attention(wrapper, QUIET) is None


def test_keys_that_a_step_writes_in_place_end_the_way_back() -> None:
    record = attention("a", 64, 4, 4, 16)
    tape = Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "", "Root", x), tape.inside("call", "a", "ToyAttention", x) as out:
        q, k, v = (tape.op("linear", x, tape.value(64, 64), out=(1, 4, LENGTH, 16)) for _ in range(3))
        tape.op("masked_fill_", k, out=(1, 4, LENGTH, 16))
        last = tape.events[-1]  # it gives back what it wrote into
        tape.events[-1] = Event(last.index, last.kind, last.module, last.name, (k,), (k,), last.parent)
        with tape.inside("function", "a", "eager_attention_forward", q, k, v) as mixed:
            mixed.append(tape.same("clone", v))
        out.append(mixed[0])
    found = detect_attention(record, Trace(tape.events))
    assert found is not None
    assert not found.shared_kv
