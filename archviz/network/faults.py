"""The one boundary where other people's exceptions and refusals become `archviz.errors`, with what to do about each."""

from __future__ import annotations

import re
import socket
import ssl
from urllib.parse import urlsplit

import httpx2

from archviz.errors import BadResponseError, RateLimitedError, SourceUnavailableError
from archviz.network.session import age_of

TRY_LATER = "Check the network and try again; --offline answers from the catalog and from what is stored."


class CutShortError(Exception):
    """An answer that is not whole: shorter than it said, or no JSON where it must be."""


def shown(url: str) -> str:
    """An address as messages may hold it: without query (it may be signed) and user part, short, ASCII."""
    text = re.sub(r"^([a-z]+://)[^/]*@", r"\1", url.partition("?")[0].partition("#")[0])
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 160 else f"{text[:157]}…"


def helps_to_retry(error: Exception) -> bool:
    """Whether asking again may help: not when the name does not exist, TLS fails, or five seconds are gone already."""
    if isinstance(error, CutShortError):
        return True
    if isinstance(error, (httpx2.TimeoutException, httpx2.ProxyError, httpx2.UnsupportedProtocol)):
        return False
    if isinstance(error, httpx2.LocalProtocolError):
        return False
    causes = _causes(error)
    unknown_name = any(isinstance(each, socket.gaierror) and each.errno == socket.EAI_NONAME for each in causes)
    return not unknown_name and not _is_tls(causes)


def unreachable(error: Exception, name: str, url: str, seconds: float) -> SourceUnavailableError:
    """A failed attempt as our error: what happened, at which address, what to do.

    Args:
        seconds: The time limit that it had.
    """
    where = shown(url)
    if isinstance(error, CutShortError):
        return BadResponseError(f"{name} gave an answer that is {error}", where=where, hint="Try again.")
    causes = _causes(error)
    proxy = _proxy_shown(url)
    if (
        proxy
        and isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError))
        and not _is_tls(causes)
    ):
        text, hint = f"no way through the proxy {proxy}", "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY."
        text += f" within {seconds:.2g} s" if isinstance(error, httpx2.ConnectTimeout) else ""
    elif _is_tls(causes):
        text, hint = "its certificate or its TLS is not valid", "Check the address, the clock and the proxy."
    elif any(isinstance(each, socket.gaierror) for each in causes):
        text, hint = "its name was not resolved", TRY_LATER
    elif isinstance(error, httpx2.ConnectTimeout):
        text, hint = f"no connection within the time limit of {seconds:.2g} s", TRY_LATER
    elif isinstance(error, httpx2.TimeoutException):
        text, hint = f"no whole answer within the time limit of {seconds:.2g} s", TRY_LATER
    elif isinstance(error, httpx2.ProxyError):
        text, hint = "the proxy refused", "Check HTTPS_PROXY and NO_PROXY."
    elif isinstance(error, httpx2.ConnectError):
        text, hint = "the connection was refused", TRY_LATER
    else:
        text, hint = "the connection broke off", TRY_LATER
    return SourceUnavailableError(f"{name} could not be reached: {text}", where=where, hint=hint)


def nobody_answers(name: str, url: str, seconds: float) -> SourceUnavailableError:
    """A service that is not asked any more, because others were waited for in vain long enough."""
    text = f"others gave no answer for {seconds:.2g} s, so it was not asked"
    return SourceUnavailableError(f"{name} could not be reached: {text}", where=shown(url), hint=TRY_LATER)


def out_of_time(name: str, url: str, seconds: float) -> SourceUnavailableError:
    """A service that is not asked any more, because the command's requests have taken what they may take together."""
    text = f"the {seconds:.2g} s that one command waits for the network are used up, so it was not asked"
    return SourceUnavailableError(f"{name} could not be reached: {text}", where=shown(url), hint=TRY_LATER)


def refused(status: int, name: str, url: str, wait: float | None, token_variable: str = "") -> SourceUnavailableError:
    """An answer 429 or 5xx that stayed after the retries, or that asks for a longer wait than there is time.

    Args:
        token_variable: Where a token would be, which may ask more often; empty where there is none to set.
    """
    is_rate = status in (403, 429)
    if is_rate or wait:
        said = "limits the rate of requests" if is_rate else f"answers with status {status}"
        after = f"; it asks to wait {age_of(wait)}" if wait else ""
        or_token = f", or set {token_variable} to a token" if is_rate and token_variable else ""
        return RateLimitedError(
            f"{name} {said}{after}", retry_after=wait, where=shown(url), hint=f"Wait and try again{or_token}."
        )
    return SourceUnavailableError(f"{name} answers with status {status}", where=shown(url), hint=TRY_LATER)


def _is_tls(causes: list[BaseException]) -> bool:
    return any(isinstance(each, ssl.SSLError) for each in causes)


def _proxy_shown(url: str) -> str:
    """Host and port of the proxy that an address is asked by, without its user part; empty for none."""
    from archviz.network.routing import proxy_of  # with urllib.request, which answers of the cache do not need

    proxy = proxy_of(url, urlsplit(url).hostname or "")
    return shown(proxy.rpartition("@")[2].partition("://")[2] or proxy.rpartition("@")[2]) if proxy else ""


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in found:
        found.append(each)
        each = each.__cause__ or each.__context__
    return found
