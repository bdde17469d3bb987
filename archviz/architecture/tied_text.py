"""Ties as lines of text: tensors of modules that share all of theirs stand together, and so do modules that share with the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile

from archviz.architecture.folding import ranges


def tied_lines(tied: Mapping[str, str]) -> Iterator[str]:
    """One line for each tie, or for modules that lend all of some tensors.

    >>> list(tied_lines({"head.weight": "embed.weight"}))
    ['head.weight = embed.weight']
    >>> layers = {f"layers.{n}.shared.{name}": f"layers.1.shared.{name}" for n in (4, 7) for name in ("q.weight", "k.weight")}
    >>> list(tied_lines(layers))
    ['layers.{4,7}.shared.* = layers.1.shared.* (2 tensors each)']
    """
    pairs: dict[tuple[str, str], list[str]] = {}
    for alias, name in tied.items():
        ends = _common_end(alias.split("."), name.split("."))
        pairs.setdefault((alias[: -len(ends)] if ends else alias, name[: -len(ends)] if ends else name), []).append(
            ends
        )
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[int]] = {}
    for (alias, name), ends in pairs.items():
        before, number, after = _last_number(alias)
        alike.setdefault((before, after, name, tuple(ends)), []).append(number)
    for (before, after, name, ends), numbers in alike.items():
        written = "" if numbers == [-1] else str(numbers[0]) if len(numbers) == 1 else "{" + ranges(numbers) + "}"
        inside = _common_module(ends) if len(ends) > 1 else ends[0]
        count = f" ({len(ends)} tensors{' each' if len(numbers) > 1 else ''})" if len(ends) > 1 else ""
        yield f"{before}{written}{after}{inside} = {name}{inside}{count}"


def _common_end(one: list[str], other: list[str]) -> str:
    """The parts that two names end with, with the dot before them."""
    count = 0
    while count < min(len(one), len(other)) and one[-1 - count] == other[-1 - count]:
        count += 1
    return "".join(f".{part}" for part in one[len(one) - count :])


def _common_module(ends: tuple[str, ...]) -> str:
    """The module that all of some tensors stand in, and a star for what is in it."""
    places = zip(*(each.split(".")[:-1] for each in ends), strict=False)
    return ".".join([parts[0] for parts in takewhile(lambda parts: len(set(parts)) == 1, places)] + ["*"])


def _last_number(name: str) -> tuple[str, int, str]:
    """A name around its last number; -1 where it has none."""
    parts = name.split(".")
    place = next((at for at in range(len(parts) - 1, -1, -1) if parts[at].isdigit()), None)
    if place is None:
        return name, -1, ""
    before, after = parts[:place], parts[place + 1 :]
    return "".join(f"{part}." for part in before), int(parts[place]), "".join(f".{part}" for part in after)
