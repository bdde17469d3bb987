"""`archviz serve`: what is refused before anything listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.cli import main

TOKEN = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--allow-host", "a.example"], "for --http"),
        (["--http", "nowhere"], "no address"),
        (["--http", "0.0.0.0:0"], "a token is needed"),
        (["--http", "0.0.0.0:0", "--token-file", "TOKENS"], "--allow-host"),
        (["--http", "0.0.0.0:0", "--token-file", "TOKENS", "--allow-host", "a b"], "no host name"),
        (["--http", "127.0.0.1:0", "--token-file", "missing"], "cannot be read"),
    ],
)
def test_a_server_that_others_could_use_without_leave_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.delenv("ARCHVIZ_TOKEN", raising=False)
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    assert main(["serve", *(str(file) if word == "TOKENS" else word for word in arguments)]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert TOKEN not in shown


def test_a_token_of_the_environment_that_is_too_short_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARCHVIZ_TOKEN", "short")
    assert main(["serve", "--http", "127.0.0.1:0"]) == 2
    assert "16 characters" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--http", "127.0.0.1:0"], []])
def test_an_output_folder_that_cannot_be_made_is_refused_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["serve", *arguments, "--output", str(tmp_path / "file" / "out")]) == 2
    assert "the output folder cannot be made" in capsys.readouterr().err


def test_a_folder_to_read_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "missing"):
        assert main(["serve", "--http", "127.0.0.1:0", "--read", str(tmp_path / name)]) == 2
        assert "no such folder" in capsys.readouterr().err
