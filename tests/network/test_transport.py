"""One request by the rules: whom it may ask, what it is told of the token, when it is asked again."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from archviz.errors import ArchvizError, BadResponseError, OfflineError, RateLimitedError, SourceUnavailableError
from archviz.network.cache import Cache
from archviz.network.client import open_client
from archviz.network.services import Service, arxiv_service, github_service, hub_service, page_service
from archviz.network.session import Session
from archviz.network.transport import fetched, found_at
from archviz.settings import Limits

HUB = "https://huggingface.co"
SHA = "a" * 40
Make = Callable[..., Session]


class Server:
    """Answers in the order given, the last one for ever; keeps what it was asked."""

    def __init__(self, *answers: httpx2.Response | Exception | Callable[[], httpx2.Response]) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


def get(session: Session, url: str, service: Service | None = None, **options: Any) -> httpx2.Response:
    with open_client(service or hub_service(), session) as client:
        return client.get(url, **options)


def fault(session: Session, url: str, service: Service | None = None, **options: Any) -> ArchvizError:
    with pytest.raises(ArchvizError) as caught:
        get(session, url, service, **options)
    return caught.value


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_asked_again(session: Make, clock: Any, status: int) -> None:
    server = Server(httpx2.Response(status), httpx2.Response(200, content=b"there"))
    assert get(session(server), f"{HUB}/x").content == b"there"
    assert clock.slept == [0.5]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 416])
def test_a_refusal_is_given_to_the_reader_at_once(session: Make, status: int) -> None:
    server = Server(httpx2.Response(status))
    assert get(session(server), f"{HUB}/x").status_code == status
    assert len(server.asked) == 1


def test_a_lasting_fault_is_an_error_after_three_attempts(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(503))
    error = fault(session(server), f"{HUB}/x")
    assert (error.code, error.exit_status, len(server.asked)) == ("unreachable", 4, 3)
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"RateLimit": '"api";r=0;t=9'}, 9.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000008"}, 8.0),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:05 GMT"}, 5.0),
    ],
)
def test_what_a_service_asks_to_wait_is_waited(session: Make, clock: Any, headers: dict[str, str], wait: float) -> None:
    server = Server(httpx2.Response(429, headers=headers), httpx2.Response(200))
    assert get(session(server), f"{HUB}/x").status_code == 200
    assert clock.slept == [wait]


def test_a_wait_beyond_the_time_limit_is_refused_at_once_and_says_how_long(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(429, headers={"RateLimit": '"api";r=0;t=42'}))
    error = fault(session(server), f"{HUB}/api/x")
    assert isinstance(error, RateLimitedError)
    assert (error.as_dict()["retry_after"], error.exit_status, clock.slept) == (42.0, 4, [])
    again = fault(session(server), f"{HUB}/api/y")  # the next command of the same process holds back by itself
    assert isinstance(again, RateLimitedError)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_that_asks_for_a_long_wait_says_how_long(session: Make, clock: Any, status: int) -> None:
    server = Server(httpx2.Response(status, headers={"Retry-After": "120"}))
    error = fault(session(server), f"{HUB}/x")
    assert (error.as_dict()["retry_after"], error.exit_status, clock.slept) == (120.0, 4, [])
    assert error.message.endswith(f"answers with status {status}; it asks to wait 2 min")
    assert error.hint == "Wait and try again."


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitedError), (504, SourceUnavailableError)])
def test_a_refusal_that_takes_long_is_told_and_not_waited_for_again(
    session: Make, clock: Any, status: int, kind: type[ArchvizError]
) -> None:
    def stalls() -> httpx2.Response:  # as arXiv does to those whom it limits
        clock.now += 15.0
        return httpx2.Response(status)

    began, server = clock.now, Server(stalls)
    error = fault(session(server), f"{HUB}/x")
    assert isinstance(error, kind)
    assert "time limit" not in error.message
    assert (len(server.asked), clock.now - began) == (1, 15.0)


def test_github_limits_with_status_403(session: Make) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800003600"}
    error = fault(session(Server(httpx2.Response(403, headers=headers))), "https://api.github.com/x", github_service())
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 3600.0


# --- hosts, redirects, tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/x",
        "http://huggingface.co/x",
        "https://huggingface.co:8443/x",
        "https://huggingface.co@evil.example/x",
        "https://user:secret@huggingface.co/x",
        "https://nothf.co/x",
        "https://127.0.0.1/x",
        "https://huggingface.co.evil.example/x",
    ],
)
def test_no_other_host_is_ever_asked(session: Make, url: str) -> None:
    server = Server(httpx2.Response(200))
    error = fault(session(server), url)
    assert (error.code, server.asked) == ("bad_response", [])
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "location", ["https://evil.example/x", "http://cdn.hf.co/x", "//evil.example", "https://xhf.co/x", "file:///etc/x"]
)
def test_a_redirect_to_a_foreign_host_is_not_followed(session: Make, location: str) -> None:
    server = Server(httpx2.Response(302, headers={"Location": location}))
    assert isinstance(fault(session(server), f"{HUB}/x"), BadResponseError)
    assert len(server.asked) == 1


@pytest.mark.parametrize("host", ["cas-bridge.xethub.hf.co", "cdn-lfs.huggingface.co"])
def test_a_redirect_in_the_family_is_followed_without_the_token(
    session: Make, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    server = Server(
        httpx2.Response(302, headers={"Location": f"https://{host}/f?Signature=s"}), httpx2.Response(200, content=b"f")
    )
    made = session(server)
    answer = get(made, f"{HUB}/o/n/resolve/{SHA}/f")
    assert (answer.content, found_at(answer)) == (b"f", f"https://{host}/f?Signature=s")
    assert [request.headers.get("authorization") for request in server.asked] == ["Bearer hf_secret", None]
    assert get(made, f"{HUB}/o/n/resolve/{SHA}/f").content == b"f"
    assert len(server.asked) == 2  # kept under the address that was asked, not under the signed one


def test_redirects_in_a_circle_end(session: Make) -> None:
    server = Server(httpx2.Response(307, headers={"Location": "/x"}))
    assert isinstance(fault(session(server), f"{HUB}/x"), BadResponseError)
    assert len(server.asked) == 6


def test_a_token_of_the_caller_never_leaves(session: Make) -> None:
    server = Server(httpx2.Response(200))
    get(session(server), f"{HUB}/x", headers={"Authorization": "Bearer other", "Cookie": "a=b"})
    assert not {"authorization", "cookie"} & set(server.asked[0].headers)


def test_the_raw_host_of_github_is_not_given_the_token(session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    server = Server(httpx2.Response(200))
    made = session(server)
    for url in ("https://api.github.com/repos/o/n", f"https://raw.githubusercontent.com/o/n/{SHA}/f.py"):
        get(made, url, github_service())
    assert [request.headers.get("authorization") for request in server.asked] == ["Bearer ghp_secret", None]


def test_a_stale_token_is_left_out_the_second_time_and_that_is_said(
    session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stale")

    def server(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(401 if "authorization" in request.headers else 200)

    made = session(server)
    assert [get(made, f"{HUB}/{name}").status_code for name in "xy"] == [200, 200]
    assert (made.requests, len(made.notes)) == (3, 1)
    assert "HF_TOKEN" in made.notes[0]
    assert "hf_stale" not in made.notes[0]


@pytest.mark.parametrize("token", ["hf_a\nb", "hf_ü", "hf a", " ", "x" * 500])
def test_what_cannot_be_a_token_is_not_sent(session: Make, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    server = Server(httpx2.Response(200))
    get(session(server), f"{HUB}/x")
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_reading_requests_are_made(session: Make, method: str) -> None:
    server = Server(httpx2.Response(200))
    with open_client(hub_service(), session(server)) as client, pytest.raises(ArchvizError):
        client.request(method, f"{HUB}/x")
    assert server.asked == []


@pytest.mark.parametrize(
    "endpoint", ["http://mirror.example", "ftp://x", "huggingface.co", "https://a:b@c", "https://h\u0443ggingface.co"]
)
def test_an_endpoint_must_be_https_unless_it_is_this_machine(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(ArchvizError) as caught:
        hub_service()
    assert (caught.value.code, caught.value.where) == ("usage", "HF_ENDPOINT")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:8000/")
    assert hub_service().endpoint == "http://127.0.0.1:8000"


# --- broken answers -------------------------------------------------------------------------------------------------


def drip(clock: Any, seconds: float) -> Callable[[], httpx2.Response]:
    def chunks() -> Iterator[bytes]:
        for _ in range(1000):
            clock.now += seconds
            yield b"x"

    return lambda: httpx2.Response(200, content=chunks())


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("answer", "code", "attempts"),
    [
        (httpx2.Response(200, headers={"Content-Length": "9"}, stream=httpx2.ByteStream(b"short")), "bad_response", 3),
        (httpx2.Response(200, headers={"Content-Length": "2"}, stream=httpx2.ByteStream(b"long")), "bad_response", 3),
        (httpx2.Response(200, headers={"Content-Type": "application/json"}, content=b'{"a": '), "bad_response", 3),
        (httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx2.ByteStream(b"?")), "bad_response", 3),
        (httpx2.Response(200, headers={"Content-Encoding": "br"}, stream=httpx2.ByteStream(b"?")), "bad_response", 1),
        (httpx2.RemoteProtocolError("cut"), "unreachable", 3),
        (httpx2.ReadError("reset"), "unreachable", 3),
        (httpx2.ConnectError("refused"), "unreachable", 3),
        (httpx2.ConnectTimeout("slow"), "unreachable", 1),
        (httpx2.ReadTimeout("slow"), "unreachable", 1),
        (httpx2.ProxyError("407"), "unreachable", 1),
        (caused(httpx2.ConnectError("tls"), ssl.SSLCertVerificationError("bad certificate")), "unreachable", 1),
        (caused(httpx2.ConnectError("dns"), __import__("socket").gaierror(-2, "unknown")), "unreachable", 1),
    ],
)
def test_a_broken_answer_ends_in_a_documented_error(
    session: Make, answer: httpx2.Response | Exception, code: str, attempts: int
) -> None:
    server = Server(answer)
    error = fault(session(server), f"{HUB}/x")
    assert (error.code, error.exit_status, len(server.asked)) == (code, 4, attempts)
    assert error.hint is not None or code == "bad_response"


@pytest.mark.parametrize(
    ("encoding", "said"), [("br", "as br, which was not"), ("Bearer hf_secret_token", "in a way that was not")]
)
def test_an_encoding_that_was_not_asked_for_is_told_without_the_token_that_it_may_repeat(
    session: Make, monkeypatch: pytest.MonkeyPatch, encoding: str, said: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_token")
    answer = httpx2.Response(200, headers={"Content-Encoding": encoding}, stream=httpx2.ByteStream(b"?"))
    error = fault(session(Server(answer)), f"{HUB}/x")
    assert error.message == f"the answer is encoded {said} asked for"
    assert "secret" not in str(error)


NUMBERED = "".join(f"\\u00{ord(char):02X}" for char in "hf_Secret/token")


@pytest.mark.parametrize("written", ["hf_Secret/token", r"hf\u005fSecret/token", NUMBERED, r"hf_Secret\/token"])
def test_a_token_that_an_answer_repeats_is_hidden_however_json_writes_it(
    session: Make, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_Secret/token")
    body = f'{{"license": "x {written} y", "other": "\\u00e4"}}'.encode()
    answer = httpx2.Response(200, headers={"Content-Type": "application/json"}, content=body)
    found = get(session(Server(answer)), f"{HUB}/x").json()
    assert found == {"license": "x [token] y", "other": "ä"}


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "application/xhtml+xml"])
def test_a_page_of_a_login_is_neither_believed_nor_kept(session: Make, kind: str) -> None:
    page = httpx2.Response(200, headers={"Content-Type": kind}, content=b"<html>please sign in</html>")
    url = f"{HUB}/o/n/resolve/{SHA}/modeling.py"
    error = fault(session(Server(page)), url)
    assert (error.code, "a login" in error.message) == ("bad_response", True)
    assert get(session(Server(httpx2.Response(200, content=b"code"))), url).content == b"code"


def test_pages_are_read_where_there_are_any(session: Make) -> None:
    page = httpx2.Response(200, headers={"Content-Type": "text/html"}, content=b"<html>a paper</html>")
    assert get(session(Server(page)), "https://arxiv.org/html/2505.09388v1", arxiv_service()).status_code == 200


def test_a_slow_drip_ends_sooner_where_a_stored_copy_can_answer(session: Make, clock: Any) -> None:
    get(session(lambda _: httpx2.Response(200, content=b"old")), f"{HUB}/x")
    clock.now += 1_000.0
    began = clock.now
    assert get(session(Server(drip(clock, 3.0))), f"{HUB}/x").content == b"old"
    assert clock.now - began <= 3.0 + 3.0


def test_a_slow_drip_ends_at_the_time_limit(session: Make, clock: Any) -> None:
    began = clock.now
    error = fault(session(Server(drip(clock, 3.0))), f"{HUB}/x")
    assert "within the time limit" in error.message
    assert clock.now - began <= 20.0 + 3.0


def test_an_answer_beyond_the_bound_is_not_read_to_its_end(session: Make) -> None:
    read = []

    def chunks() -> Iterator[bytes]:
        for _ in range(10_000):
            read.append(1)
            yield bytes(1_000_000)

    error = fault(session(lambda _: httpx2.Response(200, content=chunks())), f"{HUB}/x")
    assert (error.code, len(read)) == ("bad_response", 65)


def test_json_of_too_many_values_is_not_parsed(session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    monkeypatch.setattr("json.loads", lambda body: parsed.append(len(body)))
    headers = {"content-type": "application/json"}
    for body, is_read in ((b"[" + b"[]," * 5_000 + b"[]]", False), (b'["' + b"x" * 20_000 + b'"]', True)):
        made = session(
            lambda _, body=body: httpx2.Response(200, headers=headers, content=body), limits=Limits(items=9_000)
        )
        if is_read:
            assert get(made, f"{HUB}/{len(body)}").content == body
        else:
            with pytest.raises(BadResponseError, match="more than 9,000 values"):
                get(made, f"{HUB}/{len(body)}")
    assert parsed == [20_004]


def test_a_compressed_bomb_is_not_unpacked_beyond_the_bound(session: Make) -> None:
    bomb = gzip.compress(bytes(70_000_000), 1)
    headers = {"Content-Encoding": "gzip"}
    error = fault(session(lambda _: httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(bomb))), f"{HUB}/x")
    assert "larger than" in error.message


def test_a_host_that_was_not_reached_is_not_tried_again_in_the_same_command(session: Make) -> None:
    server = Server(httpx2.ConnectTimeout("slow"))
    made = session(server)
    for name in "xyz":
        assert isinstance(fault(made, f"{HUB}/{name}"), SourceUnavailableError)
    assert len(server.asked) == 1


def test_a_command_has_one_time_limit_for_all_its_requests(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(200))
    made = session(server)
    with made.waiting.running():
        clock.now += 61.0
    assert "are used up, so it was not asked" in fault(made, f"{HUB}/x").message
    assert server.asked == []


@pytest.fixture
def slowly(clock: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], list[float]]:
    """Makes every connection fail after so many seconds, or at its time limit; the limits that they had."""

    def make(seconds: float) -> list[float]:
        limits: list[float] = []

        def exchange(_: object, __: object, bounds: Any, ___: object) -> None:
            limits.append(bounds.connect)
            clock.now += min(seconds, bounds.connect)
            raise (
                httpx2.ConnectTimeout("no connection") if seconds >= bounds.connect else httpx2.ConnectError("no name")
            )

        monkeypatch.setattr("archviz.network.transport.exchange", exchange)
        return limits

    return make


def unasked(_: httpx2.Request) -> httpx2.Response:
    raise AssertionError("no connection is made")


@pytest.mark.parametrize("seconds", [0.01, 0.7, 2.4, 9.0])
def test_all_attempts_to_connect_take_one_time_limit_together(
    session: Make, clock: Any, slowly: Any, seconds: float
) -> None:
    slowly(seconds)
    began = clock.now
    assert isinstance(fault(session(unasked), f"{HUB}/x"), SourceUnavailableError)
    assert clock.now - began <= 5.001


@pytest.mark.parametrize("seconds", [0.01, 0.7, 2.4, 9.0])
def test_where_a_stored_copy_can_answer_the_network_is_not_waited_for_long(
    session: Make, clock: Any, slowly: Any, seconds: float
) -> None:
    get(session(lambda _: httpx2.Response(200, content=b"old")), f"{HUB}/x")
    slowly(seconds)
    clock.now += 1_000.0
    made, began = session(unasked), clock.now
    assert get(made, f"{HUB}/x").content == b"old"
    assert clock.now - began <= 2.501
    assert any("copy of" in note for note in made.notes)


def test_a_network_that_leads_nowhere_costs_one_time_limit_and_little_for_each_further_host(
    session: Make, clock: Any, slowly: Any
) -> None:
    limits, made, began = slowly(9.0), session(unasked), clock.now
    places = [(f"{HUB}/x", hub_service()), ("https://export.arxiv.org/x", arxiv_service())]
    for url, service in [*places, ("https://api.github.com/x", github_service())]:
        assert isinstance(fault(made, url, service), SourceUnavailableError)
    assert limits == pytest.approx([5.0, 5.0 / 6, 5.0 / 6])
    assert clock.now - began < 7.0


def test_once_somebody_has_answered_every_connection_has_the_whole_time_limit(session: Make, clock: Any) -> None:
    made = session(lambda _: httpx2.Response(200))
    clock.now += 10.0  # whatever else the command did before counts for nothing
    assert made.connect_seconds(at_hand=False) == 5.0
    clock.now += 4.9
    assert made.connect_seconds(at_hand=True) < 1.0
    get(made, f"{HUB}/x")
    assert made.connect_seconds(at_hand=True) == 5.0


def test_a_service_that_was_not_reached_is_not_waited_for_as_if_it_had_been_asked(
    session: Make, clock: Any, slowly: Any
) -> None:
    slowly(0.0)
    error = fault(session(unasked), "https://export.arxiv.org/x", arxiv_service())
    assert error.code == "unreachable"
    assert clock.slept == [0.5, 1.0]  # between attempts, not three seconds


@pytest.mark.parametrize(
    ("status", "headers"), [(200, {}), (206, {"Content-Range": "bytes 0-9/100"}), (206, {"Content-Range": "nonsense"})]
)
def test_another_part_than_the_asked_one_is_refused(session: Make, status: int, headers: dict[str, str]) -> None:
    server = Server(httpx2.Response(status, headers=headers, content=b"0123456789"))
    error = fault(session(server), f"{HUB}/x", headers={"Range": "bytes=8-17"})
    assert error.code == "bad_response"


def test_of_a_whole_file_in_answer_to_a_range_only_the_asked_beginning_is_read(session: Make) -> None:
    def chunks() -> Iterator[bytes]:
        for number in range(10_000):
            read.append(number)
            yield bytes([number % 256]) * 30

    read: list[int] = []
    headers = {"Content-Length": "300000"}
    server = Server(httpx2.Response(200, headers=headers, content=chunks()))
    answer = get(session(server), f"{HUB}/x", headers={"Range": "bytes=0-99"})
    assert answer.content == bytes(30) + b"\1" * 30 + b"\2" * 30 + b"\3" * 10
    assert read == [0, 1, 2, 3]


def test_a_part_that_is_longer_than_the_asked_one_is_refused(session: Make) -> None:
    server = Server(httpx2.Response(206, headers={"Content-Range": "bytes 0-99/1000"}, content=bytes(1_000)))
    assert fault(session(server), f"{HUB}/x", headers={"Range": "bytes=0-99"}).code == "bad_response"


# --- the cache ------------------------------------------------------------------------------------------------------


def test_what_a_commit_pins_is_asked_once(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(200, content=b"code"))
    url = f"{HUB}/o/n/resolve/{SHA}/modeling.py"
    assert get(session(server), url).content == b"code"
    clock.now += 1e8
    assert get(session(server), url).content == b"code"
    assert len(server.asked) == 1


def test_a_moving_answer_is_confirmed_with_its_validator(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(200, headers={"ETag": 'W/"1"'}, content=b"one"), httpx2.Response(304))
    url = f"{HUB}/api/models/o/n"
    first = get(session(server), url)
    assert get(session(server), url).content == b"one"
    assert len(server.asked) == 1  # within five minutes it counts as it is
    clock.now += 301
    again = get(session(server), url)
    assert (again.content, again.status_code) == (b"one", 200)
    assert server.asked[1].headers["if-none-match"] == 'W/"1"'
    assert fetched(again) == fetched(first) + 301


@pytest.mark.parametrize("failure", [httpx2.ConnectTimeout("slow"), httpx2.Response(503)])
def test_an_old_copy_is_used_only_with_a_word_about_it(
    session: Make, clock: Any, failure: Exception | httpx2.Response
) -> None:
    server = Server(httpx2.Response(200, content=b"old"), failure)
    get(session(server), f"{HUB}/x")
    clock.now += 86_400 * 3
    made = session(server)
    assert get(made, f"{HUB}/x").content == b"old"
    assert len(made.notes) == 1
    assert "copy of 2027-01-15" in made.notes[0]
    assert made.oldest == clock.now - 86_400 * 3 - (1.5 if isinstance(failure, httpx2.Response) else 0.0)


def test_offline_answers_from_what_is_stored_and_says_how_old_it_is(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(200, content=b"old"))
    get(session(server), f"{HUB}/x")
    clock.now += 86_400
    made = session(server, offline=True)
    assert get(made, f"{HUB}/x").content == b"old"
    assert "2027-01-15" in made.notes[0]
    assert isinstance(fault(made, f"{HUB}/y"), OfflineError)
    assert len(server.asked) == 1


def test_a_clock_that_was_set_back_makes_nothing_fresh(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(200, content=b"one"), httpx2.Response(200, content=b"two"))
    get(session(server), f"{HUB}/x")
    clock.now -= 86_400
    assert get(session(server), f"{HUB}/x").content == b"two"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_never_stored(session: Make, status: int) -> None:
    server = Server(httpx2.Response(status), httpx2.Response(200))
    assert [get(session(server), f"{HUB}/x").status_code for _ in range(2)] == [status, 200]


def test_a_disk_that_is_full_costs_only_the_copy(session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    made = session(Server(httpx2.Response(200, content=b"there")))
    assert get(made, f"{HUB}/x").content == b"there"
    assert "No space left" in made.notes[0]


def test_arxiv_is_asked_every_three_seconds_also_by_the_next_process(session: Make, clock: Any) -> None:
    server = Server(httpx2.Response(200))
    for number in range(3):
        get(session(server), f"https://export.arxiv.org/api/query?id_list={number}", arxiv_service())
    assert [round(wait, 2) for wait in clock.slept] == [3.0, 3.0]


def test_without_a_folder_to_share_a_process_keeps_the_three_seconds_by_itself(
    session: Make, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archviz.network.waits._LAST", {})
    (tmp_path / "file").write_text("no folder")
    made = session(Server(httpx2.Response(200)), cache=Cache(tmp_path / "file"))
    for name in "abc":
        get(made, f"https://export.arxiv.org/{name}", arxiv_service())
    assert clock.slept == [3.0, 3.0]


def test_pages_are_read_from_the_listed_hosts_only(session: Make) -> None:
    server = Server(httpx2.Response(200))
    service = page_service(["qwenlm.github.io"])
    assert get(session(server), "https://qwenlm.github.io/blog/x", service).status_code == 200
    assert fault(session(server), "https://github.io/x", service).code == "bad_response"


def test_a_reader_that_asks_the_cache_for_ever_ends(session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.network.transport._MOST_COPIES", 2)
    asking = session(Server(httpx2.Response(200, content=b"there")))
    for _ in range(3):
        assert get(asking, f"{HUB}/x").content == b"there"
    assert "leads in a circle: 2 answers" in fault(asking, f"{HUB}/x").message


HEX = "c0ffee" * 6 + "c0ff"


@pytest.mark.parametrize(
    ("service", "path", "pinned"),
    [
        (hub_service, f"/api/models/acme/x/revision/{SHA}?expand=sha", True),
        (hub_service, f"/acme/x/resolve/{SHA}/config.json", True),
        (hub_service, f"/api/models/acme/{HEX}", False),
        (hub_service, f"/api/models/acme/{HEX}/revision/main", False),
        (hub_service, f"/api/models/revision/{HEX}", False),
        (hub_service, f"/resolve/{HEX}/resolve/main/config.json", False),
        (hub_service, f"/acme/x/resolve/main/resolve/{HEX}/x.json", False),
        (hub_service, f"/api/models?search={HEX}", False),
        (hub_service, f"/acme/x/resolve/{SHA}0/config.json", False),
        (github_service, f"/repos/acme/x/git/trees/{SHA}?recursive=1", True),
        (github_service, f"/repos/acme/x/contents/src?ref={SHA}", True),
        (github_service, f"/repos/acme/{HEX}", False),
        (github_service, f"/repos/acme/{HEX}/commits/main", False),
    ],
)
def test_only_a_commit_as_revision_pins_an_address(service: Callable[[], Service], path: str, pinned: bool) -> None:
    assert service().is_pinned(service().endpoint + path) is pinned


@pytest.mark.parametrize(("path", "pinned"), [(f"/acme/x/{SHA}/m.py", True), (f"/acme/{HEX}/main/m.py", False)])
def test_raw_files_are_pinned_by_their_commit(path: str, pinned: bool) -> None:
    assert github_service().is_pinned(github_service().origins[1] + path) is pinned


def test_gzip_in_several_members_is_read_whole_and_within_the_bound(session: Make) -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two")
    asking = session(
        Server(lambda: httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(data)))
    )
    assert get(asking, f"{HUB}/x").content == b"one two"
    bomb = gzip.compress(b"x" * 10) + gzip.compress(b"x" * asking.settings.limits.response_bytes)
    asking = session(
        Server(lambda: httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(bomb)))
    )
    assert "larger than" in fault(asking, f"{HUB}/y").message
    many = gzip.compress(b"x") * 100
    asking = session(
        Server(lambda: httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(many)))
    )
    assert "members" in fault(asking, f"{HUB}/z").message
