"""The layer-pattern strip: which kind each layer of a stack is, in order, and one unit of the repeat drawn large."""

from __future__ import annotations

import re

from archviz.architecture.model import Fact, LayerStack, PatternItem
from archviz.architecture.words import pattern_words
from archviz.figure.model import KindKey, Strip

_MAX_UNIT = 12
_MAX_CELLS = 240
_MIN_SHARE = 0.66  # of the layers that a repeat must cover to be shown as the unit
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def make_strip(stack: LayerStack, colours: list[int], compression: Fact | None = None) -> Strip:
    """The strip of a stack.

    Args:
        colours: Colour number of each kind, in the order of `stack.kinds`.
        compression: How many positions the attention of each kind pools, where kinds differ.
    """
    ratios = _ratios(stack, compression)
    by_index = {index: ratios[kind.id] for kind in stack.kinds for index in kind.indices} if ratios else {}
    colour = {kind.id: number for kind, number in zip(stack.kinds, colours, strict=True)}
    cells = {index: colour[kind.id] for kind in stack.kinds for index in kind.indices}
    unit, times = _unit(stack.pattern)
    text = pattern_words(stack)
    if len(cells) > _MAX_CELLS:
        text += f" (the first {_MAX_CELLS} of {len(cells):,} layers are shown)"
    return Strip(
        id=f"strip/{stack.path}",
        title="Layer pattern",
        text=text,
        keys=tuple(
            KindKey(colour[kind.id], _LETTERS[place % 26], kind.title, kind.count)
            for place, kind in enumerate(stack.kinds)
        ),
        cells=tuple(cells[index] for index in sorted(cells)[:_MAX_CELLS]),
        unit=tuple(colour[kind] for kind in unit),
        times=times,
        values=tuple(by_index[index] for index in sorted(by_index)[:_MAX_CELLS]),
        value_title="below each layer: positions that its attention compresses into one" if ratios else "",
    )


def _ratios(stack: LayerStack, compression: Fact | None) -> dict[str, str]:
    """By kind of layer the positions that its attention pools into one, `–` where it pools none; nothing where none does."""
    stated = compression.value if compression else None
    words = {
        kind.id: str(stated.get(kind.mixer_kind, stated.get(kind.id, "")) if isinstance(stated, dict) else stated or "")
        for kind in stack.kinds
    }
    found = {name: re.match(r"\d+", text) for name, text in words.items()}
    return {name: match[0] if match else "–" for name, match in found.items()} if any(found.values()) else {}


def _unit(pattern: list[PatternItem]) -> tuple[list[str], int]:
    """The layers of the repeat that covers most, one by one; nothing where it is too long to draw large."""
    repeats = [item for item in pattern if item.items and item.times > 1]
    if not repeats:
        return [], 1
    longest = max(repeats, key=lambda item: item.times * _length(item.items))
    length = _length(longest.items)
    regular = length * longest.times >= _MIN_SHARE * _length(pattern)
    return (_flat(longest.items), longest.times) if length <= _MAX_UNIT and regular else ([], 1)


def _length(items: list[PatternItem]) -> int:
    """How many layers a pattern stands for; it may be far too many to list."""
    return sum(item.times * (1 if item.kind is not None else _length(item.items)) for item in items)


def _flat(items: list[PatternItem]) -> list[str]:
    layers: list[str] = []
    for item in items:
        once = [item.kind] if item.kind is not None else _flat(item.items)
        layers += once * item.times
    return layers
