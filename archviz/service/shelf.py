"""Descriptions and what was made of models, kept so that the next question, or the next page, does not read a model again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from archviz.service.bounded import Bounded, weight_of
from archviz.settings import Settings

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture

_T = TypeVar("_T")

MOST_KEPT = 12
MOST_MADE = 16
MOST_BYTES = 100_000_000
"""Size of all that is kept of either kind."""

_AS_DATA = 3  # a description, the same as data and as JSON, weigh so many times as much
MOVES_AFTER = 300.0  # seconds: what the network's cache asks again then may have changed


class Kept:
    """One description, and the same as data, made when it is first asked for."""

    def __init__(self, architecture: Architecture, until: float) -> None:
        self.architecture = architecture
        self.until = until

    @cached_property
    def text(self) -> str:
        """The whole description as JSON."""
        return json.dumps(self.document, ensure_ascii=False)

    @cached_property
    def document(self) -> dict[str, Any]:
        return self.architecture.as_dict()


class Shelf:
    """Descriptions by model and class, and other work by what was asked, bounded in number and size.

    Folders of this machine are never kept: they change. Who asks what another one is having made waits for it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._kept: Bounded[tuple[str, str | None], Kept] = Bounded(MOST_KEPT, MOST_BYTES)
        self._made: Bounded[Hashable, tuple[object, float]] = Bounded(MOST_MADE, MOST_BYTES)
        self._lock = Lock()  # tools run in threads
        self._turns: dict[Hashable, _Turn] = {}

    def described(self, model: str, class_name: str | None = None) -> Kept:
        """The description of a model, kept or read."""
        key = (model.strip(), class_name)
        with self._turn(key):
            return self._at_hand(key) or self._read(key)

    def made(self, kind: str, model: str, asked: tuple[Hashable, ...], make: Callable[[], _T]) -> _T:
        """What was made of a model, for some minutes; made where it is not at hand.

        Args:
            kind: What it is: document, verification, …
            asked: All else that it depends on.
        """
        from archviz.lookup.names import classify

        if classify(model).kind == "path":
            return make()
        key = (kind, model.strip(), *asked)
        with self._turn(key):
            with self._lock:
                value, until = self._made.get(key) or (None, 0.0)
            if until > time.monotonic():
                return cast("_T", value)
            made = make()
            weight = weight_of(made, MOST_BYTES)
            with self._lock:
                self._made.put(key, (made, time.monotonic() + MOVES_AFTER), weight)
            return made

    @contextmanager
    def _turn(self, key: Hashable) -> Iterator[None]:
        """Meanwhile nobody else makes the same."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.wanted += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.wanted -= 1
                if not turn.wanted:
                    del self._turns[key]

    def _at_hand(self, key: tuple[str, str | None]) -> Kept | None:
        with self._lock:
            kept = self._kept.get(key)
        return kept if kept is not None and kept.until > time.monotonic() else None

    def _read(self, key: tuple[str, str | None]) -> Kept:
        from archviz import pipeline

        architecture = pipeline.describe(key[0], class_name=key[1], settings=self.settings)
        origin = architecture.identity.origin
        fixed = origin == "transformers" or (origin == "catalog" and self.settings.offline)
        lasts = float("inf") if fixed else MOVES_AFTER  # a catalog that stood in for the Hub shall not do so for ever
        kept = Kept(architecture, time.monotonic() + lasts)
        if origin != "folder":
            weight = _AS_DATA * weight_of(architecture, MOST_BYTES)
            with self._lock:
                self._kept.put(key, kept, weight)
        return kept

    def names(self) -> list[str]:
        """The models that are kept, the newest used first."""
        with self._lock:
            return [model for model, _ in self._kept.newest_first()]


class _Turn:
    """Who makes something, and how many want it."""

    def __init__(self) -> None:
        self.lock, self.wanted = Lock(), 0
