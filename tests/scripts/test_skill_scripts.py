"""The scripts of the skill: each says what it needs, shows examples that work, and prints no more than fits a context."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from archviz import cli

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

ALL = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "skill_script")
OF_TOOLS = (
    "resolve_model", "find_sources", "describe_architecture", "verify_code", "inspect_tensors", "compare_models",
    "write_document",
)  # fmt: skip
"""Named like the tools of the server; `draw_architecture` is `visualize_architecture.py`."""


def script(name: str) -> ModuleType:
    return importlib.import_module(name)


def help_of(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        script(name).main(["--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_the_scripts_are_those_that_are_looked_at_here() -> None:
    others = {"archviz_command", "visualize_architecture", "generate_markdown", "extract_arch", "render_tikz"}
    assert set(ALL) == {*OF_TOOLS, *others}


@pytest.mark.parametrize("name", ALL)
def test_a_script_states_what_it_needs_as_inline_metadata(name: str) -> None:
    text = (SCRIPTS / f"{name}.py").read_text("utf-8")
    block = re.search(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$", text)
    assert block
    data = tomllib.loads(
        "".join(line.removeprefix("#").removeprefix(" ") for line in block["content"].splitlines(True))
    )
    assert data == {
        "requires-python": ">=3.11",
        "dependencies": ["archviz"],
        "tool": {"uv": {"sources": {"archviz": {"path": ".."}}}},
    }


@pytest.mark.parametrize("name", ALL)
def test_help_has_examples_and_exit_statuses(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(name, capsys)
    assert text.count(f"python scripts/{name}.py ") >= 2
    assert "exit status" in text
    assert (SCRIPTS / f"{name}.py").stat().st_mode & 0o111


@pytest.mark.parametrize("name", [*OF_TOOLS, "archviz_command"])
def test_every_example_becomes_a_command_that_the_command_line_takes(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = re.findall(rf"python scripts/{name}\.py (.+)", help_of(name, capsys))
    module, asked = script(name), []
    monkeypatch.setattr(module, "run_command", lambda arguments, *_: asked.append(arguments) or 0)
    for example in shown:
        assert module.main(shlex.split(example)) == 0
    assert len(asked) == len(shown) >= 2
    for arguments in asked:
        assert callable(cli._parser(arguments).parse_args(arguments).run)


def test_an_ambiguous_name_is_status_3_with_candidates(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("resolve_model").main(["Qwen3.5", "--offline"]) == 3
    assert "Qwen/Qwen3.5-397B-A17B" in capsys.readouterr().out


def test_a_description_leaves_the_module_tree_out_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("describe_architecture").main(["Qwen/Qwen3-0.6B", "--offline"]) == 0
    text = capsys.readouterr().out
    assert "28 × attention+swiglu" in text
    assert "596,049,920" in text
    assert "--full shows their tree" in text
    assert "├──" not in text
    assert script("describe_architecture").main(["Qwen/Qwen3-0.6B", "--offline", "--full"]) == 0
    assert "q_proj (Linear)  [1024 → 2048]" in capsys.readouterr().out


def test_long_text_is_cut_and_long_json_is_refused_and_a_file_has_all(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert script("inspect_tensors").main(["Qwen/Qwen3.5-397B-A17B", "--offline"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == script("skill_script").MOST_LINES
    assert "more lines" in printed.err
    assert script("inspect_tensors").main(["Qwen/Qwen3.5-397B-A17B", "--offline", "--json"]) == 2
    refused = capsys.readouterr()
    assert refused.out == ""
    assert "write it to a file" in refused.err
    path = tmp_path / "tensors.json"
    assert script("inspect_tensors").main(["Qwen/Qwen3.5-397B-A17B", "--offline", "--json", "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert '"lm_head.weight"' in path.read_text("utf-8")


def test_a_command_that_fails_leaves_the_file_that_is_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "keep.json"
    path.write_text("good")
    arguments = ["nope/x", "--offline", "--json", "-o", str(path)]
    assert script("describe_architecture").main(arguments) == 3
    assert path.read_text() == "good"
    assert '"error": "not_found"' in capsys.readouterr().out
    assert script("describe_architecture").main(["Qwen/Qwen3-0.6B", "--offline", "-o", str(tmp_path / "no" / "x")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_any_command_is_run_and_printed_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    command = ["trace", "Qwen/Qwen3-0.6B", "--offline", "--json"]
    assert script("archviz_command").main(["--to", str(path), *command]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert '"calls"' in path.read_text("utf-8")
    assert script("archviz_command").main(["verify", "Qwen/Qwen3-0.6B", "--offline", "--expect", "heads=17"]) == 6


@pytest.mark.parametrize("arguments", [[], ["serve"]])
def test_a_command_that_cannot_be_run_so_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        script("archviz_command").main(arguments)
    assert stop.value.code == 2


def test_tensors_are_found_by_a_part_of_their_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("inspect_tensors").main(["Qwen/Qwen3-0.6B", "--offline", "--match", "layers.3.self_attn"]) == 0
    head, _, text = capsys.readouterr().out.partition("\n\n")
    rows = text.splitlines()
    assert head.endswith(
        "6 tensors match, 6,291,712 parameters"
    )  # (2048 + 1024 + 1024 + 2048) × 1024 and two norms of 128
    assert len(rows) == 6
    assert all("layers.3.self_attn" in row for row in rows)


def test_tensors_are_found_by_a_pattern_and_it_is_told_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("inspect_tensors").main(["Qwen/Qwen3-0.6B", "--offline", "--match", "*.q_proj.*"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.partition("\n\n")[2].splitlines()) == 28
    assert "no tensor" not in printed.err
    assert script("inspect_tensors").main(["Qwen/Qwen3-0.6B", "--offline", "--match", "*.nope"]) == 0
    assert "no tensor has such a name" in capsys.readouterr().err


def test_a_statement_that_the_code_contradicts_is_status_6(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("verify_code").main(["Qwen/Qwen3-0.6B", "--offline", "--expect", "layers=29"]) == 6
    assert "conflict" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("verify_code", ["x.py", "--for", "rope", "--expect", "layers=1"], "--expect is for a model"),
        ("verify_code", ["x.py"], "--for TOPIC"),
        ("find_sources", ["Qwen/Qwen3-0.6B", "--sections", "all"], "--sections is for --paper"),
        ("inspect_tensors", ["Qwen/Qwen3-0.6B", "--csv"], "--csv is for --stored"),
        ("write_document", ["Qwen/Qwen3-0.6B"], "needs --output"),
        ("write_document", ["Qwen/Qwen3-0.6B", "--context", "4k"], "--context is for --kind memory"),
        ("write_document", ["Qwen/Qwen3-0.6B", "--kind", "poem"], "invalid choice"),
    ],
)
def test_wrong_usage_is_one_message_and_status_2(
    name: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        script(name).main(arguments)
    assert stop.value.code == 2
    assert says in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["Qwen/Qwen3-0.6B", "--offline", "--kind", "summary", "-o", str(tmp_path / "no" / "x.md")]
    assert script("write_document").main(arguments) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["resolve_model", "visualize_architecture", "extract_arch"])
def test_without_archviz_a_script_says_how_to_get_it(name: str, tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("dev", "__pycache__"))
    command = [sys.executable, "-S", f"scripts/{name}.py", "Qwen/Qwen3-0.6B"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install archviz" in done.stderr
    assert "Traceback" not in done.stderr
