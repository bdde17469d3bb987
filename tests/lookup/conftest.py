"""arXiv and GitHub on this machine: servers faithful to the services' own answers, asked by the real clients."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

import pytest

from archviz.network.cache import Cache
from archviz.network.session import Session, Time
from archviz.network.waits import Paces, Silence
from archviz.settings import Limits, Settings

Fault = Literal["", "drip", "truncated", "reset", "long"]


RENDERED = b'<div class="ltx_page_main"></div>'  # the classes of LaTeXML


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fault: Fault = ""


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class Loopback:
    """A server on 127.0.0.1; replies put into `next` come before what its `answer` would say."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer, self.asked, self.next = answer, [], []
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(unquote(address.path), query, headers)
                loopback.asked.append(asked)
                with contextlib.suppress(OSError):
                    send(self, loopback.next.pop(0) if loopback.next else loopback.answer(asked))

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    length = len(reply.body) + (50 if reply.fault in ("truncated", "reset") else 0)
    handler.send_response(reply.status)
    for name, value in {"Content-Length": str(length), **reply.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if reply.fault == "drip":
        for byte in reply.body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.05)
    handler.wfile.write(reply.body)
    if reply.fault == "reset":
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if reply.fault in ("truncated", "reset"):
        handler.close_connection = True
        handler.connection.close()


