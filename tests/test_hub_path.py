"""The whole path over a loopback Hub: resolve → fetch → describe, draw, checkpoint; what it costs, and how it ends when it breaks."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archviz.cli import main
from archviz.errors import ModelNotFoundError, SourceUnavailableError
from archviz.network import session
from archviz.network.waits import Paces
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source
from tests.lookup.hub.conftest import hub as hub  # noqa: PLC0414 # the fixture
from tests.lookup.hub.loopback import TOKEN, LoopbackHub, Repository, status
from tests.lookup.hub.repositories import CONFIG, TINY

ROOT = Path(__file__).parents[1]
QWEN = "Qwen/Qwen3-0.6B"
FORBIDDEN = b"W" * 64  # the bodies of all weight files


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that do not really wait between attempts, and hold nothing back for the next test."""
    begin = session.Session.__init__

    def without_waiting(self: session.Session, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        self.time = session.Time(sleep=lambda _: None)
        self.paces, self.started = Paces(), self.time.monotonic()

    monkeypatch.setattr(session.Session, "__init__", without_waiting)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    """The exit status, the JSON answer and stderr of one command."""
    code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def cold(*arguments: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """A command in a process of its own, and its seconds of user and system time."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "archviz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in {**os.environ, **environment}.items() if value},
    )
    after = os.times()
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return done, spent


def test_a_cold_model_is_described_with_two_requests_and_a_stored_one_with_none(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer, _ = run(capsys, "describe", "acme/Sharded-1B")
    commit = hub.repositories["acme/Sharded-1B"].commit
    identity = answer["identity"]
    assert code == 0
    assert (identity["id"], identity["origin"], identity["revision"]) == ("acme/Sharded-1B", "hub", commit)
    assert (identity["licence"], identity["links"]) == ("apache-2.0", {"paper": "https://arxiv.org/abs/2505.09388"})
    assert identity["url"] == f"{hub.endpoint}/acme/Sharded-1B"
    assert identity["code"].startswith("transformers ")
    assert hub.paths == ["/api/models/acme/Sharded-1B", f"/acme/Sharded-1B/resolve/{commit}/config.json"]
    hub.asked.clear()
    again, same, _ = run(capsys, "describe", f"acme/Sharded-1B@{commit}")
    assert (again, same["tensors"]) == (0, answer["tensors"])
    assert hub.asked == []


def test_a_model_with_its_own_code_costs_one_request_more_a_file(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer, _ = run(capsys, "describe", "acme/Elder-1B")
    commit = hub.repositories["acme/Elder-1B"].commit
    assert code == 0
    assert answer["identity"]["code"] == f"the repository's own code at {commit[:12]}"
    assert sorted(path.rpartition("/")[2] for path in hub.paths) == sorted(
        ["Elder-1B", "config.json", "configuration_elder.py", "modeling_elder.py"]
    )
    local, folder, _ = run(capsys, "tensors", str(Path(__file__).parent / "sources" / "fixtures" / "elder"))
    hub.asked.clear()
    _, stored, _ = run(capsys, "tensors", "acme/Elder-1B", "--offline")
    assert (local, folder["digest"]) == (0, stored["digest"])
    assert hub.asked == []


def test_code_of_another_repository_is_read_there(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    values = json.loads(hub.repositories["acme/Elder-1B"].files["config.json"])
    values["auto_map"] = {
        name: f"acme/Elder-1B--{value}" for name, value in values["auto_map"].items() if isinstance(value, str)
    }
    hub.repositories["acme/Elder-1B-AWQ"] = Repository({"config.json": json.dumps(values).encode()})
    _, original, _ = run(capsys, "tensors", "acme/Elder-1B")
    code, answer, err = run(capsys, "tensors", "acme/Elder-1B-AWQ")
    assert (code, answer["digest"]) == (0, original["digest"])
    assert "acme/Elder-1B at commit" in err


def test_code_in_two_other_repositories_is_read_in_both(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    files = hub.repositories["acme/Elder-1B"].files
    values = json.loads(files["config.json"])
    values["auto_map"] = {
        "AutoConfig": "acme/First--configuration_elder.ElderConfig",
        "AutoModelForCausalLM": "acme/Second--modeling_elder.ElderForCausalLM",
    }
    _, original, _ = run(capsys, "tensors", "acme/Elder-1B")
    hub.repositories["acme/Led-1B"] = Repository({"config.json": json.dumps(values).encode()})
    hub.repositories["acme/First"] = Repository({"configuration_elder.py": files["configuration_elder.py"]})
    hub.repositories["acme/Second"] = Repository({"modeling_elder.py": files["modeling_elder.py"]})
    code, answer, _ = run(capsys, "tensors", "acme/Led-1B")
    assert (code, answer["digest"]) == (0, original["digest"])
    values["auto_map"] |= {f"AutoModel{place}": f"acme/R{place}--m.M" for place in range(9)}
    hub.repositories["acme/Lost-1B"] = Repository({"config.json": json.dumps(values).encode()})
    hub.asked.clear()
    assert run(capsys, "tensors", "acme/Lost-1B")[0] == 2
    assert not [path for path in hub.paths if "/R" in path]


def test_a_class_that_transformers_lacks_is_fetched_whatever_the_type_and_another_never_stands_for_it(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    own = (
        b"from torch import nn\nfrom transformers import PreTrainedModel, Qwen3Config\n\n\n"
        b"class OwnForCausalLM(PreTrainedModel):\n    config_class = Qwen3Config\n\n"
        b"    def __init__(self, config):\n        super().__init__(config)\n"
        b"        self.only = nn.Linear(config.hidden_size, 7)\n        self.post_init()\n\n"
        b"    def forward(self, inputs_embeds=None, **rest):\n        return self.only(inputs_embeds)\n"
    )
    stated = {"architectures": ["OwnForCausalLM"], "auto_map": {"AutoModelForCausalLM": "modeling_own.OwnForCausalLM"}}
    hub.repositories["acme/Own-1B"] = Repository(
        {"config.json": json.dumps(TINY | stated).encode(), "modeling_own.py": own}
    )
    _, answer, _ = run(capsys, "describe", "acme/Own-1B")
    assert answer["identity"]["class_name"] == "OwnForCausalLM"
    assert answer["parameters"]["total"] == 7 * int(str(TINY["hidden_size"])) + 7
    assert answer["identity"]["code"].startswith("the repository's own code at ")
    assert any("transformers has no OwnForCausalLM" in str(fact["value"]) for fact in answer["facts"])


def test_official_code_wins_and_own_code_is_not_fetched_unless_asked_for(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    own = b"from .other import Qwen3ForCausalLM\n"
    values = {**TINY, "auto_map": {"AutoModelForCausalLM": "modeling_own.OwnForCausalLM"}}
    hub.repositories["acme/Both-1B"] = Repository(
        {"config.json": json.dumps(values).encode(), "modeling_own.py": own, "other.py": b"", "unused.py": b""}
    )
    assert run(capsys, "tensors", "acme/Both-1B")[0] == 0
    assert not [path for path in hub.paths if path.endswith(".py")]
    code, error, _ = run(capsys, "tensors", "acme/Both-1B", "--code", "custom")
    assert (code, error["error"]) == (2, "bad_config")
    assert sorted(path.rpartition("/")[2] for path in hub.paths if path.endswith(".py")) == [
        "modeling_own.py",
        "other.py",
    ]


def test_nothing_of_a_repository_is_run(hub: LoopbackHub, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    evil = f"open({str(mark)!r}, 'w').write('x')\nimport os\nos.system('touch {mark}')\nclass M:\n    pass\n".encode()
    values = {"model_type": "evil", "auto_map": {"AutoConfig": "evil.M", "AutoModel": "evil.M"}}
    hub.repositories["acme/Evil-1B"] = Repository({"config.json": json.dumps(values).encode(), "evil.py": evil})
    assert run(capsys, "describe", "acme/Evil-1B")[0] == 2
    assert not mark.exists()


def test_a_model_without_safetensors_is_drawn_all_the_same(hub: LoopbackHub, tmp_path: Path) -> None:
    for name in ("acme/Pickled-1B", "acme/Sharded-1B", "acme/Elder-1B"):
        output = tmp_path / name.replace("/", "-")
        assert main(["draw", name, "-o", str(output), "-f", "svg"]) == 0
        assert output.with_name(f"{output.name}.svg").stat().st_size > 1_000


def test_gated_private_and_renamed_models(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [run(capsys, "describe", f"acme/{name}-1B")[:1] for name in ("Gated", "Private", "Missing")] == [
        (4,),
        (3,),
        (3,),
    ]
    code, answer, _ = run(capsys, "describe", "acme/Old-Name-1B")
    assert (code, answer["identity"]["id"]) == (0, "acme/New-Name-1B")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert run(capsys, "describe", "acme/Gated-1B")[0] == 0
    assert run(capsys, "describe", "acme/Private-1B")[0] == 0


def test_a_gated_model_of_the_catalog_is_described_from_it_and_that_is_said(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG}, gated=True)
    code, answer, err = run(capsys, "describe", QWEN)
    assert (code, answer["identity"]["origin"]) == (0, "catalog")
    assert "gated" in err
    assert any(fact["key"] == "remark" and "gated" in fact["value"] for fact in answer["facts"])


def test_a_derivative_says_what_it_derives_from(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    _, answer, _ = run(capsys, "describe", "acme/Sharded-1B-FP8")
    remarks = [fact for fact in answer["facts"] if fact["key"] == "remark"]
    assert ["a quantised form of acme/Sharded-1B" in fact["value"] for fact in remarks] == [True]
    assert remarks[0]["evidence"][0]["kind"] == "card"


def test_an_adapter_has_no_architecture_of_its_own(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    code, error, _ = run(capsys, "describe", "acme/Adapter-1B")
    assert (code, error["error"]) == (2, "bad_config")
    assert "acme/Sharded-1B" in error["hint"]


def test_a_type_that_is_newer_than_the_installed_transformers_says_what_to_do(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.repositories["acme/Newer-1B"] = Repository(
        {"config.json": json.dumps({**TINY, "model_type": "qwen9"}).encode()}
    )
    code, error, _ = run(capsys, "describe", "acme/Newer-1B")
    assert (code, error["error"]) == (4, "unreachable")
    assert "'qwen9'" in error["message"]
    assert "newer code was not read" in error["message"]
    assert error["hint"]


# --- checkpoints ----------------------------------------------------------------------------------------------------


def test_checkpoint_lists_what_is_stored(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, _ = run(capsys, "checkpoint", "acme/Sharded-1B")
    assert (code, len(answer["tensors"]), answer["files"]) == (0, 1025, 2)
    assert answer["dtypes"] == {"BF16": 256 * 64 + 1024 * 128 * 64}
    assert main(["checkpoint", "acme/Sharded-1B", "--csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[:2] == [["kind", "name", "shape", "dtype"], ["tensor", "model.embed_tokens.weight", "256x64", "BF16"]]
    assert len(rows) == 1026


def test_a_cold_process_asks_for_nothing_but_what_it_needs(hub: LoopbackHub) -> None:
    commit = hub.repositories["acme/Single-1B"].commit
    done, _ = cold("checkpoint", "acme/Single-1B", HF_HUB_DISABLE_TELEMETRY="")
    assert done.returncode == 0
    assert [(asked.host, asked.path) for asked in hub.asked] == [
        ("hub", "/api/models/acme/Single-1B"),
        ("hub", f"/acme/Single-1B/resolve/{commit}/model.safetensors"),
        ("bodies", "/acme/Single-1B/model.safetensors"),
    ]


@pytest.mark.parametrize(("name", "code"), [("Gated", 4), ("Pickled", 4), ("Missing", 3), ("Private", 3)])
def test_a_checkpoint_that_cannot_be_read_has_a_documented_status(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], name: str, code: int
) -> None:
    assert run(capsys, "checkpoint", f"acme/{name}-1B")[0] == code


def test_a_checkpoint_of_a_folder_needs_no_network(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for path, data in hub.repositories["acme/Sharded-1B"].files.items():
        (tmp_path / path).write_bytes(data)
    for what in (tmp_path, tmp_path / "model.safetensors.index.json"):
        code, answer, _ = run(capsys, "checkpoint", str(what))
        assert (code, len(answer["tensors"])) == (0, 1025)
    assert hub.asked == []


# --- faults, time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("place", ["/api/models/", "/resolve/"])
def test_refusals_end_in_a_documented_status_and_fall_back_on_the_catalog(
    hub: LoopbackHub, unhurried: None, code: int, place: str
) -> None:
    hub.repositories[QWEN] = Repository({"config.json": CONFIG})
    hub.fail(place, status(code, Retry_After="99") if code == 429 else status(code))
    with pytest.raises((ModelNotFoundError, SourceUnavailableError)):
        read_model_source("acme/Single-1B", Settings())
    notes: list[str] = []
    if code in (401, 404) and place == "/api/models/":  # the Hub's word: there is none
        with pytest.raises(ModelNotFoundError, match="--offline uses them"):
            read_model_source(QWEN, Settings())
        return
    source = read_model_source(QWEN, Settings(say=notes.append))
    assert source.origin == "catalog"
    assert source.facts_date is not None
    assert any("catalog answers" in note for note in notes)
    assert any("catalog answers" in text for text, _, _ in source.remarks)


@pytest.mark.parametrize(
    ("command", "file"), [("describe", "config.json"), ("checkpoint", "model.safetensors.index.json")]
)
def test_a_file_that_is_none_of_its_kind_is_not_kept(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], command: str, file: str
) -> None:
    hub.fail(
        f"/resolve/.*{file}", lambda handler: handler.reply(200, b"null", Content_Type="application/json"), times=1
    )
    assert run(capsys, command, "acme/Sharded-1B")[0] in (2, 4)
    assert run(capsys, command, "acme/Sharded-1B")[0] == 0


def test_no_token_is_ever_shown_or_stored(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name in ("Gated", "Missing", "Private", "Sharded"):
        for command in ("describe", "checkpoint"):
            main([command, f"acme/{name}-1B", "--json", "--debug"])
    out, err = capsys.readouterr()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert TOKEN not in out + err
    assert TOKEN.encode() not in kept
    assert b"secret-signature" not in kept + (out + err).encode()
    assert FORBIDDEN not in kept  # no weight was kept either


def test_a_warm_name_is_resolved_by_a_cold_process_without_network_code(hub: LoopbackHub) -> None:
    first, _ = cold("resolve", "acme/Sharded-1B")
    assert first.returncode == 0
    hub.asked.clear()
    times = []
    for _ in range(3):
        done, spent = cold("resolve", "acme/Sharded-1B")
        assert (done.returncode, done.stdout) == (0, "acme/Sharded-1B\n")
        times.append(spent)
    assert hub.asked == []
    assert min(times) < 0.4
    report = "import sys; from archviz.cli import main; main(sys.argv[1:]); print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", report, "resolve", "acme/Sharded-1B"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert not {"huggingface_hub", "httpx2", "ssl", "filelock"} & set(loaded.split())


@pytest.mark.parametrize(
    "command",
    [
        ("resolve", QWEN),
        ("describe", QWEN),
        ("sources", QWEN),
        ("compare", QWEN, "openai/gpt-oss-20b"),
        ("sources", "2505.09388"),
    ],
)
def test_a_network_that_swallows_everything_leaves_the_answer_to_the_catalog_in_time(
    hub: LoopbackHub, command: tuple[str, ...]
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        address = silent.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for each in fillers:  # the queue is full: further connections are not answered at all
            each.setblocking(False)
            each.connect_ex(address)
        nowhere = f"http://127.0.0.1:{address[1]}"
        began = time.monotonic()
        cold(*command, "--offline")
        offline = time.monotonic() - began  # what the answer itself costs on this machine, and other work on it
        began = time.monotonic()
        places = dict.fromkeys(
            ("HF_ENDPOINT", "ARCHVIZ_ARXIV_URL", "GITHUB_API_URL", "ARCHVIZ_GITHUB_RAW_URL"), nowhere
        )
        done, _ = cold(*command, **places)
        took = time.monotonic() - began
        for each in fillers:
            each.close()
    assert done.returncode == (0 if QWEN in command else 3)
    assert QWEN in done.stdout
    assert "within the time limit" in done.stderr
    assert took - offline < 4.5 + offline  # time limits, and what loading network code costs


SIXTEEN = """
import os, sys
from archviz.lookup.hub import api, find, headers
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source
import huggingface_hub.hf_api, archviz.network.transport, archviz.sources.hub_source

def child(index):
    names = sys.argv[1:][index % 4 :] + sys.argv[1:][: index % 4]
    found = [read_model_source(name, Settings()).revision for name in names]
    os.write(1, (" ".join(found) + "\\n").encode())

for index in range(16):
    if os.fork() == 0:
        try:
            child(index)
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
        os._exit(1)
sys.exit(max(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(16)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="sixteen processes are forked")
def test_sixteen_processes_share_one_cache(hub: LoopbackHub) -> None:
    names = [f"acme/{name}-1B" for name in ("Sharded", "Single", "Elder", "Pickled")]
    done = subprocess.run(
        [sys.executable, "-c", SIXTEEN, *names], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    commits = sorted(hub.repositories[name].commit for name in names)
    assert (done.returncode, done.stderr) == (0, "")
    assert [sorted(row.split()) for row in done.stdout.splitlines()] == [commits] * 16
    folder = Path(os.environ["ARCHVIZ_CACHE"])
    assert not [path for path in folder.rglob(".*") if path.is_file()]  # nothing half-written is left


def test_the_cache_is_shown_and_cleared(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "describe", "acme/Single-1B")[0] == 0
    _, info, _ = run(capsys, "cache", "info")
    assert info["entries"] >= 3
    assert info["bytes"] > 0
    _, cleared, _ = run(capsys, "cache", "clear")
    assert cleared["entries"] == info["entries"]
    assert run(capsys, "cache", "info")[1]["entries"] == 0
    hub.asked.clear()
    assert run(capsys, "describe", "acme/Single-1B")[0] == 0
    assert len(hub.asked) == 2


@pytest.mark.parametrize("command", ["describe", "draw", "tensors", "trace", "verify", "checkpoint"])
def test_every_command_says_that_the_asked_name_is_an_old_one(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    hub.repositories["acme/New-Name-1B"] = hub.repositories["acme/Single-1B"]
    where = ("-o", str(tmp_path / "figure"), "-f", "svg") if command == "draw" else ()
    _, answer, err = run(capsys, command, "acme/Old-Name-1B", *where)
    said = "acme/Old-Name-1B was renamed to acme/New-Name-1B"
    assert said in err
    assert said in json.dumps(answer)
    _, answer, err = run(capsys, command, "acme/New-Name-1B", *where)
    assert "renamed" not in err + json.dumps(answer)
