"""The command on top of the room: options, streams and exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz import cli
from tests.codesearch.samples import MLA


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(["code-search", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "model.py"
    path.write_text(MLA)
    return str(path)


def test_text_goes_to_stdout_and_the_count_to_stderr(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, model, "--for", "rope")
    assert status == 0
    assert "q_pe = self.turn(q_pe, freqs, interleaved=True)  → .layers.apply_rotary_emb" in out
    assert err == "archviz: 3 matches, files searched: 1\n"


def test_topics_may_be_given_together_or_one_by_one(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    together = run(capsys, model, "--for", "rope, split", "--json")[1]
    assert run(capsys, model, "--for", "rope", "--for", "split", "--json")[1] == together
    assert json.loads(together)["topics"] == ["rope", "split"]


def test_a_limit_is_kept_and_told(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, model, "--limit", "2", "--json")
    answer = json.loads(out)
    assert (status, len(answer["matches"]), answer["truncated"]) == (0, 2, True)
    assert "ended at the limit of 2 matches" in err


def test_skipped_files_are_listed_on_stderr_and_the_status_is_five(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.py").write_text("print 'x'\n")
    status, out, err = run(capsys, str(tmp_path), "--for", "split")
    assert status == 5
    assert "q.split([self.nope, self.pe], dim=-1)" in out
    assert "archviz: skipped: old.py:1: does not parse" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/at/all.py"], "no such file or folder"),
        (["MODEL", "--for", "rop"], "topics are: rope, split, norm, moe, attention, kernels, cache, quantization"),
        (["MODEL", "--class", "Latnt"], "near: Latent"),
        (["MODEL", "--limit", "0"], "--limit"),
    ],
)
def test_wrong_usage_is_status_two_with_what_would_be_right(
    model: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    status, out, err = run(capsys, *(model if argument == "MODEL" else argument for argument in arguments), "--json")
    assert status == 2
    assert said in err
    assert json.loads(out)["error"] == "usage"


def test_nothing_found_is_done(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, model, "--for", "quantization")[:2] == (0, "")


def test_the_help_names_every_topic(capsys: pytest.CaptureFixture[str]) -> None:
    from archviz.codesearch.topics import TOPICS

    out = " ".join(run(capsys, "--help")[1].split())
    assert ", ".join(TOPICS) in out
