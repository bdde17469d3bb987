"""Answers on disk: one file an entry, written whole or not at all, checked when read, bounded in size.

An entry is a line of JSON (what it is, when it came, its validators, and a sha256 over all of that and the body) and the body.
Many processes may use one folder: a file only ever appears by being renamed into place. What does not check is deleted and counts
as absent, so it is fetched again. A disk that is full, or a folder that cannot be written, costs the entry and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from archviz.errors import UsageError
from archviz.records import field, record, replace

NOWHERE = Path(os.devnull) / "archviz"  # below what is no folder: reading finds nothing there, and writing fails
VERSION = "v2"
OLDER = ("v1",)  # layouts that are not read any more; their entries are deleted
MOST_BYTES = 512_000_000
_HEADER_BYTES = 65_536
_SCAN_EVERY = 16_000_000  # bytes that one process writes before it looks at the folder's size again
_END = 253_402_300_800.0  # seconds since 1970 at which years have five digits
_ABANDONED = 3_600.0  # seconds after which a half-written file has no writer any more


@record(frozen=True)
class Entry:
    """One stored answer.

    Args:
        key: What it answers: an address, or the name of facts made from answers.
        body: The content.
        fetched: When it came or was last confirmed, seconds since 1970.
        pinned: It never changes: it needs no confirmation.
        etag: Validator of the server.
        last_modified: Validator of the server.
        headers: The headers that readers of the answer look at.
        url: Where it came from after redirects.
    """

    key: str
    body: bytes = field(repr=False)
    fetched: float
    pinned: bool = False
    etag: str | None = None
    last_modified: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


@record(frozen=True)
class CacheInfo:
    """What the cache holds: files that are entries, their bytes, and when the oldest and newest were written."""

    folder: str
    entries: int
    bytes: int
    most_bytes: int
    oldest: float | None
    newest: float | None

    def as_dict(self) -> dict[str, object]:
        return dict(vars(self))


def cache_folder() -> Path:
    """`$ARCHVIZ_CACHE`, else `archviz` in the user's cache folder; without a home directory a place where nothing can be kept.

    Raises:
        UsageError: A variable names the home directory of nobody.
    """
    if stated := os.environ.get("ARCHVIZ_CACHE"):
        return _stated_folder(stated, "ARCHVIZ_CACHE")
    if stated := os.environ.get("XDG_CACHE_HOME"):
        return _stated_folder(stated, "XDG_CACHE_HOME") / "archviz"
    if sys.platform == "win32" and (stated := os.environ.get("LOCALAPPDATA")):
        return Path(stated) / "archviz" / "cache"
    try:
        return Path("~/.cache/archviz").expanduser()
    except RuntimeError:
        return NOWHERE


def _stated_folder(text: str, variable: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(f"{text[:80]!a} is in the home directory of nobody", where=variable) from None


@record
class Cache:
    """The folder of entries; made when the first one is written.

    Args:
        folder: Where it is.
        most_bytes: When it grows beyond this, the entries unused for longest go, down to nine tenths.
        trouble: Why an entry could not be kept; empty when all could.
    """

    folder: Path = field(default_factory=cache_folder)
    most_bytes: int = MOST_BYTES
    trouble: str = ""
    _unscanned: int = _SCAN_EVERY

    @property
    def entries_folder(self) -> Path:
        return self.folder / VERSION

    def read(self, key: str) -> Entry | None:
        """The entry of a key; None when there is none that checks."""
        path = self._path(key)
        try:
            data = _content(path)
        except OSError:
            return None
        entry = parse_entry(data, key)
        with contextlib.suppress(OSError):
            if entry is None:
                path.unlink()
            else:
                os.utime(path)  # what is used stays longest
        return entry

    def write(self, entry: Entry) -> bool:
        """Keep an entry; False, with the reason in `trouble`, when it cannot be kept."""
        data = entry_bytes(entry)
        path = self._path(entry.key)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            is_first = not self.entries_folder.exists()
            for folder in (self.folder, self.entries_folder, path.parent):
                folder.mkdir(exist_ok=True, mode=0o700)
            if is_first:
                self._drop_older()
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            partial.write_bytes(data)
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            self.trouble = f"{error.strerror or error} ({self.folder})"
            return False
        self._unscanned += len(data)
        if self._unscanned >= _SCAN_EVERY:
            self._unscanned = 0
            self.shrink()
        return True

    def forget(self, key: str) -> None:
        """Delete the entry of a key, if there is one."""
        with contextlib.suppress(OSError):
            self._path(key).unlink()

    def shrink(self) -> None:
        """Delete what was unused for longest until the folder is below its bound; and what writers left half-written."""
        files = []
        for path, status in self._files():
            if path.name.startswith("."):
                if time.time() - status.st_mtime > _ABANDONED:
                    _delete(path)
            else:
                files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self.most_bytes:
            return
        for _, size, path in sorted(files):
            if total <= self.most_bytes * 9 // 10:
                return
            _delete(path)
            total -= size

    def clear(self) -> CacheInfo:
        """Delete every entry; what was deleted, with the reason in `trouble` when some could not be."""
        before = self.info()
        for path, _ in self._files():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                self.trouble = f"{error.strerror or error} ({self.folder})"
        self._drop_older()
        left = self.info()
        return replace(before, entries=max(before.entries - left.entries, 0), bytes=max(before.bytes - left.bytes, 0))

    def info(self) -> CacheInfo:
        """What the folder holds now."""
        found = [status for path, status in self._files() if not path.name.startswith(".")]
        times = [status.st_mtime for status in found]
        return CacheInfo(
            str(self.folder),
            len(found),
            sum(status.st_size for status in found),
            self.most_bytes,
            min(times, default=None),
            max(times, default=None),
        )

    def keys(self, most: int) -> Iterator[str]:
        """The keys of the entries that were used last, at most so many; what each answers is not looked at."""
        found = ((path, status) for path, status in self._files() if stat.S_ISREG(status.st_mode))
        files = [(status.st_mtime, path) for path, status in found if not path.name.startswith(".")]
        for _, path in sorted(files, reverse=True)[:most]:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
                yield str(json.loads(file.readline(_HEADER_BYTES))["key"])

    def _path(self, key: str) -> Path:
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self.entries_folder / digest[:2] / digest

    def _drop_older(self) -> None:
        """Delete the entries of older layouts: nothing reads them, and some could be read by others."""
        for version in OLDER:
            older = self.folder / version
            for path, _ in self._files(older):
                _delete(path)
            for folder in (*older.glob("[0-9a-f][0-9a-f]"), older):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def _files(self, folder: Path | None = None) -> Iterator[tuple[Path, os.stat_result]]:
        """Every file of the folder's own layout; whatever else lies there is none of ours."""
        for path in (folder or self.entries_folder).glob("[0-9a-f][0-9a-f]/*"):
            name = path.name.lstrip(".").partition(".")[0]
            if len(name) == 64 and not path.is_symlink():
                with contextlib.suppress(OSError):
                    yield path, path.stat()


