from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.figure.diagram_samples import SMALL

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "generate_markdown.py"
EXAMPLE = ROOT / "assets" / "example_config.json"


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, check=False
    )


def test_it_writes_the_worked_example(tmp_path: Path) -> None:
    done = run(EXAMPLE, "-o", "qwen.md", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"qwen.md\n", b"")
    assert "396,802,360,816" in (tmp_path / "qwen.md").read_text(encoding="utf-8")


def test_without_an_output_the_document_is_on_stdout(tmp_path: Path) -> None:
    done = run(EXAMPLE, cwd=tmp_path)
    assert done.stdout.decode().startswith("# Qwen3.5-397B-A17B architecture")
    assert list(tmp_path.iterdir()) == []


def test_help_has_examples(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert b"examples:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.json"], "no such file"),
        (["config.json", "-o", "nowhere/x.md"], "does not exist"),
        (["config.json", "-o", "config.json"], "the output is the config itself"),
        (["config.json", "-o", "."], "is a folder"),
        (["broken.json", "-o", "x.md"], "truncated JSON"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    (tmp_path / "broken.json").write_text('{"model_name": "x", ')
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert json.loads((tmp_path / "config.json").read_text()) == SMALL
    assert not (tmp_path / "x.md").exists()
