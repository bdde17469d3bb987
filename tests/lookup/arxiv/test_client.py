"""The real client against arXiv on this machine: exact ids, exact titles, its peculiarities, and its faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archviz.errors import (
    ArchvizError,
    BadResponseError,
    ModelNotFoundError,
    RateLimitedError,
    SourceUnavailableError,
    UsageError,
)
from archviz.lookup.arxiv.client import ArxivClient
from archviz.lookup.arxiv.feed import MOST_CHARACTERS, parse_feed
from archviz.network.session import Session
from archviz.records import replace
from archviz.settings import Limits

Make = Callable[..., Session]


@pytest.fixture
def client(arxiv: Any, arxiv_data: Any, session: Make) -> ArxivClient:
    arxiv_data.add("2505.09388", "Qwen3 Technical Report", version="v2")
    arxiv_data.add("2412.15115", "Qwen2.5 Technical Report", version="v2")
    arxiv_data.add("2501.00001", "Notes on the Qwen3 Technical Report")
    arxiv_data.add("hep-th/9901001", "Old Physics")
    return ArxivClient(session())


@pytest.mark.parametrize(
    "asked, found",
    [
        ("2505.09388", "2505.09388v2"),
        ("2505.09388v2", "2505.09388v2"),
        ("arXiv:2505.09388", "2505.09388v2"),
        ("hep-th/9901001", "hep-th/9901001v1"),
        ("hep-th/9901001v1", "hep-th/9901001v1"),
    ],
)
def test_an_exact_id_finds_its_paper_with_its_version(client: ArxivClient, asked: str, found: str) -> None:
    paper = client.find_paper(asked)
    assert (paper.id, paper.url) == (found, f"https://arxiv.org/abs/{found}")
    assert (paper.authors, paper.published) == (("Ada Example", "Bo Example"), "2025-05-14")
    assert paper.abstract == "We present a model. It has layers."


@pytest.mark.parametrize("asked", ["0000.0000", "2505.99999", "2505.09388v7"])
def test_an_unknown_id_is_no_paper_though_arxiv_answers_200(client: ArxivClient, arxiv: Any, asked: str) -> None:
    with pytest.raises((ModelNotFoundError, UsageError)):
        client.find_paper(asked)


def test_a_complaint_of_the_api_is_told_in_its_words(client: ArxivClient, arxiv: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("archviz.lookup.arxiv.client.arxiv_id", lambda text: text)
    with pytest.raises(UsageError, match="incorrect id format for abc"):
        client.find_paper("abc")


@pytest.mark.parametrize("title", ["Qwen3 Technical Report", "qwen3  technical report.", "{Qwen3} Technical Report"])
def test_an_exact_title_comes_first_and_is_marked(client: ArxivClient, title: str) -> None:
    search = client.search_title(title)
    assert [paper.id for paper in search.exact] == ["2505.09388v2"]
    assert [(each.paper.id, each.is_exact) for each in search.ranked] == [
        ("2505.09388v2", True),
        ("2501.00001v1", False),
    ]


@pytest.mark.parametrize(
    "title", ["Qwen3 Report", "Qwen2 5 Technical Report", "Technical Report", "Qwen4 Technical Report"]
)
def test_no_title_is_exact_because_its_words_are_there(client: ArxivClient, title: str) -> None:
    assert client.search_title(title).exact == ()


def test_an_apostrophe_stays_in_the_word_that_is_searched(client: ArxivClient, arxiv: Any, arxiv_data: Any) -> None:
    arxiv_data.add("2305.20050", "Let's Verify Step by Step")
    found = client.search_title("Let’s verify (step by step)")
    assert [paper.id for paper in found.exact] == ["2305.20050v1"]
    assert arxiv.asked[-1].query["search_query"] == 'ti:"let\'s verify step by step"'


def test_a_version_in_a_title_is_kept(client: ArxivClient) -> None:
    assert [paper.id for paper in client.search_title("Qwen2.5 Technical Report").exact] == ["2412.15115v2"]


def test_requests_stand_three_seconds_apart_also_from_one_session_to_the_next(
    client: ArxivClient, session: Make, clock: Any
) -> None:
    client.find_paper("2505.09388")
    ArxivClient(session()).find_paper("2412.15115")
    assert len(clock.slept) == 1
    assert clock.slept[0] == pytest.approx(3.0, abs=0.5)


def test_a_paper_asked_for_twice_is_asked_for_once(client: ArxivClient, arxiv: Any, session: Make) -> None:
    first = client.find_paper("2505.09388")
    assert ArxivClient(session(offline=True)).find_paper("2505.09388") == first
    assert len(arxiv.asked) == 1


def test_a_rendering_is_none_where_arxiv_made_none(client: ArxivClient, arxiv_data: Any) -> None:
    arxiv_data.pages["2505.09388v2"] = "<html><p>text</p></html>"
    assert str(client.read_page("2505.09388v2")).endswith("<html><p>text</p></html>")
    assert client.read_page("2412.15115v2") is None


def test_an_older_answer_about_the_newest_version_is_told_with_its_day(
    client: ArxivClient, session: Make, clock: Any
) -> None:
    client.find_paper("2505.09388")
    for asked, ahead, told in (("2505.09388", 100, 0), ("2505.09388", 1_000, 1), ("2505.09388v2", 10_000, 0)):
        clock.ahead += ahead
        asking = session()
        assert ArxivClient(asking).find_paper(asked).id == "2505.09388v2"
        assert sum("newest version on 20" in note for note in asking.notes) == told


def test_the_fields_of_a_paper_are_bounded() -> None:
    long = "a b " * 500_000
    ns = 'xmlns="http://www.w3.org/2005/Atom" xmlns:o="http://a9.com/-/spec/opensearch/1.1/"'
    fields = f"<id>http://arxiv.org/abs/2505.09388v1</id><title>{long}</title><summary>{long}</summary>"
    feed = f"<feed {ns}><o:totalResults>1</o:totalResults><entry>{fields}</entry></feed>"
    (paper,) = parse_feed(feed.encode()).papers
    assert [len(text) <= MOST_CHARACTERS + 2 and text.endswith(" …") for text in (paper.title, paper.abstract)] == [
        True
    ] * 2


def test_time_that_is_used_up_is_not_laid_on_others(client: ArxivClient, session: Make, clock: Any) -> None:
    asking = session()
    with asking.waiting.running():
        clock.ahead += 10_000
    with pytest.raises(SourceUnavailableError) as caught:
        ArxivClient(asking).find_paper("2505.09388v2")
    assert "others" not in caught.value.message


# --- faults ---------------------------------------------------------------------------------------------------------

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>&b;</title></feed>'
)
DEEP = b'<feed xmlns="http://www.w3.org/2005/Atom">' + b"<a>" * 5000 + b"</a>" * 5000 + b"</feed>"
MANY = b"<feed>" + b"<a/>" * 1_000_001 + b"</feed>"
EXTERNAL = b'<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed>&x;</feed>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<feed",
        b"{}",
        b"\xff\xfe",
        b"<html></html>",
        BOMB,
        DEEP,
        EXTERNAL,
        MANY,
        b"<feed xmlns='http://www.w3.org/2005/Atom'/>",
    ],
)
def test_an_answer_that_is_no_feed_is_a_fault_and_is_not_kept(
    client: ArxivClient, arxiv: Any, reply: Any, body: bytes
) -> None:
    arxiv.next.append(reply(200, body, {"Content-Type": "application/atom+xml"}))
    with pytest.raises(BadResponseError) as caught:
        client.find_paper("2505.09388")
    assert caught.value.exit_status == 4
    assert client.find_paper("2505.09388").id == "2505.09388v2"


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_passing_fault_is_asked_again(client: ArxivClient, arxiv: Any, reply: Any, status: int) -> None:
    arxiv.next.append(reply(status))
    assert client.find_paper("2505.09388").id == "2505.09388v2"
    assert len(arxiv.asked) == 2


def test_retry_after_is_obeyed(client: ArxivClient, arxiv: Any, reply: Any, clock: Any) -> None:
    arxiv.next.append(reply(503, b"", {"Retry-After": "7"}))
    client.find_paper("2505.09388")
    assert 7.0 in clock.slept


def test_a_longer_wait_than_there_is_time_is_told(client: ArxivClient, arxiv: Any, reply: Any) -> None:
    arxiv.next.append(reply(429, b"", {"Retry-After": "3600"}))
    with pytest.raises(RateLimitedError) as caught:
        client.find_paper("2505.09388")
    assert caught.value.retry_after == 3600.0


@pytest.mark.parametrize("fault", ["truncated", "reset"])
def test_a_cut_answer_is_asked_for_again_and_never_used(
    client: ArxivClient, arxiv: Any, reply: Any, fault: str
) -> None:
    arxiv.next.append(reply(200, b"<feed", {"Content-Type": "application/atom+xml"}, fault))
    assert client.find_paper("2505.09388").id == "2505.09388v2"


def test_a_slow_drip_ends_at_the_time_limit(arxiv: Any, reply: Any, session: Make) -> None:
    arxiv.next += [reply(200, b"<" * 400, {}, "drip")]
    with pytest.raises(ArchvizError) as caught:
        ArxivClient(session(Limits(request_seconds=0.4))).find_paper("2505.09388")
    assert (caught.value.exit_status, "time limit" in str(caught.value)) == (4, True)


def test_an_answer_beyond_the_bound_is_not_read(arxiv: Any, reply: Any, session: Make) -> None:
    arxiv.next += [reply(200, b"<" * 5000)]
    with pytest.raises(BadResponseError):
        ArxivClient(session(Limits(response_bytes=1000))).find_paper("2505.09388")


def test_a_redirect_to_a_foreign_host_is_not_followed(client: ArxivClient, arxiv: Any, reply: Any) -> None:
    arxiv.next.append(reply(302, b"", {"Location": "https://evil.example/api/query"}))
    with pytest.raises(BadResponseError):
        client.find_paper("2505.09388")
    assert len(arxiv.asked) == 1


ERROR = (
    b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:o="http://a9.com/-/spec/opensearch/1.1/"><o:totalResults>1</o:totalResults>'
    b"<entry><id>http://arxiv.org/api/errors#x</id><title>Error</title><summary>try later</summary></entry></feed>"
)
EMPTY = (
    b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:o="http://a9.com/-/spec/opensearch/1.1/">'
    b"<o:totalResults>0</o:totalResults></feed>"
)


@pytest.mark.parametrize(("body", "status"), [(ERROR, 4), (EMPTY, 3)])
def test_an_error_and_an_empty_answer_are_not_kept(
    client: ArxivClient, arxiv: Any, session: Make, reply: Any, body: bytes, status: int
) -> None:
    arxiv.next.append(reply(200, body, {"Content-Type": "application/atom+xml"}))
    with pytest.raises(ArchvizError) as caught:
        client.find_paper("2505.09388")
    assert caught.value.exit_status == status
    assert ArxivClient(session()).find_paper("2505.09388").id == "2505.09388v2"


def test_a_login_page_is_no_rendering_and_is_not_kept(
    client: ArxivClient, arxiv: Any, arxiv_data: Any, session: Make, reply: Any
) -> None:
    arxiv_data.pages["2505.09388v2"] = "<p>text</p>"
    arxiv.next.append(reply(200, b"<html><h1>Please log in</h1></html>", {"Content-Type": "text/html"}))
    with pytest.raises(BadResponseError, match="login"):
        client.read_page("2505.09388v2")
    assert str(ArxivClient(session()).read_page("2505.09388v2")).endswith("<p>text</p>")


def test_an_answer_about_another_paper_is_no_answer_and_not_kept(client: ArxivClient, arxiv: Any, reply: Any) -> None:
    other = arxiv.answer(type("Asked", (), {"path": "/api/query", "query": {"id_list": "2412.15115"}, "headers": {}})())
    arxiv.next = [reply(200, other.body, other.headers)]
    with pytest.raises(BadResponseError, match=r"2412\.15115v2 where 2505\.09388 was"):
        client.find_paper("2505.09388")
    assert client.find_paper("2505.09388").title == "Qwen3 Technical Report"


@pytest.mark.parametrize("when", ["before its turn", "while it waits the three seconds"])
def test_what_another_process_brought_meanwhile_is_not_asked_for_again(
    arxiv: Any, arxiv_data: Any, session: Make, clock: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    arxiv_data.add("2505.09388", "Qwen3 Technical Report", version="v2")
    ArxivClient(session()).find_paper("2505.09388")
    arxiv.asked.clear()
    made, before = session(), clock.slept.copy()
    (key,) = list(made.cache.keys(5))
    entry = made.cache.read(key)
    assert entry is not None
    made.cache.forget(key)

    def bring(*_: object, **__: object) -> None:
        made.cache.write(replace(entry, fetched=made.time.now()))

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        bring()

    if when == "before its turn":
        monkeypatch.setattr("filelock.FileLock.acquire", bring)
    else:
        made.time = replace(made.time, sleep=sleep)
    assert ArxivClient(made).find_paper("2505.09388").id == "2505.09388v2"
    assert arxiv.asked == []
    assert len(clock.slept) - len(before) == (when != "before its turn")
