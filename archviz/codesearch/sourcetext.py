"""One source file: its name, its text, and why some bytes are no text."""

from __future__ import annotations

from dataclasses import dataclass

from archviz.codesearch.result import Skipped


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The text of a file, named by its path below what is searched."""

    name: str
    text: str


def is_source_name(name: str) -> bool:
    """Whether a file of this name is Python."""
    return name.endswith((".py", ".pyi"))


def decode(data: bytes, name: str) -> SourceFile | Skipped:
    """Bytes as text.

    >>> decode(b"x = 1", "a.py")
    SourceFile(name='a.py', text='x = 1')
    >>> decode(b"a\\n\\xff", "a.py")
    Skipped(file='a.py', reason='not UTF-8: byte 0xff', line=2)
    """
    if (zero := data.find(b"\0")) >= 0:
        return Skipped(name, "binary: it holds a zero byte", data.count(b"\n", 0, zero) + 1)
    try:
        return SourceFile(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Skipped(name, f"not UTF-8: byte 0x{error.object[error.start]:02x}", line)


def too_large(bound: int) -> str:
    """Why a file is not read.

    >>> too_large(5_000)
    'larger than the bound of 5,000 bytes'
    """
    return f"larger than the bound of {bound:,} bytes"
