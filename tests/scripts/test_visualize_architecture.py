from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emit.dot_grammar import parse_dot
from tests.figure.diagram_samples import SMALL, spoilt

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "visualize_architecture.py"


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, check=False
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SMALL))
    return path


def test_it_draws_every_format_from_a_checkout(config: Path, tmp_path: Path) -> None:
    done = run(config, "-o", "tiny-1.5", "-f", "png,svg,pdf", "--markdown", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().split() == ["tiny-1.5.png", "tiny-1.5.svg", "tiny-1.5.pdf", "tiny-1.5.md"]
    assert (tmp_path / "tiny-1.5.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "tiny-1.5.pdf").read_bytes().startswith(b"%PDF")
    assert b"Tiny-1B architecture" in (tmp_path / "tiny-1.5.svg").read_bytes()
    assert (tmp_path / "tiny-1.5.md").read_text().startswith("# Tiny-1B architecture")


def test_dot_only_writes_nothing_else(config: Path, tmp_path: Path) -> None:
    done = run(config, "-o", "tiny.png", "--dot-only", cwd=tmp_path)
    assert done.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "tiny.dot"]
    assert "rope" in parse_dot((tmp_path / "tiny.dot").read_text()).nodes


def test_the_default_is_a_png(config: Path, tmp_path: Path) -> None:
    assert run(config, cwd=tmp_path).returncode == 0
    assert (tmp_path / "architecture.png").exists()


def test_a_dash_is_stdout(config: Path, tmp_path: Path) -> None:
    done = run(config, "-o", "-", "-f", "svg", cwd=tmp_path)
    assert done.stdout.startswith(b"<svg")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_help_has_examples(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert b"examples:" in done.stdout
    assert b"exit status" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.json"], "no such file"),
        (["config.json", "-o", "nowhere/tiny"], "the folder 'nowhere' does not exist"),
        (["config.json", "-o", "config.json/tiny"], "is a file, not a folder"),
        (["config.json", "-f", "jpg"], "no such format: jpg"),
        (["config.json", "-f", ""], "no such format"),
        (["config.json", "-o", "-", "-f", "png,svg"], "only one format"),
        ([], "required: config"),
        (["config.json", "--theme", "sepia"], "invalid choice"),
    ],
)
def test_wrong_usage_is_one_message_and_status_2(arguments: list[str], says: str, config: Path, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_control_characters_of_a_config_do_not_reach_the_terminal(tmp_path: Path) -> None:
    raw = spoilt(lambda raw: raw["stages"][0].update({"de\x1b[31mX\x1b]0;evil\x07": 1}))
    (tmp_path / "esc.json").write_text(json.dumps(raw))
    markdown = SCRIPT.with_name("generate_markdown.py")
    for script in (SCRIPT, markdown):
        done = subprocess.run(
            [sys.executable, str(script), "esc.json"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.startswith(b"archviz: error: unknown key")
        assert b"\\x1b[31m" in done.stderr
        assert not set(done.stderr) & {0x1B, 0x07}


def test_a_fault_in_the_config_is_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(spoilt(lambda raw: raw["custom_edges"][0].update(to="rop"))))
    done = run("bad.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "bad.json: custom_edges[0].to" in done.stderr.decode()
    assert "rope" in done.stderr.decode()
    assert not (tmp_path / "architecture.png").exists()


def test_less_than_pleasant_drawings_are_told_on_stderr(tmp_path: Path) -> None:
    long = spoilt(lambda raw: raw["stages"][0]["blocks"][0].update(details="word " * 2000))
    (tmp_path / "long.json").write_text(json.dumps(long))
    done = run("long.json", "-f", "svg", cwd=tmp_path)
    assert done.returncode == 0
    assert b"soft:" in done.stderr


def test_the_configuration_of_a_model_is_drawn_and_described(tmp_path: Path) -> None:
    values = {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "num_hidden_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(values))
    done = run("config.json", "-o", "m", "-f", "svg", "--markdown", "--figure-config", "own.json", cwd=tmp_path)
    assert (done.returncode, done.stdout.split()) == (0, [b"m.svg", b"own.json", b"m.md"]), done.stderr
    assert b"Qwen3ForCausalLM" in (tmp_path / "m.md").read_bytes()
    assert json.loads((tmp_path / "own.json").read_text())["stages"]
    again = run("own.json", "-o", "own", "-f", "svg", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["config.json", "--view", "params"], "--view is for models"),
        (["config.json", "--class", "X"], "--class is for models"),
        (["model.json", "-o", "-"], "a model goes to files"),
    ],
)
def test_options_of_the_other_kind_of_source_are_refused(
    arguments: list[str], says: str, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"model_type": "qwen3"}))
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr.decode()
