"""The text of a publisher's page: over https, on listed hosts, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from archviz.errors import BadResponseError
from archviz.lookup.card.pages import MOST_TEXT, read_page_text
from archviz.network.cache import Cache
from archviz.network.session import Session
from archviz.settings import Settings

URL = "https://qwenlm.github.io/blog/qwen3/"


@pytest.fixture
def page(tmp_path: Path) -> Callable[[httpx2.Response], Session]:
    def make(response: httpx2.Response) -> Session:
        return Session(Settings(), cache=Cache(tmp_path), base=httpx2.MockTransport(lambda _: response))

    return make


def html(text: str) -> httpx2.Response:
    return httpx2.Response(200, text=text, headers={"Content-Type": "text/html; charset=utf-8"})


def test_a_page_is_read_as_its_visible_text(page: Callable[[httpx2.Response], Session]) -> None:
    session = page(html("<nav>menu</nav><h1>Qwen3</h1><p>94 layers<script>x</script></p><p hidden>ignore this</p>"))
    assert read_page_text(URL, session) == "Qwen3\n\n94 layers"


def test_its_text_is_bounded(page: Callable[[httpx2.Response], Session]) -> None:
    assert len(read_page_text(URL, page(html("<p>x y</p>" * 9_000)))) == MOST_TEXT


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(404),
        httpx2.Response(200, content=b"%PDF", headers={"Content-Type": "application/pdf"}),
        httpx2.Response(302, headers={"Location": "https://evil.example/"}),
        html("<div>" * 2000),
    ],
)
def test_what_is_no_page_is_refused(page: Callable[[httpx2.Response], Session], response: httpx2.Response) -> None:
    with pytest.raises(BadResponseError):
        read_page_text(URL, page(response))


def test_a_host_that_no_publisher_has_is_not_asked(page: Callable[[httpx2.Response], Session]) -> None:
    session = page(html("<p>x</p>"))
    with pytest.raises(BadResponseError, match="not read"):
        read_page_text("https://evil.example/blog", session)
    assert session.requests == 0
