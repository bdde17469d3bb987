"""Descriptions that are kept, so that the next question about a model does not read it again."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

from archviz.settings import Settings

if TYPE_CHECKING:
    from archviz.architecture.model import Architecture

MOST_KEPT = 12
MOVES_AFTER = 300.0  # seconds: what the network's cache asks again then may have changed


class Kept:
    """One description, and the same as data, made when it is first asked for."""

    def __init__(self, architecture: Architecture, until: float) -> None:
        self.architecture = architecture
        self.until = until
        self._document: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """The whole description as JSON."""
        return json.dumps(self.document, ensure_ascii=False)

    @property
    def document(self) -> dict[str, Any]:
        if self._document is None:
            self._document = self.architecture.as_dict()
        return self._document


class Shelf:
    """Descriptions by model and class, the newest used last.  Folders of this machine are never kept: they change."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._kept: OrderedDict[tuple[str, str | None], Kept] = OrderedDict()
        self._lock = Lock()  # tools run in threads

    def described(self, model: str, class_name: str | None = None) -> Kept:
        """The description of a model, kept or read."""
        key = (model.strip(), class_name)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.until > time.monotonic():
                self._kept.move_to_end(key)
                return kept
        from archviz import pipeline

        architecture = pipeline.describe(model, class_name=class_name, settings=self.settings)
        origin = architecture.identity.origin
        fixed = origin == "transformers" or (origin == "catalog" and self.settings.offline)
        lasts = float("inf") if fixed else MOVES_AFTER  # a catalog that stood in for the Hub shall not do so for ever
        kept = Kept(architecture, time.monotonic() + lasts)
        if origin != "folder":
            self._keep(key, kept)
        return kept

    def architecture(self, model: str) -> Architecture:
        return self.described(model).architecture

    def _keep(self, key: tuple[str, str | None], kept: Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def names(self) -> list[str]:
        """The models that are kept, the newest used first."""
        with self._lock:
            return [model for model, _ in reversed(self._kept)]
