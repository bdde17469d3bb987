"""Which files of this machine a client may have read: all of them over stdio, those of named folders over HTTP.

A client that starts the server over stdio is the user of this machine. One over HTTP is not: it names models, and only paths
inside of the folders that whoever started the server has named.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archviz.errors import UsageError
from archviz.records import record


@record(frozen=True)
class Reach:
    """The folders that are read.

    Args:
        folders: Each with all that is below it; None for every path.
    """

    folders: tuple[Path, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every path is read, so that what stands at one may be told."""
        return self.folders is None

    def check_model(self, model: str, argument: str = "model") -> None:
        """Refuse a MODEL that is a path outside.

        Args:
            argument: What states it; the error names it, for a path says nothing to a client of another machine.

        Raises:
            UsageError: It is a path outside, or no name at all.
        """
        from archviz.lookup.names import classify

        if self.folders is None:
            return
        if model.strip().endswith((".py", ".safetensors")) or classify(model).kind == "path":
            self.check_path(model, argument)

    def check_path(self, path: str, argument: str) -> None:
        """Refuse a path outside; links are followed first, so none leads out.

        Args:
            argument: See `check_model`.

        Raises:
            UsageError: Whatever stands there: whether there is something is not told.
        """
        if self.folders is None:
            return
        try:
            place, bases = Path(path).expanduser().resolve(), [folder.resolve() for folder in self.folders]
            inside = _is_inside(place, bases)
            leads_out = inside and not all(_is_inside(link, bases) for link in _links_of(place))
        except (OSError, RuntimeError, ValueError):
            inside = leads_out = False
        if leads_out:
            raise UsageError(
                "the folder holds links that lead out of what this server reads",
                where=argument,
                hint="have the server started with --read FOLDER for where they lead, or name a folder without such links",
            )
        if not inside:
            raise UsageError(
                "this server reads no such path of its machine",
                where=argument,
                hint=f"{_INSTEAD.get(argument, _MODEL)}have the server started with --read FOLDER",
            )


_MODEL = "name a published model, or "
_INSTEAD = {"code": "give a GitHub URL, or ", "estimator": ""}
"""Argument that takes a path → what else it takes."""


def _is_inside(place: Path, bases: Sequence[Path]) -> bool:
    return any(place.is_relative_to(base) for base in bases)


def _links_of(place: Path) -> list[Path]:
    """Where the links in a folder lead."""
    return [entry.resolve() for entry in place.iterdir() if entry.is_symlink()] if place.is_dir() else []


def reach_of(folders: Sequence[Path], *, remote: bool) -> Reach:
    """What is read where these folders were named on the command line.

    Raises:
        UsageError: One of them is no folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(
                "no such folder to read models of", where=f"--read {folder}", hint="name an existing folder"
            )
    return Reach(tuple(folders)) if folders or remote else Reach()
