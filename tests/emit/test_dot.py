from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from archviz.emit.architecture_files import architecture_files
from archviz.emit.dot import dot_from_architecture, dot_from_diagram, dot_from_module
from archviz.emit.dot_text import label, quoted
from archviz.figure.diagram_config import load_diagram_config
from archviz.figure.diagram_model import CustomNode
from archviz.figure.module_paths import find_graph
from archviz.formats import Look
from archviz.settings import Settings
from tests.emit.dot_grammar import parse_dot, shown
from tests.figure import zoo
from tests.figure.diagram_samples import load, small, spoilt

EXAMPLE = Path(__file__).parents[2] / "assets" / "example_config.json"
MODELS: list[Callable[[], Architecture]] = [
    zoo.qwen35, zoo.llama, zoo.parallel, zoo.bert, zoo.t5, zoo.deepseek, zoo.nemotron, zoo.gemma3, zoo.hostile,
]  # fmt: skip
HOSTILE = [
    "]; } digraph",
    '"quoted" and "again',
    "ends in a backslash \\",
    "\\N \\G \\l \\",
    "<b>bold</b>",
    "<<table></table>>",
    "a\nb\r\nc\ttab",
    "中文 → ⊗ 🙂 עברית",
    "&lt;not an entity&gt; &amp; &#65;",
    "graph",
    "x" * 10_000,
    "-> {} [label=x];",
    "/* no comment */ // # ",
]


def flat(text: str) -> str:
    """Text without its spaces and line breaks, which wrapping may move."""
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_labels_stay_text(text: str) -> None:
    config = load(
        spoilt(
            lambda raw: (
                raw.update(title=text, source=text),
                raw["stages"][0].update(name=text),
                raw["stages"][0]["blocks"][0].update(type=text, details=text),
                raw["custom_nodes"][0].update(label=text),
                raw["custom_edges"][0].update(label=text),
            )
        )
    )
    graph = parse_dot(dot_from_diagram(config))
    assert set(graph.nodes) == {address for address, _ in config.blocks()} | {"rope", "note"}
    assert flat(shown(graph.nodes["rope"]["label"])) == flat(text)
    assert flat(shown(graph.nodes["stage1.block1"]["label"])) == flat(text + text)
    assert flat(shown(graph.clusters["cluster_stage1"]["label"])) == flat(text)


@given(st.text(max_size=200))
def test_any_text_is_one_quoted_string(text: str) -> None:
    graph = parse_dot(f"digraph {quoted(text)} {{ a [label={label(text)}]; {quoted(f'x{text}')} -> b; }}")
    assert list(graph.nodes) == ["a"]
    controls = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
    printable = re.sub(controls, "\ufffd", text)
    assert flat(shown(graph.nodes["a"]["label"])) == flat(printable)


def test_stages_are_clusters_and_edges_lead_where_the_config_says() -> None:
    graph = parse_dot(dot_from_diagram(small()))
    assert graph.parents["stage2.block1"] == "cluster_stage2"
    pairs = {(source, target) for source, target, _ in graph.edges}
    assert {("stage2.block1", "stage2.block2"), ("rope", "stage2.block2")} <= pairs
    clipped = next(values for source, _, values in graph.edges if source == "stage1.block1" and "color" in values)
    assert (clipped["ltail"], clipped["lhead"]) == ("cluster_stage1", "cluster_stage4")


def test_details_hang_on_a_dotted_leader_and_not_in_the_flow() -> None:
    graph = parse_dot(dot_from_diagram(small()))
    into = [(source, values) for source, target, values in graph.edges if target == "stage3.block1"]
    assert [source for source, _ in into] == ["stage2.block2"]
    assert into[0][1]["style"] == "dotted"
    assert ("stage2.block2", "stage4.block1") in {(source, target) for source, target, _ in graph.edges}


def test_colours_are_quoted_hex_and_statuses_show() -> None:
    text = dot_from_diagram(small())
    assert 'fillcolor="#ffe4b5"' in text
    assert not re.search(r"fillcolor=[^\"]", text)
    graph = parse_dot(text)
    assert "dashed" in graph.nodes["stage2.block2"]["style"]
    assert "bold" in graph.nodes["note"]["style"]
    assert "unverified" in graph.nodes["stage2.block2"]["tooltip"]


