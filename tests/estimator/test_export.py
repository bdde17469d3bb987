from __future__ import annotations

import ast
import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from archviz import cli
from archviz.architecture.model import ReconciledStep
from archviz.errors import UsageError
from archviz.estimator.export import export_name, write_export
from archviz.estimator.validation import validated
from archviz.pipeline import write_exported
from tests.estimator.models import SAMPLES, exported

QWEN = "Qwen/Qwen3.5-397B-A17B"
KEYS = [
    "model_id", "hf_model_id", "name", "hidden_size", "num_layers", "vocab_size", "total_params", "total_params_formatted",
    "layer_types", "validated", "validation_notes", "validation_sources",
]  # fmt: skip


def layer_types(model: str) -> list[dict[str, Any]]:
    found = exported(model).configuration["layer_types"]
    assert isinstance(found, list)
    return found


def test_the_configuration_has_the_keys_of_the_schema_and_all_layer_kinds() -> None:
    configuration = exported(QWEN).configuration
    assert list(configuration) == KEYS
    assert configuration["model_id"] == "qwen3.5_397b_a17b"
    assert [configuration[key] for key in ("hidden_size", "num_layers", "vocab_size")] == [4096, 60, 248_320]
    assert configuration["total_params_formatted"] == "396.8B"
    for layer in layer_types(QWEN):
        assert list(layer) == ["name", "class", "count", "supported", "specs", "gap_report"]
        assert (layer["gap_report"] is None) == layer["supported"]


@pytest.mark.parametrize(
    "model", [QWEN, "MiniMaxAI/MiniMax-M2", "deepseek-ai/DeepSeek-V4-Flash", "meta-llama/Llama-3.3-70B-Instruct"]
)
def test_the_layer_types_add_up_to_the_total(model: str) -> None:
    total = sum(layer["count"] * layer["specs"]["parameter_count"] for layer in layer_types(model))
    assert total == exported(model).configuration["total_params"]


def test_a_plain_model_has_no_gap_and_is_validated() -> None:
    found = exported("meta-llama/Llama-3.3-70B-Instruct")
    assert found.reports == {}
    assert found.configuration["validated"] is True
    assert "https://huggingface.co/meta-llama/Llama-3.3-70B-Instruct" in found.configuration["validation_sources"]  # type: ignore[operator]


def test_without_a_published_total_nothing_is_validated_and_no_paper_is_a_source() -> None:
    configuration = exported("openai/whisper-tiny").configuration
    assert configuration["validated"] is False
    assert "No published total was at hand" in str(configuration["validation_notes"])
    assert configuration["validation_sources"] == ["https://huggingface.co/openai/whisper-tiny", "transformers 5.23.0"]


def test_a_published_total_that_is_explained_to_the_unit_is_validated_with_its_steps() -> None:
    configuration = exported(QWEN).configuration
    assert configuration["validated"] is True
    notes = str(configuration["validation_notes"])
    assert "403,397,928,944" in notes
    assert "explained to the unit: +6,595,568,128, a layer that predicts a further token" in notes


@pytest.mark.parametrize(("share", "is_valid"), [(0.005, True), (0.02, False)])
def test_what_stays_unexplained_of_a_published_total_decides(share: float, is_valid: bool) -> None:
    architecture = deepcopy(exported("meta-llama/Llama-3.3-70B-Instruct").architecture)
    parameters = architecture.parameters
    parameters.published_total = parameters.total + 1000 + int(parameters.total * share)
    parameters.reconciliation = [ReconciledStep(key="tied", title="a head stored", count=1000, status="derived")]
    parameters.unexplained = parameters.published_total - parameters.total - 1000
    found = validated(architecture, [])
    note = next(each for each in found.notes if each.startswith("The published total"))
    assert f"{parameters.unexplained:+,} of it" in note
    assert ("within 1%" in note) == is_valid
    assert found.ok is False  # the pieces do not add up


def test_a_second_model_does_not_overwrite_the_reports_of_the_first(tmp_path: Path) -> None:
    first, second = exported(QWEN), exported("MiniMaxAI/MiniMax-M2")
    shared = first.reports.keys() & second.reports.keys()
    assert shared
    before = {path: path.read_text() for path in write_export(first, tmp_path)}
    for _ in range(2):  # again into the same folder
        write_export(second, tmp_path)
        write_export(first, tmp_path)
    for path, text in before.items():
        assert path.read_text() == text
    for export in (first, second):
        stated = json.loads((tmp_path / f"{export.model_id}.json").read_text())["layer_types"]
        reports = {layer["name"]: layer["gap_report"] for layer in stated if layer["gap_report"]}
        assert reports.keys() == export.reports.keys()
        assert all((tmp_path / path).read_text() == export.reports[name] for name, path in reports.items())


