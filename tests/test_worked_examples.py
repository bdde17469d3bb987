"""The worked examples of the skill show what the commands print today, line by line."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

from archviz import cli

ROOT = Path(__file__).parents[1]
PAGES = ("deepseek-v3.2-rope.md", "qwen3.5-pattern.md")
BLOCK = re.compile(r"^```text\n\$ archviz ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WRONG = {"type": "RoPE on query and key", "details": "first 64 of 192, half-split"}
MODELS = Path(str(importlib.util.find_spec("transformers").origin)).parent / "models"  # type: ignore[union-attr]


def shown() -> list[tuple[str, str, str]]:
    """Page, command and output of each block."""
    return [
        (page, command, output)
        for page in PAGES
        for command, output in BLOCK.findall((ROOT / "assets" / page).read_text("utf-8"))
    ]


@pytest.mark.parametrize(("page", "command", "output"), shown(), ids=lambda value: str(value)[:50])
def test_a_block_is_what_its_command_prints(
    page: str, command: str, output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"model_name": "x", "stages": [{"name": "s", "blocks": [WRONG]}]}))
    words = command.replace("PATH/", f"{MODELS}/").replace("WRONG.json", str(wrong))
    cli.main(shlex.split(words))
    printed = iter(capsys.readouterr().out.splitlines())
    for line in output.splitlines():
        if line != "…":
            assert line in printed, f"{page}: not printed, or not in this order: {line}"


def test_the_wrong_statement_of_the_page_is_the_one_that_is_tried() -> None:
    assert json.dumps(WRONG) in (ROOT / "assets" / PAGES[0]).read_text("utf-8")
    assert len(shown()) >= 6


def test_the_example_config_agrees_with_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    config = str(ROOT / "assets" / "example_config.json")
    assert cli.main(["verify", "Qwen/Qwen3.5-397B-A17B", "--offline", "--against", config]) == 0
    assert " 0 conflict" in capsys.readouterr().out


def test_keys_that_the_families_page_hints_at_stand_in_official_code_or_published_configurations() -> None:
    rows = (ROOT / "references" / "architecture-families.md").read_text("utf-8").splitlines()
    cells = [row.split(" | ")[2] for row in rows if row.startswith("| ") and row.count(" | ") == 3]
    keys = {key for cell in cells for key in re.findall(r"`(\w+)`", cell) if "_" in key}
    records = "".join(path.read_text("utf-8") for path in (ROOT / "archviz/lookup/catalog/records").glob("*.json"))
    missing = {key for key in keys if f'"{key}"' not in records}
    code = "".join(path.read_text("utf-8") for path in MODELS.glob("*/configuration_*.py")) if missing else ""
    assert len(keys) > 25
    assert not {key for key in missing if not re.search(rf"\b{key}\b", code)}
