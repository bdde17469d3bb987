"""The rules around one request: who may be asked, what is known already, when to ask again, and with which token."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx2

from archviz.errors import (
    ONLINE_AGAIN,
    ArchvizError,
    BadResponseError,
    OfflineError,
    SourceUnavailableError,
    UsageError,
)
from archviz.network.cache import Entry
from archviz.network.exchange import Answer, Bounds, exchange, too_many
from archviz.network.faults import (
    CutShortError,
    helps_to_retry,
    nobody_answers,
    out_of_time,
    refused,
    shown,
    unreachable,
)
from archviz.network.services import ACCOUNT, COMMIT_HEADER, Service, is_loopback, origin_of
from archviz.network.session import Session, day_of
from archviz.network.waits import FIRST_WAIT, Turn, asked_wait, others_first, turn
from archviz.progress import enter_stage

ATTEMPTS = 3
_ATTEMPTS_AT_HAND = 2  # at a connection that fails at once, where the catalog or a copy can answer too
RETRIED = (429, 500, 502, 503, 504)
_KEPT = ("content-type", "etag", "last-modified", COMMIT_HEADER, "x-linked-etag", "x-linked-size")
_NO_CONNECTION = (httpx2.ConnectError, httpx2.ConnectTimeout)
_RETRY_WITHIN = 2.5  # seconds: a connection that took longer to fail would only fail as slowly again
_MORE_PATIENT = 2.0  # times as long: who may wait so much longer asks somebody again who was too slow for another
_COSTLY = 0.3  # seconds; what fails at once may be tried again at once
_MOST_COPIES = 5_000  # answers of the cache that one command reads
_ALONG = ("accept", "range", "user-agent")  # the headers that go along with a redirect; never a token
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5
_HIDDEN = "[token]"
ERROR_CODE = "x-error-code"  # by which the Hub marks its own refusals
FETCHED = "archviz_fetched"  # extension of a response: when its content was fetched or confirmed, seconds since 1970
FOUND_AT = "archviz_found_at"  # extension of a response: the address that gave it, after redirects


class _AttemptError(Exception):
    """One attempt that failed: with what, and after how many seconds."""

    def __init__(self, error: Exception, seconds: float) -> None:
        super().__init__(str(error))
        self.error, self.seconds = error, seconds


class GuardedTransport(httpx2.BaseTransport):
    """Asks only its service's hosts, within the session's limits; raises `archviz.errors`, and answers 2xx to 4xx."""

    def __init__(self, service: Service, session: Session, account: str = "") -> None:
        self.service, self.session, self.account = service, session, account

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._answer(request)
        self.session.last_fetched, self.session.last_found_at = fetched(response), found_at(response)
        return response

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        self._check(request)
        if self.account:
            request.extensions = {ACCOUNT: self.account, **request.extensions}
        key = cache_key(request) if _may_be_kept(request) else None
        stored = self.session.cache.read(key) if key else None
        self.session.last_key = key
        offline = self.session.is_offline(self.service)
        if stored and (stored.pinned or (not offline and self._age(stored) < self.service.fresh_seconds)):
            return self._copy(stored, url)
        if offline:
            return self._offline(stored, url)
        try:
            answer, found_at = self._follow(request, stored)
        except SourceUnavailableError as error:
            if stored is None:
                raise
            return self._old(stored, f"{error.message}; answered from the copy of {day_of(stored.fetched)}.")
        if answer.status == 304 and stored:
            renewed = replace(stored, fetched=self.session.time.now())
            self.session.keep(renewed)
            return _from_entry(renewed)
        if key and answer.status == 200:
            self._keep(key, url, found_at, answer)
        elif key and stored and (answer.status in (404, 410) or answer.headers.get(ERROR_CODE) == "RepoNotFound"):
            self.session.cache.forget(key)  # it is gone: the copy is no answer any more
        extensions = {FETCHED: self.session.time.now(), FOUND_AT: found_at}
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.body, extensions=extensions)

    def _copy(self, stored: Entry, url: str) -> httpx2.Response:
        """Answers of the cache cost no wait, but a reader that asks for ever must end too."""
        self.session.copies += 1
        if self.session.copies > _MOST_COPIES:
            raise BadResponseError(
                f"{self.service.name} leads in a circle: {_MOST_COPIES:,} answers were read from the cache",
                where=shown(url),
            )
        return _from_entry(stored)

    def _check(self, request: httpx2.Request) -> None:
        """Only reading, only the service's own hosts, only https unless the endpoint is this machine."""
        url = str(request.url)
        if request.method not in ("GET", "HEAD"):
            raise UsageError(f"{request.method} is no reading request", where=shown(url))
        origin = origin_of(url)
        own = {origin_of(each) for each in self.service.origins}
        if origin not in own and not self._in_family(origin):
            raise BadResponseError(f"{self.service.name} leads to another host, which is not asked", where=shown(url))
        request.headers.pop("authorization", None)
        request.headers.pop("cookie", None)
        request.headers["accept-encoding"] = "identity" if "range" in request.headers else "gzip"

    def _in_family(self, origin: str) -> bool:
        """Whether a redirect may lead there: https hosts of the family; of an endpoint on this machine, its other ports."""
        host = urlsplit(origin).hostname or ""
        endpoint = origin_of(self.service.endpoint)
        if self.service.family and is_loopback(endpoint) and urlsplit(endpoint).hostname == host:
            return True
        return origin == f"https://{host}" and host.endswith(self.service.family or ("\0",))

    def _offline(self, stored: Entry | None, url: str) -> httpx2.Response:
        if stored is not None:
            return self._old(stored, f"Offline: {self.service.name} was not asked; copy of {day_of(stored.fetched)}.")
        raise OfflineError(
            f"{self.service.name} is not asked offline, and nothing is stored of it here",
            where=shown(url),
            hint=ONLINE_AGAIN,
        )

    def _old(self, stored: Entry, note: str) -> httpx2.Response:
        self.session.note(note)
        self.session.used_old(stored.fetched)
        return _from_entry(stored)

    def _age(self, stored: Entry) -> float:
        age = self.session.time.now() - stored.fetched
        return age if age >= 0 else float("inf")  # a clock that was set back confirms nothing

    # --- asking -----------------------------------------------------------------------------------------------------

    def _follow(self, request: httpx2.Request, stored: Entry | None) -> tuple[Answer, str]:
        """The answer, and the address that gave it; each redirect is checked like a request of its own."""
        commit: str | None = None
        is_file = self.service.is_file(str(request.url))
        for hop in range(MOST_REDIRECTS + 1):
            if not (hop and is_file) and not request.url.path.endswith(
                ".py"
            ):  # the place of a file's body is no other question
                self.session.count(self.service.name)
            answer = self._ask(request, stored)
            commit = answer.headers.get(COMMIT_HEADER, commit)
            if answer.status not in REDIRECTS:
                if commit is not None:  # a host of bodies does not say it again
                    answer.headers[COMMIT_HEADER] = commit
                return answer, str(request.url)
            request, stored = self._redirected(request, answer), None
            self._check(request)
        raise BadResponseError(f"{self.service.name} redirects in a circle", where=shown(str(request.url)))

    def _redirected(self, request: httpx2.Request, answer: Answer) -> httpx2.Request:
        try:
            url = request.url.join(answer.headers["location"])
        except (KeyError, httpx2.InvalidURL):
            raise BadResponseError(
                f"{self.service.name} redirects to no address", where=shown(str(request.url))
            ) from None
        kept = {name: request.headers[name] for name in _ALONG if name in request.headers}
        return httpx2.Request(request.method, url, headers=kept)

    def _ask(self, request: httpx2.Request, stored: Entry | None) -> Answer:
        for name, value in self.service.headers:
            request.headers.setdefault(name, value)
        if stored and stored.etag:
            request.headers["if-none-match"] = stored.etag
        elif stored and stored.last_modified:
            request.headers["if-modified-since"] = stored.last_modified
        token = self._token(str(request.url))
        if (unsound := self.service.unsound_token()) and origin_of(str(request.url)) == origin_of(
            self.service.token_origin
        ):
            self.session.note(f"{unsound} holds no token as {self.service.name} gives them, so none was sent.")
        if token:
            request.headers["authorization"] = f"Bearer {token}"
        answer = self._persist(request, at_hand=stored is not None)
        if answer.status == 401 and token:
            self.session.refused_tokens.add(self.service.name)
            self.session.note(
                f"{self.service.name} refused the token of {self.service.token_variable}; asked again without it."
            )
            del request.headers["authorization"]
            answer = self._persist(request, at_hand=stored is not None)
        return _without(token, answer) if token else answer

    def _token(self, url: str) -> str | None:
        if origin_of(url) != origin_of(self.service.token_origin) or self.service.name in self.session.refused_tokens:
            return None
        return self.service.token()

    def _persist(self, request: httpx2.Request, *, at_hand: bool) -> Answer:
        """One answer, asked for again where that can help, within the time of the request and of the command.

        Args:
            at_hand: A stored copy would answer too.
        """
        self.session.way_out()  # loaded before the clock runs
        with self.session.waiting.running():
            return self._asked(request, at_hand=at_hand)

    def _asked(self, request: httpx2.Request, *, at_hand: bool) -> Answer:
        session, url = self.session, str(request.url)
        began, origin = session.time.monotonic(), origin_of(url)
        patience = session.patience(self.service, at_hand=at_hand)
        known = session.unreachable.get(origin) or session.silence.of(origin, began)
        if known and patience < _MORE_PATIENT * session.silence.limits.get(origin, math.inf):
            raise known
        if session.remaining <= 0:
            raise out_of_time(self.service.name, url, session.whole_seconds)
        if patience <= 0:
            raise nobody_answers(self.service.name, url, session.in_vain)
        deadline = began + patience
        connecting = session.connect_seconds(at_hand=at_hand)  # for all attempts together
        for attempt in range(1, ATTEMPTS + 1):
            enter_stage(f"asking {self.service.name}")
            self._hold(url, deadline)
            pause = FIRST_WAIT * 2 ** (attempt - 1) * session.time.jitter()
            left, bound = deadline - session.time.monotonic(), connecting
            try:
                answer, seconds = self._exchange(request, left, connecting, at_hand=at_hand)
            except _AttemptError as failed:
                session.waited(failed.seconds, in_vain=True)
                deadline = (
                    session.time.monotonic() + left - failed.seconds
                )  # one's turn is not the service's to answer for
                if isinstance(failed.error, _NO_CONNECTION):
                    connecting -= failed.seconds + pause
                in_time = connecting > 0 and failed.seconds <= _RETRY_WITHIN
                most = _ATTEMPTS_AT_HAND if at_hand or session.at_hand else ATTEMPTS
                most = most if isinstance(failed.error, _NO_CONNECTION) else ATTEMPTS
                if attempt >= most or not in_time or not helps_to_retry(failed.error):
                    limit = bound if isinstance(failed.error, _NO_CONNECTION) else patience
                    raise self._unreachable(failed.error, url, limit, began) from None
            else:
                session.contacted = True
                session.waited(seconds)
                deadline = session.time.monotonic() + left - seconds
                wait = self._limited(answer, url)
                if answer.status not in RETRIED and not (answer.status == 403 and wait is not None):
                    return answer
                pause = wait if wait is not None else pause
                again = session.time.monotonic() + pause + seconds  # a refusal that took long would take as long again
                if attempt == ATTEMPTS or again > deadline:
                    raise refused(answer.status, self.service.name, url, wait, self.service.missing_token())
            if session.time.monotonic() + pause > deadline:
                raise self._unreachable(httpx2.ReadTimeout("no time for another attempt"), url, patience, began)
            session.time.sleep(pause)
            session.waited(pause, in_vain=True)
        raise AssertionError("the last attempt returns or raises")

    def _exchange(
        self, request: httpx2.Request, seconds: float, connecting: float, *, at_hand: bool
    ) -> tuple[Answer, float]:
        """One attempt, in its turn, and the seconds that it took; to wait for one's turn is not counted.

        Raises:
            _AttemptError: It failed, after so many seconds.
            RateLimitedError: Its turn did not come in time.
        """
        session, limits = self.session, self.session.settings.limits
        asked, since = session.time.monotonic(), session.time.now()
        with self._turn(request, since, at_hand=at_hand) as own:
            brought = self._brought(request, since) if self.service.interval else None
            own.asked = brought is None
            if brought is not None:
                return Answer(200, dict(brought.headers), brought.body), 0.0
            began = session.time.monotonic()
            if not session.contacted:
                session.waited(began - asked, in_vain=True)
            seconds = min(seconds, session.remaining)
            if at_hand or session.at_hand:
                seconds = min(seconds, session.left_in_vain)
            if seconds <= 0:
                own.asked = False
                if self.service.interval and began > asked:
                    raise others_first(self.service.name, self.service.interval, self.service.interval)
                if session.remaining <= 0:
                    raise out_of_time(self.service.name, str(request.url), session.whole_seconds)
                raise _AttemptError(httpx2.ReadTimeout("the command's time is used up"), 0.0)
            session.requests += 1
            try:
                bounds = Bounds(min(connecting, seconds), seconds, limits.response_bytes)
                answer = exchange(session.way_out(), request, bounds, session.time.monotonic)
                self._check_form(answer, request)
            except ArchvizError:
                raise
            except Exception as error:  # noqa: BLE001 # the boundary: whatever a transport raises
                own.asked = not isinstance(error, _NO_CONNECTION)
                raise _AttemptError(error, session.time.monotonic() - began) from None
        return answer, session.time.monotonic() - began

    def _check_form(self, answer: Answer, request: httpx2.Request) -> None:
        """An answer that must be JSON, or may be no page, is looked at before it is believed or kept.

        Networks that want a login, and proxies that refuse, answer anything with a page of their own, of any status: such a page
        says nothing about what was asked for.
        """
        url, kind = str(request.url), answer.headers.get("content-type", "")
        if request.method != "GET" or answer.status in (*RETRIED, *REDIRECTS, 304):
            return
        if "html" in kind and not self.service.has_pages and not answer.headers.get(ERROR_CODE):
            told = "" if answer.status == 200 else f" with status {answer.status}"
            raise CutShortError(f"a page{told} (of a login, or of a proxy), where there is none")
        if answer.status != 200 or "range" in request.headers:
            return
        if "json" not in kind and not urlsplit(url).path.endswith(".json"):
            return
        most = self.session.settings.limits.items
        if len(answer.body) > most and sum(map(answer.body.count, (b",", b"[", b"{"))) > most:
            raise too_many(most, request)
        try:
            json.loads(answer.body)
        except (ValueError, RecursionError):
            raise CutShortError("not valid JSON") from None

    def _brought(self, request: httpx2.Request, since: float) -> Entry | None:
        """The answer that another process has kept while this one waited for its turn."""
        entry = self.session.cache.read(cache_key(request)) if _may_be_kept(request) else None
        return entry if entry and entry.fetched >= since else None

    @contextlib.contextmanager
    def _turn(self, request: httpx2.Request, since: float, *, at_hand: bool) -> Iterator[Turn]:
        """One's turn at the service, which is needless where another process brings the same answer meanwhile."""
        session, interval = self.session, self.service.interval
        if not interval:
            yield Turn()
            return
        limits = session.settings.limits
        most = limits.request_seconds
        if at_hand or session.at_hand:
            most = interval + limits.waiting_seconds if session.contacted else session.left_in_vain
        seconds, folder = min(most, session.remaining), session.cache.folder / "turns"
        now, sleep, asked = session.time.now, session.time.sleep, cache_key(request)

        def is_needless() -> bool:
            return self._brought(request, since) is not None

        with turn(folder, self.service.name, interval, seconds, now, sleep, asked, is_needless) as own:
            yield own

    def _hold(self, url: str, deadline: float) -> None:
        """Wait out what the service asked for before; refuse when there is no time for it."""
        monotonic = self.session.time.monotonic()
        wait = self.session.paces.held(url, monotonic)
        if wait and monotonic + wait > deadline:
            raise refused(429, self.service.name, url, wait, self.service.missing_token())
        if wait:
            self.session.time.sleep(wait)
            self.session.waited(wait, in_vain=True)

    def _limited(self, answer: Answer, url: str) -> float | None:
        """The seconds that an answer asks to wait; what follows it at the same place waits too."""
        wait = asked_wait(answer.headers, self.session.time.now())
        if wait and answer.status != 304:
            self.session.paces.hold(url, self.session.time.monotonic() + wait)
        return wait

    def _unreachable(self, error: Exception, url: str, seconds: float, began: float) -> SourceUnavailableError:
        """What is said of a service that gave no answer; one that cost time is not asked again by this process for a while."""
        found = unreachable(error, self.service.name, url, seconds)
        slow_file = self.session.is_long and isinstance(error, httpx2.ReadTimeout)  # others may come sooner
        if not slow_file and not isinstance(error, (CutShortError, httpx2.ReadError, httpx2.RemoteProtocolError)):
            self.session.unreachable[origin_of(url)] = found
            is_slow = isinstance(error, httpx2.ReadTimeout)  # its connection stood
            self.session.silence.limits[origin_of(url)] = seconds if is_slow else math.inf
            now = self.session.time.monotonic()
            if now - began >= _COSTLY:
                self.session.silence.origins[origin_of(url)] = (now, found)
        return found

    # --- keeping ----------------------------------------------------------------------------------------------------

    def _keep(self, key: str, url: str, found_at: str, answer: Answer) -> None:
        stated = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        headers = {name: value for name, value in stated.items() if value.isascii() and value.isprintable()}
        entry = Entry(
            key,
            answer.body,
            self.session.time.now(),
            pinned=self.service.is_pinned(url),
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
            headers=headers,
            url=found_at.partition("?")[0],  # a query may hold a signature
        )
        self.session.keep(entry)


