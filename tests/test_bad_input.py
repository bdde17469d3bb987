"""Bad input of every kind gets a clear error with the documented exit status: no traceback, no internal fault."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archviz import cli

CONFIG: dict[str, Any] = {
    "model_type": "qwen3",
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 100,
}
TOO_LARGE, USAGE, NO_SUCH_MODEL, UNREACHED = 1, 2, 3, 4
Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused with a status, and give its error as data."""

    def refused(status: int, *arguments: str) -> dict[str, Any]:
        got = cli.main([*arguments, "--json", "--offline"])
        out, err = capsys.readouterr()
        error: dict[str, Any] = json.loads(out)
        assert (got, error["error"] == "internal") == (status, False), error
        assert error["message"]
        assert len(error["message"]) < 500
        assert "Traceback" not in err
        return error

    return refused


def config_file(folder: Path, **changes: Any) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps({key: value for key, value in {**CONFIG, **changes}.items() if value is not ...}))
    return str(path)


def test_the_configuration_that_the_others_are_spoiled_from_is_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["tensors", config_file(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["class"] == "Qwen3ForCausalLM"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"model_type": "qwen3", "hidden_',
        b'{"model_type": "qwen3",}',
        b"[1, 2]",
        b'"qwen3"',
        b"null",
        b"\xff\xfe\x00",
        b"{}",
        b'{"hidden_size": 64}',
        b'{"model_type": 7}',
        b'{"model_type": ""}',
        b'{"model_type": "../../etc/passwd"}',
        b'{"model_type": "qwen3", "hidden_size": NaN}',
        b'{"a":' * 100_000,
        b'{"model_type": "qwen3", "hidden_size": ' + b"9" * 5_000 + b"}",
        b" " * 9_000_000,
    ],
    ids=lambda content: content[:40].decode("ascii", "replace").strip() or f"{len(content)} bytes",
)
def test_a_file_that_is_no_configuration_is_refused(refused: Refused, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    refused(USAGE, "tensors", str(tmp_path / "config.json"))


def test_a_type_that_only_newer_code_may_know_is_not_told_as_unknown_before_that_was_read(
    refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "lama"}')
    error = refused(UNREACHED, "tensors", str(tmp_path / "config.json"))
    assert (error["error"], "newer code was not read" in error["message"]) == ("offline", True)
    assert error["hint"].startswith("near names: llama")


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": -64},
        {"num_hidden_layers": -1},
        {"vocab_size": -5},
        {"vocab_size": 10**30},
        {"hidden_size": "sixty-four"},
        {"hidden_size": None},
        {"num_attention_heads": 0, "head_dim": ...},
        {"layer_types": ["no_such_layer"] * 2},
        {"layer_types": 3},
        {"rope_scaling": "linear"},
        {"hidden_act": "no_such_activation"},
    ],
    ids=str,
)
def test_values_that_the_official_code_cannot_build_are_refused(
    refused: Refused, tmp_path: Path, changes: dict[str, Any]
) -> None:
    refused(USAGE, "tensors", config_file(tmp_path, **changes))


@pytest.mark.parametrize("changes", [{"num_hidden_layers": 10**9}, {"num_hidden_layers": 10**18}], ids=str)
def test_a_size_over_the_bounds_is_told_and_costs_little(
    refused: Refused, tmp_path: Path, changes: dict[str, Any]
) -> None:
    started = time.monotonic()
    error = refused(TOO_LARGE, "tensors", config_file(tmp_path, **changes))
    assert error["error"] == "too_large"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("command", ["tensors", "describe", "draw"])
@pytest.mark.parametrize(
    ("model", "status"),
    [
        ("./no-such-file.json", USAGE),
        ("/", USAGE),
        ("/dev/null", USAGE),
        ("transformers:", USAGE),
        ("transformers:no_such_type", UNREACHED),
        ("transformers:../../os", USAGE),
        ("Qwen/Qwen3.5-400B", NO_SUCH_MODEL),
        ("Qwen3.5", NO_SUCH_MODEL),
        ("Qwen/Qwen3-0.6B@no-such-revision", NO_SUCH_MODEL),
        ("", USAGE),
        ("a\nb", USAGE),
        ("Qwen/" + "x" * 5_000, USAGE),
    ],
)
def test_a_model_that_is_none_is_refused(refused: Refused, command: str, model: str, status: int) -> None:
    refused(status, command, model)


def test_a_class_that_is_none_is_refused(refused: Refused) -> None:
    error = refused(USAGE, "tensors", "Qwen/Qwen3-0.6B", "--class", "NoSuchClass")
    assert "NoSuchClass" in error["message"]


# --- figures ---


