"""The real way out, on this machine alone: stalls, TLS and names that fail, proxies."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from archviz.errors import SourceUnavailableError, UsageError
from archviz.network.cache import Cache
from archviz.network.client import open_client
from archviz.network.exchange import Bounds, exchange
from archviz.network.routing import proxy_of
from archviz.network.services import hub_service
from archviz.network.session import Session, Time
from archviz.network.waits import Paces
from archviz.settings import Limits, Settings

HURRIED = replace(Limits(), connect_seconds=0.5, request_seconds=1.0)


class Listener:
    """Accepts connections, answers each with fixed bytes, keeps what it got."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.got = answer, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.got.append(connection.recv(65_536))
                connection.sendall(self.answer)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    yield made
    made.socket.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def fault(
    tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch, limits: Limits = HURRIED
) -> tuple[SourceUnavailableError, float]:
    """How asking an endpoint fails, and how long that takes."""
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    fast = Time(sleep=lambda _: None)
    asking = Session(Settings(limits=limits), cache=Cache(tmp_path), time=fast, paces=Paces())
    began = time.monotonic()
    with asking, open_client(hub_service(), asking) as client, pytest.raises(SourceUnavailableError) as caught:
        client.get(f"{endpoint}/x")
    return caught.value, time.monotonic() - began


def test_a_server_without_tls_is_told_as_that(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, _ = fault(tmp_path, f"https://{listener.address}", monkeypatch, Limits())
    assert "TLS" in error.message
    assert len(listener.got) == 1  # asking again cannot help


def test_a_name_that_does_not_resolve_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error, _ = fault(tmp_path, "https://hub.example", monkeypatch, Limits())
    assert "name was not resolved" in error.message


def test_a_resolver_that_stalls_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(4))
    error, took = fault(tmp_path, "https://hub.example", monkeypatch)
    assert "within the time limit" in error.message
    assert took < 2.5


def test_a_port_that_refuses_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        error, _ = fault(tmp_path, f"http://127.0.0.1:{bound.getsockname()[1]}", monkeypatch, Limits())
    assert "refused" in error.message


def test_a_server_that_never_answers_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error, took = fault(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", monkeypatch)
    assert "within the time limit" in error.message
    assert took < 3.0


def test_a_transport_that_hangs_is_left_to_itself() -> None:
    class Hanging(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            time.sleep(5)
            return httpx2.Response(200)

    request = httpx2.Request("GET", "https://huggingface.co/x")
    began = time.monotonic()
    with pytest.raises(httpx2.ConnectTimeout):
        exchange(Hanging(), request, Bounds(0.1, 1.0, 1000), time.monotonic)
    assert time.monotonic() - began < 2.0


def test_the_proxy_of_the_environment_is_asked_for_other_machines(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{listener.address}")
    monkeypatch.setenv("HF_TOKEN", "hf_secret_token")
    error, _ = fault(tmp_path, "https://hub.example", monkeypatch, Limits())
    assert "proxy" in error.message
    assert listener.got[0].startswith(b"CONNECT hub.example:443 ")
    assert b"hf_secret_token" not in b"".join(listener.got)


def test_a_proxy_that_never_lets_through_is_waited_for_as_for_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(HURRIED, request_seconds=9.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{silent.getsockname()[1]}")
        error, took = fault(tmp_path, "https://hub.example", monkeypatch, limits)
    assert "no way through the proxy 127.0.0.1:" in error.message
    assert took < 3.0


def test_a_proxy_that_refuses_is_named_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("http://user:pass@127.0.0.1:1", "user:p@ss@127.0.0.1:1"):
        monkeypatch.setenv("HTTPS_PROXY", address)
        error, _ = fault(tmp_path, "https://hub.example", monkeypatch, HURRIED)
        assert "no way through the proxy 127.0.0.1:1" in error.message
        assert "HTTPS_PROXY" in str(error.hint)
        assert not any(part in str(error) for part in ("user", "pass", "p@ss"))


def test_which_proxy_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_of("https://hub.example/x", "hub.example") == ""
    monkeypatch.setenv("ALL_PROXY", "one.example:80")
    assert proxy_of("https://hub.example/x", "hub.example") == "http://one.example:80"
    monkeypatch.setenv("HTTPS_PROXY", "http://two.example:80")
    assert proxy_of("https://hub.example/x", "hub.example") == "http://two.example:80"
    monkeypatch.setenv("NO_PROXY", "hub.example")
    assert proxy_of("https://hub.example/x", "hub.example") == ""
    assert proxy_of("http://127.0.0.1:9/x", "127.0.0.1") == ""


def test_a_proxy_that_is_none_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://x")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    asking = Session(Settings(), cache=Cache(tmp_path))
    with open_client(hub_service(), asking) as client, pytest.raises(UsageError, match="proxy"):
        client.get("https://hub.example/x")


def test_a_socks_proxy_is_told_and_the_catalog_may_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "NO_PROXY", "no_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:9")
    made = Session(Settings(limits=HURRIED), cache=Cache(tmp_path), paces=Paces())
    with pytest.raises(SourceUnavailableError, match="SOCKS"), open_client(hub_service(), made) as client:
        client.get("https://huggingface.co/x")
