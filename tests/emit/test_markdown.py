from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from archviz.architecture.model import Evidence, Fact, GapEntry, ParameterRow
from archviz.emit.markdown import breakdown_section, facts_section, gaps_section, joined, markdown_from_diagram
from archviz.emit.markdown_graphs import graph_section
from archviz.emit.markdown_text import code, line, link, links_in, table, text
from archviz.figure.diagram_config import load_diagram_config
from tests.emit.dot_grammar import parse_dot
from tests.figure import zoo
from tests.figure.diagram_samples import load, small, spoilt

EXAMPLE = Path(__file__).parents[2] / "assets" / "example_config.json"


def headings(document: str) -> list[str]:
    prose = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", document)
    return [found for found in prose.splitlines() if found.startswith("#")]


def fenced(document: str, language: str) -> str:
    found = re.search(rf"(?ms)^(`{{3,}}){language}\n(.*?)^\1$", document)
    assert found
    return found[2]


def test_a_diagram_becomes_a_whole_document() -> None:
    document = markdown_from_diagram(load_diagram_config(EXAMPLE))
    top = [found for found in headings(document) if found.startswith(("# ", "## "))]
    assert top == [
        "# Qwen3.5-397B-A17B architecture",
        "## Architecture overview",
        "## Detailed components",
        "## Key innovations",
        "## Configuration summary",
        "## Machine-readable specification",
        "## References",
    ]
    assert "**Total parameters:** 396,802,360,816" in document
    assert "### Stage 2: Pattern unit: 4 layers, repeated 15 times (60 layers)" in document
    assert "| Vocabulary | 248,320 |" in document
    assert "| Tied embeddings | no |" in document
    assert "- Model: <https://huggingface.co/Qwen/Qwen3.5-397B-A17B>" in document


def test_its_dot_parses_and_its_json_is_the_config() -> None:
    config = small()
    document = markdown_from_diagram(config)
    assert "stage2.block2" in parse_dot(fenced(document, "dot")).nodes
    assert load_diagram_config(fenced(document, "json")) == config


def test_what_is_not_given_has_no_section() -> None:
    document = markdown_from_diagram(load({"model_name": "M", "stages": [{"name": "S", "blocks": [{"type": "B"}]}]}))
    assert [found for found in headings(document) if found.startswith("## ")] == [
        "## Architecture overview",
        "## Detailed components",
        "## Machine-readable specification",
    ]
    assert "None" not in document
    assert "parameters" not in document.lower()


def test_statuses_sources_nodes_and_edges_are_written() -> None:
    document = markdown_from_diagram(small())
    assert "- Status: **not verified**" in document
    assert "- Source: card" in document
    assert "#### RoPE\n\n- θ = 10,000" in document
    assert "| RoPE θ = 10,000 | Layer 2: Attention + MoE | positions |" in document
    assert "The inside of Layer 2: Attention + MoE." in document


def test_facts_gaps_and_breakdown_of_an_architecture_are_written() -> None:
    model = zoo.llama()
    evidence = [Evidence(kind="config", where="config.json:hidden_size")]
    model.facts = [Fact(key="hidden_size", value=4096, status="config", evidence=evidence)]
    model.gaps = [GapEntry(module="model.x", reason="an op that is not known", at="modeling.py:3")]
    model.parameters.breakdown = [
        ParameterRow(key="layers", label="Layers", count=20, each=10, times=2),
        ParameterRow(key="layers/a", label="Attention", count=8, parent="layers", active=8),
    ]
    model.parameters.tied = {"lm_head.weight": "embed.weight"}
    document = joined([breakdown_section(model), facts_section(model.facts), gaps_section(model)])
    assert "| hidden size | 4,096 | config | config.json:hidden_size |" in document
    assert "- `model.x`: an op that is not known (modeling.py:3)" in document
    assert re.search(r"\| Layers \| 2 × 10 \| 20 \|", document)
    assert "| – Attention |" in document
    assert "- `lm_head.weight` is `embed.weight` (tied)" in document


def test_steps_of_a_graph_say_where_they_were_read() -> None:
    model = zoo.qwen35()
    model.blocks[0].nodes[0].evidence = [Evidence(kind="code", where="modeling_qwen3_5_moe.py:12")]
    document = joined([graph_section(graph, graph.title) for graph in model.blocks])
    assert all(f"### {graph.title}" in document for graph in model.blocks)
    assert "modeling_qwen3_5_moe.py:12" in document
    assert "| q_proj | 4096 → 2 × 32 × 256 |" in document


def test_hostile_text_makes_no_html_link_heading_or_table_cell() -> None:
    hostile = "<script>alert(1)</script> [x](javascript:y) | `code\n# heading\n![i](http://evil/i.png) **b**"
    config = load(
        spoilt(
            lambda raw: (
                raw.update(title=hostile, source=hostile, overview=hostile, configuration={hostile: hostile}),
                raw["stages"][0].update(name=hostile),
                raw["stages"][0]["blocks"][0].update(type=hostile, details=hostile),
                raw.update(references={hostile: "javascript:alert(1)"}),
            )
        )
    )
    prose = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", markdown_from_diagram(config))
    assert "# heading" not in prose.replace("\\# heading", "").splitlines()
    assert not re.search(r"(?<!\\)<(?!https?://)", prose)
    assert not re.search(r"(?<!\\)\[", prose)
    assert not re.search(r"(?<!\\)`", prose)
    summary = prose.partition("## Configuration summary")[2]
    row = next(found for found in summary.splitlines() if found.startswith("| \\<script"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 3


def test_a_fence_is_longer_than_any_inside() -> None:
    assert code("json", "a\n```\nb")[0] == "````json"


def test_only_whole_web_addresses_become_links() -> None:
    assert link("https://arxiv.org/abs/1706.03762") == "<https://arxiv.org/abs/1706.03762>"
    assert link("https://x/ y") == "https&#58;//x/ y"
    assert links_in("see https://a.org/b, and x*y") == "see <https://a.org/b>, and x\\*y"


def test_numbered_lines_stay_numbered_and_words_keep_their_underscores() -> None:
    assert line("modeling_qwen3_5.py") == "modeling_qwen3_5.py"
    assert line("_a_") == "\\_a\\_"
    assert text("1. x") == "1\\. x"


@given(st.lists(st.text(max_size=40), min_size=2, max_size=2))
def test_a_row_has_as_many_cells_as_the_header(cells: list[str]) -> None:
    row = table(("a", "b"), [cells])[2]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3
    assert "\n" not in row


@given(st.text(max_size=80))
def test_any_text_stays_free_of_markup(content: str) -> None:
    written = text(content)
    assert not re.search(r"(?<!\\)(?:\\\\)*[<`*\[]", written)
    assert not any(re.match(r"\s*(#|[-+=]|\d+[.)])", part) for part in written.split("\n"))


def test_the_json_of_a_document_is_json() -> None:
    assert json.loads(fenced(markdown_from_diagram(small()), "json"))["model_name"] == "Tiny-1B"
