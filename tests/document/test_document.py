from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from archviz import cli

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "assets" / "examples"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("documents") / "model.md"
    assert cli.main(["document", "Qwen/Qwen3-0.6B", "--offline", "-o", str(target)]) == 0
    assert [path.name for path in target.parent.iterdir()] == ["model.md"]
    return target.read_text(encoding="utf-8")


def block(text: str, language: str) -> str:
    found = re.search(rf"^(`{{3,}}){language}\n(.*?)^\1$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[2]


def test_a_document_has_all_its_parts_in_order(text: str) -> None:
    assert re.findall(r"^##? .*", text, re.MULTILINE) == [
        "# Qwen3-0.6B architecture", "## Architecture overview", "## Key innovations", "## Detailed components", "## Configuration summary",
        "## Parameters", "## Published total", "## Verification report", "## Machine-readable specification", "## References",
    ]  # fmt: skip
    assert re.findall(r"^### .*", text, re.MULTILINE) == [
        "### Stage 1: input", "### Stage 2: 28 layers", "### Stage 3: output", "### DOT", "### Pseudocode", "### JSON", "### Parameter calculation",
    ]  # fmt: skip


def test_its_head_and_overview_say_what_it_is(text: str) -> None:
    assert "**Model:** <https://huggingface.co/Qwen/Qwen3-0.6B>" in text
    assert "**Total parameters:** 596,049,920" in text
    assert "a dense decoder of 596.0M parameters" in text
    assert "**QK-norm:** queries and keys are normalised per head" in text


def test_its_code_parses_and_its_json_is_the_architecture(text: str) -> None:
    ast.parse(block(text, "python"))
    data = json.loads(block(text, "json"))
    assert data["schema"] == "archviz/1"
    assert data["parameters"]["total"] == 596_049_920
    assert data["tensors"] == []
    assert block(text, "dot").startswith("digraph")


def test_claims_stand_there_with_their_lines(text: str) -> None:
    report = text.partition("## Verification report")[2].partition("## Machine")[0]
    assert "attention.qk_norm | per head | verified | transformers/models/qwen3/modeling_qwen3.py" in report


def test_the_summary_is_short_and_says_sizes_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["document", "Qwen/Qwen3-0.6B", "--offline", "--summary"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^### .*", out, re.MULTILINE) == [
        "### Overview", "### Key components", "### Layer counts and dimensions", "### Design rationale",
    ]  # fmt: skip
    assert "- Hidden size: 1,024" in out
    assert len(out.splitlines()) < 50


def test_the_summary_names_the_tower_of_a_component(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["document", "openai/clip-vit-base-patch32", "--offline", "--summary"]) == 0
    assert re.search(r"^- \w[\w ]*: 12 × ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["Qwen/Qwen3-0.6B"], 2, "neither a file nor --summary"),
        (["Qwen/Qwen3-0.6B", "-o", "/nowhere/x.md"], 2, "does not exist"),
        (["Qwen/Qwen3-0.6C", "--summary"], 3, "Qwen3-0.6C"),
    ],
)
def test_bad_input_is_said(arguments: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["document", *arguments, "--offline"]) == status
    assert words in capsys.readouterr().err


def test_text_of_a_model_cannot_break_out_of_the_document(tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x> | `x`"
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps({"model_type": "qwen3", "num_hidden_layers": 1, "architectures": ["Qwen3ForCausalLM"]})
    )
    target = tmp_path / "out.md"
    assert cli.main(["document", str(folder), "--offline", "-o", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"`[^`\n]*`", "", outside)
    assert not re.search(r"(?<!\\)<img", outside)


@pytest.mark.parametrize("name", ["qwen3.5-397b-a17b", "minimax-m2", "deepseek-v4-flash"])
def test_the_examples_are_whole(name: str) -> None:
    text = (EXAMPLES / f"{name}.md").read_text(encoding="utf-8")
    ast.parse(block(text, "python"))
    total = json.loads(block(text, "json"))["parameters"]["total"]
    folder = EXAMPLES / name
    export = json.loads((folder / f"{name.replace('-', '_')}.json").read_text(encoding="utf-8"))
    assert export["total_params"] == total
    assert sum(layer["count"] * layer["specs"]["parameter_count"] for layer in export["layer_types"]) == total
    for layer in export["layer_types"]:
        assert layer["gap_report"] is None or (folder / layer["gap_report"]).is_file()


def test_the_way_to_the_published_total_stands_in_it(text: str) -> None:
    assert "**Published total:** 751,632,384 (+155,582,464 against this class, explained to the unit below)" in text
    assert "| lm_head.weight stored, though it is model.embed_tokens.weight | \\+155,582,464 | derived |" in text
    assert "{'" not in text.partition("## Machine-readable")[0]


def test_an_encoder_beside_a_decoder_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["document", "openai/whisper-tiny", "--summary", "--offline"]) == 0
    found = capsys.readouterr().out
    assert "is a dense encoder-decoder of 37.8M parameters" in found
    assert "An encoder of 8.2M parameters" in found
