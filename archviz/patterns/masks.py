"""The mask that an attention module's scores went through: read off its softmax or attention op, never off a name."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import canonical
from archviz.patterns.trace import Trace
from archviz.records import record, replace
from archviz.spans import Span

_USERS = ("softmax", "scaled_dot_product_attention", "multi_head_attention_forward")


@record(frozen=True)
class Mask:
    """What a query may see.

    Args:
        kind: `causal`, `sliding`, `chunked`, `bidirectional` (a mask that hides nothing but padding), `regions` (places with other marks
            are hidden, as where an image was shifted round its edge), `windows` (pieces of the sequence attend apart) or `none`.
        window: Keys that a query sees, itself included; with `both_ways` how far it looks to each side; the size of a chunk or piece, also
            of the pieces that regions lie in.
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
    def widening(self) -> str:
        """What the data adds to it, in words that follow its kind."""
        return ", and blocks of the data" if self.widened else ""

    @property
    def span(self) -> str:
        """`full`, `sliding`, `chunked` or `windowed`."""
        if self.kind == "regions" and self.window is not None:
            return "windowed"
        return {"sliding": "sliding", "chunked": "chunked", "windows": "windowed"}.get(self.kind, "full")


def find_mask(module: ModuleRecord, trace: Trace) -> Mask | None:
    """The mask of a module's own scores, else of those inside it; None when it was not run or not understood."""
    call = trace.call(module.path)
    if call is None:
        return None
    own = [e for e in trace.own(call) if _uses(e)]
    found = next(iter(own), None) or next((e for e in trace.inside(call) if _uses(e)), None)
    if found is None:
        return None
    hides = found.options["mask"] not in ("none", "bidirectional")
    if found.options["mask"] in ("none", "bidirectional", "regions") and (apart := _apart(trace, call)) is not None:
        kind = "regions" if found.options["mask"] == "regions" else "windows"
        return replace(_mask(found), kind=kind, window=apart)
    piece = None if hides else _piece(call, own) or _window(call, own)
    return _mask(found) if piece is None else replace(_mask(found), kind="windows", window=piece)


def _piece(call: Event, uses: Sequence[Event]) -> int | None:
    """The longest of the pieces in which the tokens of a call attend, each apart; None where they attend all together."""
    shape = call.inputs[0].shape if call.inputs else None
    tokens = shape[-2] if shape and len(shape) > 1 else None
    pieces = [_queries_and_keys(event) for event in uses]
    if len(pieces) < 2 or tokens is None or any(queries != keys for queries, keys in pieces):
        return None
    lengths = [keys or 0 for _, keys in pieces]
    return max(lengths) if sum(lengths) == tokens else None


def _apart(trace: Trace, call: Event) -> int | None:
    """The tokens that attend to each other where the layer hands its attention more sequences of fewer tokens than it was given itself.

    They hold all tokens, and those that fill up the last ones (Swin, SAM).
    """
    shape = call.inputs[0].shape if call.inputs else None
    above = trace.parent(call) if shape and len(shape) > 2 and None not in shape else None
    while above is not None and (above.kind != "call" or not above.inputs or above.inputs[0].shape == shape):
        above = trace.parent(above) if not _is_layer(above) else None
    whole = above.inputs[0].shape if above is not None else None
    if not shape or not whole or len(whole) < 3 or None in whole or whole[-1] != shape[-1] or whole[0] != 1:
        return None
    tokens, given = (prod(size or 0 for size in each[1:-1]) for each in (shape, whole))
    pieces = shape[0] or 0
    left_out = given - pieces * tokens  # such as a class token: fewer than a piece holds
    return tokens if pieces > 1 and tokens < given and left_out < tokens else None


def _is_layer(call: Event) -> bool:
    """One of several that are numbered."""
    return call.kind == "call" and call.module.rpartition(".")[2].isdigit()


def _window(call: Event, uses: Sequence[Event]) -> int | None:
    """The keys that a query sees where scores have an axis of windows beside batch and heads; None where they have none.

    Windows hold all tokens: as many windows of as many keys as a call is handed (Hiera).
    """
    shape = call.inputs[0].shape if call.inputs else None
    scores = uses[0].inputs[0].shape if len(uses) == 1 and uses[0].inputs else None
    if not shape or len(shape) != 3 or not scores or len(scores) != 5 or canonical(uses[0].name) != "softmax":
        return None
    tokens, keys = shape[1], scores[-1]
    apart = tokens is not None and keys is not None and keys < tokens
    return keys if apart and tokens in [(axis or 0) * (keys or 0) for axis in scores[1:3]] else None


def _queries_and_keys(event: Event) -> tuple[int | None, int | None]:
    """How many queries and keys a softmax or an attention op has."""
    shapes = [value.shape if value.shape and len(value.shape) > 1 else (None, None) for value in event.inputs[:2]]
    if canonical(event.name) == "softmax":
        return shapes[0][-2], shapes[0][-1]
    return shapes[0][-2], shapes[-1][-2]


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
