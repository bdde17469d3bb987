"""Tokens of the environment and of a file: what can never match or would be shared is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.service.tokens import read_tokens, token_key

TOKEN = "correct-horse-battery-staple"


def test_tokens_come_from_the_environment_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# ours\nalice {TOKEN}\n\n{TOKEN}-two\n")
    tokens = read_tokens("environment-token-1", file)
    assert tokens[token_key(TOKEN)] == "alice"
    assert set(tokens.values()) == {"token", "alice", "token-4"}
    assert TOKEN not in "".join(tokens)


@pytest.mark.parametrize("text", ["", "short\n", "a b c\n", "bad/name correct-horse-battery\n", "\xff"])
def test_a_file_without_proper_tokens_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError):
        read_tokens(None, file)
    with pytest.raises(UsageError):
        read_tokens(None, tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"# ours\n{TOKEN}\u00e9\n", ":2"),
        (f"token-2 {TOKEN}\n{TOKEN}-two\n", ":2"),
        (f"alice {TOKEN}\n\nalice {TOKEN}-two\n", ":3"),
        (f"alice {TOKEN}\nbob {TOKEN}\n", ":2"),
        (f"token {TOKEN}\n", ":1"),  # the name of the environment's
    ],
)
def test_a_line_that_could_not_match_or_would_share_a_folder_is_refused(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_tokens("environment-token-1", file)
    assert caught.value.where == f"{file}{line}"


def test_a_mark_of_byte_order_is_no_part_of_the_first_token(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN, encoding="utf-8-sig")
    assert list(read_tokens(None, file)) == [token_key(TOKEN)]


def test_a_file_over_the_bound_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("".join(f"{number:064}\n" for number in range(1_600)))
    with pytest.raises(UsageError, match="longer than"):
        read_tokens(None, file)
