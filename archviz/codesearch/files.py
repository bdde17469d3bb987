"""From a path to source texts: one file, a folder, or an archive, in a fixed order and within bounds."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archviz.codesearch.archives import archive_sources, is_archive
from archviz.codesearch.bounds import Spending
from archviz.codesearch.result import Skipped
from archviz.codesearch.sourcetext import SourceFile, decode, is_source_name, too_large
from archviz.errors import UsageError

_LEFT_OUT = frozenset({"__pycache__", "node_modules"})  # and folders whose name begins with a dot


def sources(path: Path, spending: Spending) -> Iterator[SourceFile | Skipped]:
    """The source files at a path.

    Args:
        path: A file, a folder or an archive; a symlink given here is the caller's own wish and is followed.
        spending: What the search may still cost.

    Raises:
        UsageError: There is nothing of this name, or it is neither file nor folder.
        BoundReachedError: A bound on entries, files or bytes.
    """
    try:
        path = path.resolve(strict=True)
        mode = path.stat().st_mode
    except (OSError, RuntimeError, ValueError) as error:
        absent = isinstance(error, FileNotFoundError | NotADirectoryError | ValueError)
        reason = "no such file or folder" if absent else f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(
            reason, where=str(path)[:300], hint="give a Python file, a folder, or an archive (zip, whl, tar.gz)"
        ) from None
    if stat.S_ISDIR(mode):
        yield from _folder_sources(path, spending)
    elif not stat.S_ISREG(mode):
        raise UsageError("neither a file nor a folder", where=str(path))
    elif is_archive(path):
        yield from archive_sources(path, spending)
    else:
        yield _read(path, path.name, spending)


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    name: str  # below the folder that is searched


def _folder_sources(root: Path, spending: Spending) -> Iterator[SourceFile | Skipped]:
    """Files of a folder and the folders below it, sorted by name in each."""
    waiting = [_Entry(root, "")]
    while waiting:
        entry = waiting.pop()
        if entry.path.is_symlink():
            yield from _linked(entry, root, spending)
        elif entry.path.is_dir():
            try:
                names = sorted(_names(entry.path, spending), reverse=True)
            except OSError as error:
                yield Skipped(entry.name or ".", f"cannot be read: {error.strerror}")
                continue
            waiting += [_Entry(entry.path / name, f"{entry.name}/{name}".lstrip("/")) for name in names]
        elif is_source_name(entry.name):
            yield _read(entry.path, entry.name, spending)


def _names(folder: Path, spending: Spending) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            spending.entry()
            hidden = entry.name in _LEFT_OUT or entry.name.startswith(".")
            if not (hidden and entry.is_dir(follow_symlinks=False)):
                yield entry.name


def _linked(entry: _Entry, root: Path, spending: Spending) -> Iterator[SourceFile | Skipped]:
    """A symlink: followed only to a file of the same folder that is not found there under its own name."""
    try:
        target = entry.path.resolve(strict=True)
    except (OSError, RuntimeError):
        target = None
    source = is_source_name(entry.name)
    if target is None:
        if source:
            yield Skipped(entry.name, "a symlink that leads nowhere")
    elif not target.is_relative_to(root):
        if source or target.is_dir():
            yield Skipped(entry.name, "a symlink that leads out of the folder; give its target to search it")
    elif source and target.is_file() and not is_source_name(target.name):
        yield _read(target, entry.name, spending)


def _read(path: Path, name: str, spending: Spending) -> SourceFile | Skipped:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Skipped(name, "not a regular file")
        if status.st_size > spending.bounds.file_bytes:
            return Skipped(name, too_large(spending.bounds.file_bytes))
        with path.open("rb") as file:
            data = file.read(spending.bounds.file_bytes + 1)
    except OSError as error:
        return Skipped(name, f"cannot be read: {error.strerror}")
    if len(data) > spending.bounds.file_bytes:
        return Skipped(name, too_large(spending.bounds.file_bytes))
    spending.file(len(data))
    return decode(data, name)
