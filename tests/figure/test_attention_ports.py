"""Wires into an attention are called q, k and v where that is certain."""

from __future__ import annotations

import pytest

from archviz.architecture.model import BlockEdge, BlockGraph
from archviz.figure.attention_ports import with_port_names
from archviz.records import replace
from tests.figure.test_catalog_figures import V4, block


def ports(graph: BlockGraph) -> dict[str, str | None]:
    core = next(node.id for node in graph.nodes if node.role == "attention_core")
    return {edge.source: edge.label for edge in with_port_names(graph).edges if edge.target == core}


@pytest.mark.parametrize(
    ("name", "block_id", "expected"),
    [
        (
            "Qwen/Qwen3-0.6B",
            "text/attention",
            {"apply_rotary_pos_emb": "q", "apply_rotary_pos_emb_2": "k", "v_proj": "v"},
        ),
        ("deepseek-ai/DeepSeek-V3", "text/mla", {"split_3": "v"}),
        ("google-t5/t5-small", "decoder/attention", {"q": "q", "k": "k", "v": "v"}),
        ("openai-community/gpt2", "text/attention", {"split": "q, k, v"}),
        (V4, "text/sliding_attention", {"apply_rotary_pos_emb": "q", "apply_rotary_pos_emb_2": "k, v"}),
        (V4, "text/compressed_sparse_attention", {"apply_rotary_pos_emb": "q", "cat": "k, v", "compressor": None}),
    ],
)
def test_the_catalog(name: str, block_id: str, expected: dict[str, str | None]) -> None:
    found = ports(block(name, block_id))
    assert {key: found[key] for key in expected} == expected


def test_values_that_the_code_reads_first_are_known_by_lacking_rope() -> None:
    graph = block("Qwen/Qwen3-0.6B", "text/attention")
    core = [edge for edge in graph.edges if edge.target == "attention_core"]
    rest = [edge for edge in graph.edges if edge.target != "attention_core"]
    turned = replace(graph, edges=[*rest, *reversed(core)])
    assert ports(turned)["v_proj"] == "v"


def test_a_fourth_input_makes_it_uncertain() -> None:
    graph = block("google-t5/t5-small", "decoder/attention")
    more = replace(graph, edges=[*graph.edges, BlockEdge(source="input", target="attention_core")])
    assert set(ports(more).values()) == {None}
