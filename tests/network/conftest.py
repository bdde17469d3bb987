"""A session whose clock is simulated and whose way out is a function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from archviz.network.cache import Cache
from archviz.network.session import Session, Time
from archviz.network.waits import Paces, Silence
from archviz.settings import Settings


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []

    def time(self) -> Time:
        return Time(now=lambda: self.now, monotonic=lambda: self.now, sleep=self.sleep, jitter=lambda: 1.0)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Session]:
    """Makes a session over a handler; sessions of one test share cache, clock and paces, as commands of one user do."""
    tokens, addresses = ("HF_TOKEN", "GITHUB_TOKEN"), ("GITHUB_API_URL", "ARCHVIZ_ARXIV_URL", "ARCHVIZ_GITHUB_RAW_URL")
    for name in (*tokens, *addresses, "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    paces, silence = Paces(), Silence()

    def make(handler: Callable[[httpx2.Request], httpx2.Response], **changes: Any) -> Session:
        cache = changes.pop("cache", None) or Cache(tmp_path / "cache")
        base = httpx2.MockTransport(handler)
        return Session(Settings(**changes), cache=cache, time=clock.time(), base=base, paces=paces, silence=silence)

    return make