def test_a_configuration_saved_before_its_reports_names_where_they_will_be(tmp_path: Path) -> None:
    export = exported(QWEN)
    (written,) = write_exported(export, tmp_path, with_reports=False)
    assert {p.name for p in tmp_path.iterdir()} == {written.name}
    stated = json.loads(written.read_text())["layer_types"]
    named = {layer["gap_report"] for layer in stated if layer["gap_report"]}
    write_exported(export, tmp_path)
    assert named == {f"gaps/{path.name}" for path in (tmp_path / "gaps").iterdir()}


def test_a_report_says_how_weights_are_stored_and_where_no_type_is_stated() -> None:
    assert "6,166,937,600 weights of 8 bits" in exported("deepseek-ai/DeepSeek-V4-Flash").reports["attn_hc"]
    report = exported("MiniMaxAI/MiniMax-M2").reports["moe_experts"]
    assert "| not stated |" in report
    assert "float32" not in report


def test_each_unsupported_kind_has_a_report_with_all_parts() -> None:
    found = exported(QWEN)
    wanted = {layer["name"] for layer in layer_types(QWEN) if not layer["supported"]}
    assert set(found.reports) == wanted
    assert "gated_deltanet" in wanted
    for text in found.reports.values():
        for heading in ("Example tensors", "Data flow", "Documentation", "Parallelism", "Test-suite specification"):
            assert f"## {heading}" in text
        assert "docs.vllm.ai" in text
        assert "docs.sglang.ai" in text


def test_the_tests_of_a_report_are_python_with_numbers_of_this_model() -> None:
    for text in exported(QWEN).reports.values():
        ast.parse(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[-1])
    text = exported(QWEN).reports["gated_attention"]
    assert "LAYER.output_shape(batch=2, tokens=16) == [2, 16, 4096]" in text
    assert "LAYER.parameter_count == 104_858_112" in text
    assert "parameter_count=" not in text  # a number that is handed in tests nothing
    assert "LAYER.kv_bytes_per_token(dtype_bytes=2) == 2_048" in text  # 2 heads of 256, keys and values, 2 bytes
    assert "LAYER.flops(tokens=1, context=0) == 209_715_200" in text  # 2 × (16384 + 2 × 512 + 8192) × 4096
    assert "LAYER.flops(tokens=1, context=4_096) == 343_932_928" in text  # + 2 × 2 × 32 × 256 × 4096


def test_experts_are_sent_tokens_and_send_them_back() -> None:
    text = exported(QWEN).reports["moe_experts"]
    assert "163,840 B" in text  # 10 experts × 4096 × 2 bytes, there and back
    assert "all-to-all" in text
    assert "LAYER.flops(tokens=1, context=0) == 251_658_240" in text  # 2 × 10 experts × 3 × 4096 × 1024


def test_the_command_writes_the_files_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "deep" / "out"
    status = cli.main(
        ["export", "Qwen/Qwen3-0.6B", "--offline", "--estimator", str(SAMPLES), "-o", str(output), "--json"]
    )
    answer = json.loads(capsys.readouterr().out)
    assert status == 0
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert written == ["deep/out/qwen3_0.6b.json"]
    assert answer["files"] == [str(output / "qwen3_0.6b.json")]
    assert json.loads((output / "qwen3_0.6b.json").read_text()) == answer["configuration"]


@pytest.mark.parametrize(
    ("model", "estimator", "output", "status", "words"),
    [
        ("Qwen/Qwen3-0.6B", "missing", "out", 2, "does not exist"),
        ("Qwen/Qwen3-0.6B", "broken", "out", 2, "do not parse"),
        ("Qwen/Qwen3-0.6B", None, "file/out", 2, "is a file"),
        ("Qwen/Qwen3-0.6C", None, "out", 3, "Qwen3-0.6C"),
    ],
)
def test_bad_input_is_said_and_writes_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
    estimator: str | None,
    output: str,
    status: int,
    words: str,
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.py").write_text("class (:")
    before = sorted(tmp_path.rglob("*"))
    folder = SAMPLES if estimator is None else tmp_path / estimator
    assert cli.main(["export", model, "--offline", "--estimator", str(folder), "-o", str(tmp_path / output)]) == status
    assert words in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_the_output_folder_does_not_lead_out_of_it(tmp_path: Path) -> None:
    outside, output = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    output.mkdir()
    (output / "gaps").symlink_to(outside)
    with pytest.raises(UsageError, match="outside of the folder"):
        write_export(exported(QWEN), output)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "name"), [("../../etc/passwd", "passwd"), ("a/..", "model"), ("./x/", "x"), ("org/É|x", "x")]
)
def test_file_names_hold_nothing_that_leads_elsewhere(model: str, name: str) -> None:
    assert export_name(model) == name
