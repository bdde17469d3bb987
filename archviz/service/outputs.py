"""The output root: the one folder that the service writes, and reads files back from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from archviz.errors import UsageError
from archviz.late_patterns import late_pattern
from archviz.service.desk import BusyError

ENVIRONMENT = "ARCHVIZ_OUTPUT"
URI = "archviz://files/"
MIME_TYPES: dict[str, str] = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "tex": "application/x-tex",
    "html": "text/html",
    "dot": "text/vnd.graphviz",
    "md": "text/markdown",
    "json": "application/json",
}
BINARY = frozenset({"png", "pdf"})
MOST_BYTES = 1_000_000_000
"""Size of one client's folder; beyond it the oldest files go."""

MOST_CLIENTS = 500
IDLE_SECONDS = 3_600.0
"""A client's folder that was neither written nor read for so long may go where there are too many; no other one does."""

_CLIENT = late_pattern(r"client-[0-9a-f]{24}")
_NAME = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")
_MOST_PARTS = 3  # FOLDER/gaps/NAME.md


class OutputError(UsageError):
    """The output folder cannot be made or written: nothing in a call is wrong."""

    code = "output"


class OutputRoot:
    """The folder for files, made when the first is written.

    Args:
        folder: Where; by default `ARCHVIZ_OUTPUT` of the environment, else a new temporary folder.
        most_bytes: Beyond this size the oldest files go; None for a folder that may hold files of others.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int | None = None) -> None:
        self.most_bytes = most_bytes
        given = folder or os.environ.get(ENVIRONMENT)
        self._folder = Path(given).expanduser() if given else None
        self._lock = Lock()  # tools run in threads
        self._naming = Lock()
        self._in_use: Counter[str] = Counter()

    @property
    def folder(self) -> Path:
        """The folder, which exists now.

        Raises:
            OutputError: It cannot be made.
        """
        with self._naming:  # two first calls make one
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="archviz-"))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the output folder cannot be made: {error.strerror}",
                where=str(self._folder),
                hint=f"start the server with --output or {ENVIRONMENT} naming a folder that it may write",
            ) from error
        return self._folder.resolve()

    @property
    def present(self) -> Path | None:
        """The folder where it exists already: reading makes none."""
        return self._folder.resolve() if self._folder is not None and self._folder.is_dir() else None

    def check(self) -> None:
        """Refuse a folder that was named and cannot be written, before anything is served.

        Raises:
            OutputError: It cannot be made, or no file can be made in it.
        """
        if self._folder is None:
            return
        try:
            with self.staging():
                pass
        except OSError as error:
            raise OutputError(
                f"the output folder cannot be written: {error.strerror}",
                where=str(self._folder),
                hint=f"name a folder that the server may write with --output or {ENVIRONMENT}",
            ) from error

    def of_client(self, key: str) -> ClientRoot:
        """The folder of one client inside this one, made when it first writes; the key is not readable from its name."""
        return ClientRoot(self, f"client-{hashlib.sha256(key.encode()).hexdigest()[:24]}")

    @contextmanager
    def at_work(self, name: str) -> Iterator[None]:
        """Meanwhile the folder of that client is in use, so that it does not go."""
        with self._lock:
            self._in_use[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use[name] -= 1

    def make_client(self, name: str) -> Path:
        """The folder of a client, which exists now and counts as just used; where there are too many, idle ones go first.

        Raises:
            BusyError: There are too many, and none is idle.
            OutputError: It is a link.
        """
        place = self.folder / name
        _refuse_link(place)
        with self._lock:
            if not place.is_dir():
                self._make_room()
                place.mkdir(exist_ok=True)
            os.utime(place)
        return place

    def _make_room(self) -> None:
        known = [
            path for path in self.folder.glob("client-*") if _CLIENT.fullmatch(path.name) and not path.is_symlink()
        ]
        excess = len(known) + 1 - MOST_CLIENTS
        idle = sorted((used, path) for path in known if (used := self._idle_since(path)) is not None)
        for _, path in idle[: max(0, excess)]:
            shutil.rmtree(path, ignore_errors=True)
        if excess > len(idle):
            raise BusyError(f"files of {len(known)} clients are kept and in use", hint="call again in some minutes")

    def _idle_since(self, place: Path) -> float | None:
        """When a client's folder was last used; None where that is now or not long ago."""
        with suppress(OSError):  # another process was first
            used = place.stat().st_mtime
            if not self._in_use[place.name] and time.time() - used > IDLE_SECONDS:
                return used
        return None

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A fresh folder inside the root, gone afterwards: what fails half-way leaves nothing behind."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".draw-") as folder:
            yield Path(folder)

    def publish(self, staged: Iterable[Path], below: Path) -> list[Path]:
        """Move staged files into the root under the names that they have below the staging folder.

        Replacing a name never follows a link, so nothing outside the root is written even where one was planted.
        """
        published = []
        for file in staged:
            target = self._target(file.relative_to(below).as_posix())
            file.replace(target)
            published.append(target)
        if self.most_bytes is not None:
            self._keep_small(published, self.most_bytes)
        return published

    def _target(self, name: str) -> Path:
        folder, parts = self.folder, _checked(name)
        for part in parts[:-1]:
            folder /= part
            _refuse_link(folder)
            folder.mkdir(exist_ok=True)
        return folder / parts[-1]

    def _keep_small(self, newest: list[Path], most: int) -> None:
        """Let the oldest files go where there is too much."""
        sized = list(self._published())
        total = sum(stat.st_size for _, stat in sized)
        for path, stat in sorted(sized, key=lambda row: row[1].st_mtime):
            if total <= most:
                return
            if path not in newest:
                path.unlink(missing_ok=True)
                total -= stat.st_size

    def _published(self) -> Iterator[tuple[Path, os.stat_result]]:
        """The files that were published, whatever other calls write and tidy meanwhile."""
        for folder, folders, names in os.walk(self.folder):  # passes by what vanishes
            folders[:] = [name for name in folders if not name.startswith(".")]
            for path in (Path(folder, name) for name in names):
                with suppress(OSError):
                    if not path.is_symlink():
                        yield path, path.stat()

    def name_of(self, path: Path) -> str:
        """A published file as its address names it."""
        return path.relative_to(self.folder).as_posix()

    def read(self, name: str) -> bytes:
        """A file of the root by its name.

        Raises:
            UsageError: The name is no name of a file here.
        """
        parts, here = _checked(name), self.present
        path = here.joinpath(*parts) if here is not None else None
        linked = here is None or any(here.joinpath(*parts[:count]).is_symlink() for count in range(1, len(parts) + 1))
        if linked or path is None or not path.is_file():
            raise UsageError(f"there is no file {name[:80]!r} here", hint="tools that write files answer links to them")
        return path.read_bytes()


