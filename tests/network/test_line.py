"""Standing in line for a turn: who is before one, who has gone, and who would wait in vain."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from archviz.errors import RateLimitedError
from archviz.network.client import open_client
from archviz.network.line import standing_in_line
from archviz.network.services import arxiv_service
from archviz.network.session import Session

Make = Callable[..., Session]
ARXIV = "https://export.arxiv.org"


def there(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200)


def test_those_who_ask_the_same_count_once_and_who_has_ended_counts_no_more(tmp_path: Path) -> None:
    path = tmp_path / "turns" / "x.line"
    with standing_in_line(path, "a", lambda: 0.0) as first, standing_in_line(path, "b", lambda: 1.0) as second:
        with standing_in_line(path, "b", lambda: 1.0) as third, standing_in_line(path, "c", lambda: 1.0) as fourth:
            assert (first, second, third, fourth) == (0, 1, 1, 2)
        with standing_in_line(path, "d", lambda: 2.0) as fifth:
            assert fifth == 2
    with standing_in_line(path, "e", lambda: 2.0) as last:
        assert last == 0


def test_who_has_gone_without_a_word_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.line"
    path.write_text(
        "0.000 aaaaaaaaaaaaaaaa 1-0\n95.000 bbbbbbbbbbbbbbbb 2-0\n999.0 cccccccccccccccc 3-0", encoding="ascii"
    )
    with standing_in_line(path, "x", lambda: 100.0) as before:
        assert before == 1
    assert path.read_text(encoding="ascii") == "95.000 bbbbbbbbbbbbbbbb 2-0"


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"x", b"\n\n", b"nan a b\n1e999 a b", b"1.0 a"])
def test_a_damaged_line_is_an_empty_one(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "x.line"
    path.write_bytes(damage)
    with standing_in_line(path, "x", lambda: 100.0) as before:
        assert before == 0


def test_where_no_line_can_be_kept_nobody_is_known_to_stand_in_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with standing_in_line(tmp_path / "file" / "x.line", "x", lambda: 0.0) as before:
        assert before == 0


def test_who_would_wait_in_vain_is_told_at_once_for_how_long(session: Make, clock: Any) -> None:
    made, began = session(there), clock.now
    line = made.cache.folder / "turns" / "arxiv.line"
    with contextlib.ExitStack() as others:
        for number in range(5):
            others.enter_context(standing_in_line(line, f"other {number}", lambda: clock.now))
        with open_client(arxiv_service(), made) as client, pytest.raises(RateLimitedError) as caught:
            client.get(f"{ARXIV}/api/query")
    assert (caught.value.retry_after, clock.now) == (15.0, began)
    assert "the turn would come in 15 s" in caught.value.message
    assert "15 s" in str(caught.value.hint)
    with open_client(arxiv_service(), session(there)) as client:  # the others have ended
        assert client.get(f"{ARXIV}/api/query").status_code == 200


def test_who_has_a_turn_in_time_stays(session: Make, clock: Any) -> None:
    made = session(there)
    line = made.cache.folder / "turns" / "arxiv.line"
    with contextlib.ExitStack() as others:
        for number in range(4):
            others.enter_context(standing_in_line(line, f"other {number}", lambda: clock.now))
        with open_client(arxiv_service(), made) as client:
            assert client.get(f"{ARXIV}/api/query").status_code == 200
