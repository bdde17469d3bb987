"""A host of several addresses is reached by one that answers, in the time for one connection."""

from __future__ import annotations

import socket
import time
from typing import Any

import httpcore2
import pytest

from archviz.network.addresses import SeveralAddresses

SIX, FOUR = socket.AF_INET6, socket.AF_INET
ROWS = [(SIX, "2001:db8::1"), (SIX, "2001:db8::2"), (FOUR, "192.0.2.1"), (FOUR, "192.0.2.2")]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """The addresses and seconds that are tried; addresses of IPv6 and what ends in `.1` stay silent."""
    found: list[tuple[str, float]] = []

    def connect(_: object, host: str, port: int, timeout: float, *__: Any, **___: Any) -> str:
        found.append((host, timeout))
        if ":" in host:
            raise httpcore2.ConnectTimeout("timed out")
        if host.endswith(".1"):
            raise httpcore2.ConnectError("refused")
        return f"{host}:{port}"

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    return found


def resolved(monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, str]]) -> None:
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443)) for family, address in rows]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_families_are_tried_in_turn_each_for_a_part_of_the_time(
    tried: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved(monkeypatch, ROWS)
    assert SeveralAddresses().connect_tcp("hub.example", 443, 3.0) == "192.0.2.2:443"
    assert [address for address, _ in tried] == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"]
    assert all(seconds <= 1.0 for _, seconds in tried[:-1])
    assert tried[-1][1] > 2.5  # the last one has what is left


def test_a_family_that_was_silent_is_tried_last_from_then_on(
    tried: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved(monkeypatch, ROWS)
    backend = SeveralAddresses()
    backend.connect_tcp("hub.example", 443, 3.0)
    tried.clear()
    backend.connect_tcp("hub.example", 443, 3.0)
    assert [address for address, _ in tried] == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (ROWS[:2], httpcore2.ConnectTimeout),
        (ROWS[2:3], httpcore2.ConnectError),
        (ROWS[:3], httpcore2.ConnectTimeout),
        ([], httpcore2.ConnectTimeout),
    ],
)
def test_where_none_answers_the_last_failure_is_told(
    tried: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, str]], error: type[Exception]
) -> None:
    resolved(monkeypatch, rows)
    with pytest.raises(error):
        SeveralAddresses().connect_tcp("hub.example", 443, 3.0)
    assert len(tried) == len(rows)


def test_a_silent_address_does_not_hold_up_one_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket() as full, socket.socket() as filler:
        port = there.getsockname()[1]
        full.bind(("127.0.0.2", port))
        full.listen(0)
        fillers = [filler, *(socket.socket() for _ in range(3))]
        for each in fillers:  # the queue is full: further connections are not answered
            each.setblocking(False)
            each.connect_ex(("127.0.0.2", port))

        def several(host: str, *args: Any, **options: Any) -> list[Any]:
            hosts = ["127.0.0.2", "127.0.0.1"] if host == "several.example" else [host]
            return [row for each in hosts for row in resolve(each, *args, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", several)
        began = time.monotonic()
        SeveralAddresses().connect_tcp("several.example", port, 1.5).close()
        assert 0.4 < time.monotonic() - began < 1.5
        for each in fillers:
            each.close()
