"""The real way out: a direct connection, or the proxy that the environment names for the host."""

from __future__ import annotations

import threading
from urllib.request import getproxies, proxy_bypass

import httpx2

from archviz.errors import SourceUnavailableError, UsageError
from archviz.network.addresses import SeveralAddresses
from archviz.network.pools import PooledTransport
from archviz.network.services import is_loopback, origin_of


class EnvironmentTransport(httpx2.BaseTransport):
    """Connections by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; this machine itself is asked directly."""

    def __init__(self) -> None:
        self._backend = SeveralAddresses()
        self._ways: dict[tuple[str, str], PooledTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._way(request.url).handle_request(request)

    def close(self) -> None:
        for way in self._ways.values():
            way.close()

    def _way(self, url: httpx2.URL) -> PooledTransport:
        key = (url.scheme, proxy_of(str(url), url.host))
        with self._lock:
            if key not in self._ways:
                # without TLS there are no certificates to load, which costs a tenth of a second
                verify = key[0] == "https" or key[1].startswith("https:")
                if key[1].startswith("socks"):
                    raise SourceUnavailableError(
                        "the proxy of the environment is a SOCKS proxy, which is not supported",
                        where="HTTPS_PROXY, HTTP_PROXY or ALL_PROXY",
                        hint="Write http://host:port of an HTTP proxy, or unset the variable.",
                    )
                try:
                    self._ways[key] = PooledTransport(self._backend, verify=verify, proxy=key[1])
                except (ValueError, ImportError, httpx2.InvalidURL):
                    raise UsageError(
                        "the proxy of the environment is no address that can be used",
                        where="HTTPS_PROXY, HTTP_PROXY or ALL_PROXY",
                        hint="Write http://host:port, or unset the variable.",
                    ) from None
            return self._ways[key]


def proxy_of(url: str, host: str) -> str:
    """The proxy that the environment names for an address; empty for none."""
    if is_loopback(origin_of(url)) or proxy_bypass(host):
        return ""
    proxies = getproxies()
    stated = proxies.get(url.partition(":")[0]) or proxies.get("all") or ""
    return stated if "://" in stated or not stated else f"http://{stated}"
