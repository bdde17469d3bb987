"""Stdin and stdout: one client; a process that is asked to end answers its calls first, as one over HTTP does."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio

from archviz.errors import UsageError
from archviz.service.desk import GRACE_SECONDS, LAST_SECONDS
from archviz.service.outputs import OutputRoot
from archviz.service.reach import Reach
from archviz.service.server import Server, build_server, prepare_process
from archviz.service.unread import serve_stdio
from archviz.settings import Settings

_AT_ONCE = 65_536  # bytes
_LAST_WORD = 0.2  # seconds in which answers that are made go out


def run_stdio(settings: Settings, outputs: OutputRoot | None = None, *, reach: Reach | None = None) -> None:
    """Serve on stdin and stdout until stdin ends or the process is asked to end; a signal then takes its usual effect.

    Raises:
        UsageError: Stdin is closed.
    """
    prepare_process()
    server = build_server(settings, outputs, reach=reach)
    if sys.platform == "win32":  # which has no such signals
        anyio.run(serve_stdio, server)
        return
    try:
        given = _Input()
    except OSError:
        raise UsageError(
            "there is no stdin to serve on", hint="a client starts it; over HTTP: --http 127.0.0.1:8765"
        ) from None
    asked = anyio.run(_serve, server, given)
    if asked is not None:
        signal.raise_signal(asked)


async def _serve(server: Server, given: _Input) -> signal.Signals | None:
    """Serve; returns the signal that ended it."""
    asked: list[signal.Signals] = []
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as group:
            group.start_soon(_end_when_asked, signals, server, given, asked)
            await serve_stdio(server)
            group.cancel_scope.cancel()
    return asked[0] if asked else None


async def _end_when_asked(
    signals: AsyncIterator[signal.Signals], server: Server, given: _Input, asked: list[signal.Signals]
) -> None:
    """At the first signal finish the calls, then end the input; at the second end it at once."""
    async with anyio.create_task_group() as group:
        async for each in signals:
            asked.append(each)
            if len(asked) > 1:
                break
            group.start_soon(_finish, server, given)
        group.cancel_scope.cancel()
    server.desk.close()
    given.end()


async def _finish(server: Server, given: _Input) -> None:
    end = time.monotonic() + GRACE_SECONDS
    await server.desk.finish(end - LAST_SECONDS)
    await anyio.sleep(_LAST_WORD)
    given.end()


class _Input:
    """What the client sends, passed on through a pipe whose end can come earlier than the client's: nothing else ends a thread that reads."""

    def __init__(self) -> None:
        self._from_client = os.dup(0)
        reading, self._writing = os.pipe()
        os.dup2(reading, 0)
        os.close(reading)
        threading.Thread(target=self._pass_on, daemon=True, name="stdin").start()

    def _pass_on(self) -> None:
        with suppress(OSError):  # nobody reads any more
            while data := os.read(self._from_client, _AT_ONCE):
                while data:
                    data = data[os.write(self._writing, data) :]
        self.end()

    def end(self) -> None:
        """Let the server see the end of its input; what comes later goes nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._writing)  # its number stays taken, for the thread may be about to write
        os.close(nowhere)
