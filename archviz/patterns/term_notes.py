"""What stands in a step of a formula beside its tensors: the options that change what is computed.

Options of which all ops of a kind say the same (`keepdim`, types) are left out.
"""

from __future__ import annotations

from archviz.interpreter.reading import Event
from archviz.patterns.op_families import canonical
from archviz.patterns.positions_cut import Positions

_USUALLY_FALSE = (
    "descending",
    "accumulate",
    "right",
    "reverse",
    "ceil_mode",
    "align_corners",
    "antialias",
    "include_self",
)
_NOT_SHOWN = ("dtype", "keepdim", "training", "sorted", "device", "index", "memory_format", "implicit", "inplace")
_KEEPDIM = dict.fromkeys(
    ("sum", "mean", "amax", "amin", "max", "min", "logsumexp", "prod", "argmax", "argmin", "any", "all", "median"), "2"
)
_KEEPDIM |= {"norm": "3", "std": "3", "var": "3"}
_PLACES = {
    ("sort", "2"): "descending", ("argsort", "2"): "descending", ("topk", "3"): "largest", ("topk", "4"): "sorted",
}  # fmt: skip
"""Truth values that some ops are handed by place → their names."""


def fresh_words(event: Event, name: str, positions: Positions | None = None) -> str:
    """A tensor that is made without data: numbers in a row with another start or step than usual, one number throughout."""
    options = event.options
    if name in ("full", "full_like", "new_full"):
        filling = options.get("fill_value", options.get("2" if name == "new_full" else "1"))
        if isinstance(filling, bool) or not isinstance(filling, (int, float)):
            return name
        return f"{name}({(positions.size_words(filling) if positions else None) or f'{filling:g}'})"
    if name != "arange":
        return name
    stated = [options[key] for key in ("0", "1", "2") if key in options]
    start = options.get("start", stated[0] if len(stated) > 1 else 0)
    step = options.get("step", stated[2] if len(stated) > 2 else 1)
    if not is_number(start) or not is_number(step) or step == 1:
        return f"arange(from {start:g})" if is_number(start) and start == 1 else name
    return f"arange(step {step:g})" if start != 1 else f"arange(from {start:g}, step {step:g})"


def notes_of(event: Event, positions: Positions | None) -> tuple[str, ...]:
    """Options with a name that change what is computed, and numbers that stand together."""
    name, options = canonical(event.name), event.options
    if name == "pad":
        return _padding(event, positions)
    shown = []
    for key, value in options.items():
        named = not key.isdigit()
        if isinstance(value, (tuple, list)) and key not in _NOT_SHOWN and value and all(map(is_number, value)):
            shown.append((f"{key}=" if named else "") + f"({', '.join(map(str, value))})")
        elif key in _NOT_SHOWN or key.startswith("mask"):
            continue
        elif not named:
            shown += _by_place(name, key, value)
        elif is_number(value) or value is False or (value is True and key in _USUALLY_FALSE):
            shown.append(f"{key}={value}")
        elif isinstance(value, str):
            shown.append(value)
    place = options.get("index") if name == "setitem" else None
    if isinstance(place, str):
        shown.append(f"[{positions.index_words(place) if positions else place}]")
    return tuple(sorted(shown))


def _padding(event: Event, positions: Positions | None) -> tuple[str, ...]:
    """What is added before and after each axis, the last axis first; in symbols where it fills positions up."""
    options, shape = event.options, event.inputs[0].shape or ()
    stated = options.get("pad", options.get("1"))
    amounts = list(stated) if isinstance(stated, (tuple, list)) else []
    words = [str(amount) for amount in amounts]
    for place, amount in enumerate(amounts):
        before = shape[-1 - place // 2] if place // 2 < len(shape) else None
        if positions and isinstance(amount, int) and before == positions.length:
            words[place] = positions.filled(amount)
    kind = options.get("mode", options.get("2", "constant"))
    filling = options.get("value", options.get("3", 0))
    rest = [str(kind)] if isinstance(kind, str) and kind != "constant" else []
    rest += [f"value={filling:g}"] if is_number(filling) and filling else []
    return (f"({', '.join(words)})", *rest)


def _by_place(name: str, place: str, value: object) -> list[str]:
    """A text or truth value without a name; numbers stand among the tensors."""
    if isinstance(value, str):
        return [value.replace("->", "→").replace(" ", "") if name == "einsum" else value]
    if not isinstance(value, bool) or place == _KEEPDIM.get(name):
        return []
    called = _PLACES.get((name, place))
    return (
        []
        if called in _NOT_SHOWN or (called is not None and value is (called not in _USUALLY_FALSE))
        else [f"{called}={value}" if called else str(value)]
    )


def is_number(value: object) -> bool:
    """A number that is no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