def _content(path: Path) -> bytes:
    """The content of a file; of what is none, such as a pipe or a link that leads to a device, nothing, and nobody waits for it.

    Raises:
        OSError: There is none, or it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        return file.read() if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES else b""


def entry_bytes(entry: Entry) -> bytes:
    """An entry as its file holds it."""
    header = {name: value for name, value in vars(entry).items() if name != "body"}
    return _line(header | {"sha256": _digest(header, entry.body)}) + b"\n" + entry.body


def parse_entry(data: bytes, key: str) -> Entry | None:
    """The entry that a file holds; None when any part of it is damaged, half-written or of another key."""
    head, newline, body = data.partition(b"\n")
    if not newline or len(head) > _HEADER_BYTES:
        return None
    try:
        header = json.loads(head)
        stated = header.pop("sha256")
        if stated != _digest(header, body) or not _is_sound(header):
            return None
        entry = Entry(body=body, **header)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return entry if entry.key == key else None


def _line(header: dict[str, object]) -> bytes:
    return json.dumps(header, separators=(",", ":")).encode()


def _digest(header: dict[str, object], body: bytes) -> str:
    """Over header and body together, so that neither can be changed without the other."""
    digest = hashlib.sha256(_line(header))
    digest.update(b"\n" + body)
    return digest.hexdigest()


def _is_sound(header: dict[str, object]) -> bool:
    """Whether each field has its type, and what goes into a request (the validators) may stand in one."""
    fetched, headers = header["fetched"], header["headers"]
    validators = (header["etag"], header["last_modified"])
    return (
        isinstance(fetched, (int, float))
        and not isinstance(fetched, bool)
        and 0 <= fetched < _END
        and isinstance(header["pinned"], bool)
        and all(isinstance(header[name], str) for name in ("key", "url"))
        and all(each is None or _is_header(each) for each in validators)
        and isinstance(headers, dict)
        and all(_is_header(each) for pair in headers.items() for each in pair)
    )


def _is_header(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and (text.isprintable() or not text)


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
