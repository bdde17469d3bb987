"""Who calls: the client's own output folder, and what it may do.  A context variable, so that tools need not hand it on."""

from __future__ import annotations

from contextvars import ContextVar

from archviz.errors import ArchvizError
from archviz.records import record
from archviz.service.outputs import OutputRoot


@record(frozen=True)
class Caller:
    """The client of one call.

    Args:
        outputs: Its folder.
        remote: It is asked over HTTP: paths of this machine say nothing to it.
        shows_apps: It shows the viewer, so results carry what the viewer shows.
    """

    outputs: OutputRoot
    remote: bool = False
    shows_apps: bool = False


CALLER: ContextVar[Caller] = ContextVar("archviz_caller")


def caller() -> Caller:
    """The client of the call that is being answered."""
    try:
        return CALLER.get()
    except LookupError:
        raise ArchvizError("internal fault: a tool was called by nobody") from None
