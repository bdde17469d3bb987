"""Standard output and errors that outlast their reader: `archviz resolve NAME | head -1` ends with the status of what it found."""

from __future__ import annotations

import os
import stat
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any


class _Outlet(FileIO):
    """A pipe; once nobody reads it any more, what is written to it goes nowhere."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return super().write(data)


def outlast_readers() -> None:
    """Let a run go on to its end, and to its exit status, where the reader of its pipe stops early."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or stream is not getattr(sys, f"__{name}__") or not _is_pipe(stream):
            continue
        stream.flush()
        outlet = BufferedWriter(_Outlet(stream.fileno(), "w", closefd=False))
        line_buffering = stream.line_buffering
        setattr(
            sys,
            name,
            TextIOWrapper(
                outlet, stream.encoding, stream.errors, line_buffering=line_buffering, write_through=name == "stderr"
            ),
        )


def _is_pipe(stream: TextIOWrapper) -> bool:
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # closed by the caller, or no file
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
