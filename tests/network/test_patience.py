"""How long a network is waited for: briefly where something at hand can answer, never beyond the command's own limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from archviz.errors import ArchvizError, RateLimitedError, SourceUnavailableError
from archviz.network import transport
from archviz.network.client import open_client
from archviz.network.exchange import Answer, Bounds
from archviz.network.services import Service, arxiv_service, github_service, hub_service
from archviz.network.session import Session

HUB = "https://huggingface.co"
Make = Callable[..., Session]


class Drip(httpx2.SyncByteStream):
    """A body of which a byte comes each half second, for ever."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.clock.now += 0.5
            yield b" "


def fault(session: Session, url: str, service: Service) -> ArchvizError:
    with pytest.raises(ArchvizError) as caught, open_client(service, session) as client:
        client.get(url)
    return caught.value


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, clock: Any) -> list[float]:
    """Servers that accept and never answer; the limits that attempts had."""
    limits: list[float] = []

    def exchange(base: object, request: object, bounds: Bounds, monotonic: object) -> Answer:
        limits.append(bounds.total)
        clock.now += bounds.total
        raise httpx2.ReadTimeout("no whole answer")

    monkeypatch.setattr(transport, "exchange", exchange)
    return limits


def unasked(_: httpx2.Request) -> httpx2.Response:
    raise AssertionError


@pytest.mark.parametrize("service", [hub_service, github_service])
@pytest.mark.parametrize(("at_hand", "seconds"), [(True, 2.5), (False, 12.0)])
def test_a_slow_drip_ends_sooner_where_the_catalog_can_answer(
    session: Make, clock: Any, service: Callable[[], Service], at_hand: bool, seconds: float
) -> None:
    made, began = session(lambda _: httpx2.Response(200, stream=Drip(clock))), clock.now
    made.at_hand = at_hand
    error = fault(made, f"{service().endpoint}/x", service())
    assert f"time limit of {seconds:.2g} s" in error.message
    assert seconds <= clock.now - began <= seconds + 0.5


def test_a_silent_network_costs_one_wait_and_not_one_a_host(session: Make, clock: Any, silent: list[float]) -> None:
    made, began = session(unasked), clock.now
    made.at_hand = True
    for url, service in (
        (f"{HUB}/x", hub_service()),
        ("https://export.arxiv.org/x", arxiv_service()),
        ("https://api.github.com/x", github_service()),
    ):
        assert isinstance(fault(made, url, service), SourceUnavailableError)
    assert silent == pytest.approx([2.5, 2.5 / 6, 2.5 / 6])
    assert clock.now - began < 4.0


def test_four_seconds_are_waited_in_all_however_many_names_and_services_are_asked_for(
    session: Make, clock: Any, silent: list[float]
) -> None:
    began = clock.now
    for _ in range(4):  # commands of one process, such as the names of a comparison
        made = session(unasked)
        made.at_hand = True
        for host in ("huggingface.co", *(f"{letter}.hf.co" for letter in "abcdefgh")):
            assert isinstance(fault(made, f"https://{host}/x", hub_service()), SourceUnavailableError)
        fault(made, "https://export.arxiv.org/x", arxiv_service())
    assert clock.now - began == pytest.approx(4.0)
    assert sum(silent) == pytest.approx(4.0)
    assert "others gave no answer for 4 s" in fault(made, "https://api.github.com/x", github_service()).message


@pytest.mark.parametrize(("at_hand", "waits"), [(True, [0.5]), (False, [0.5, 1.0])])
def test_a_refused_connection_is_tried_once_more_where_the_catalog_can_answer(
    session: Make, clock: Any, at_hand: bool, waits: list[float]
) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    made = session(refuse)
    made.at_hand = at_hand
    assert "refused" in fault(made, f"{HUB}/x", hub_service()).message
    assert clock.slept == waits


def test_who_was_silent_is_asked_again_after_a_while(session: Make, clock: Any, silent: list[float]) -> None:
    for seconds in (0.0, 29.0, 33.0):
        clock.now = 1_800_000_000.0 + seconds
        made = session(unasked)
        made.at_hand = True
        assert "2.5 s" in fault(made, f"{HUB}/x", hub_service()).message
    assert silent == [2.5, 2.5]


