"""One attempt at a request, bounded in time and size while its answer is read."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2

from archviz.errors import BadResponseError
from archviz.network.faults import CutShortError, shown

_DROPPED = {  # what is said of the body as it travelled, or must not be followed
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "connection",
    "set-cookie",
    "link",  # to a next page, which nobody here asks for: a list that links itself would never end
}
_OTHER_ENCODINGS = ("br", "compress", "zstd")
_MOST_MEMBERS = 32  # of a gzip answer; each further one copies what is left


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, headers with names in lower case, and the decoded body."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one attempt may cost: seconds to connect, seconds in all, bytes of the decoded body."""

    connect: float
    total: float
    size: int


@dataclass(slots=True)
class _Attempt:
    connected: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    answer: Answer | None = None
    error: Exception | None = None


def exchange(
    base: httpx2.BaseTransport, request: httpx2.Request, bounds: Bounds, monotonic: Callable[[], float]
) -> Answer:
    """Send a request and read its whole answer.

    The attempt runs beside the caller, because neither the resolving of a name nor the trying of all its addresses can be
    bounded from within; one that takes too long is left to itself, and ends at its next step.

    Raises:
        httpx2.TransportError: It failed, or took too long.
        CutShortError: The answer is shorter than it said.
        BadResponseError: It is larger than the bound, or is no answer to a ranged request.
    """
    attempt = _Attempt()
    threading.Thread(
        target=_run, args=(attempt, base, _timed(request, bounds, attempt), bounds, monotonic), daemon=True
    ).start()
    if not attempt.connected.wait(bounds.connect):
        attempt.abandoned = True
        raise httpx2.ConnectTimeout("no connection")
    if not attempt.done.wait(bounds.total):
        attempt.abandoned = True
        raise httpx2.ReadTimeout("no whole answer")
    if attempt.error is not None:
        raise attempt.error
    assert attempt.answer is not None
    return attempt.answer


def _timed(request: httpx2.Request, bounds: Bounds, attempt: _Attempt) -> httpx2.Request:
    def progress(event: str, info: Mapping[str, object]) -> None:
        # what is sent to a proxy to get through it (CONNECT) is a part of connecting
        through = getattr(info.get("request"), "method", b"") == b"CONNECT"
        if event.endswith("send_request_headers.started") and not through:
            attempt.connected.set()

    limits = {"connect": bounds.connect, "read": bounds.total, "write": bounds.total, "pool": bounds.total}
    request.extensions = {**request.extensions, "timeout": limits, "trace": progress}
    return request


def _run(
    attempt: _Attempt,
    base: httpx2.BaseTransport,
    request: httpx2.Request,
    bounds: Bounds,
    monotonic: Callable[[], float],
) -> None:
    try:
        attempt.answer = _read(
            attempt, base.handle_request(request), request, bounds, monotonic() + bounds.total, monotonic
        )
    except Exception as error:  # noqa: BLE001 # handed to the caller, who waits for it
        attempt.error = error
    attempt.connected.set()
    attempt.done.set()


def _read(
    attempt: _Attempt,
    response: httpx2.Response,
    request: httpx2.Request,
    bounds: Bounds,
    deadline: float,
    monotonic: Callable[[], float],
) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        bodiless = request.method == "HEAD" or response.status_code in (204, 304)
        raw, is_cut = (b"", False) if bodiless else _body(attempt, response, request, bounds, deadline, monotonic)
    finally:
        response.close()
    stated = "" if bodiless or is_cut else headers.get("content-length", "")
    if stated.isdecimal() and len(raw) != int(stated):
        raise CutShortError(f"{len(raw):,} bytes instead of {int(headers['content-length']):,}")
    body = _decoded(raw, headers.get("content-encoding", ""), bounds.size, request)
    return Answer(
        response.status_code, {name: value for name, value in headers.items() if name not in _DROPPED or bodiless}, body
    )


def _body(
    attempt: _Attempt,
    response: httpx2.Response,
    request: httpx2.Request,
    bounds: Bounds,
    deadline: float,
    monotonic: Callable[[], float],
) -> tuple[bytes, bool]:
    """What was sent, and whether it was cut to what was asked for."""
    limit = _most_bytes(response, request, bounds.size)
    chunks: list[bytes] = []
    size = 0
    assert isinstance(response.stream, httpx2.SyncByteStream)
    for chunk in response.stream:
        size += len(chunk)
        if size > limit and limit == bounds.size:
            raise too_large(limit, request)
        if size > limit and response.status_code == 206:
            raise _no_part(request)
        if size > limit:  # all of a file whose beginning was asked for: the rest is left, and the connection closed
            return b"".join(chunks) + chunk[: limit - size], True
        if attempt.abandoned or monotonic() > deadline:
            raise httpx2.ReadTimeout("no whole answer")
        chunks.append(chunk)
    return b"".join(chunks), False


def _most_bytes(response: httpx2.Response, request: httpx2.Request, limit: int) -> int:
    """The most bytes to read: of a ranged request no more than it asked for, whatever the server sends."""
    asked = request.headers.get("range", "")
    if not asked or response.status_code not in (200, 206):
        return limit
    start, _, end = asked.removeprefix("bytes=").partition("-")
    length = int(end) - int(start) + 1 if start.isdecimal() and end.isdecimal() else limit
    stated = response.headers.get("content-range", f"bytes {start}-") if response.status_code == 206 else "bytes 0-"
    if not stated.startswith(f"bytes {start}-"):
        raise _no_part(request)
    return min(limit, length)


def _no_part(request: httpx2.Request) -> BadResponseError:
    """Another part of a file than the asked one; or all of it where its end was asked for, as servers give it that know no ranges."""
    return BadResponseError(
        "the server does not give the part of a file that was asked for, so its header cannot be read",
        where=shown(str(request.url)),
    )


def _decoded(raw: bytes, encoding: str, limit: int, request: httpx2.Request) -> bytes:
    if encoding.strip().lower() in ("", "identity") or not raw:
        return raw
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        named = encoding.strip().lower()  # whatever else stands there may repeat the token
        how = f"as {named}, which" if named in _OTHER_ENCODINGS else "in a way that"
        raise BadResponseError(f"the answer is encoded {how} was not asked for", where=shown(str(request.url)))
    try:
        unpacked = zlib.decompressobj(47)
        body = unpacked.decompress(raw, limit + 1)
        for _ in range(_MOST_MEMBERS):
            if not (unpacked.eof and unpacked.unused_data) or len(body) > limit:
                break
            unpacked, rest = zlib.decompressobj(47), unpacked.unused_data
            body += unpacked.decompress(rest, limit + 1 - len(body))
    except zlib.error:
        raise CutShortError("damaged in its compression") from None
    if len(body) > limit:
        raise too_large(limit, request)
    if not unpacked.eof:
        raise CutShortError("compressed and ends too early")
    if unpacked.unused_data:
        raise CutShortError(f"compressed in more than {_MOST_MEMBERS} members")
    return body


def too_large(limit: int, request: httpx2.Request) -> BadResponseError:
    """An answer beyond the bound, which was not read further."""
    return BadResponseError(
        f"the answer is larger than {limit:,} bytes and was not read further", where=shown(str(request.url))
    )


def too_many(limit: int, request: httpx2.Request) -> BadResponseError:
    """JSON of so many values that they take far more memory than the text that states them."""
    return BadResponseError(
        f"the answer holds more than {limit:,} values and was not read", where=shown(str(request.url))
    )
