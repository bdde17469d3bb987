"""The command that runs the validators: what fails is shown and counted, and what it looks at is the tree as git has it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "dev"))

import check_packages


@pytest.fixture
def bench(tmp_path: Path) -> check_packages.Bench:
    return check_packages.Bench(tmp_path / "tools", tmp_path / "dist", tmp_path)


def test_a_validator_has_a_home_of_its_own_and_no_secret(
    bench: check_packages.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    text = bench.run(sys.executable, "-c", "import os; print(os.environ['HOME'], os.environ.get('HF_TOKEN'))")
    assert text == f"{bench.work / 'home'} None\n"


def test_a_validator_that_fails_or_hangs_is_shown(bench: check_packages.Bench) -> None:
    with pytest.raises(check_packages.CheckError, match=r"status 3\nbad name"):
        bench.run(sys.executable, "-c", "import sys; print('bad name'); sys.exit(3)")
    with pytest.raises(check_packages.CheckError, match="did not end in 1 s"):
        bench.run(sys.executable, "-c", "import time; time.sleep(30)", seconds=1)


def test_failures_are_counted_and_the_rest_still_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(bench: check_packages.Bench) -> str:
        raise check_packages.CheckError("description too long")

    monkeypatch.setattr(check_packages, "PARTS", ())
    monkeypatch.setattr(check_packages, "CHECKS", {"first": fails, "second": lambda bench: "fine"})
    assert check_packages.run_checks(["first", "second"], tmp_path, tmp_path) == 1
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("FAIL  first        description too long")
    assert rows[1].startswith("pass  second       fine")


@pytest.mark.skipif(not (check_packages.ROOT / ".git").exists(), reason="not a checkout: git tells what is ignored")
def test_the_copy_of_the_tree_has_no_ignored_file(tmp_path: Path) -> None:
    tree = check_packages.copy_of_tree(tmp_path / "tree")
    assert (tree / ".claude-plugin" / "plugin.json").is_file()
    assert not list(tree.rglob("*.pyc"))
    assert not (tree / ".git").exists()


def test_every_check_is_explained() -> None:
    assert all(f"`{name}`" in str(check_packages.__doc__) for name in check_packages.CHECKS if name != "uvx")
    assert "`uvx`" in str(check_packages.__doc__)


def test_an_unknown_check_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as stop:
        check_packages.main(["--only", "hadolint"])
    assert stop.value.code == 2