def test_who_fails_at_once_is_asked_again_at_once(session: Make, clock: Any) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.UnsupportedProtocol("no way there", request=request)

    made = session(refuse)
    fault(made, f"{HUB}/x", hub_service())
    with open_client(hub_service(), session(lambda _: httpx2.Response(200))) as client:
        assert client.get(f"{HUB}/x").status_code == 200


def test_a_turn_at_arxiv_is_not_waited_for_beyond_the_whole(
    session: Make, clock: Any, monkeypatch: pytest.MonkeyPatch, silent: list[float]
) -> None:
    made, began = session(unasked), clock.now
    made.at_hand = True
    fault(made, f"{HUB}/x", hub_service())
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: clock.now)  # the others are first
    assert fault(made, "https://export.arxiv.org/x", arxiv_service()).code == "rate_limited"
    assert clock.now - began <= 4.0


def test_a_hub_that_falls_silent_after_its_first_answer_is_left_in_time(
    session: Make, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(_: httpx2.Request) -> httpx2.Response:
        clock.now += 1.0
        return httpx2.Response(200)

    made = session(first)
    made.at_hand = True
    with open_client(hub_service(), made) as client:
        client.get(f"{HUB}/x")
    assert made.patience(hub_service(), at_hand=False) == pytest.approx(2.0)  # 3 s in all
    assert made.patience(arxiv_service(), at_hand=False) == pytest.approx(2.5)
    clock.now += 10.0  # reading and drawing count for nothing
    assert made.patience(hub_service(), at_hand=False) == pytest.approx(2.0)
    made.reads_files()
    assert made.patience(hub_service(), at_hand=False) == pytest.approx(12.0)


def test_a_command_with_nothing_at_hand_is_bounded_as_a_whole(session: Make, clock: Any, silent: list[float]) -> None:
    made, began = session(unasked), clock.now
    for host in ("huggingface.co", "a.hf.co", "b.hf.co"):
        assert "time limit of" in fault(made, f"https://{host}/x", hub_service()).message
    assert clock.now - began <= 15.0
    assert silent[0] == 12.0


@pytest.mark.parametrize("wait", [3, 9_999])
def test_a_longer_wait_than_is_left_is_told_at_once_where_the_catalog_can_answer(
    session: Make, clock: Any, wait: int
) -> None:
    asked: list[httpx2.Request] = []

    def limited(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(429, headers={"Retry-After": str(wait)})

    made, began = session(limited), clock.now
    made.at_hand = True
    error = fault(made, f"{HUB}/x", hub_service())
    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, len(asked)) == (wait, 1)
    assert clock.now - began < 1.0


def test_a_turn_that_does_not_come_is_not_blamed_on_the_service(
    session: Make, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = session(unasked)
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: clock.now)  # others ask without end
    with made.waiting.running():
        clock.now += 14.0  # of the command's 15 s
    error = fault(made, "https://export.arxiv.org/x", arxiv_service())
    assert (error.code, "others are first" in error.message) == ("rate_limited", True)
    marks = list((made.cache.folder / "turns").glob("*.turn"))
    assert marks == []  # nobody was asked, so the next one need not wait


def test_waiting_for_one_s_turn_counts_towards_the_whole(
    session: Make, clock: Any, monkeypatch: pytest.MonkeyPatch, silent: list[float]
) -> None:
    monkeypatch.setattr("archviz.network.waits._last", lambda mark: clock.now - 1.0)
    made = session(unasked)
    made.at_hand = True
    fault(made, "https://export.arxiv.org/x", arxiv_service())
    assert clock.slept == [2.0]
    assert silent == [2.0]  # 4 s in all, however they are spent


@pytest.mark.parametrize("at_hand", [True, False])
def test_a_machine_that_is_slow_to_load_and_to_read_asks_the_network_all_the_same(
    session: Make, clock: Any, at_hand: bool
) -> None:
    made = session(lambda _: httpx2.Response(200, content=b"there"))
    made.at_hand = at_hand
    for name in "ab":
        clock.now += 16.0  # beyond the 15 s of the network, before the first request and after it
        with open_client(hub_service(), made) as client:
            assert client.get(f"{HUB}/{name}").content == b"there"
    assert (made.requests, made.remaining) == (2, 15.0)


def test_what_must_be_waited_for_takes_nothing_from_what_may_be_waited_for(session: Make, clock: Any) -> None:
    def slow(_: httpx2.Request) -> httpx2.Response:
        clock.now += 3.5
        return httpx2.Response(200, content=b"there")

    made = session(slow)
    made.at_hand = True
    with open_client(hub_service(), made) as client, made.waiting_for_it():
        assert made.patience(hub_service(), at_hand=False) == 12.0
        assert client.get(f"{HUB}/a").content == b"there"
    assert made.at_hand
    assert made.patience(hub_service(), at_hand=False) == 3.0


def test_who_may_wait_longer_asks_again_who_was_too_slow_for_another(session: Make, clock: Any) -> None:
    def slow(_: httpx2.Request) -> httpx2.Response:
        seconds = made.patience(hub_service(), at_hand=False)
        clock.now += min(3.5, seconds)
        if seconds < 3.5:
            raise httpx2.ReadTimeout("slow")
        return httpx2.Response(200, content=b"there")

    made = session(slow)
    made.at_hand = True
    with open_client(hub_service(), made) as client:
        for _ in range(2):  # the second time nobody is asked
            with pytest.raises(SourceUnavailableError, match=r"no whole answer within the time limit of 2\.5 s"):
                client.get(f"{HUB}/a")
        assert made.requests == 1
        with made.waiting_for_it():
            assert client.get(f"{HUB}/a").content == b"there"


@pytest.mark.parametrize("error", [httpx2.ReadTimeout("silent"), httpx2.ConnectTimeout("swallowed")])
def test_who_was_silent_for_as_long_as_anybody_waits_is_asked_once(session: Make, clock: Any, error: Exception) -> None:
    def silent(_: httpx2.Request) -> httpx2.Response:
        clock.now += made.patience(hub_service(), at_hand=False)
        raise error

    made = session(silent)
    with open_client(hub_service(), made) as client:
        for _ in range(3):
            with pytest.raises(SourceUnavailableError):
                client.get(f"{HUB}/a")
    assert made.requests == 1


def test_what_is_used_up_is_told_as_such_and_never_as_a_limit_below_nothing(session: Make, clock: Any) -> None:
    made = session(unasked)
    with made.waiting.running():
        clock.now += 21.5
    error = fault(made, f"{HUB}/x", hub_service())
    assert "the 15 s that one command waits for the network are used up, so it was not asked" in error.message
    assert made.requests == 0


def test_requests_side_by_side_take_their_time_once(session: Make, clock: Any) -> None:
    made = session(unasked)
    with made.waiting.running():
        clock.now += 1.0
        with made.waiting.running():
            clock.now += 2.0
        clock.now += 1.0
    clock.now += 100.0
    assert made.remaining == 11.0


def test_offline_a_copy_of_just_now_is_told_with_its_day_too(session: Make, clock: Any) -> None:
    with open_client(arxiv_service(), session(lambda _: httpx2.Response(200, content=b"there"))) as client:
        client.get("https://export.arxiv.org/x")
    offline = session(unasked, offline=True)
    with open_client(arxiv_service(), offline) as client:
        assert client.get("https://export.arxiv.org/x").content == b"there"
    assert len(offline.notes) == 1
    assert "arXiv was not asked; copy of 2027-01-15" in offline.notes[0]
    assert offline.oldest is not None


@pytest.mark.parametrize("token", ["hf_abc def", "hf_ü"])
def test_a_token_that_can_be_none_is_told_and_not_sent(
    session: Make, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200)

    made = session(answer)
    with open_client(hub_service(), made) as client:
        client.get(f"{HUB}/x")
    assert "authorization" not in asked[0].headers
    assert ["HF_TOKEN" in note for note in made.notes] == [True]
    assert token not in made.notes[0]
