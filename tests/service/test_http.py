"""Over HTTP: both eras, many clients, and everything that must be refused."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from archviz.errors import UsageError
from archviz.service.http import BODY_BYTES, Hosting, parse_address, parse_names, run_http
from archviz.settings import Settings

ERAS = ("legacy", "auto")
TOKEN = "correct-horse-battery-staple"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
FIGURE = {"model_name": "m", "stages": [{"name": "Body", "blocks": [{"type": "MLP"}]}]}
Host = Callable[..., Any]


def with_token(url: str, token: str, **more: Any) -> AbstractAsyncContextManager[Any]:
    client = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60, trust_env=False)
    return streamable_http_client(url, http_client=client, **more)


def post(server: Any, body: Any = INITIALIZE, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with httpx2.Client(trust_env=False, timeout=30) as client:
        return client.post(server.url, content=content, headers=HEADERS | headers)


def get(server: Any, path: str, **headers: str) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        return client.get(server.base + path, headers=headers)


# --- conversations ---


@pytest.mark.parametrize("era", ERAS)
def test_a_figure_is_drawn_and_its_file_read_back(hosted: Host, era: str) -> None:
    server = hosted()

    async def run() -> tuple[Any, Any]:
        async with Client(server.url, mode=era) as client:
            drawn: Any = await client.call_tool("draw_architecture", {"figure": FIGURE, "formats": ["svg", "png"]})
            link = next(item for item in drawn.content if item.type == "resource_link")
            return drawn, await client.read_resource(link.uri)

    drawn, read = anyio.run(run)
    assert not drawn.is_error
    assert drawn.structured_content["image"] == "inline"
    assert "path" not in drawn.structured_content["files"][0]  # a path of the server's machine says nothing to a client
    assert read.contents[0].text.startswith("<svg")


@pytest.mark.parametrize("era", ERAS)
def test_32_clients_draw_at_once_and_each_gets_its_own(hosted: Host, era: str) -> None:
    server = hosted()

    async def draw(number: int, results: dict[int, str]) -> None:
        figure = {**FIGURE, "model_name": f"model {number:02}", "title": f"Figure of model {number:02}"}
        async with Client(server.url, mode=era) as client:
            drawn: Any = await client.call_tool("draw_architecture", {"figure": figure, "formats": ["svg"]})
            assert not drawn.is_error
            (link,) = [item for item in drawn.content if item.type == "resource_link"]
            read: Any = await client.read_resource(link.uri)
            results[number] = read.contents[0].text

    async def run() -> dict[int, str]:
        results: dict[int, str] = {}
        async with anyio.create_task_group() as group:
            for number in range(32):
                group.start_soon(draw, number, results)
        return results

    results = anyio.run(run)
    for number in range(32):
        assert f"model {number:02}" in results[number]
        assert not any(f"model {other:02}" in results[number] for other in range(32) if other != number)
    assert server.desk.count == 0


def test_clients_with_different_tokens_cannot_read_each_others_files(hosted: Host) -> None:
    server = hosted(tokens={"one": TOKEN, "other": TOKEN[::-1]})

    async def run() -> tuple[str, str]:
        async with Client(with_token(server.url, TOKEN)) as client:
            drawn: Any = await client.call_tool("draw_architecture", {"figure": FIGURE, "formats": ["svg"]})
            uri = drawn.structured_content["files"][0]["uri"]
            await client.read_resource(uri)
        async with Client(with_token(server.url, TOKEN)) as again:  # the same client, later
            await again.read_resource(uri)
        async with Client(with_token(server.url, TOKEN[::-1])) as other:
            try:
                await other.read_resource(uri)
            except Exception as error:  # noqa: BLE001 - its text is looked at
                return uri, str(error)
        return uri, "read"

    uri, said = anyio.run(run)
    assert "Unknown resource" in said, uri


@pytest.mark.parametrize("era", ERAS)
def test_files_are_a_tokens_whatever_the_session(hosted: Host, era: str) -> None:
    server = hosted(tokens={"one": TOKEN})

    async def run() -> Any:
        async with Client(with_token(server.url, TOKEN), mode=era) as client:
            drawn: Any = await client.call_tool("draw_architecture", {"figure": FIGURE, "formats": ["svg"]})
        async with Client(with_token(server.url, TOKEN), mode=era) as later:
            return await later.read_resource(drawn.structured_content["files"][0]["uri"])

    assert anyio.run(run).contents[0].text.startswith("<svg")


def test_a_session_is_of_the_token_that_opened_it(hosted: Host) -> None:
    server = hosted(tokens={"one": TOKEN, "other": TOKEN[::-1]})
    opened = post(server, authorization=f"Bearer {TOKEN}")
    session = opened.headers["mcp-session-id"]
    same = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
    assert post(server, PING, authorization=f"Bearer {TOKEN}", **same).status_code == 200
    assert post(server, PING, authorization=f"Bearer {TOKEN[::-1]}", **same).status_code == 404


# --- names and tokens ---


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost:1.evil.example",
        "0.0.0.0",
        "",
        "127.0.0.1@evil",
    ],
)
def test_a_request_under_a_foreign_name_is_refused(hosted: Host, host: str) -> None:
    server = hosted()
    assert post(server, host=host).status_code in (400, 421)
    assert get(server, "/health", host=host).status_code in (400, 421)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://localhost.evil.example",
        "null",
        "file://",
        "file://localhost",
        "http://127.0.0.1:x",
    ],
)
def test_a_page_of_another_place_is_refused(hosted: Host, origin: str) -> None:
    assert post(hosted(), origin=origin).status_code == 403


def test_pages_of_this_machine_and_named_hosts_may_ask(hosted: Host) -> None:
    server = hosted(names=("archviz.example.org",))
    assert post(server, origin=server.base).status_code == 200
    assert post(server, host="archviz.example.org", origin="https://archviz.example.org").status_code == 200
    assert post(server, host="Archviz.Example.org:8765", origin="https://Archviz.Example.org").status_code == 200


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN]
)
def test_a_missing_or_wrong_token_is_refused(hosted: Host, header: str | None) -> None:
    answer = post(hosted(tokens={"one": TOKEN}), **({"authorization": header} if header is not None else {}))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN not in answer.text


def test_two_tokens_at_once_are_refused(hosted: Host) -> None:
    server = hosted(tokens={"one": TOKEN})
    headers = [*HEADERS.items(), ("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer other")]
    with httpx2.Client(trust_env=False, timeout=30) as client:
        assert client.post(server.url, content=json.dumps(INITIALIZE), headers=headers[:-1]).status_code == 200
        assert client.post(server.url, content=json.dumps(INITIALIZE), headers=headers).status_code == 401


@pytest.mark.parametrize(("host", "name"), [("127.0.0.2", "127.0.0.2"), ("::1", "[::1]"), ("0:0::1", "[0:0::1]")])
def test_a_loopback_address_answers_to_its_own_name(host: str, name: str) -> None:
    assert name in Hosting(host).all_names
    assert "localhost" in Hosting(host).all_names
    assert Hosting("10.0.0.1").all_names == frozenset()


def test_two_host_headers_are_refused(hosted: Host) -> None:
    server = hosted()
    with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
        raw.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n")
        assert raw.recv(200).split()[1] in (b"400", b"421")


def test_an_address_of_others_needs_a_token_and_names() -> None:
    with pytest.raises(UsageError, match="token"):
        Hosting("0.0.0.0", names=("a.example",)).check()
    with pytest.raises(UsageError, match="names"):
        Hosting("192.0.2.7", tokens={"x": "y"}).check()
    Hosting("0.0.0.0", tokens={"x": "y"}, names=("a.example",)).check()
    for own in ("127.0.0.1", "localhost", "::1", "127.9.9.9"):
        Hosting(own).check()
    with pytest.raises(UsageError, match="token"):
        run_http(Hosting("0.0.0.0"), Settings(offline=True))


@pytest.mark.parametrize("text", ["", "127.0.0.1", "127.0.0.1:99999", "a b:1", "http://x:1", "127.0.0.1:1:2", "x:-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


@pytest.mark.parametrize("text", ["a.example:80", "a b", "*", "http://a"])
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_names(text)


# --- bodies, disconnects, cancellation, the end ---


def test_a_body_over_the_limit_is_refused_whether_stated_or_not(hosted: Host) -> None:
    server = hosted()
    assert post(server, b" " * (BODY_BYTES + 1)).status_code == 413
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("POST", "/mcp")
    for name, value in (HEADERS | {"transfer-encoding": "chunked"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    chunk = b" " * 500_000
    try:
        for _ in range(6):
            connection.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        connection.send(b"0\r\n\r\n")
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # it hung up before all was sent
    assert status == 413


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"jsonrpc":"2.0"}', b"\xff\xfe", b"[" * 100_000, b'"' + b"x" * 10_000]
)
def test_what_is_no_message_is_refused_and_the_server_lives_on(hosted: Host, body: bytes) -> None:
    server = hosted()
    assert 400 <= post(server, body).status_code < 500
    assert post(server).status_code == 200


def slow_work(started: list[float], ended: list[float]) -> Callable[..., Any]:
    """Stands for a long reading: it looks at every step whether it is still wanted."""
    from archviz.progress import enter_stage, stop_if_unwanted

    def describe(model: str, **_: Any) -> Any:
        started.append(time.monotonic())
        enter_stage("reading for long")
        try:
            while time.monotonic() < started[0] + 20:
                stop_if_unwanted()
                time.sleep(0.01)
        finally:
            ended.append(time.monotonic())
        raise UsageError("nobody stopped it")

    return describe


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("era", ERAS)
def test_a_call_that_is_cancelled_ends_its_work(hosted: Host, era: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    ended: list[float] = []
    monkeypatch.setattr("archviz.pipeline.describe", slow_work(started, ended))
    server = hosted()

    async def run() -> None:
        async with Client(server.url, mode=era) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "describe_architecture", {"model": "acme/slow"})
                while not started:  # noqa: ASYNC110 - set by a thread of the server
                    await anyio.sleep(0.02)
                group.cancel_scope.cancel()
            assert await anyio.to_thread.run_sync(wait_for, lambda: bool(ended)), "the work went on"
            assert not (await client.call_tool("draw_architecture", {"figure": FIGURE, "formats": ["svg"]})).is_error

    anyio.run(run)
    assert ended[0] - started[0] < 10
    assert wait_for(lambda: server.desk.count == 0)


def test_a_client_that_hangs_up_in_the_middle_of_a_modern_call_ends_its_work(
    hosted: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[float] = []
    ended: list[float] = []
    monkeypatch.setattr("archviz.pipeline.describe", slow_work(started, ended))
    server = hosted()

    async def run() -> None:
        async with anyio.create_task_group() as group:

            async def ask() -> None:
                async with Client(server.url) as client:
                    await client.call_tool("describe_architecture", {"model": "acme/slow"})

            group.start_soon(ask)
            while not started:  # noqa: ASYNC110 - set by a thread of the server
                await anyio.sleep(0.02)
            group.cancel_scope.cancel()  # with its connections

    anyio.run(run)
    assert wait_for(lambda: bool(ended))
    assert ended[0] - started[0] < 10
    assert wait_for(lambda: server.desk.count == 0)
    assert post(server).status_code == 200


@pytest.mark.parametrize("era", ERAS)
def test_a_long_call_tells_its_progress(hosted: Host, era: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from archviz.progress import enter_stage

    def describe(model: str, **_: Any) -> Any:
        enter_stage("reading for long")
        time.sleep(1.9)
        raise UsageError("done")

    monkeypatch.setattr("archviz.pipeline.describe", describe)
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def run() -> None:
        async with Client(hosted().url, mode=era) as client:
            await client.call_tool("describe_architecture", {"model": "acme/slow"}, progress_callback=hear)

    anyio.run(run)
    assert told
    assert told[-1][1] == "reading for long"
    assert [progress for progress, _ in told] == sorted({progress for progress, _ in told})


def test_health_and_readiness_tell_how_the_server_is(hosted: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    server = hosted(tokens={"one": TOKEN})
    assert get(server, "/health").json()["status"] == "ok"
    assert get(server, "/ready").json() == {"status": "ready", "calls": 0}
    monkeypatch.setattr(server.desk, "most", 0)
    assert (get(server, "/ready").status_code, get(server, "/health").status_code) == (503, 200)
    assert get(server, "/elsewhere").status_code == 401


def test_a_full_desk_is_an_error_that_says_when_to_come_again(hosted: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    server = hosted()
    monkeypatch.setattr(server.desk, "most", 0)

    async def run() -> Any:
        async with Client(server.url) as client:
            return await client.call_tool("draw_architecture", {"figure": FIGURE})

    answer = anyio.run(run).structured_content
    assert (answer["error"], answer["retry_after"]) == ("busy", 2.0)


def test_the_server_ends_when_asked_and_first_ends_what_it_works_on(
    hosted: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[bool] = []
    asked = threading.Event()
    told: list[Any] = []

    def describe(model: str, **_: Any) -> Any:
        began.append(True)
        asked.wait(20)
        raise UsageError("done in time")

    monkeypatch.setattr("archviz.pipeline.describe", describe)
    server = hosted()

    async def run() -> Any:
        results: list[Any] = []

        async def ask() -> None:
            async with Client(server.url) as client:
                results.append(await client.call_tool("describe_architecture", {"model": "acme/slow"}))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while not began:  # noqa: ASYNC110 - set by a thread of the server
                await anyio.sleep(0.02)
            server.uvicorn.should_exit = True
            while not server.gate.draining:  # noqa: ASYNC110 - set by a thread of the server
                await anyio.sleep(0.02)
            told.extend(
                await anyio.to_thread.run_sync(
                    lambda: [get(server, "/ready"), get(server, "/health"), get(server, "/mcp")]
                )
            )
            asked.set()
        return results[0]

    assert anyio.run(run).structured_content["message"] == "done in time"
    assert wait_for(lambda: server.stopped)
    assert [(answer.status_code, answer.json().get("status")) for answer in told[:2]] == [
        (503, "draining"),
        (200, "ok"),
    ]
    assert (told[2].status_code, told[2].json()["error"]) == (503, "draining")
    assert told[2].headers["retry-after"]


# --- files of this machine ---


def test_paths_of_the_server_are_not_read_unless_their_folder_is_named(hosted: Host, tmp_path: Path) -> None:
    inside, outside = tmp_path / "models", tmp_path / "private"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "config.json").write_text('{"model_type": "gpt2", "n_layer": 1}')
        (folder / "code.py").write_text("def apply_rotary(x): return x\n")
    (inside / "deep").mkdir()
    (inside / "deep" / "link").symlink_to(outside)
    server = hosted(reach=(inside,))
    asked = [
        ("describe_architecture", {"model": str(outside)}),
        ("describe_architecture", {"model": f"{inside}/../private"}),
        ("describe_architecture", {"model": str(inside / "deep" / "link")}),
        ("describe_architecture", {"model": str(inside / "deep")}),  # one of its files leads out
        ("describe_architecture", {"model": "~/x"}),
        ("draw_architecture", {"model": str(outside / "config.json")}),
        ("inspect_tensors", {"model": str(outside / "x.safetensors")}),
        ("verify_code", {"model": str(outside)}),
        ("verify_code", {"code": str(outside / "code.py")}),
        ("verify_code", {"code": "code.py"}),
        ("compare_models", {"models": ["transformers:gpt2", str(inside), str(outside)]}),
        ("write_document", {"model": str(outside)}),
        ("write_document", {"model": "transformers:gpt2", "kind": "estimator", "estimator": str(outside)}),
        ("resolve_model", {"name": str(outside)}),
        ("find_sources", {"name": "/etc/passwd"}),
    ]

    async def run() -> tuple[list[Any], Any, Any]:
        async with Client(server.url) as client:
            refused = [await client.call_tool(tool, arguments) for tool, arguments in asked]
            described = await client.call_tool("describe_architecture", {"model": str(inside)})
            searched = await client.call_tool("verify_code", {"code": str(inside / "code.py"), "about": "rope"})
            return refused, described, searched

    refused, described, searched = anyio.run(run)
    for (tool, arguments), answer in zip(asked, refused, strict=True):
        assert answer.is_error, (tool, arguments)
        said = "links that lead out" if arguments.get("model") == str(inside / "deep") else "no such path"
        assert said in answer.structured_content["message"], (tool, arguments)
        place = (
            "models[2]"
            if tool == "compare_models"
            else next(name for name, it in arguments.items() if "/" in it or ".py" in it)
        )
        assert answer.structured_content["where"] == place
    assert described.structured_content["model"] == "models"
    assert searched.structured_content["matches"]


def _calls_about(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls of every tool, with a name in each argument that may be a model, code, a folder or hold a path."""
    model, gpt2 = {"model": name}, "transformers:gpt2"
    figure = {"model_type": name, "auto_map": {"AutoModel": f"{name.replace('/', '.')}.X"}}
    return [
        ("describe_architecture", model),
        ("describe_architecture", {**model, "part": "trace:"}),
        ("draw_architecture", model),
        ("draw_architecture", {"figure": figure}),
        ("inspect_tensors", model),
        ("inspect_tensors", {**model, "stored": True}),
        ("verify_code", model),
        ("verify_code", {"model": gpt2, "figure": figure}),
        ("verify_code", {"code": name}),
        ("verify_code", {"code": f"github.com/{name}"}),
        *(("write_document", {**model, "kind": kind}) for kind in ("document", "validation", "memory")),
        ("write_document", {**model, "kind": "estimator", "estimator": name}),
        ("write_document", {"model": gpt2, "kind": "estimator", "estimator": name}),
        ("compare_models", {"models": [name, gpt2]}),
        ("compare_models", {"models": [gpt2, name]}),
        ("resolve_model", {"name": name}),
        *(("find_sources", {"name": name, "read": read}) for read in ("list", "card", "paper")),
    ]


