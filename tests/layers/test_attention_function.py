"""Multi-head attention as a function, with weights of the caller's own projections."""

from __future__ import annotations

from archviz import pipeline


def test_attention_as_a_function_gives_what_pytorch_gives() -> None:
    found = pipeline.trace("transformers:wavlm", batch=2)
    assert found["gaps"] == []
    out = next(call["out"] for call in found["calls"] if call["module"] == "encoder.layers.0.attention")
    assert out == [[2, 49, 768], [2, 12, 49, 49], [24, 49, 49]]
