"""Where files may be written."""

from __future__ import annotations

from pathlib import Path

from archviz.errors import UsageError


def check_output(path: Path) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Raises:
        UsageError: Its folder does not exist, or it is a folder itself.
    """
    if not path.parent.exists():
        hint = f"make it first: mkdir -p {path.parent}"
        raise UsageError(f"the folder {str(path.parent)!r} does not exist", where=str(path), hint=hint)
    if not path.parent.is_dir():
        raise UsageError(f"{str(path.parent)!r} is a file, not a folder", where=str(path), hint="choose another output")
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder", where=str(path), hint="give a file name")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        UsageError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(f"the file cannot be written: {error.strerror}", where=str(path)) from None