FIGURE: dict[str, Any] = {"model_name": "M", "stages": [{"name": "S", "blocks": [{"type": "MLP"}]}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"stages": []},
        {"stages": "S"},
        {"model_name": 7},
        {"custom_edges": [{"from": "stage1", "to": "nowhere"}]},
        {"custom_nodes": [{"id": "n", "label": "N", "color": "no-such-colour"}]},
        {"custom_nodes": [{"id": "n", "label": "N"}] * 2},
        {"stages": [{"name": "S", "blocks": [{"type": "MLP", "status": "maybe"}]}]},
        {"stages": [{"name": "S", "blocks": [{"type": "MLP", "colour": "red"}]}]},
    ],
    ids=str,
)
def test_a_diagram_config_that_cannot_be_drawn_is_refused_with_its_place(
    refused: Refused, tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "figure.json"
    path.write_text(json.dumps(FIGURE | changes))
    error = refused(USAGE, "draw", str(path), "-o", str(tmp_path / "out"))
    assert error["error"] == "bad_figure"
    assert next(iter(changes)) in error["where"]
    assert [file.name for file in tmp_path.iterdir()] == ["figure.json"]


@pytest.mark.parametrize("content", ['{"schema": "archviz/2"}', '{"schema": "archviz/1"}', '{"neither": 1}'])
def test_json_that_is_neither_figure_nor_model_nor_architecture_is_refused(
    refused: Refused, tmp_path: Path, content: str
) -> None:
    (tmp_path / "x.json").write_text(content)
    refused(USAGE, "draw", str(tmp_path / "x.json"), "-o", str(tmp_path / "out"))


# --- files that are none, and code that is not exported ---


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("draw", "-o", "x"), "the Architecture's schema is archviz/2, and this archviz reads archviz/1"),
        (("describe",), "this is an Architecture that archviz wrote"),
    ],
)
def test_an_architecture_of_another_schema_is_refused_by_both_names(
    refused: Refused, tmp_path: Path, command: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "later.json"
    path.write_text('{"schema": "archviz/2", "identity": {}}')
    assert words in refused(USAGE, command[0], str(path), *command[1:])["message"]


@pytest.mark.parametrize("command", ["tensors", "describe", "draw"])
def test_a_pipe_or_device_is_no_configuration(refused: Refused, tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "config.json")
    assert "regular file" in refused(USAGE, command, str(tmp_path / "config.json"))["message"]
    refused(USAGE, command, str(tmp_path))


def test_a_configuration_that_is_a_link_out_of_its_folder_is_not_read(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"model_type": "secret"}')
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").symlink_to(tmp_path / "secret.json")
    error = refused(USAGE, "tensors", str(folder))
    assert "leads out of the folder" in error["message"]
    assert "secret" not in json.dumps(error)


def test_a_class_that_its_file_does_not_export_is_refused_as_officially(refused: Refused) -> None:
    error = refused(USAGE, "tensors", "transformers:voxtral_realtime_text")
    assert error["error"] == "bad_config"
    assert "module transformers has no attribute VoxtralRealtimeTextModel" in error["message"]


def test_values_nested_ten_thousand_deep_are_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen3", "x": ' + "[" * 10_000 + "]" * 10_000 + "}")
    refused(USAGE, "tensors", str(tmp_path / "config.json"))


def test_plain_code_is_drawn_with_its_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.py").write_text(
        "from torch import nn\nclass M(nn.Module):\n    def __init__(self, dim):\n        super().__init__()\n"
        "        self.proj = nn.Linear(dim, dim)\n    def forward(self, x): return self.proj(x)\n"
    )
    options = ["--class", "M", "--args", '{"dim": 7}', "-o", str(tmp_path / "out"), "-f", "svg", "--offline"]
    assert cli.main(["draw", str(tmp_path / "small.py"), *options]) in (0, 5)
    assert (tmp_path / "out.svg").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "Qwen/Qwen3-0.6B", "--estimator=", "--output=out"],
        ["export", "Qwen/Qwen3-0.6B", "--estimator=assets/estimator_layers", "--output="],
        ["document", "Qwen/Qwen3-0.6B", "--output="],
        ["verify", "Qwen/Qwen3-0.6B", "--report="],
        ["memory", "Qwen/Qwen3-0.6B", "--output="],
        ["compare", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-4B", "--markdown="],
    ],
    ids=lambda given: f"{given[0]} {given[-1]}",
)
def test_an_empty_path_is_not_the_current_folder(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "it is empty" in refused(USAGE, *arguments)["message"]
    assert list(tmp_path.iterdir()) == []


def test_expectations_given_one_by_one_may_not_contradict_each_other(refused: Refused) -> None:
    error = refused(USAGE, "verify", "Qwen/Qwen3-0.6B", "--expect", "params=1", "--expect", "params=2")
    assert error["message"] == "params is expected twice"