def cache_key(request: httpx2.Request) -> str:
    """What an answer is stored under: the account where it is not for all, the form that was asked for, the address."""
    accept, account = request.headers.get("accept", "*/*"), request.extensions.get(ACCOUNT, "")
    return f"{account}{request.url}" if accept == "*/*" else f"{account}{accept} {request.url}"


def fetched(response: httpx2.Response) -> float:
    """When the content of a response was fetched or last confirmed, seconds since 1970."""
    return float(response.extensions[FETCHED])


def found_at(response: httpx2.Response) -> str:
    """The address that gave a response, after redirects; a renamed repository shows here."""
    return str(response.extensions[FOUND_AT])


def _without(token: str, answer: Answer) -> Answer:
    """An answer that repeats the token, without it: nothing that is shown or kept holds one."""
    secret = token.encode()
    body = answer.body.replace(secret, _HIDDEN.encode())
    if b"\\" in body:  # JSON may write each letter by its number, and a slash with a backslash
        letters = (rb"(?:\\?%b|\\u00%02x)" % (re.escape(bytes([each])), each) for each in secret)
        body = re.sub(b"".join(letters), _HIDDEN.encode(), body, flags=re.IGNORECASE)
    headers = {name: value.replace(token, _HIDDEN) for name, value in answer.headers.items()}
    return Answer(answer.status, headers, body)


def _may_be_kept(request: httpx2.Request) -> bool:
    stated = request.headers.get("cache-control", "")
    return request.method == "GET" and "range" not in request.headers and "no-store" not in stated


def _from_entry(stored: Entry) -> httpx2.Response:
    extensions = {FETCHED: stored.fetched, FOUND_AT: stored.url}
    headers = {name: value for name, value in stored.headers.items() if name in _KEPT}
    return httpx2.Response(200, headers=headers, content=stored.body, extensions=extensions)
