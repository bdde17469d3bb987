"""Code that asks where tensors are made by default."""

from __future__ import annotations

from archviz import pipeline


def test_a_head_that_asks_for_the_default_device_traces_without_a_gap() -> None:
    assert pipeline.trace("transformers:wav2vec2", class_name="Wav2Vec2ForCTC", seq=7)["gaps"] == []