def test_no_answer_over_http_tells_whether_there_is_a_file(
    hosted: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("here/model", "bare")

    async def told(client: Client) -> list[str]:
        words = []
        for name in names:
            for tool, arguments in _calls_about(name):
                words.append(f"{tool} {arguments}: {(await client.call_tool(tool, arguments)).content}")
            for address in (name, quote(name, safe=""), f"{quote(name, safe='')}/tensors"):
                with pytest.raises(MCPError) as caught:
                    await client.read_resource(f"archviz://model/{address}")
                words.append(f"{address}: {caught.value}")
        return words

    async def run() -> tuple[list[str], list[str]]:
        async with Client(hosted().url) as client:
            without = await told(client)
            for name in names:
                for folder in (tmp_path / name, tmp_path / "github.com" / name):
                    folder.mkdir(parents=True)
                    (folder / "config.json").write_text('{"model_type": "gpt2"}')
                    (folder / "model.py").write_text("def apply_rotary(x): return x\n")
            return without, await told(client)

    without, there = anyio.run(run)
    assert there == without
    assert not any("local file" in each for each in there)


def test_drawings_over_http_equal_those_of_a_local_client(hosted: Host, workshop: Any) -> None:
    from archviz.service.tools.drawing import DrawingTools

    local: Any = DrawingTools(workshop).draw_architecture(figure=FIGURE, formats=["svg"])

    async def run() -> str:
        async with Client(hosted().url) as client:
            drawn: Any = await client.call_tool("draw_architecture", {"figure": FIGURE, "formats": ["svg"]})
            read: Any = await client.read_resource(drawn.structured_content["files"][0]["uri"])
            return str(read.contents[0].text)

    here = Path(local.structured_content["files"][0]["path"]).read_bytes()
    assert hashlib.sha256(anyio.run(run).encode()).digest() == hashlib.sha256(here).digest()


def test_an_error_tells_a_client_nothing_about_where_the_server_keeps_its_files(hosted: Host, tmp_path: Path) -> None:
    figure = {"model_name": "m", "stages": [{"name": "Body", "blocks": [{"type": 7}]}]}

    async def run() -> list[Any]:
        async with Client(hosted().url) as client:
            return [
                await client.call_tool("draw_architecture", {"figure": figure}),
                await client.call_tool("verify_code", {"model": "transformers:gpt2", "figure": {"stages": 7}}),
            ]

    for answer in anyio.run(run):
        assert answer.is_error
        assert str(tmp_path) not in answer.content[0].text
        assert ".draw-" not in answer.content[0].text
