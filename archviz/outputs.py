"""Writing what was asked for: a regular file whole or not at all, an open stream as it is, nothing else."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from archviz.errors import UsageError

_STREAM = re.compile(r"/dev/(stdout|stderr)|(/dev|/proc/self)/fd/\d{1,4}")
"""Names under which a shell gives a stream of the process: standard output, a process substitution."""


def check_output(path: Path) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Raises:
        UsageError: Its folder does not exist, it is a folder itself, or a device, a pipe or a socket.
    """
    if not path.parent.exists():
        hint = f"make it first: mkdir -p {path.parent}"
        raise UsageError(f"the folder {str(path.parent)!r} does not exist", where=str(path), hint=hint)
    if not path.parent.is_dir():
        raise UsageError(f"{str(path.parent)!r} is a file, not a folder", where=str(path), hint="choose another output")
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder", where=str(path), hint="give a file name")
    if _STREAM.fullmatch(str(path)) is None:
        _end_of(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file; see `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: by a name of its own beside it, which takes its place. A link stays, its end is written.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        if _STREAM.fullmatch(str(path)) is not None:
            with path.open("wb") as stream:
                stream.write(data)
            return
        _replace(_end_of(path), data)
    except OSError as error:
        raise UsageError(f"the file cannot be written: {error.strerror}", where=str(path)) from None


def _replace(end: Path, data: bytes) -> None:
    partial = end.with_name(f".{end.name[:200]}.{os.getpid()}.{os.urandom(4).hex()}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
        with suppress(FileNotFoundError):
            partial.chmod(stat.S_IMODE(end.stat().st_mode))
        partial.replace(end)
    finally:
        partial.unlink(missing_ok=True)


def _end_of(path: Path) -> Path:
    """Where links lead: a regular file, or a name that is free.

    Raises:
        UsageError: It is something else, or the links lead nowhere.
    """
    try:
        end = path.resolve()
        mode = end.stat().st_mode if end.exists() else stat.S_IFREG
    except (OSError, RuntimeError):  # links in a circle
        raise UsageError("the links lead nowhere", where=str(path), hint="choose another output") from None
    if not stat.S_ISREG(mode):
        raise UsageError(
            f"{str(path)!r} is a device, a pipe or a socket, not a file", where=str(path),
            hint="/dev/stdout and the shell's >(command) can be written, else give a file name",
        )  # fmt: skip
    return end
