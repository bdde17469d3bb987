"""Connections as a transport of httpx2: made by the backend that is given, with the exceptions of httpx2."""

from __future__ import annotations

from typing import Any

import httpcore2
import httpx2
import pytest

from archviz.network.pools import PooledTransport

WHOLE = [b"HTTP/1.1 200 OK\r\nX-Name: value\r\nContent-Length: 4\r\n\r\n", b"bo", b"dy"]
FAULTS = (
    "ConnectTimeout ReadTimeout WriteTimeout PoolTimeout ConnectError ReadError WriteError ProxyError "
    "UnsupportedProtocol LocalProtocolError RemoteProtocolError NetworkError TimeoutException ProtocolError"
).split()


def ask(backend: httpcore2.NetworkBackend, proxy: str = "") -> httpx2.Response:
    with httpx2.Client(transport=PooledTransport(backend, verify=False, proxy=proxy)) as client:
        return client.get("http://hub.example/a?b=c", headers={"Accept-Encoding": "identity"})


def test_an_answer_comes_whole_over_the_given_way_to_connect() -> None:
    answer = ask(httpcore2.MockBackend(WHOLE))
    assert (answer.status_code, answer.headers["x-name"], answer.content) == (200, "value", b"body")


class _Asked(httpcore2.MockBackend):
    """Keeps whom it connects to and what is sent."""

    def __init__(self, buffer: list[bytes]) -> None:
        super().__init__(buffer)
        self.hosts: list[tuple[str, int]] = []
        self.sent = b""

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore2.NetworkStream:
        self.hosts.append((host, port))
        stream = super().connect_tcp(host, port, *args, **options)
        stream.write = lambda data, timeout=None: setattr(self, "sent", self.sent + data)  # type: ignore[method-assign, assignment]
        return stream


def test_a_proxy_is_connected_to_with_its_user_and_asked_for_the_whole_address() -> None:
    backend = _Asked(WHOLE)
    assert ask(backend, "http://user:word@proxy.example:8080").content == b"body"
    assert backend.hosts == [("proxy.example", 8080)]
    assert backend.sent.startswith(b"GET http://hub.example/a?b=c HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in backend.sent


@pytest.mark.parametrize("proxy", ["ftp://proxy.example", "http://proxy.example:port"])
def test_what_is_no_proxy_is_refused(proxy: str) -> None:
    with pytest.raises((ValueError, httpx2.InvalidURL)):
        PooledTransport(httpcore2.MockBackend([]), verify=False, proxy=proxy)


class _Failing(httpcore2.MockBackend):
    def __init__(self, error: Exception) -> None:
        super().__init__([])
        self.error = error

    def connect_tcp(self, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        raise self.error


@pytest.mark.parametrize("name", FAULTS)
def test_each_exception_of_the_pool_is_that_of_its_name(name: str) -> None:
    cause = getattr(httpcore2, name)("why")
    with pytest.raises(getattr(httpx2, name), match="why") as caught:
        ask(_Failing(cause))
    assert type(caught.value) is getattr(httpx2, name)
    assert caught.value.__cause__ is cause


def test_a_fault_of_nobody_s_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        ask(_Failing(ZeroDivisionError("why")))


def test_a_body_that_breaks_off_is_a_fault_of_httpx2() -> None:
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(httpcore2.MockBackend([WHOLE[0], b"bo", b""]))
