"""A Hub on this machine: the routes, headers and refusals of the real one, over made-up repositories."""

from __future__ import annotations

import hashlib
import json
import math
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_valid_token_of_the_tests"
WEIGHTS = (".safetensors", ".bin")


@dataclass
class Repository:
    """A repository: its files at each revision, and who may see it."""

    files: dict[str, bytes]
    gated: bool = False
    private: bool = False
    tags: list[str] = field(default_factory=list)
    card: dict[str, Any] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        digest = hashlib.sha1(usedforsecurity=False)
        for path, data in sorted(self.files.items()):
            digest.update(path.encode() + b"\0" + data)
        return digest.hexdigest()

    def commit_of(self, revision: str) -> str | None:
        older = {commit: commit for commit in self.branches.values()}
        known = {"main": self.commit, self.commit: self.commit, **older, **self.branches}
        return known.get(revision)


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    host: str

    @property
    def token(self) -> str | None:
        return self.headers.get("authorization")


Fault = Callable[["Handler"], bool]
"""Answers in place of the Hub; False to let the Hub answer."""


class LoopbackHub:
    """Two servers: the Hub, and the place that the bodies of large files are redirected to.

    Args:
        repositories: Id → repository.
        renamed: Old id → new id.
        faults: Asked in turn before each answer.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.renamed: dict[str, str] = {}
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.bytes_sent = 0
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, kind)) for kind in ("hub", "bodies")]
        for server in self._servers:
            server.daemon_threads = True
            server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that hang up are the point

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_address[1]}"

    @property
    def bodies(self) -> str:
        return f"http://127.0.0.1:{self._servers[1].server_address[1]}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    @contextmanager
    def running(self) -> Iterator[LoopbackHub]:
        threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            for server in self._servers
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            for server in self._servers:
                server.shutdown()
                server.server_close()

    def fail(self, pattern: str, fault: Fault, times: int = 1_000_000) -> None:
        """Answer requests whose path matches with a fault, so many times."""
        left = [times]

        def once(handler: Handler) -> bool:
            if left[0] <= 0 or not re.search(pattern, handler.path):
                return False
            left[0] -= 1
            return fault(handler)

        self.faults.append(once)


class Handler(BaseHTTPRequestHandler):
    """Common to both servers: keeps what was asked, and gives faults the first word."""

    protocol_version = "HTTP/1.1"
    hub: LoopbackHub
    kind: str

    def log_message(self, *_: object) -> None:
        """Tests look at `hub.asked` instead."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.asked.append(Asked(self.command, unquote(url.path), url.query, headers, self.kind))
        if not any(fault(self) for fault in self.hub.faults):
            self.answer(unquote(url.path), parse_qs(url.query), headers)

    do_HEAD = do_GET

    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> None:
        raise NotImplementedError

    def reply(self, status: int, body: bytes = b"", **headers: str) -> bool:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.hub.bytes_sent += len(body)
        return True

    def refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"error": message}).encode()
        self.reply(status, body, X_Error_Code=code, X_Error_Message=message, Content_Type="application/json")

    def send_part(self, data: bytes, headers: dict[str, str], **more: str) -> None:
        """The whole of a file, or the part of it that `Range` asks for."""
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
        if match is None:
            self.reply(200, data, **more)
            return
        start, end = int(match[1]), min(int(match[2]), len(data) - 1)
        self.reply(206, data[start : end + 1], Content_Range=f"bytes {start}-{end}/{len(data)}", **more)


