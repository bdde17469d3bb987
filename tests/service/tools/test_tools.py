"""Each tool over the real library: small answers that say what was found, what was not, and what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archviz.errors import ArchvizError, UsageError
from archviz.numbers.name_pattern import matcher
from archviz.service.callers import CALLER, Caller
from archviz.service.failures import NEXT_STEPS, failure
from archviz.service.outputs import OutputRoot
from archviz.service.paging import ANSWER_BYTES
from archviz.service.reach import Reach
from archviz.service.tools.comparing import ComparingTools
from archviz.service.tools.describing import DescribingTools
from archviz.service.tools.documenting import DocumentingTools
from archviz.service.tools.drawing import DrawingTools
from archviz.service.tools.inspecting import InspectingTools
from archviz.service.tools.naming import NamingTools
from archviz.service.tools.verifying import VerifyingTools
from archviz.service.workshop import Workshop
from archviz.settings import Settings

ROOT = Path(__file__).parents[3]
MODEL = "Qwen/Qwen3-0.6B"
MOST = ANSWER_BYTES + 1_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """One workshop for all, so that the model is described once."""
    token = CALLER.set(Caller(OutputRoot(tmp_path_factory.mktemp("out"))))
    yield Workshop(Settings(offline=True))
    CALLER.reset(token)


def data(result: Any) -> dict[str, Any]:
    """The structured content of a result that is no error and no longer than an answer may be."""
    assert not result.is_error
    assert json.loads(result.content[0].text) == result.structured_content
    assert len(result.content[0].text.encode()) < MOST
    assert result.structured_content["next"]
    assert "null" not in result.content[0].text.replace("nullable", "").replace("[null", "").replace(",null", "")
    content: dict[str, Any] = result.structured_content
    return content


# --- find_sources ---


def test_sources_are_listed_with_what_rests_on_them_and_where_to_go_on(shop: Workshop) -> None:
    found = data(NamingTools(shop).find_sources(MODEL))
    assert (found["status"], found["model_id"]) == ("exact", MODEL)
    assert [row["kind"] for row in found["sources"]][:2] == ["code", "configuration"]
    assert found["sources"][0]["rests"] is True
    assert f"model={MODEL}" in found["next"][0]


def test_what_cannot_be_read_offline_is_an_error_that_says_so(shop: Workshop) -> None:
    with pytest.raises(ArchvizError, match="no card") as caught:
        NamingTools(shop).find_sources(MODEL, read="card")
    assert caught.value.code == "offline"
    assert not any("read=card" in step for step in data(NamingTools(shop).find_sources(MODEL))["next"])
    with pytest.raises(ArchvizError) as caught:
        NamingTools(shop).find_sources("2505.09388", read="paper")
    assert caught.value.code in ("offline", "unreachable")


def test_a_papers_sections_are_read_in_pages(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    from archviz.lookup.arxiv.client import Paper
    from archviz.lookup.papers import PaperAnswer

    paper = Paper(
        id="2505.09388v1", title="A report", authors=("A",), published="2025-05-14", updated="2025-05-14", category="cs.CL",
        comment="", abstract="word " * 3_000,
    )  # fmt: skip
    asked: list[Any] = []

    def papers(name: str, **options: Any) -> PaperAnswer:
        asked.append((name, options["sections"]))
        return PaperAnswer("exact", name, "found", paper=paper)

    monkeypatch.setattr("archviz.pipeline.papers", papers)
    first = data(NamingTools(shop).find_sources("2505.09388", read="paper", sections="2.1"))
    assert asked == [("2505.09388", "2.1")]
    assert first["paper"]["title"] == "A report"
    following = int(first["next"][0].partition("=")[2].split()[0])
    second = data(NamingTools(shop).find_sources("2505.09388", read="paper", offset=following))
    assert second["page"]["offset"] == following
    assert first["text"] + second["text"] == (first["text"] + second["text"])[: following + second["page"]["returned"]]


# --- describe_architecture ---


def test_a_module_is_found_by_its_path_whatever_the_layer(shop: Workshop) -> None:
    tool = DescribingTools(shop)
    found = data(tool.describe_architecture(MODEL, part="model.layers.7.self_attn.q_proj"))
    assert found["value"]["tensors"] == {"weight": [2048, 1024]}
    assert found["part"].startswith("/modules/children/")
    again = data(tool.describe_architecture(MODEL, part=found["part"]))
    assert again["value"] == found["value"]
    layer = data(tool.describe_architecture(MODEL, part="model.layers.0.self_attn"))
    assert any("/blocks/" in step for step in layer["next"])


def test_a_path_of_equal_modules_is_that_of_the_first_in_every_call(shop: Workshop) -> None:
    tool, folded, first = DescribingTools(shop), "model.layers.{0-27}.self_attn", "model.layers.0.self_attn"
    found = data(tool.describe_architecture(MODEL, part=folded))
    assert found["value"] == data(tool.describe_architecture(MODEL, part=first))["value"]
    assert f"part=trace:{first} lists" in found["next"][1]
    rows = data(tool.describe_architecture(MODEL, part=f"trace:{folded}"))["value"]
    assert rows == data(tool.describe_architecture(MODEL, part=f"trace:{first}"))["value"]
    assert rows[0].startswith(f"call {first}:")
    drawn = data(DrawingTools(shop).draw_architecture(MODEL, view="module", module=folded, formats=["svg"]))
    assert drawn["title"].endswith(first)


def test_a_part_that_stands_as_an_outline_is_named_as_the_next_to_ask_for(shop: Workshop) -> None:
    tool, part, opened = DescribingTools(shop), "/modules", []
    while True:
        found = data(tool.describe_architecture(MODEL, part=part))
        following = [step for step in found["next"] if "opens what stands as an outline" in step]
        if not following:
            break
        assert not any("all of this part" in step for step in found["next"])
        part = following[0].removeprefix("part=").split()[0]
        opened.append(part)
    assert opened[0] == "/modules/children"
    assert len(opened) > 1
    assert "outline" not in str(found["next"])


@pytest.mark.parametrize(
    "part", ["model.layers.99", "model.nothing", "lm_head.weight.x", "/nowhere", "/tensors/-1", "..", "trace:nothing"]
)
def test_a_part_that_is_not_there_is_an_error_that_names_what_is(shop: Workshop, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        DescribingTools(shop).describe_architecture(MODEL, part=part)
    assert caught.value.hint


def test_calls_and_operations_of_a_module_are_traced_with_their_lines(shop: Workshop) -> None:
    found = data(DescribingTools(shop).describe_architecture(MODEL, part="trace:model.layers.0.mlp"))
    assert "call model.layers.0.mlp: Qwen3MLP [[1, 64, 1024]] → [1, 64, 1024] @ modeling_qwen3.py:" in found["value"][0]
    assert any(row.startswith("op model.layers.0.mlp.") and "modeling_qwen3.py:" in row for row in found["value"])


def test_a_traced_call_says_what_it_is_handed_by_name(shop: Workshop) -> None:
    found = data(DescribingTools(shop).describe_architecture(MODEL, part="trace:model.layers.0.self_attn"))
    assert "Qwen3Attention [hidden_states=[1, 64, 1024]" in found["value"][0]
    assert "64 tokens" in found["notes"][0]


def test_a_class_or_module_that_is_not_there_is_told_with_those_that_are(shop: Workshop) -> None:
    tool = DescribingTools(shop)
    with pytest.raises(UsageError) as caught:
        tool.describe_architecture(MODEL, class_name="Nope")
    assert "Qwen3ForCausalLM" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        tool.describe_architecture(MODEL, part="trace:model.layers.0.attn")
    assert caught.value.hint == "model.layers.0 has self_attn, mlp, input_layernorm, post_attention_layernorm"


# --- verify_code ---


def test_claims_come_with_lines_and_an_expectation_that_is_wrong_is_a_conflict(shop: Workshop) -> None:
    found = data(VerifyingTools(shop).verify_code(MODEL, expect="layers=27,hidden=1024", about="rope,norm"))
    assert "code says 28: conflict" in found["conflicts"][0]
    assert "hidden" in found["checks"][0]
    assert found["claims"]
    assert all("rope" in claim.lower() or "norm" in claim.lower() for claim in found["claims"])
    assert any("modeling_qwen3.py:" in claim for claim in found["claims"])
    assert found["next"][0].startswith("Tell the user of each conflict")


def test_what_is_held_against_claims_is_answered_without_them_and_in_words(shop: Workshop) -> None:
    found = data(VerifyingTools(shop).verify_code(MODEL, expect="layers=28,params=596M"))
    assert "claims" not in found
    assert "params stated 596,000,000, code says 596,049,920: verified" in found["checks"][1]
    assert any("about=WORD" in step for step in found["next"])


def test_active_parameters_that_are_right_without_the_embedding_are_told_so(shop: Workshop) -> None:
    found = data(VerifyingTools(shop).verify_code("openai/gpt-oss-20b", expect="active=3.6B"))
    assert "conflict @ 3,608,307,264 without the embedding of 579,133,440, as stated" in found["conflicts"][0]


def test_claims_about_a_tower_of_defaults_are_unverified(shop: Workshop) -> None:
    found = data(VerifyingTools(shop).verify_code("meta-llama/Llama-4-Maverick-17B-128E-Instruct", about="vision"))
    assert found["statuses"]["unverified"] > 0
    listed = data(VerifyingTools(shop).verify_code("meta-llama/Llama-4-Maverick-17B-128E-Instruct", about="unverified"))
    assert listed["page"]["total"] == found["statuses"]["unverified"]
    assert all("[unverified]" in claim for claim in listed["claims"])


def test_layers_of_a_claim_are_written_as_the_summary_writes_them(shop: Workshop) -> None:
    found = data(VerifyingTools(shop).verify_code("Qwen/Qwen3.5-397B-A17B", about="rope"))
    assert any("layers.{3-59/4}.self_attn" in claim for claim in found["claims"])
    assert not any("{3,7,11" in claim for claim in found["claims"])


def test_a_figure_is_held_against_the_code(shop: Workshop) -> None:
    figure = {
        "model_name": "Qwen3-0.6B",
        "stages": [{"name": "28 layers", "blocks": [{"type": "MLP", "details": "hidden 1024"}]}],
    }
    assert "statuses" in data(VerifyingTools(shop).verify_code(MODEL, figure=figure))


def test_all_that_contradicts_a_figure_is_read_in_pages(shop: Workshop) -> None:
    wrong = [{"type": f"MLP {n}", "details": f"up_proj {n:,} → 7; 1,024 → {n}"} for n in range(2_000, 2_040)]
    figure = {"model_name": "Qwen3-0.6B", "stages": [{"name": "layers", "blocks": [*wrong, {"type": "16 heads"}]}]}
    tool, offset, conflicts, checks = VerifyingTools(shop), 0, [], []
    while True:
        found = data(tool.verify_code(MODEL, figure=figure, offset=offset))
        conflicts += found.get("conflicts", [])
        checks += found.get("checks", [])
        assert found["page"]["offset"] == offset
        offset += found["page"]["returned"]
        if offset == found["page"]["total"]:
            break
        assert f"offset={offset} goes on" in " ".join(found["next"])
        assert ("further conflicts" in str(found["next"])) == (not checks)
    assert len(set(conflicts)) == len(conflicts) >= 40
    assert all(f"blocks[{index}]" in str(conflicts) for index in range(40))
    assert "heads stated 16, code says 16: verified" in checks[-1]
    narrowed = data(tool.verify_code(MODEL, figure=figure, about="heads"))
    assert "and" in narrowed["conflicts"][-1]
    assert any("in pages" in step for step in narrowed["next"])


def test_a_figure_that_states_nothing_is_told_so(shop: Workshop) -> None:
    figure = {"model_name": "Qwen3-0.6B", "stages": [{"name": "a", "blocks": [{"type": "b"}]}]}
    found = data(VerifyingTools(shop).verify_code(MODEL, figure=figure))
    assert "checks" not in found
    assert found["next"][0].startswith("Nothing in the figure could be held against the code")


def test_code_without_a_match_is_told_why(shop: Workshop, tmp_path: Path) -> None:
    tool, broken, plain = VerifyingTools(shop), tmp_path / "broken", tmp_path / "plain"
    for folder, text in ((broken, "def f(:"), (plain, "x = 1\n")):
        folder.mkdir()
        (folder / "a.py").write_text(text)
    assert "skipped" in data(tool.verify_code(code=str(broken)))["next"][0]
    assert data(tool.verify_code(code=str(plain)))["next"] == ["Nothing matches any topic."]
    assert "leave `about`" in data(tool.verify_code(code=str(plain), about="rope"))["next"][0]


def test_code_is_searched_by_topic(shop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "import torch\nclass A:\n    def f(self, q):\n        return torch.chunk(q, 2, dim=-1)\n"
    )
    found = data(VerifyingTools(shop).verify_code(code=str(tmp_path), about="split"))
    assert found["topics"] == {"split": 1}
    assert found["matches"] == ["m.py:4 [split] A.f: return torch.chunk(q, 2, dim=-1)"]
    assert "leave `about`" in data(VerifyingTools(shop).verify_code(code=str(tmp_path), about="moe"))["next"][0]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"model": MODEL, "code": "x.py"}, {"code": "x.py", "expect": "layers=1"}, {"model": MODEL, "expect": "nothing=1"}, {"code": "missing.py"}],
)  # fmt: skip
def test_what_cannot_be_verified_is_refused(shop: Workshop, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        VerifyingTools(shop).verify_code(**arguments)


def test_of_addresses_only_those_of_github_are_searched(shop: Workshop) -> None:
    with pytest.raises(UsageError, match="only those of GitHub"):
        VerifyingTools(shop).verify_code(code="https://example.org/a/b")


# --- the name ---


def test_a_model_asked_by_a_part_of_its_name_is_told_by_all_of_it(shop: Workshop) -> None:
    tool, named = DescribingTools(shop), "Qwen3-0.6B"
    assert data(InspectingTools(shop).inspect_tensors(named))["model"] == MODEL
    assert data(tool.describe_architecture(named, part="trace:model.norm"))["model"] == MODEL
    assert data(tool.describe_architecture(named))["model"] == MODEL


# --- inspect_tensors ---


def test_tensors_are_listed_equal_layers_in_one_row_and_found_by_name(shop: Workshop) -> None:
    tool = InspectingTools(shop)
    whole = data(tool.inspect_tensors(MODEL))
    assert (whole["count"], whole["parameters"]) == (310, 596_049_920)
    assert whole["tensors"]["model.layers.{0-27}.self_attn.q_proj.weight"] == [2048, 1024]
    assert "each of these numbers" in whole["notes"][0]
    found = data(tool.inspect_tensors(MODEL, match="*layers.3.self_attn.?_norm*"))
    assert list(found["tensors"]) == [f"model.layers.3.self_attn.{x}_norm.weight" for x in "qk"]


def test_what_matches_is_summed_and_the_whole_model_is_named_as_such(shop: Workshop) -> None:
    tool = InspectingTools(shop)
    found = data(tool.inspect_tensors(MODEL, match="q_proj"))
    assert (found["count"], found["parameters"]) == (28, 28 * 2048 * 1024)
    assert found["whole"] == {"parameters": 596_049_920, "digest": data(tool.inspect_tensors(MODEL))["whole"]["digest"]}
    for name, shape in data(tool.inspect_tensors(MODEL))["tensors"].items():
        assert data(tool.inspect_tensors(MODEL, match=name))["tensors"] == {name: shape}
    some = data(tool.inspect_tensors(MODEL, match="*layers.{0-2,9}.mlp.up*"))
    assert list(some["tensors"]) == ["model.layers.{0-2,9}.mlp.up_proj.weight"]
    none = data(tool.inspect_tensors(MODEL, match="nothing"))
    assert (none["count"], none["parameters"], none["page"]["total"]) == (0, 0, 0)
    assert "leave `match`" in none["next"][0]


def test_a_pattern_that_was_meant_as_a_part_of_names_is_told_how_to_be_one(shop: Workshop) -> None:
    tool = InspectingTools(shop)
    for pattern in ("layers.0.*", "layers.?.mlp", "layers.*.mlp.up_proj*"):
        (step,) = data(tool.inspect_tensors(MODEL, match=pattern))["next"]
        better = step.partition("match=")[2].split()[0]
        assert data(tool.inspect_tensors(MODEL, match=better))["count"], step
    for nothing in ("nope", "*nope*"):
        assert data(tool.inspect_tensors(MODEL, match=nothing))["next"] == [
            "No tensor has such a name: leave `match` out."
        ]


def test_many_tensors_are_read_in_pages(shop: Workshop, tmp_path: Path) -> None:
    names = {
        f"part{index:03}.weight": {"dtype": "F32", "shape": [index + 1], "data_offsets": [0, 0]} for index in range(300)
    }
    start = 0
    for row in names.values():
        row["data_offsets"], start = [start, start + 4 * row["shape"][0]], start + 4 * row["shape"][0]  # type: ignore[index]
    header = json.dumps(names).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * start)
    first = data(InspectingTools(shop).inspect_tensors(str(tmp_path), stored=True))
    following = first["page"]["returned"]
    assert f"offset={following}" in first["next"][0]
    second = data(InspectingTools(shop).inspect_tensors(str(tmp_path), stored=True, offset=following))
    assert next(iter(second["tensors"])) == f"part{following:03}.weight"
    assert second["count"] == 300


def test_stored_tensors_of_a_folder_have_types(shop: Workshop, tmp_path: Path) -> None:
    rows = {
        "a.weight": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},
        "b.weight": {"dtype": "F32", "shape": [1], "data_offsets": [12, 16]},
    }
    header = json.dumps(rows).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 16)
    tool = InspectingTools(shop)
    found = data(tool.inspect_tensors(str(tmp_path), stored=True))
    assert found["tensors"] == {"a.weight": ["BF16", 2, 3], "b.weight": ["F32", 1]}
    assert (found["parameters"], found["dtypes"]) == (7, {"BF16": 6, "F32": 1})
    found = data(tool.inspect_tensors(str(tmp_path), stored=True, match="a."))
    assert (found["parameters"], found["dtypes"]) == (6, {"BF16": 6})
    assert found["whole"] == {"parameters": 7, "dtypes": {"BF16": 6, "F32": 1}}


def test_a_pattern_of_stars_takes_no_time() -> None:
    assert not matcher("*a" * 200)("a" * 150 + "b")
    assert matcher("[x]*")("[x].weight")


def test_pages_of_one_request_read_the_model_once(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    from archviz import pipeline

    asked: list[str] = []

    def count(name: str) -> None:
        real = getattr(pipeline, name)
        monkeypatch.setattr(pipeline, name, lambda *args, **options: asked.append(name) or real(*args, **options))  # type: ignore[func-returns-value]

    for name in ("verify", "tensors", "trace", "document", "exported"):
        count(name)
    fresh, layers = Workshop(shop.settings), str(ROOT / "assets" / "estimator_layers")
    for offset in (0, 5):
        data(VerifyingTools(fresh).verify_code(MODEL, about="rope,norm", offset=offset))
        data(InspectingTools(fresh).inspect_tensors(MODEL, offset=offset))
        data(DescribingTools(fresh).describe_architecture(MODEL, part="trace:model.layers.0", offset=offset))
        assert fresh.document(MODEL)[1].startswith("# ")
    for save in ("nothing", "configuration", "gap_reports"):
        data(DocumentingTools(fresh).write_document(MODEL, "estimator", estimator=layers, save=save))  # type: ignore[arg-type]
    data(DocumentingTools(fresh).write_document(MODEL))
    assert sorted(asked) == ["document", "exported", "tensors", "trace", "verify"]


# --- draw_architecture ---


def test_a_module_and_another_view_are_drawn(shop: Workshop) -> None:
    tool = DrawingTools(shop)
    found = data(tool.draw_architecture(MODEL, view="module", module="model.layers.0.self_attn", formats=["svg"]))
    path = Path(found["files"][0]["path"])
    assert "Qwen3-0.6B" in path.read_text("utf-8")
    assert path.name.startswith("Qwen3-0.6B-module-model.layers.0.self_attn-")
    assert found["title"].endswith(": model.layers.0.self_attn")
    assert "summary" not in found
    assert not any("view=module" in step for step in found["next"])
    assert data(tool.draw_architecture(MODEL, view="params", formats=["svg"]))["image"] == "not_asked"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"model": MODEL, "figure": {"model_name": "x", "stages": []}},
        {"model": MODEL, "view": "module"},
        {"model": MODEL, "view": "module", "module": "nothing"},
        {"figure": {"stages": "none"}},
        {"figure": {"model_name": "x", "stages": []}, "view": "params"},
    ],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(shop: Workshop, arguments: dict[str, Any]) -> None:
    before = set(CALLER.get().outputs.folder.rglob("*"))
    with pytest.raises(UsageError):
        DrawingTools(shop).draw_architecture(**arguments)
    assert set(CALLER.get().outputs.folder.rglob("*")) == before


# --- compare_models ---


def test_a_models_configuration_in_place_of_a_figure_is_called_by_its_type(shop: Workshop) -> None:
    tool = DrawingTools(shop)
    drawn = data(tool.draw_architecture(figure={"model_type": "gpt2", "n_layer": 2}, formats=["svg"]))
    assert drawn["title"] == "gpt2"
    assert Path(drawn["files"][0]["path"]).name.startswith("gpt2-")
    with pytest.raises(ArchvizError, match="NaN") as caught:
        tool.draw_architecture(figure={"model_type": "gpt2", "n_layer": float("nan")})
    assert caught.value.where == "figure"


def test_values_of_a_comparison_are_json_as_elsewhere(shop: Workshop) -> None:
    found = data(ComparingTools(shop).compare_models(["transformers:qwen3_next", "transformers:qwen2_5_vl"]))
    values = [value for row in found["differ"].values() for value in row]
    assert any(isinstance(value, list | dict) for value in values)
    assert not [value for value in values if isinstance(value, str) and value.startswith(("{'", "['", "["))]


def test_two_models_are_compared_with_a_figure_and_a_page(shop: Workshop) -> None:
    result = ComparingTools(shop).compare_models([MODEL, "transformers:qwen2"], formats=["svg"])
    found = data(result)
    assert found["differ"]["hidden_size"] == [1024, 4096]
    assert [file["format"] for file in found["files"]] == ["md", "svg"]
    assert all("such_as" in row or row["only"] in ("first", "other") for row in found["blocks"])
    assert "hidden" in Path(found["files"][0]["path"]).read_text("utf-8").lower()
    assert [item.type for item in result.content] == ["text", "resource_link", "resource_link"]


def test_a_picture_of_a_comparison_is_to_be_looked_at(shop: Workshop) -> None:
    found = data(ComparingTools(shop).compare_models([MODEL, "transformers:qwen2"], formats=["png"]))
    assert found["next"][0].startswith("Look at the picture")


def test_how_a_name_was_found_is_a_note_and_no_difference(shop: Workshop) -> None:
    found = data(ComparingTools(shop).compare_models(["Qwen3-0.6B", "transformers:qwen2"]))
    assert "remark" not in {*found["differ"], *found["equal"]}
    assert found["notes"][0].startswith(MODEL)


@pytest.mark.parametrize("models", [[MODEL, MODEL], [MODEL, "Qwen3-0.6B"], [MODEL, "Qwen3.5"]])
def test_a_comparison_of_a_model_with_itself_or_an_ambiguous_name_is_refused(shop: Workshop, models: list[str]) -> None:
    with pytest.raises(ArchvizError):
        ComparingTools(shop).compare_models(models)
    with pytest.raises(UsageError):
        ComparingTools(shop).compare_models([MODEL, "transformers:qwen2", "transformers:qwen3"], formats=["png"])


# --- write_document ---


def test_a_document_is_written_and_its_short_form_told(shop: Workshop) -> None:
    found = data(DocumentingTools(shop).write_document(MODEL))
    assert found["text"].startswith("## Qwen3-0.6B architecture")
    assert Path(found["files"][0]["path"]).read_text("utf-8").startswith("# ")


def test_a_validation_report_tells_its_conflicts_first(shop: Workshop) -> None:
    found = data(DocumentingTools(shop).write_document(MODEL, "validation", expect="hidden=1024,layers=27"))
    assert found["summary"]["conflicts"] > 0
    assert ": conflict @ " in found["checks"][0]
    assert ".py:" in found["checks"][0]
    assert Path(found["files"][0]["path"]).suffix == ".md"


def test_memory_is_told_by_context_with_its_curve(shop: Workshop) -> None:
    found = data(DocumentingTools(shop).write_document("transformers:qwen3", "memory", context="1k"))
    assert found["summary"]["contexts"][0]["tokens"] == 1024
    assert [file["format"] for file in found["files"]] == ["md", "svg"]


def test_reports_that_an_answer_has_no_room_for_are_where_it_says(shop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("class OtherLayer:\n    def __init__(self, width: int) -> None: ...\n")
    tool = DocumentingTools(shop)
    result = tool.write_document("transformers:oneformer", "estimator", estimator=str(tmp_path), save="gap_reports")
    found = data(result)
    links = [item for item in result.content if item.type == "resource_link"]
    assert len(links) == len(found["files"]) == 5
    further = re.fullmatch(
        r"(\d+) further reports: archviz://files/(\S+)NAME.md, NAME as in without_class", found["notes"][-1]
    )
    assert further is not None
    names = found["summary"]["without_class"]
    assert len(names) == int(further[1]) + 4  # the configuration is the fifth of the files
    written = CALLER.get().outputs
    assert all(written.read(f"{further[2]}{name}.md") for name in names)
    assert len(json.dumps([link.model_dump(mode="json") for link in links])) + len(result.content[0].text) < MOST


def test_an_estimators_files_are_written_one_step_after_the_other(shop: Workshop) -> None:
    tool, layers = DocumentingTools(shop), str(ROOT / "assets" / "estimator_layers")
    saved = {}
    for save in ("nothing", "configuration", "gap_reports"):
        found = data(tool.write_document(MODEL, "estimator", estimator=layers, save=save))  # type: ignore[arg-type]
        saved[save] = [Path(file["path"]) for file in found.get("files", [])]
        assert found["summary"]["saved"] == save
    assert saved["nothing"] == []
    (configuration,) = saved["configuration"]
    assert json.loads(configuration.read_text("utf-8"))["hf_model_id"] == MODEL
    reports = saved["gap_reports"][1:]
    assert {path.parent.name for path in reports} <= {"gaps"}
    lacking = found["summary"].get("without_class", [])
    assert [path.stem for path in reports] == sorted(lacking)
    assert {name for name, row in found["summary"]["layer_types"].items() if "no class (" in row} == set(lacking)


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "estimator"},
        {"kind": "estimator", "estimator": "/nowhere/at/all"},
        {"kind": "memory", "context": "many"},
        {"kind": "validation", "expect": "nothing"},
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(shop: Workshop, arguments: dict[str, Any]) -> None:
    before = set(CALLER.get().outputs.folder.rglob("*"))
    with pytest.raises(UsageError):
        DocumentingTools(shop).write_document(MODEL, **arguments)
    assert set(CALLER.get().outputs.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("call", "arguments", "named"),
    [
        (lambda shop: DocumentingTools(shop).write_document, {"expect": "layers=1"}, "expect"),
        (lambda shop: DocumentingTools(shop).write_document, {"context": "4k"}, "context"),
        (lambda shop: DocumentingTools(shop).write_document, {"save": "configuration"}, "save"),
        (lambda shop: DocumentingTools(shop).write_document, {"kind": "memory", "estimator": "x"}, "estimator"),
        (lambda shop: DrawingTools(shop).draw_architecture, {"module": "model.layers.0"}, "module"),
        (lambda shop: InspectingTools(shop).inspect_tensors, {"stored": True, "class_name": "Nope"}, "class_name"),
        (lambda shop: DescribingTools(shop).describe_architecture, {"offset": 7}, "offset"),
        (lambda shop: NamingTools(shop).find_sources, {"offset": 5}, "offset"),
        (lambda shop: NamingTools(shop).find_sources, {"read": "card", "sections": "all"}, "sections"),
    ],
)
def test_an_argument_that_would_change_nothing_is_refused_by_name(
    shop: Workshop, call: Any, arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=f"^{named} is for") as caught:
        call(shop)(MODEL, **arguments)
    assert caught.value.where == named


def test_contexts_that_do_not_fit_an_answer_are_counted(shop: Workshop) -> None:
    contexts = ",".join(map(str, range(1, 200)))
    found = data(DocumentingTools(shop).write_document("transformers:qwen3", "memory", context=contexts))
    left_out = 199 - len(found["summary"]["contexts"])
    assert left_out > 100
    assert f"{left_out} of contexts" in found["notes"][0]


@pytest.mark.parametrize(("name", "following"), [("DeepSeek-V9", "Ask the user"), ("2412.19437", "read=paper")])
def test_sources_of_a_name_that_is_no_model_lead_on(shop: Workshop, name: str, following: str) -> None:
    assert following in data(NamingTools(shop).find_sources(name))["next"][0]


# --- errors as data ---


def test_every_error_of_the_tree_has_a_next_step_and_is_told_in_short() -> None:
    def tree(kind: type[ArchvizError]) -> Iterator[type[ArchvizError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from tree(each)

    codes = {kind.code for kind in tree(ArchvizError)}
    assert codes <= set(NEXT_STEPS)
    assert {"not_found", "ambiguous", "gated", "rate_limited", "unreachable", "unsupported", "too_large"} <= codes
    told = failure(UsageError("x" * 5_000, where="a\x1b[31m", hint="y\x00"))
    assert len(json.dumps(told)) < 1_500
    assert "\x1b" not in str(told["where"])


def test_code_that_is_not_understood_is_unsupported_with_its_part_and_place(shop: Workshop, tmp_path: Path) -> None:
    values = {"model_type": "odd", "auto_map": {"AutoConfig": "m.C", "AutoModel": "m.M"}}
    (tmp_path / "config.json").write_text(json.dumps(values))
    (tmp_path / "m.py").write_text("import torch\n\nC = torch.nothing.of.today()\n\nclass M: pass\n")
    with pytest.raises(ArchvizError) as caught:
        DescribingTools(shop).describe_architecture(str(tmp_path))
    told = failure(caught.value)
    assert told["error"] == "unsupported"
    assert told["part"] == "C"
    assert str(told["at"]).endswith("m.py:3")
    assert "where" not in told
    assert "verify_code" in str(told["next"])


def hint_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ArchvizError) as refused:
        call(**arguments)
    return str(failure(refused.value)["hint"])


def test_a_pointer_without_its_slash_is_told_with_it(shop: Workshop) -> None:
    tool = DescribingTools(shop)
    for part, meant in (("blocks", "/blocks"), ("facts.3", "/facts/3"), ("blocks/0/nodes", "/blocks/0/nodes")):
        assert hint_of(tool.describe_architecture, model=MODEL, part=part).endswith(f"part={meant}")
        assert tool.describe_architecture(MODEL, part=meant).structured_content["part"] == meant
    assert "part=" not in hint_of(tool.describe_architecture, model=MODEL, part="nothing")


@pytest.mark.parametrize("code", [MODEL, "transformers:qwen3"])
def test_a_model_in_place_of_code_is_told_where_it_goes(shop: Workshop, code: str) -> None:
    assert hint_of(VerifyingTools(shop).verify_code, code=code).endswith("a model is given as model")


def test_a_path_that_is_not_there_is_no_model(shop: Workshop) -> None:
    assert "model" not in hint_of(VerifyingTools(shop).verify_code, code="./nowhere")


def test_near_types_are_told_offline_too(shop: Workshop) -> None:
    assert "llama" in hint_of(DescribingTools(shop).describe_architecture, model="transformers:lama")


def test_a_local_folder_of_that_name_is_told_only_where_it_may_be_read(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open" / "my-own").mkdir(parents=True)
    (tmp_path / "shut" / "my-own").mkdir(parents=True)
    tool = DescribingTools(Workshop(shop.settings, Reach((tmp_path / "open",))))
    monkeypatch.chdir(tmp_path / "open")
    assert "write ./my-own" in hint_of(tool.describe_architecture, model="my-own")
    monkeypatch.chdir(tmp_path / "shut")
    with pytest.raises(ArchvizError) as refused:
        tool.describe_architecture("my-own")
    assert "my-own" not in (refused.value.hint or "")