class ClientRoot(OutputRoot):
    """The folder of one client.

    Args:
        root: The folder that it stands in.
        name: Its name there.
    """

    def __init__(self, root: OutputRoot, name: str) -> None:
        super().__init__(Path(name), MOST_BYTES)
        self.root, self.name = root, name

    @property
    def folder(self) -> Path:
        """See `OutputRoot.folder`."""
        return self.root.make_client(self.name)

    @property
    def present(self) -> Path | None:
        """See `OutputRoot.present`; it counts as used."""
        parent = self.root.present
        place = parent / self.name if parent is not None else None
        if place is None or place.is_symlink() or not place.is_dir():
            return None
        with suppress(OSError):
            os.utime(place)
        return place

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """See `OutputRoot.staging`."""
        with self.root.at_work(self.name), super().staging() as folder:
            yield folder

    def read(self, name: str) -> bytes:
        """See `OutputRoot.read`."""
        with self.root.at_work(self.name):
            return super().read(name)


@contextmanager
def scratch() -> Iterator[Path]:
    """A fresh folder outside of the root, gone afterwards, for what is only answered."""
    with tempfile.TemporaryDirectory(prefix=".draw-") as folder:
        yield Path(folder)


def _refuse_link(folder: Path) -> None:
    """Refuse a link in place of a folder of the root.

    Raises:
        OutputError: Somebody put one there.
    """
    if folder.is_symlink():
        raise OutputError(f"{folder.name} leads out of the output folder", hint="remove the link")


def _checked(name: str) -> list[str]:
    parts = name.split("/")
    if len(parts) > _MOST_PARTS or not all(_NAME.fullmatch(part) and ".." not in part for part in parts):
        raise UsageError(f"not the name of a written file: {name[:80]!a}")
    return parts


def request_key(*request: object) -> str:
    """A short word that is different for different requests."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:8]


def file_stem(name: str, key: str) -> str:
    """A file name that says what was drawn, safe whatever the name, and different for different requests.

    >>> file_stem("Qwen3.5-397B-A17B", "1f0c9a2b")
    'Qwen3.5-397B-A17B-1f0c9a2b'
    """
    words = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", name)).strip("-._")[:80]
    return f"{words or 'architecture'}-{key}"
