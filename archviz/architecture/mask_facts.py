"""What the queries of each kind of layer may see, in a word, with the lines that make and use the mask."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.context import code
from archviz.architecture.fact_sheet import FactSheet, OfKind
from archviz.architecture.model import Evidence
from archviz.architecture.naming import Kind
from archviz.interpreter.reading import Event
from archviz.patterns.attention import Attention
from archviz.patterns.masks import Mask

FURTHER = "further keys by a bias of their own"
_UNHIDDEN = "create_bidirectional_mask"
"""What makes a mask that hides nothing but padding; a pass without padding has none."""


def mask_values(sheet: FactSheet, found: list[tuple[Kind, Attention]]) -> list[OfKind]:
    """The mask of each kind; nothing where one of them was not understood."""
    values = []
    for kind, what in found:
        told = _plain(sheet, kind, what.mask) if what.mask else _joined(sheet, kind, what, found)
        if told is None:
            return []
        values.append(OfKind(kind, told[0], kind.mixer_kind or kind.id, told[1]))
    return values


def _path(kind: Kind, what: Attention) -> str:
    return next(part.paths[0] for part in kind.parts.mixers if part.what is what)


def _plain(sheet: FactSheet, kind: Kind, mask: Mask) -> tuple[str, list[Evidence]]:
    made = next(_made_above(sheet, kind.example.path), None) if mask.kind == "none" else None
    if made is not None:
        return "bidirectional", code(made.at)
    return mask.kind + mask.widening, code(mask.made_at or mask.used_at)


def _made_above(sheet: FactSheet, path: str) -> Iterator[Event]:
    """The calls that make a mask against padding in the modules around a layer."""
    for event in sheet.context.trace.outline:
        if (
            event.kind == "function"
            and event.name == _UNHIDDEN
            and f"{path}.".startswith(f"{event.module}." if event.module else "")
        ):
            yield event


def _joined(
    sheet: FactSheet, kind: Kind, what: Attention, found: list[tuple[Kind, Attention]]
) -> tuple[str, list[Evidence]] | None:
    """A mask that another kind of layer uses alone, with that of further keys (compressed ones) at its side."""
    trace = sheet.context.trace
    call = trace.call(_path(kind, what))
    known = {number: other.mask for near, other in found if other.mask for number in _masks(sheet, _path(near, other))}
    for event in trace.own(call) if call else ():
        if event.name == "cat" and event.options.get("dim") == -1:
            mask = next((known[value.id] for value in event.inputs if value.id in known), None)
            if mask is not None:
                return f"{mask.kind}, {FURTHER}", [*code(mask.made_at), *code(event.at)]
    return None


def _masks(sheet: FactSheet, path: str) -> Iterator[int]:
    """The tensors of one number for each query and key that come into an attention from outside."""
    trace = sheet.context.trace
    call = trace.call(path)
    if call is None:
        return
    given = {value.id for value in call.inputs}
    for event in trace.own(call):
        if event.kind == "op" and event.name == "add":
            scores = event.outputs[0].shape if event.outputs else None
            yield from (
                v.id for v in event.inputs if v.id in given and v.shape and scores and v.shape[-2:] == scores[-2:]
            )
