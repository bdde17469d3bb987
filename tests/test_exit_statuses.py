"""Each documented exit status (references/contracts.md), walked with a real command in a process of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
         "vocab_size": 50}  # fmt: skip
MODEL = """
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        BODY
        self.known = nn.Linear(2, 3)
"""
ENDLESS = MODEL.replace("BODY", "while True: pass")
PARTLY = MODEL.replace("BODY", "self.unknown = nn.NoSuchLayer(4)")


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(folder / "hf"),
        "ARCHVIZ_CACHE": str(folder / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "archviz", *arguments],
        capture_output=True, text=True, check=False, cwd=folder, timeout=300, env={**surroundings, **environment},
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    values = {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], **SIZES}
    (tmp_path / "config.json").write_text(json.dumps(values))
    (tmp_path / "endless.py").write_text(ENDLESS)
    (tmp_path / "partly.py").write_text(PARTLY)
    return tmp_path


WALK = {
    0: ("tensors", "config.json", "--offline"),
    1: ("tensors", "endless.py", "--class", "Model", "--args", "{}", "--offline"),
    2: ("tensors", "no_such_file.json", "--offline"),
    3: ("describe", "nobody/no-such-model-9B", "--offline"),
    5: ("tensors", "partly.py", "--class", "Model", "--args", "{}", "--offline"),
    6: ("verify", "config.json", "--expect", "layers=3", "--offline"),
}


@pytest.mark.parametrize("status", sorted(WALK))
def test_a_command_ends_with_its_documented_status(files: Path, status: int) -> None:
    found = run(files, *WALK[status])
    assert found.returncode == status, found.stderr[-500:]
    assert "Traceback" not in found.stderr


def test_a_source_that_cannot_be_reached_is_status_4(files: Path) -> None:
    found = run(
        files, "resolve", "nobody/no-such-model-9B", "--json",
        HF_ENDPOINT=f"http://127.0.0.1:{closed_port()}", NO_PROXY="127.0.0.1", HF_HUB_OFFLINE="0",
    )  # fmt: skip
    assert found.returncode == 4, found.stderr[-500:]
    assert json.loads(found.stdout)["status"] == "unreachable"


def test_the_statuses_walked_are_those_documented() -> None:
    text = (ROOT / "references" / "contracts.md").read_text("utf-8")
    documented = {int(found) for found in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert documented == {*WALK, 4, 130}
