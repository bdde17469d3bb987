"""The output root: the one folder that the service writes, and reads files back from."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archviz.errors import UsageError
from archviz.formats import FORMATS, Format
from archviz.late_patterns import late_pattern

ENVIRONMENT = "ARCHVIZ_OUTPUT"
URI = "archviz://files/"
MIME_TYPES: dict[Format, str] = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "tex": "application/x-tex",
    "html": "text/html",
    "dot": "text/vnd.graphviz",
}
_NAME = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")


class OutputRoot:
    """The folder for files, made when the first is written.

    Args:
        folder: Where; by default `ARCHVIZ_OUTPUT` of the environment, else a new temporary folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        given = folder or os.environ.get(ENVIRONMENT)
        self._folder = Path(given).expanduser() if given else None

    @property
    def folder(self) -> Path:
        """The folder, which exists now.

        Raises:
            UsageError: It cannot be made.
        """
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="archviz-"))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"the output folder cannot be made: {error.strerror}",
                where=str(self._folder),
                hint=f"start the server with {ENVIRONMENT} naming a folder that it may write",
            ) from error
        return self._folder.resolve()

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A fresh folder inside the root, gone afterwards: what fails half-way leaves nothing behind."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".draw-") as folder:
            yield Path(folder)

    def publish(self, staged: Iterable[Path]) -> list[Path]:
        """Move staged files into the root under their own names.

        Replacing a name never follows a link, so nothing outside the root is written even where one was planted.
        """
        published = []
        for file in staged:
            target = self.folder / _checked(file.name)
            file.replace(target)
            published.append(target)
        return published

    def read(self, name: str) -> bytes:
        """A file of the root by its name.

        Raises:
            UsageError: The name is no name of a file here.
        """
        path = self.folder / _checked(name)
        if path.is_symlink() or not path.is_file():
            raise UsageError(
                f"there is no file {name[:80]!r} here", hint="draw_architecture answers the links of its files"
            )
        return path.read_bytes()


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name:
        raise UsageError(f"not the name of a drawn file: {name[:80]!a}")
    return name


def file_stem(name: str, key: str) -> str:
    """A file name that says what was drawn, safe whatever the name, and different for different requests.

    >>> file_stem("Qwen3.5-397B-A17B", "1f0c9a2b")
    'Qwen3.5-397B-A17B-1f0c9a2b'
    """
    words = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", name)).strip("-._")[:80]
    return f"{words or 'architecture'}-{key}"


def format_of(path: Path) -> Format | None:
    """The format of a file, by its suffix."""
    return next((known for known in FORMATS if path.suffix == f".{known}"), None)