class Clock:
    """A clock that moves by itself and by sleeping, which takes no time."""

    def __init__(self) -> None:
        self.ahead, self.slept = 0.0, []

    def time(self) -> Time:
        def now() -> float:
            return time.time() + self.ahead

        return Time(now=now, monotonic=lambda: time.monotonic() + self.ahead, sleep=self.sleep, jitter=lambda: 1.0)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Session]:
    """Makes sessions that share cache, clock and paces, as the commands of one user do."""
    for name in ("HF_TOKEN", "GITHUB_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "ARCHVIZ_CACHE"):
        monkeypatch.delenv(name, raising=False)
    paces, silence = Paces(), Silence()

    def make(limits: Limits | None = None, *, offline: bool = False) -> Session:
        settings = Settings(offline=offline, limits=limits or Limits())
        return Session(settings, cache=Cache(tmp_path / "cache"), time=clock.time(), paces=paces, silence=silence)

    return make


# --- arXiv ----------------------------------------------------------------------------------------------------------


@dataclass
class ArxivData:
    """What the server knows: papers by id without version, and pages by id with version."""

    papers: dict[str, dict[str, str]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)

    def add(self, paper: str, title: str, *, version: str = "v1", page: str = "", comment: str = "") -> None:
        self.papers[paper] = {"id": paper + version, "title": title, "comment": comment}
        if page:
            self.pages[paper + version] = page

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/query":
            return self._query(asked.query)
        page = self.pages.get(asked.path.removeprefix("/html/"))
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if page is None:
            return Reply(404, b"<html><body><h1>No HTML for this paper</h1></body></html>", headers)
        return Reply(200, RENDERED + page.encode(), headers)

    def _query(self, query: dict[str, str]) -> Reply:
        asked = [text for text in query.get("id_list", "").split(",") if text]
        for text in asked:
            if not re.fullmatch(r"(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?", text):
                return feed([error_entry(text)], 1, status=400)
        if asked:
            found = [paper for text in asked if (paper := self._paper(text))]
            return feed([entry(paper) for paper in found], len(found))
        found = [paper for paper in self.papers.values() if matches(query.get("search_query", ""), paper["title"])]
        if query.get("sortBy") == "submittedDate":  # ids are given in the order of submission
            found.sort(key=lambda paper: paper["id"], reverse=query["sortOrder"] == "descending")
        return feed([entry(paper) for paper in found[: int(query.get("max_results", "10"))]], len(found))

    def _paper(self, text: str) -> dict[str, str] | None:
        paper = self.papers.get(re.sub(r"v\d+$", "", text))
        return paper if paper and text in (paper["id"], re.sub(r"v\d+$", "", paper["id"])) else None


def matches(query: str, title: str) -> bool:
    """The API matches words of a field without regard to letter case, a quoted phrase in order."""
    said = " ".join(re.findall(r"\w+", title.lower()))
    terms = re.findall(r'ti:(?:"([^"]*)"|(\S+))', query)
    phrases = [" ".join(re.findall(r"\w+", (phrase or word).lower())) for phrase, word in terms]
    return bool(phrases) and all(f" {phrase} " in f" {said} " for phrase in phrases)


def entry(paper: dict[str, str]) -> str:
    url = f"arxiv.org/abs/{paper['id']}"
    comment = f"<arxiv:comment>{escape(paper['comment'])}</arxiv:comment>" if paper["comment"] else ""
    return f"""<entry>
    <id>http://{url}</id>
    <title>{escape(paper["title"])}</title>
    <updated>2025-05-14T13:41:34Z</updated>
    <link href="https://{url}" rel="alternate" type="text/html"/>
    <link href="https://{url.replace("abs", "pdf")}" rel="related" type="application/pdf" title="pdf"/>
    <summary>  We present a model.
It has layers.</summary>
    <category term="cs.CL" scheme="http://arxiv.org/schemas/atom"/>
    <published>2025-05-14T13:41:34Z</published>
    {comment}
    <arxiv:primary_category term="cs.CL"/>
    <author><name>Ada Example</name><arxiv:affiliation>Somewhere</arxiv:affiliation></author>
    <author><name>Bo Example</name></author>
  </entry>"""


def error_entry(text: str) -> str:
    url = f"https://arxiv.org/api/errors#incorrect_id_format_for_{escape(text)}"
    return f"<entry><id>{url}</id><title>Error</title><summary>incorrect id format for {escape(text)}</summary></entry>"


def feed(entries: list[str], total: int, status: int = 200) -> Reply:
    body = f"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/x</id>
  <title>arXiv Query</title>
  <updated>2026-04-12T22:09:26Z</updated>
  <opensearch:itemsPerPage>100</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>0</opensearch:startIndex>
  {"".join(entries)}
</feed>
"""
    return Reply(status, body.encode(), {"Content-Type": "application/atom+xml; charset=UTF-8"})


@pytest.fixture
def arxiv_data() -> ArxivData:
    return ArxivData()


@pytest.fixture
def arxiv(arxiv_data: ArxivData, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """arXiv with `arxiv_data`."""
    server = Loopback(arxiv_data.answer)
    monkeypatch.setenv("ARCHVIZ_ARXIV_URL", server.url)
    yield server
    server.close()


# --- GitHub ---------------------------------------------------------------------------------------------------------


@dataclass
class GithubData:
    """What the servers know: repositories with branches and files, and what they were called before.

    Args:
        states_commits: A tree that was asked for by a reference is stated under the commit, as GitHub does; else under its own
            id, which its documentation allows too.
        is_cut: Trees are told to be cut, as GitHub cuts those of many files.
    """

    states_commits: bool = True
    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    code: list[dict[str, Any]] = field(default_factory=list)
    remaining: int = 57
    is_cut: bool = False

    def add(self, name: str, files: dict[str, str], *, branch: str = "main", **more: Any) -> str:
        """A repository of one commit; the commit."""
        commit = hashlib.sha1(name.encode()).hexdigest()
        self.repositories[name] = {"branch": branch, "commit": commit, "files": files, "more": more}
        return commit

    def answer(self, asked: Asked) -> Reply:
        path = asked.path
        if path.startswith("/search/"):
            return self._search(path, asked)
        if match := re.fullmatch(r"/repositories/(\d+)(/.*)?", path):
            name = list(self.repositories)[int(match[1])]
            return self._repository(name, match[2] or "", asked)
        match = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", path)
        name = next((each for each in self.repositories if match and each.lower() == match[1].lower()), None)
        if match and name:
            return self._repository(name, match[2] or "", asked)
        if match and match[1] in self.renamed:
            place = list(self.repositories).index(self.renamed[match[1]])
            query = f"?{urlencode(asked.query)}" if asked.query else ""
            url = f"http://{asked.headers['host']}/repositories/{place}{match[2] or ''}{query}"
            return self._json({"message": "Moved Permanently", "url": url}, 301, {"Location": url})
        return self._json(
            {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}, 404
        )

    def raw(self, asked: Asked) -> Reply:
        owner, name, commit, path = [*asked.path.lstrip("/").split("/", 3), "", "", ""][:4]
        data = self.repositories.get(f"{owner}/{name}", {})
        text = data.get("files", {}).get(path) if data.get("commit") == commit else None
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        return Reply(404, b"404: Not Found", headers) if text is None else Reply(200, text.encode(), headers)

    def _repository(self, name: str, rest: str, asked: Asked) -> Reply:
        data = self.repositories[name]
        if not rest:
            more = {
                "license": {"key": "apache-2.0", "spdx_id": "Apache-2.0"},
                "fork": False,
                "archived": False,
                **data["more"],
            }
            return self._json(
                {
                    "id": 1,
                    "name": name.split("/")[1],
                    "full_name": name,
                    "default_branch": data["branch"],
                    "description": "A model",
                    **more,
                }
            )
        if rest.startswith("/commits/"):
            if rest.removeprefix("/commits/") not in ("HEAD", data["branch"], data["commit"]):
                return self._json({"message": "No commit found for SHA: x", "status": "422"}, 422)
            assert asked.headers["accept"] == "application/vnd.github.sha"
            return Reply(200, data["commit"].encode(), {"Content-Type": "application/vnd.github.sha; charset=utf-8"})
        if rest in (f"/git/trees/{data['commit']}", "/git/trees/HEAD"):
            assert asked.query == {"recursive": "1"}
            own, rows = git_tree(data["files"])
            stated = data["commit"] if self.states_commits or not rest.endswith("HEAD") else own
            url = f"http://{asked.headers['host']}/repos/{name}/git/trees/{stated}"
            return self._json({"sha": stated, "url": url, "tree": rows, "truncated": self.is_cut})
        if match := re.fullmatch("/git/blobs/([0-9a-f]{40})", rest):
            texts = {git_id("blob", text.encode()): text.encode() for text in data["files"].values()}
            if match[1] not in texts:
                return self._json({"message": "Not Found", "status": "404"}, 404)
            content = base64.encodebytes(texts[match[1]]).decode()
            return self._json({"sha": match[1], "size": len(texts[match[1]]), "content": content, "encoding": "base64"})
        folder = rest.removeprefix("/contents/")
        inside = {path: text for path, text in data["files"].items() if path.rpartition("/")[0] == folder}
        if not inside or asked.query.get("ref") != data["commit"]:
            return self._json({"message": "Not Found", "status": "404"}, 404)
        return self._json(
            [
                {"name": path.rpartition("/")[2], "path": path, "size": len(text), "type": "file", "sha": "0" * 40}
                for path, text in inside.items()
            ]
        )

    def _search(self, path: str, asked: Asked) -> Reply:
        if path == "/search/repositories":
            words = asked.query["q"].removesuffix(" in:name").lower().split()
            found = [name for name in self.repositories if all(word in name.split("/")[1].lower() for word in words)]
            return self._json(
                {
                    "total_count": len(found),
                    "incomplete_results": False,
                    "items": [{"full_name": name} for name in found],
                }
            )
        if "authorization" not in asked.headers:
            return self._json({"message": "Requires authentication", "status": "401"}, 401)
        return self._json({"total_count": len(self.code), "incomplete_results": False, "items": self.code})

    def _json(self, data: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        self.remaining -= 1
        limits = {
            "X-RateLimit-Limit": "60",
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": "1900000000",
        }
        return Reply(
            status,
            json.dumps(data).encode(),
            {"Content-Type": "application/json; charset=utf-8", **limits, **(headers or {})},
        )


def git_id(kind: str, body: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body).hexdigest()


def git_tree(files: dict[str, str], above: str = "") -> tuple[str, list[dict[str, Any]]]:
    """The id of a folder as git reckons it, and the rows of it and of all folders in it, as GitHub lists them."""
    rows: list[dict[str, Any]] = []
    entries: dict[str, bytes] = {}
    for name in {path.partition("/")[0] for path in files}:
        inside = {path.partition("/")[2]: text for path, text in files.items() if path.startswith(f"{name}/")}
        if inside:
            own, below = git_tree(inside, f"{above}{name}/")
            rows += [{"path": above + name, "mode": "040000", "type": "tree", "sha": own}, *below]
            entries[f"{name}/"] = f"40000 {name}\0".encode() + bytes.fromhex(own)
        else:
            text = files[name].encode()
            own = git_id("blob", text)
            rows.append({"path": above + name, "mode": "100644", "type": "blob", "sha": own, "size": len(text)})
            entries[name] = f"100644 {name}\0".encode() + bytes.fromhex(own)
    rows.sort(key=lambda row: str(row["path"]))
    return git_id("tree", b"".join(entries[key] for key in sorted(entries))), rows


@pytest.fixture
def github_data() -> GithubData:
    return GithubData()


@pytest.fixture
def github_raw(github_data: GithubData, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """The raw host of GitHub with `github_data`."""
    server = Loopback(github_data.raw)
    monkeypatch.setenv("ARCHVIZ_GITHUB_RAW_URL", server.url)
    yield server
    server.close()


@pytest.fixture
def github(github_data: GithubData, github_raw: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """The API of GitHub with `github_data`; the raw host is there too."""
    server = Loopback(github_data.answer)
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    yield server
    server.close()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
