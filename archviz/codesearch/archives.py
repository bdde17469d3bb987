"""Source files of zip (whl) and tar archives, read in memory: nothing is ever written, and every size is bounded."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from archviz.codesearch.bounds import BoundReachedError, Spending
from archviz.codesearch.result import Skipped
from archviz.codesearch.sourcetext import SourceFile, decode, is_source_name, too_large
from archviz.errors import UsageError
from archviz.late_patterns import late_pattern

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    struct.error,
    ValueError,
)
_DIRECTORY_BYTES = 16_000_000  # of a zip's central directory, which is held in memory whole
_UNSAFE = late_pattern(r"[\x00-\x1f\x7f\\:]|^/|(?:^|/)\.\.(?:/|$)")
_MAGIC = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}


def _kind(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(262)
    if head[257:262] == b"ustar":
        return "tar"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def is_archive(path: Path) -> bool:
    """Whether a file is an archive, by its first bytes."""
    return _kind(path) is not None


def archive_sources(path: Path, spending: Spending) -> Iterator[SourceFile | Skipped]:
    """The source files of an archive, sorted by name.

    Raises:
        UsageError: The archive is broken from its start, or compressed but no tar.
        BoundReachedError: A bound on members, files or bytes.
    """
    kind = _kind(path)
    try:
        if kind == "zip":
            yield from _zip_sources(path, spending)
        else:
            yield from _tar_sources(path, kind or "tar", spending)
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UsageError(
            f"the archive cannot be read: {reason}",
            where=path.name,
            hint="zip, whl, tar, tar.gz, tar.bz2 and tar.xz are read",
        ) from error


def _refusal(name: str, seen: set[str]) -> str | None:
    """Why a member is not read; its name is checked although nothing is extracted, since it is shown and compared."""
    if not name or len(name) > 1_000 or _UNSAFE.search(name):
        return "unsafe name"
    return "a second member of this name" if name in seen else None


# --- zip ---


def _zip_sources(path: Path, spending: Spending) -> Iterator[SourceFile | Skipped]:
    if _directory_bytes(path) > _DIRECTORY_BYTES:
        raise BoundReachedError(f"bound of {_DIRECTORY_BYTES:,} bytes of zip directory")
    seen: set[str] = set()
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.infolist(), key=lambda member: member.filename):
            spending.entry()
            if member.is_dir() or not is_source_name(member.filename):
                continue
            reason = _refusal(member.filename, seen)
            seen.add(member.filename)
            yield Skipped(member.filename, reason) if reason else _zip_member(archive, member, spending)


def _directory_bytes(path: Path) -> int:
    """Size of a zip's central directory as its end says, so that a huge one is refused before it is read."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 65_600))
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) < end + 22:
            raise zipfile.BadZipFile("no end of a zip")
        locator = tail[end - 20 : end] if end >= 20 else b""
        if locator[:4] != b"PK\x06\x07":
            return int(struct.unpack_from("<I", tail, end + 12)[0])
        file.seek(struct.unpack_from("<Q", locator, 8)[0])
        return int(struct.unpack("<Q", file.read(56)[40:48])[0])


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, spending: Spending) -> SourceFile | Skipped:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile unpacks the others whole
        return Skipped(member.filename, "compressed by a method that cannot be unpacked piece by piece")
    try:
        with archive.open(member) as file:
            data = file.read(spending.bounds.file_bytes + 1)
    except (RuntimeError, NotImplementedError, *_BROKEN) as error:  # encrypted, unknown method, damaged
        return Skipped(member.filename, f"cannot be read: {' '.join(str(error).split())[:200]}")
    return _member(data, member.filename, spending)


def _member(data: bytes, name: str, spending: Spending) -> SourceFile | Skipped:
    if len(data) > spending.bounds.file_bytes:
        return Skipped(name, too_large(spending.bounds.file_bytes))
    spending.file(len(data))
    return decode(data, name)


# --- tar ---


class _BoundedReader(io.RawIOBase):
    """A stream that ends the search when more comes out of the compression than is allowed."""

    def __init__(self, stream: IO[bytes], spending: Spending) -> None:
        super().__init__()
        self._stream, self._spending, self._left = stream, spending, spending.bounds.archive_bytes

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes."""
        if size < 0 or size > self._left:
            raise BoundReachedError(f"bound of {self._spending.bounds.archive_bytes:,} bytes in an archive")
        self._spending.clock()
        data = self._stream.read(size)
        self._left -= len(data)
        return data


def _tar_sources(path: Path, kind: str, spending: Spending) -> Iterator[SourceFile | Skipped]:
    """Members sorted by name, which needs all of them at once: a tar is read front to back only once."""
    found: dict[str, SourceFile | Skipped] = {}
    cut: BoundReachedError | None = None
    try:
        for name, item in _tar_members(path, kind, spending):
            found[name] = item  # noqa: PERF403  # what came before an error is kept
    except BoundReachedError as error:
        cut = error
    except _BROKEN as error:
        if not found:
            raise
        found["￿"] = Skipped(path.name, f"the archive breaks off: {' '.join(str(error).split())[:200]}")
    yield from (found[name] for name in sorted(found))
    if cut:
        raise cut


def _tar_members(path: Path, kind: str, spending: Spending) -> Iterator[tuple[str, SourceFile | Skipped]]:
    with path.open("rb") as raw:
        reader = _BoundedReader(_decompressed(raw, kind), spending)
        with tarfile.open(fileobj=reader, mode="r|", errorlevel=1, encoding="utf-8", errors="replace") as archive:
            seen: set[str] = set()
            for member in archive:
                spending.entry()
                archive.members.clear()  # type: ignore[attr-defined]  # a stream keeps all its headers otherwise
                if not is_source_name(member.name) or member.isdir():
                    continue
                name = member.name.removeprefix("./")
                yield _tar_key(name, seen), _tar_member(archive, member, name, seen, spending)
                seen.add(name)


def _tar_key(name: str, seen: set[str]) -> str:
    return f"{name}\0{len(seen)}" if name in seen else name


def _tar_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, seen: set[str], spending: Spending
) -> SourceFile | Skipped:
    if (reason := _refusal(name, seen)) is not None:
        return Skipped(name, reason)
    if not member.isreg():
        return Skipped(
            name, "a link, which is not followed" if member.islnk() or member.issym() else "not a regular file"
        )
    if member.size > spending.bounds.file_bytes:
        return Skipped(name, too_large(spending.bounds.file_bytes))
    file = archive.extractfile(member)
    return _member(file.read() if file else b"", name, spending)


def _decompressed(raw: IO[bytes], kind: str) -> IO[bytes]:
    if kind == "gzip":
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if kind == "bzip2":
        return bz2.BZ2File(raw)
    return lzma.LZMAFile(raw) if kind == "xz" else raw
