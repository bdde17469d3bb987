"""What a repository or the Hub states wrongly or in ill will: told as what it is, and never passed on as it came."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from archviz.cli import main
from archviz.errors import BadConfigError, BadResponseError
from archviz.pipeline import describe, sources
from archviz.settings import Settings
from archviz.sources.stored import read_checkpoint
from tests.lookup.hub.loopback import TOKEN, LoopbackHub, Repository, safetensors, status
from tests.lookup.hub.repositories import CONFIG, TINY

QWEN = "Qwen/Qwen3-0.6B"


def header(entries: dict[str, list[int]]) -> bytes:
    """A safetensors file of F32 tensors with these offsets."""
    rows = {
        name: {"dtype": "F32", "shape": [(end - at) // 4], "data_offsets": [at, end]}
        for name, (at, end) in entries.items()
    }
    text = json.dumps(rows).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * 64


@pytest.mark.parametrize(
    "other", ["../../api/whoami", "..", "evil/..", "acme/Missing-1B", "acme/Private-1B", "a/b--c/d", "http://evil/x"]
)
def test_code_of_another_repository_that_is_none_is_a_bad_configuration(hub: LoopbackHub, other: str) -> None:
    stated = f"{other}--modeling_x.Y"
    values = TINY | {"model_type": "strange", "auto_map": {"AutoConfig": stated, "AutoModelForCausalLM": stated}}
    hub.repositories["acme/Map-1B"] = Repository({"config.json": json.dumps(values).encode()})
    with pytest.raises(BadConfigError) as caught:
        describe("acme/Map-1B")
    assert "auto_map" in str(caught.value.where)
    assert not any("whoami" in path or "evil" in path for path in hub.paths)


def test_two_tensors_that_share_bytes_are_refused(hub: LoopbackHub) -> None:
    hub.repositories["acme/Over-1B"] = Repository({"model.safetensors": header({"a": [0, 8], "b": [4, 12]})})
    with pytest.raises(BadResponseError, match="lies over the bytes of 'a'"):
        read_checkpoint("acme/Over-1B", Settings())
    hub.repositories["acme/Apart-1B"] = Repository(
        {"model.safetensors": header({"b": [8, 12], "none": [8, 8], "a": [0, 8]})}
    )
    assert len(read_checkpoint("acme/Apart-1B", Settings()).tensors) == 3


def test_an_index_that_names_nothing_does_not_hide_the_file_beside_it(hub: LoopbackHub) -> None:
    files = {
        "model.safetensors.index.json": json.dumps({"weight_map": {}}).encode(),
        "model.safetensors": safetensors({"a": ("F32", [1])}),
    }
    hub.repositories["acme/Empty-1B"] = Repository(files)
    found = read_checkpoint("acme/Empty-1B", Settings())
    assert ([row.name for row in found.tensors], len(found.problems)) == (["a"], 1)


@pytest.mark.parametrize("option", ["--csv", "--json", ""])
def test_names_of_tensors_reach_no_terminal_as_they_are(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    names = ["\x1b[31mred", "a\nb", "x\u202ey"]
    hub.repositories["acme/Ansi-1B"] = Repository(
        {"model.safetensors": safetensors(dict.fromkeys(names, ("F32", [0])))}
    )
    assert main(["checkpoint", "acme/Ansi-1B", *([option] if option else [])]) == 0
    out, err = capsys.readouterr()
    assert not set("\x1b\u202e") & set(out + err)
    if option == "--json":
        assert sorted(row["name"] for row in json.loads(out)["tensors"]) == sorted(names)


def test_the_checkpoint_of_a_catalog_model_that_the_hub_denies_is_not_found(hub: LoopbackHub) -> None:
    assert main(["checkpoint", QWEN]) == 3


def test_offline_a_checkpoint_is_not_said_to_have_been_asked_for(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["checkpoint", QWEN, "--offline"]) == 4
    assert "was not asked" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["describe", "checkpoint", "sources", "resolve"])
def test_a_rate_limit_keeps_its_code_and_its_wait(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    hub.fail("/api/models/", status(429, Retry_After="9999"))
    assert main([command, "acme/Single-1B", "--json"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert (answer["error"], answer["retry_after"]) == ("rate_limited", 9999.0)
    assert len(hub.asked) == 1


def test_a_strange_status_is_a_bad_response(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.fail("/api/models/", status(418))
    assert main(["describe", "acme/Single-1B", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["error"] == "bad_response"


def test_a_gated_model_comes_with_what_to_do(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "acme/Gated-1B"]) == 4
    assert "HF_TOKEN" in capsys.readouterr().err
    assert main(["resolve", "acme/Gated-1B", "--json"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert (answer["error"], "HF_TOKEN" in answer["hint"]) == ("gated", True)


def test_an_answer_that_repeats_the_token_is_shown_and_kept_without_it(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.repositories["acme/Echo-1B"] = Repository({"config.json": CONFIG}, card={"license": f"x {TOKEN}"})
    assert main(["resolve", "acme/Echo-1B", "--json"]) == 0
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert TOKEN not in "".join(capsys.readouterr())
    assert TOKEN.encode() not in kept
    assert kept


def test_the_hub_s_row_leads_to_the_endpoint_in_use(hub: LoopbackHub) -> None:
    rows = [each.url for each in sources("acme/Single-1B").entries if each.kind == "hub"]
    assert rows == [f"{hub.endpoint}/acme/Single-1B"]
