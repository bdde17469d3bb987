from __future__ import annotations

from archviz.descriptions import describe
from archviz.settings import Settings


def test_a_rotation_with_the_sign_of_the_sine_changed_is_told_from_the_others() -> None:
    model = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True))
    graph = model.block("text/sliding_attention")
    assert graph is not None
    labels = [node.label for node in graph.nodes if node.role == "rope"]
    assert labels == ["RoPE", "RoPE", "Inverse RoPE"]
    llama = describe("meta-llama/Meta-Llama-3-8B", settings=Settings(offline=True))
    assert {node.label for block in llama.blocks for node in block.nodes if node.role == "rope"} == {"RoPE"}
