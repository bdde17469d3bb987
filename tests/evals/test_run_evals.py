"""The evals: their form, that scripts still give each fact that is asked for, and that graders tell good from bad."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "evals"))

import run_evals

DATA: dict[str, Any] = json.loads(run_evals.EVALS.read_text("utf-8"))
TASKS: list[dict[str, Any]] = DATA["evals"]
NOTES = {
    "model_name": "Tern-2B",
    "stages": [
        {
            "name": "Pattern unit: 3 layers, repeated 8 times",
            "blocks": [
                {"type": "1st of 3: Sliding attention"},
                {"type": "2nd of 3: Sliding attention"},
                {"type": "3rd of 3: Attention", "status": "unverified"},
            ],
        }
    ],
}


def test_the_evals_have_their_form() -> None:
    assert run_evals.faults_of_form(DATA) == []


def test_a_broken_form_is_seen() -> None:
    broken = copy.deepcopy(DATA)
    broken["triggers"][0]["should_trigger"] = False
    broken["evals"][2]["tools"] = []
    broken["evals"][5]["files"] = ["evals/files/nothing.md"]
    del broken["evals"][6]["bad"]
    assert run_evals.faults_of_form(broken) == [
        "9 of 20 queries should trigger; 10 of 20 are wanted",
        "task 3 checks nothing",
        "task 6: no file evals/files/nothing.md",
        "task 7: bad",
    ]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: str(task["id"]))
def test_the_scripts_give_what_the_grader_asks_for_and_the_grader_tells_good_from_bad(task: dict[str, Any]) -> None:
    assert run_evals.faults_of_task(task) == []


def test_a_fact_that_scripts_do_not_give_is_seen(tmp_path: Path) -> None:
    tool = {"run": ["resolve_model.py", "Qwen/Qwen3-0.6B", "--offline"], "status": 3, "prints": ["Qwen4"]}
    faults = run_evals.faults_of_tools({"id": 1, "tools": [tool]}, tmp_path)
    assert [fault.split(": ", 2)[2][:21] for fault in faults] == ["status 0, not 3: arch", "does not print 'Qwen4"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda config: None, ""),
        (lambda config: config["stages"][0]["blocks"].pop(0), "is not expanded"),
        (lambda config: config["stages"][0]["blocks"][2].pop("status"), "nothing is marked unverified"),
        (lambda config: config.update(colour="red"), "cannot be drawn"),
    ],
)
def test_a_diagram_that_an_agent_leaves_is_looked_at(change: Any, fault: str, tmp_path: Path) -> None:
    config = copy.deepcopy(NOTES)
    change(config)
    (tmp_path / "diagram.json").write_text(json.dumps(config))
    (found,) = run_evals.faults_of_folder(TASKS[5]["leaves"][:1], tmp_path) or [""]
    assert fault in found
    assert bool(fault) == bool(found)


def test_an_agents_work_is_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "answer.txt").write_text(TASKS[1]["good"])
    grade = ["--grade", "2", "--answer", str(tmp_path / "answer.txt"), "--folder", str(tmp_path)]
    assert run_evals.main(grade) == 1
    assert "*.png (png): is not there" in capsys.readouterr().out
    (tmp_path / "q.png").write_bytes(b"\x89PNG" + bytes(3_000))
    assert run_evals.main(grade) == 0


@pytest.mark.parametrize("arguments", [["--task", "11"], ["--grade", "1"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run_evals.main(arguments)
    assert stop.value.code == 2
