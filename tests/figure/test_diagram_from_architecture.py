from __future__ import annotations

from collections.abc import Callable

import pytest

from archviz.architecture.model import Architecture, Evidence
from archviz.figure.diagram_config import load_diagram_config
from archviz.figure.diagram_from_architecture import diagram_config
from archviz.figure.diagram_layout import draw_diagram
from tests.figure import zoo

MODELS: list[Callable[[], Architecture]] = [
    zoo.qwen35, zoo.llama, zoo.parallel, zoo.bert, zoo.t5, zoo.deepseek, zoo.nemotron, zoo.gemma3, zoo.hostile,
]  # fmt: skip


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_the_config_reads_back_and_draws_without_hard_findings(make: Callable[[], Architecture]) -> None:
    config = diagram_config(make())
    assert load_diagram_config(config.to_json()) == config
    _, findings = draw_diagram(config)
    assert [finding for finding in findings if finding.severity == "hard"] == []


def test_every_layer_of_one_unit_is_a_block_and_the_repeat_is_said() -> None:
    unit = diagram_config(zoo.qwen35()).stages[1]
    assert "15 × a unit of 4 layers" in unit.name
    assert [block.type for block in unit.blocks] == [
        "1st of 4: Gated DeltaNet + MoE",
        "2nd of 4: Gated DeltaNet + MoE",
        "3rd of 4: Gated DeltaNet + MoE",
        "4th of 4: Gated attention + MoE",
    ]
    assert unit.blocks[0].details.startswith("1. RMSNorm\n2. Gated DeltaNet")
    assert "Residual add" in unit.blocks[0].details


def test_runs_outside_of_a_unit_keep_their_order_and_count() -> None:
    blocks = [block.type for stage in diagram_config(zoo.deepseek()).stages for block in stage.blocks]
    layers = [name for name in blocks if name.startswith("Layers")]
    assert [name.split(":")[0] for name in layers] == ["Layers 0–2 (3 ×)", "Layers 3–60 (58 ×)"]


def test_mixers_show_their_projections_with_dimensions() -> None:
    stage = next(stage for stage in diagram_config(zoo.qwen35()).stages if stage.name == "Inside Gated attention")
    details = "".join(str(block.details) for block in stage.blocks)
    assert "q_proj: 4096 → 2 × 32 × 256 ← x" in details
    assert stage.detail_of is not None


def test_a_branching_flow_is_told_step_by_step_and_states_no_connection_that_is_not_there() -> None:
    stage = next(stage for stage in diagram_config(zoo.qwen35()).stages if stage.name == "Inside Gated attention")
    assert len(stage.blocks) == 1
    lines = str(stage.blocks[0].details)
    assert "q_norm" in lines
    assert "k_norm" in lines
    assert "←" in lines


def test_residuals_are_edges_beside_the_flow() -> None:
    config = diagram_config(zoo.llama())
    assert [edge.label for edge in config.custom_edges if edge.label] == ["residual", "residual"]


def test_towers_are_flows_of_their_own_joined_where_one_feeds_the_other() -> None:
    config = diagram_config(zoo.t5())
    assert [stage.name for stage in config.stages if stage.new_flow] == ["Encoder: input"]
    link = next(edge for edge in config.custom_edges if edge.label == "to decoder")
    assert config.addresses()[link.target] == next(
        address for address, block in config.blocks() if "Decoder layer" in block.type
    )


def test_sources_and_statuses_come_along() -> None:
    model = zoo.llama()
    head = next(item.node for item in model.towers[0].column if item.node and item.node.role == "head")
    head.evidence = [Evidence(kind="code", where="modeling_llama.py:7")]
    head.status = "unverified"
    block = next(block for _, block in diagram_config(model).blocks() if block.type == head.label)
    assert (block.source, block.status) == ("modeling_llama.py:7", "unverified")


def test_totals_facts_and_links_are_kept_for_the_document() -> None:
    model = zoo.qwen35()
    config = diagram_config(model)
    assert config.parameters is not None
    assert config.parameters.total == model.parameters.total == 396_802_360_816
    assert set(config.configuration) == {fact.key for fact in model.facts}
    assert config.model_name == model.identity.id


def test_a_tied_head_is_an_edge_from_the_embedding() -> None:
    model = zoo.llama()
    nodes = {item.node.role: item.node for item in model.towers[0].column if item.node}
    model.parameters.tied = {f"{nodes['head'].module}.weight": f"{nodes['embedding'].module}.weight"}
    assert any(edge.label == "tied weights" for edge in diagram_config(model).custom_edges)


def test_a_model_that_was_not_understood_still_has_a_diagram() -> None:
    model = zoo.llama()
    model.towers, model.layers, model.blocks = [], [], []
    config = diagram_config(model)
    assert load_diagram_config(config.to_json()) == config
    assert config.stages[0].blocks[0].status == "unverified"
