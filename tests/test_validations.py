"""Expectations held against everything that is at hand of a folder: code, configuration, headers, card."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import pytest

from archviz import pipeline
from archviz.cli import main
from archviz.errors import UsageError
from archviz.settings import Settings
from archviz.verify.report import Verification

CONFIG = {
    "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 100, "tie_word_embeddings": False,
}  # fmt: skip
CARD = "# Tiny\n\nNumber of Layers: 4\n\nNumber of Parameters: 0.1M\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model with all its tensors in one safetensors file (headers only) and a card that is wrong about its layers."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "README.md").write_text(CARD)
    tensors = pipeline.tensors(str(tmp_path), settings=Settings(offline=True))["tensors"]
    write_header(tmp_path / "model.safetensors", tensors)
    return tmp_path


def write_header(path: Path, tensors: dict[str, list[int]]) -> None:
    rows, end = {}, 0
    for name, shape in tensors.items():
        start, end = end, end + 2 * math.prod(shape)
        rows[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    header = json.dumps(rows).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def verify(folder: Path, expect: str, **options: object) -> Verification:
    return pipeline.verify(str(folder), expect=expect, settings=Settings(offline=True), **options)  # type: ignore[arg-type]


def results(found: Verification) -> dict[str, str]:
    return {check.path.removeprefix("--expect "): check.status for check in found.checks}


def test_each_source_is_asked_for_what_it_says(folder: Path) -> None:
    found = verify(folder, "layers=3,hidden=64,vocab=100,heads=4")
    assert results(found) == {
        "layers": "verified", "hidden": "verified", "vocab": "verified", "heads": "verified",
        "layers (config)": "verified", "hidden (config)": "verified", "vocab (config)": "verified", "heads (config)": "verified",
        "layers (headers)": "verified", "hidden (headers)": "verified", "vocab (headers)": "verified",
        "layers (card)": "unverified",
    }  # fmt: skip
    assert found.exit_status == 0  # a card is a hint: its difference is told, and settles nothing
    assert [(each.kind, each.trouble) for each in found.sources] == [("config", ""), ("headers", ""), ("card", "")]


def test_what_headers_and_code_contradict_is_a_conflict(folder: Path) -> None:
    found = verify(folder, "layers=4,params=90k")
    assert (
        results(found)["layers (headers)"]
        == results(found)["layers"]
        == results(found)["layers (config)"]
        == "conflict"
    )
    assert results(found)["layers (card)"] == "verified"
    assert found.exit_status == 6


def test_stored_tensors_that_are_others_than_the_codes_are_told(folder: Path) -> None:
    tensors = pipeline.tensors(str(folder), settings=Settings(offline=True))["tensors"]
    write_header(folder / "model.safetensors", {**tensors, "model.extra.weight": [1000, 1000]})
    built = pipeline.tensors(str(folder), settings=Settings(offline=True))["params"]
    assert results(verify(folder, f"params={built}")) == {
        "params": "verified",
        "params (headers)": "conflict",
        "params (card)": "verified",
    }


def test_the_stored_tensors_are_held_against_the_model(folder: Path) -> None:
    found = verify(folder, "layers=3")
    assert found.checkpoint is not None
    assert found.checkpoint.is_whole
    (folder / "model.safetensors").unlink()
    names = {"weight_map": {"model.norm.weight": "a.safetensors", "model.more.weight": "a.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(names))
    verify(folder, "layers=3", report=folder / "r.md")
    text = (folder / "r.md").read_text()
    assert "1 stored tensors go to the model" in text
    assert "besides: 1 × model.more.weight" in text


def test_headers_that_cannot_be_read_are_named(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 20)
    found = verify(folder, "layers=3")
    assert [each.kind for each in found.sources if each.trouble] == ["headers"]


@pytest.mark.parametrize("name", ["report.md", "report.json"])
def test_the_report_has_checks_parameters_and_sources(folder: Path, name: str) -> None:
    verify(folder, "layers=4,hidden=64", report=folder / name)
    text = (folder / name).read_text()
    for part in ("layers", "CONFLICT" if name.endswith("md") else '"conflict"', "README.md", "sha256"):
        assert part in text
    if name.endswith("json"):
        data = json.loads(text)
        assert data["result"] == "conflict"
        assert data["parameters"]["code"] == pipeline.tensors(str(folder), settings=Settings(offline=True))["params"]
        assert {each["kind"] for each in data["sources"]} == {"code", "config", "headers", "card"}
    else:
        assert "| layers | headers | 4 | 3 | CONFLICT |" in text


def test_a_report_without_expectations_says_what_was_read(folder: Path) -> None:
    found = pipeline.verify(str(folder), report=folder / "r.md", settings=Settings(offline=True))
    assert found.exit_status == 0
    assert "## Parameters" in (folder / "r.md").read_text()


@pytest.mark.parametrize("name", ["report.txt", "report", "nowhere/report.md"])
def test_a_report_that_cannot_be_written_is_refused_before_any_work(folder: Path, name: str) -> None:
    with pytest.raises(UsageError):
        verify(folder, "layers=3", report=folder / name)


@pytest.mark.parametrize(
    "expect", ["active=3B,params=1B", "top_k=9,experts=8", "kv_heads=8,heads=4", "layers=3,layers=4"]
)
def test_expectations_that_contradict_each_other_are_refused(
    folder: Path, expect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(folder), "--offline", "--expect", expect]) == 2
    assert "contradict" in (told := capsys.readouterr().err) or "twice" in told


def test_a_published_model_that_is_not_asked_says_so(tmp_path: Path) -> None:
    found = pipeline.verify(
        "openai/gpt-oss-20b", expect="layers=24", report=tmp_path / "r.json", settings=Settings(offline=True)
    )
    assert "offline" in next(each.trouble for each in found.sources if each.kind == "headers")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--context", "0"], "no length of context"), (["--dtype", "bf17"], "no data type"), (["--cache-dtype", "x"], "no data type"),
        (["-f", "svg"], "without an output"), (["-o", "c.dot"], "svg, png or pdf"), (["-o", "nowhere/c.svg"], "does not exist"),
    ],
)  # fmt: skip
def test_memory_refuses_what_it_cannot_use(
    folder: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert main(["memory", str(folder), "--offline", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_memory_is_printed_drawn_and_given_as_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", str(folder), "--offline", "--context", "1k", "-o", str(folder / "curve.svg")]) == 0
    assert "384 B" in capsys.readouterr().out
    assert (folder / "curve.svg").read_bytes().startswith(b"<")
    assert main(["memory", str(folder), "--offline", "--context", "1k", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["contexts"][0]["cache"] == 1024 * 3 * 2 * 2 * 16 * 2
    assert data["per_token"]["cache"] == 384


def test_a_missing_folder_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "./no-such-folder", "--offline"]) == 2
    assert "no-such-folder" in capsys.readouterr().err
