"""Connections to a host of several addresses: one that stays silent, such as all of IPv6 on some networks, leaves time for the others.

Addresses of both families are tried in turn, each for a part of the time that is left.
Source of the order: https://www.rfc-editor.org/rfc/rfc8305 (whose attempts side by side are not needed for a few requests).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

import httpcore2

_SHARE = 1 / 3  # of the time that is left, for one address of several
_MOST = 8  # addresses that are tried


class SeveralAddresses(httpcore2.SyncBackend):
    """Connects as the usual backend does, which gives the first address all of the time."""

    def __init__(self) -> None:
        self._silent: set[int] = set()  # families of which an address did not answer, while one of another family did

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any) -> Any:
        if timeout is None:
            return super().connect_tcp(host, port, timeout, *args, **options)
        deadline, failed = time.monotonic() + timeout, set()
        error: Exception = httpcore2.ConnectTimeout("timed out")
        left_to_try = self._addresses(host, port)
        while left_to_try and (left := deadline - time.monotonic()) > 0:
            family, address = left_to_try.pop(0)
            try:
                stream = super().connect_tcp(address, port, left * _SHARE if left_to_try else left, *args, **options)
            except httpcore2.ConnectTimeout as late:
                failed.add(family)
                error = late
            except httpcore2.ConnectError as refused:
                error = refused
            else:
                self._silent |= failed - {family}
                return stream
        raise error

    def _addresses(self, host: str, port: int) -> list[tuple[int, str]]:
        """Family and address, the families in turn, those last that were silent before."""
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        families: dict[int, list[tuple[int, str]]] = {}
        for family, _, _, _, address in rows:
            families.setdefault(family, []).append((int(family), str(address[0])))
        return in_turn([each for _, each in sorted(families.items(), key=lambda row: row[0] in self._silent)])[:_MOST]


def in_turn(groups: Iterable[list[tuple[int, str]]]) -> list[tuple[int, str]]:
    """The first of each group, then the second of each.

    >>> in_turn([[(10, "::1"), (10, "::2")], [(2, "127.0.0.1")]])
    [(10, '::1'), (2, '127.0.0.1'), (10, '::2')]
    """
    return [each for each in chain.from_iterable(zip_longest(*groups)) if each is not None]
