#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Run the part of the evals that needs no language model, or grade what an agent answered and left behind.

    python evals/run_evals.py                  form, scripts and graders of all tasks
    python evals/run_evals.py --task 3
    python evals/run_evals.py --grade 2 --answer answer.txt --folder work

Without --grade three things are checked: `evals.json` has its form; the scripts still give every fact that a grader asks for
(`tools`: exit status, what is printed, what is left); and each grader lets the `good` answer pass and the `bad` one fail.
With --grade the answer of an agent is held against `says` and `never_says`, and its folder against `leaves`.

exit status: 0 all pass, 1 something fails (it is listed), 2 wrong usage
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SKILL = Path(__file__).resolve().parents[1]
EVALS = Path(__file__).with_name("evals.json")
_KEYS = {
    "id", "prompt", "expected_output", "files", "assertions", "tools", "answer", "leaves", "good", "bad",
}  # fmt: skip


def faults_of_form(data: dict[str, Any]) -> list[str]:
    """What is wrong with the form of `evals.json`."""
    triggers, tasks = data["triggers"], data["evals"]
    faults = []
    yes = [row for row in triggers if row["should_trigger"]]
    if len(triggers) != 20 or len(yes) != 10:
        faults.append(f"{len(yes)} of {len(triggers)} queries should trigger; 10 of 20 are wanted")
    if len({row["query"] for row in triggers}) != len(triggers):
        faults.append("a query stands there twice")
    faults += [f"no reason: {row['query']}" for row in triggers if not row.get("why")]
    if [task["id"] for task in tasks] != list(range(1, 11)):
        faults.append("tasks are not numbered from 1 to 10")
    for task in tasks:
        faults += [f"task {task['id']}: {key}" for key in _KEYS ^ set(task)]
        faults += [f"task {task['id']}: no file {name}" for name in task["files"] if not (SKILL / name).is_file()]
        if not task["tools"] or not task["answer"]["says"]:
            faults.append(f"task {task['id']} checks nothing")
    return faults


def faults_of_tools(task: dict[str, Any], folder: Path) -> list[str]:
    """Facts of a task that the scripts do not give (any more)."""
    faults = []
    for tool in task["tools"]:
        words = [word.format(assets=SKILL / "assets", files=SKILL / "evals/files") for word in tool["run"]]
        command = [sys.executable, str(SKILL / "scripts" / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
        name = f"task {task['id']}: {' '.join(tool['run'])}"
        if done.returncode != tool["status"]:
            faults.append(f"{name}: status {done.returncode}, not {tool['status']}: {done.stderr[:300]}")
        faults += [f"{name}: does not print {text!r}" for text in tool["prints"] if text not in done.stdout]
        faults += [f"{name}: {fault}" for fault in faults_of_folder(tool.get("leaves", []), folder)]
    return faults


def faults_of_answer(task: dict[str, Any], answer: str) -> list[str]:
    """What an answer does not say, or says and must not."""
    rules = task["answer"]
    faults = [f"does not say /{pattern}/" for pattern in rules["says"] if not re.search(pattern, answer)]
    return faults + [f"says /{pattern}/" for pattern in rules["never_says"] if re.search(pattern, answer)]


def faults_of_folder(leaves: list[dict[str, Any]], folder: Path) -> list[str]:
    """Files that a task must leave and that are not there, or are not what they must be."""
    faults = []
    for wanted in leaves:
        troubles = [_fault_of_file(path, wanted) for path in sorted(folder.glob(wanted["name"]))]
        if not troubles or all(troubles):
            faults.append(f"{wanted['name']} ({wanted['kind']}): {troubles[0] if troubles else 'is not there'}")
    return faults


def _fault_of_file(path: Path, wanted: dict[str, Any]) -> str:
    data = path.read_bytes()
    if wanted["kind"] == "png":
        return "" if data.startswith(b"\x89PNG") and len(data) > 2_000 else "is no picture"
    text = data.decode("utf-8", errors="replace")
    if wanted["kind"] == "svg" and not text.rstrip().endswith("</svg>"):
        return "is no SVG"
    if wanted["kind"] == "diagram":
        return _fault_of_diagram(text, wanted)
    if wanted["kind"] == "export":
        rows = json.loads(text)["layer_types"]
        total = sum(row["count"] * row["specs"]["parameter_count"] for row in rows)
        return "" if total == wanted["total"] else f"layers add up to {total:,}"
    missing = [word for word in wanted.get("has", []) if word not in text]
    return f"lacks {missing}" if missing else ""


def _fault_of_diagram(text: str, wanted: dict[str, Any]) -> str:
    """A diagram config must be drawable, expand a unit block by block, and mark what is doubtful."""
    from archviz.errors import ArchvizError
    from archviz.figure.diagram_config import load_diagram_config

    try:
        load_diagram_config(text)
    except ArchvizError as error:
        return f"cannot be drawn: {error.message}"
    stages = json.loads(text)["stages"]
    repeated = [stage for stage in stages if re.search(r"(?i)repeat|×|times", stage["name"])]
    if not any(len(stage["blocks"]) == wanted["unit_of"] for stage in repeated):
        return f"no repeated stage of {wanted['unit_of']} blocks: the pattern is not expanded"
    doubtful = [block for stage in stages for block in stage["blocks"] if block.get("status") == "unverified"]
    return "" if len(doubtful) >= wanted["unverified"] else "nothing is marked unverified"


def faults_of_task(task: dict[str, Any]) -> list[str]:
    """What fails in a task without an agent: its scripts, and its graders on a good and a bad answer."""
    with tempfile.TemporaryDirectory() as folder:
        faults = faults_of_tools(task, Path(folder))
    faults += [f"task {task['id']}: the good answer {fault}" for fault in faults_of_answer(task, task["good"])]
    if not faults_of_answer(task, task["bad"]):
        faults.append(f"task {task['id']}: the bad answer passes")
    return faults


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=int, metavar="N", help="one task only")
    parser.add_argument("--grade", type=int, metavar="N", help="the task that an agent worked at")
    parser.add_argument("--answer", type=Path, metavar="FILE", help="with --grade: the agent's last answer")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="with --grade: where it worked")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    data = json.loads(EVALS.read_text("utf-8"))
    tasks = {task["id"]: task for task in data["evals"]}
    for number in (options.task, options.grade):
        if number is not None and number not in tasks:
            parser.error(f"there is no task {number}")
    if options.grade is not None:
        if options.answer is None:
            parser.error("--grade needs --answer")
        task = tasks[options.grade]
        faults = faults_of_answer(task, options.answer.read_text("utf-8"))
        faults += faults_of_folder(task["leaves"], options.folder or Path())
    else:
        chosen = [tasks[options.task]] if options.task is not None else list(tasks.values())
        faults = faults_of_form(data) + [fault for task in chosen for fault in faults_of_task(task)]
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"{'failed' if faults else 'passed'}: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
