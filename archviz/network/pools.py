"""Connections as a transport of httpx2, over the pools of httpcore2: those take a way to connect, and httpx2's own transport does not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import httpcore2
import httpx2

_MOST = 100  # connections, as httpx2 has them
_MOST_KEPT = 20
_KEPT_SECONDS = 5.0


class PooledTransport(httpx2.BaseTransport):
    """Requests over connections that are kept for the next one; raises the exceptions of httpx2.

    Args:
        backend: How connections are made.
        verify: Certificates are needed, so that those of the machine are loaded.
        proxy: The address of an HTTP proxy; empty for none.

    Raises:
        ValueError: The proxy is no such address.
    """

    def __init__(self, backend: httpcore2.NetworkBackend, *, verify: bool, proxy: str = "") -> None:
        context = httpx2.create_ssl_context(verify=verify)
        if not proxy:
            self._pool = httpcore2.ConnectionPool(
                ssl_context=context,
                max_connections=_MOST,
                max_keepalive_connections=_MOST_KEPT,
                keepalive_expiry=_KEPT_SECONDS,
                network_backend=backend,
            )
            return
        stated = httpx2.Proxy(proxy)
        self._pool = httpcore2.HTTPProxy(
            _address(stated.url),
            proxy_auth=stated.raw_auth,
            ssl_context=context,
            max_connections=_MOST,
            max_keepalive_connections=_MOST_KEPT,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=backend,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)
        asked = httpcore2.Request(
            request.method,
            _address(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx2():
            answer = self._pool.handle_request(asked)
        assert isinstance(answer.stream, Iterable)
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    """The body of an answer as it comes."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx2():
            yield from self._stream

    def close(self) -> None:
        if close := getattr(self._stream, "close", None):
            close()


def _address(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


@contextlib.contextmanager
def _as_httpx2() -> Iterator[None]:
    """The exceptions of httpcore2 as those of httpx2, which have the same names."""
    try:
        yield
    except Exception as error:
        own = (each.__name__ for each in type(error).__mro__ if each.__module__.partition(".")[0] == "httpcore2")
        kind = next((getattr(httpx2, name) for name in own if hasattr(httpx2, name)), None)
        if kind is None:
            raise
        raise kind(str(error)) from error