class _Hub(Handler):
    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> None:
        token = headers.get("authorization")
        if token is not None and token != f"Bearer {TOKEN}":
            self.refuse(401, "", "Invalid credentials in Authorization header")
            return
        if path == "/api/models":
            self._search(query, token)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/safetensors-metadata/(.+)", path):
            self._parsed(match[1], match[2], path, token)
        elif match := re.fullmatch(r"/api/models/([^/]+(?:/[^/]+)?)(?:/revision/(.+))?", path):
            self._info(match[1], match[2] or "main", path, token, headers)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(match[1], match[2], match[3], path, token, headers)
        else:
            self.refuse(404, "", "Sorry, we can't find the page you are looking for.")

    def _repository(self, name: str, path: str, token: str | None) -> Repository | None:
        """The repository; renamed ones are redirected, and private ones are hidden like missing ones."""
        if name in self.hub.renamed:
            new = path.replace(name, self.hub.renamed[name], 1)
            self.reply(307, b"Temporary Redirect", Location=new)
            return None
        found = self.hub.repositories.get(name)
        if found is None or (found.private and token is None):
            message = "Invalid username or password." if token is None else "Repository not found"
            self.refuse(401 if token is None else 404, "RepoNotFound", message)
            return None
        return found

    def _info(self, name: str, revision: str, path: str, token: str | None, headers: dict[str, str]) -> None:
        found = self._repository(name, path, token)
        if found is None:
            return
        commit = found.commit_of(revision)
        if commit is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        body = json.dumps(_info(name, found, commit)).encode()
        etag = f'W/"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
        if headers.get("if-none-match") == etag:
            self.reply(304, ETag=etag)
            return
        self.reply(200, body, ETag=etag, Content_Type="application/json; charset=utf-8")

    def _parsed(self, name: str, index: str, path: str, token: str | None) -> None:
        """All headers of the newest commit of `main`, which the real Hub reads itself; its reply names no commit."""
        found = self._repository(name, path, token)
        if found is None:
            return
        if found.gated and token is None:
            self.refuse(401, "GatedRepo", f"Access to model {name} is restricted. You must have access to it.")
            return
        if index not in found.files:
            self.refuse(404, "EntryNotFound", "Entry not found")
            return
        stated = json.loads(found.files[index])
        shards = sorted(set(stated["weight_map"].values()))
        body = {
            "index": {"metadata": stated.get("metadata")},
            "headers": {shard: header_of(found.files[shard]) for shard in shards},
        }
        self.reply(200, json.dumps(body).encode(), Content_Type="application/json; charset=utf-8")

    def _search(self, query: dict[str, list[str]], token: str | None) -> None:
        text, limit = query.get("search", [""])[0].lower(), int(query.get("limit", ["10"])[0])
        words = re.split(r"[^a-z0-9.]+", text)
        shown = [name for name, each in self.hub.repositories.items() if token is not None or not each.private]
        found = [name for name in shown if all(word in name.lower() for word in words)]
        if author := query.get("author", [""])[0]:
            found = [name for name in found if name.partition("/")[0] == author]
        tags = {name: ["transformers", *self.hub.repositories[name].tags] for name in found}
        found = [name for name in found if all(tag in tags[name] for tag in query.get("filter", []))]
        rows = [{"_id": "0", "id": name, "modelId": name, "tags": tags[name], "private": False} for name in found]
        self.reply(200, json.dumps(rows[:limit]).encode(), Content_Type="application/json; charset=utf-8")

    def _file(self, name: str, revision: str, file: str, path: str, token: str | None, headers: dict[str, str]) -> None:
        found = self._repository(name, path, token)
        if found is None:
            return
        commit = found.commit_of(revision)
        if found.gated and token is None:
            self.refuse(401, "GatedRepo", f"Access to model {name} is restricted. You must have access to it.")
        elif commit is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif file not in found.files:
            self.refuse(404, "EntryNotFound", "Entry not found")
        else:
            data, etag = found.files[file], f'"{hashlib.sha256(found.files[file]).hexdigest()}"'
            if file.endswith(WEIGHTS):
                signed = f"{self.hub.bodies}/{name}/{file}?Signature=secret-signature&Expires=1"
                self.reply(302, Location=signed, X_Repo_Commit=commit, X_Linked_ETag=etag, X_Linked_Size=str(len(data)))
            else:
                self.send_part(data, headers, ETag=etag, X_Repo_Commit=commit, Content_Type="text/plain; charset=utf-8")


class _Bodies(Handler):
    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> None:
        name, _, file = path.strip("/").partition("/")[2].partition("/")
        found = self.hub.repositories.get(f"{path.strip('/').partition('/')[0]}/{name}")
        if found is None or "Signature" not in query or "authorization" in headers:
            self.reply(403, b"signature required, and nothing else")
        else:
            self.send_part(found.files[file], headers)