def test_words_on_a_colour_are_those_of_the_drawing() -> None:
    nodes = [CustomNode(id=name, label=name, color=name) for name in ("red", "navy", "wheat")]
    graph = parse_dot(dot_from_diagram(small().model_copy(update={"custom_nodes": nodes, "custom_edges": []})))
    assert [graph.nodes[node.id]["fontcolor"] for node in nodes] == ["#000000", "#ffffff", "#1b2432"]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_every_sample_architecture_parses(make: Callable[[], Architecture]) -> None:
    graph = parse_dot(dot_from_architecture(make()))
    ends = {end for source, target, _ in graph.edges for end in (source, target)}
    assert ends <= set(graph.nodes)


def test_every_layer_of_one_unit_is_drawn_inside_its_repeat() -> None:
    graph = parse_dot(dot_from_architecture(zoo.qwen35()))
    layers = {name: shown(values["label"]) for name, values in graph.clusters.items() if ".layer" in name}
    assert [text for name, text in layers.items() if name.startswith("cluster_tower1")] == [
        "1st of 4: Gated DeltaNet + MoE",
        "2nd of 4: Gated DeltaNet + MoE",
        "3rd of 4: Gated DeltaNet + MoE",
        "4th of 4: Gated attention + MoE",
    ]
    first = next(name for name in layers if name.startswith("cluster_tower1"))
    repeat = graph.parents[first]
    assert shown(graph.clusters[repeat]["label"]) == "15 ×"
    assert "60 layers\n15 × (3 ×" in shown(graph.clusters[graph.parents[repeat]]["label"])


def test_residual_edges_skip_what_they_skip() -> None:
    graph = parse_dot(dot_from_architecture(zoo.llama()))
    residuals = [(source, target) for source, target, values in graph.edges if values.get("style") == "dashed"]
    assert len(residuals) == 2
    assert all(target.split(".")[-1].startswith("add") for _, target in residuals)


def test_layers_are_chained_from_the_embedding_to_the_head() -> None:
    graph = parse_dot(dot_from_architecture(zoo.llama()))
    following: dict[str, set[str]] = {}
    for source, target, _ in graph.edges:
        following.setdefault(source, set()).add(target)
    start = next(name for name in graph.nodes if name.endswith("embed_tokens"))
    reached, todo = set[str](), [start]
    while todo:
        todo += following.get(here := todo.pop(), set()) - reached
        reached.add(here)
    assert any(name.endswith("lm_head") for name in reached)


def test_the_view_of_a_module_is_its_own_graph_with_what_its_boxes_hold() -> None:
    model = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True))
    look, path = Look(views=("module",), module="model.layers.2.self_attn"), "model.layers.2.self_attn"
    files, _ = architecture_files(model, ["dot"], look, "module")
    assert files["dot"].decode() == dot_from_module(model, path) != dot_from_architecture(model)
    graph = find_graph(model, path)
    dot = parse_dot(files["dot"].decode())
    assert {f"module.{node.id}" for node in graph.nodes} <= set(dot.nodes)
    edges = {(tail, head) for tail, head, _ in dot.edges}
    assert {(f"module.{edge.source}", f"module.{edge.target}") for edge in graph.edges} <= edges
    assert [each["label"] for each in dot.clusters.values()] == ["Compressed sparse attention", "Compressor", "Indexer"]
    _, findings = architecture_files(model, ["dot"], Look(views=("params",)), "params")
    assert [finding.rule for finding in findings] == ["engine"]


def test_there_is_one_inset_for_each_inner_graph() -> None:
    model = zoo.qwen35()
    graph = parse_dot(dot_from_architecture(model))
    insets = [shown(values["label"]).split("\n")[0] for name, values in graph.clusters.items() if "inset" in name]
    inner = {inner for stack in model.layers for kind in stack.kinds for inner in (kind.mixer, kind.feed_forward)}
    inner |= {node.zoom for block in model.blocks for node in block.nodes}
    titles = [block.title for name in inner if name and (block := model.block(name))]
    assert sorted(insets) == sorted(titles)


@pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz program on PATH")
@pytest.mark.parametrize("make", [*MODELS, small, lambda: load_diagram_config(EXAMPLE)])
def test_graphviz_itself_lays_it_out(make: Callable[[], object]) -> None:
    made = make()
    text = dot_from_architecture(made) if isinstance(made, Architecture) else dot_from_diagram(made)  # type: ignore[arg-type]
    run = subprocess.run(["dot", "-Tplain"], input=text.encode(), capture_output=True, check=False)
    assert run.returncode == 0
    assert b"syntax error" not in run.stderr
