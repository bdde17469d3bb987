"""The mask that an attention module's scores went through: read off its softmax or attention op, never off a name."""

from __future__ import annotations

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import canonical
from archviz.patterns.trace import Trace
from archviz.records import record
from archviz.spans import Span

_USERS = ("softmax", "scaled_dot_product_attention")


@record(frozen=True)
class Mask:
    """What a query may see.

    Args:
        kind: `causal`, `sliding`, `chunked`, `bidirectional` (a mask that hides nothing but padding) or `none`.
        window: Keys that a query sees, itself included; with `both_ways` how far it looks to each side; the size of a chunk.
        both_ways: The window looks ahead as well.
        widened: Data adds to it: blocks of image tokens that see each other.
        made_at: The line of the model that makes the mask; None where there is none.
        used_at: The line that uses it.
    """

    kind: str
    window: int | None = None
    both_ways: bool = False
    widened: bool = False
    made_at: Span | None = None
    used_at: Span | None = None

    @property
    def causal(self) -> bool:
        """Whether it hides what comes later."""
        return self.kind in ("causal", "chunked") or (self.kind == "sliding" and not self.both_ways)

    @property
    def span(self) -> str:
        """`full`, `sliding` or `chunked`."""
        return self.kind if self.kind in ("sliding", "chunked") else "full"


def find_mask(module: ModuleRecord, trace: Trace) -> Mask | None:
    """The mask of a module's own scores, else of those inside it; None when it was not run or not understood."""
    call = trace.call(module.path)
    if call is None:
        return None
    found = next((e for e in trace.own(call) if _uses(e)), None) or next(
        (e for e in trace.inside(call) if _uses(e)), None
    )
    return None if found is None else _mask(found)


def _uses(event: Event) -> bool:
    return "mask" in event.options and canonical(event.name) in _USERS


def _mask(event: Event) -> Mask:
    options = event.options
    window, made_at = options.get("mask_window"), options.get("mask_at")
    return Mask(
        kind=str(options["mask"]),
        window=window if isinstance(window, int) else None,
        both_ways=options.get("mask_both_ways") is True,
        widened=options.get("mask_widened") is True,
        made_at=made_at if isinstance(made_at, Span) else None,
        used_at=event.at,
    )