def _handler(hub: LoopbackHub, kind: str) -> type[Handler]:
    base = _Hub if kind == "hub" else _Bodies
    return type(base.__name__, (base,), {"hub": hub, "kind": kind})


def _info(name: str, found: Repository, commit: str) -> dict[str, Any]:
    """A reply in the shape of the real one: what `expand` asks for, and `_id` and `id`, which always come."""
    try:
        config = json.loads(found.files.get("config.json", b"{}"))
    except ValueError:
        config = {}
    stored = [tensor_counts(data) for path, data in found.files.items() if path.endswith(".safetensors")]
    answer: dict[str, Any] = {
        "_id": "69fd1f6afa2150562b3cc474",
        "id": name,
        "sha": commit,
        "private": found.private,
        "gated": "manual" if found.gated else False,
        "tags": ["transformers", *found.tags],
        "cardData": found.card,
        "config": {key: config[key] for key in ("architectures", "model_type") if key in config},
        "createdAt": "2026-05-07T23:25:30.000Z",
        "lastModified": "2026-05-10T22:11:12.000Z",
        "siblings": [{"rfilename": path} for path in sorted(found.files)],
    }
    if stored:
        counts: dict[str, int] = {}
        for each in stored:
            for dtype, count in each.items():
                counts[dtype] = counts.get(dtype, 0) + count
        answer["safetensors"] = {"parameters": counts, "total": sum(counts.values())}
    return answer


# --- what repositories hold -----------------------------------------------------------------------------------------


def safetensors(tensors: dict[str, tuple[str, list[int]]], weights: bytes = b"W" * 64, padding: int = 0) -> bytes:
    """A safetensors file: a header of the real form, and a body that no test may read."""
    sizes, offset, header = {"BF16": 2, "F32": 4, "F8_E4M3": 1, "I64": 8}, 0, {}
    for name, (dtype, shape) in tensors.items():
        length = sizes[dtype]
        for size in shape:
            length *= size
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + length]}
        offset += length
    text = json.dumps({"__metadata__": {"format": "pt", "padding": "x" * padding}, **header}).encode()
    return struct.pack("<Q", len(text)) + text + weights


def header_of(data: bytes) -> dict[str, Any]:
    """The header of a safetensors file as it stands."""
    header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header


def tensor_counts(data: bytes) -> dict[str, int]:
    """Element type → elements of a safetensors file; empty where the file is spoiled."""
    counts: dict[str, int] = {}
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        header.pop("__metadata__", None)
        for entry in header.values():
            counts[entry["dtype"]] = counts.get(entry["dtype"], 0) + math.prod(entry["shape"])
        return {dtype: int(count) for dtype, count in counts.items() if count < 2**63}
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}


# --- faults ---------------------------------------------------------------------------------------------------------


def status(code: int, **headers: str) -> Fault:
    return lambda handler: handler.reply(code, b"{}", **headers)


def slow(seconds: float) -> Fault:
    """The Hub's own answer, after some time."""

    def wait(_: Handler) -> bool:
        time.sleep(seconds)
        return False

    return wait


def drip(seconds: float) -> Fault:
    """A body that comes byte by byte and never ends in time."""

    def answer(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        try:
            for _ in range(int(30 / seconds)):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(seconds)
        except OSError:
            pass
        handler.close_connection = True
        return True

    return answer


def cut(status_code: int = 200, **headers: str) -> Fault:
    """A body that ends before its stated length."""

    def answer(handler: Handler) -> bool:
        handler.reply(status_code, b'{"id": "half', Content_Length="5000", **headers)
        handler.close_connection = True
        return True

    return answer


def reset(after: int) -> Fault:
    """A connection that is reset in the middle of an answer to a ranged request."""

    def answer(handler: Handler) -> bool:
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 0-100000/5000000")
        handler.send_header("Content-Length", "100001")
        handler.end_headers()
        handler.wfile.write(b"x" * after)
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True
        return True

    return answer
