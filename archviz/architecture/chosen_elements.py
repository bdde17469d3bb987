"""Layers that each call one element of a list (an adapter of their own in shared weights) are alike; which element is said beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archviz.architecture.folding import ranges

Done = tuple[tuple[object, ...], ...]
"""What a layer did: for each step its name, its module as seen from the layer, and what else tells layers apart."""


def by_rank(done: Done) -> tuple[Done, dict[str, tuple[str, ...]]]:
    """What a layer did with the elements of its lists numbered in the order of their first calls, and which elements these were."""
    ranks: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    for step in done:
        path = str(step[1])
        if path not in names:
            parts = path.split(".")
            for place, part in enumerate(parts):
                if part.isdigit():
                    known = ranks.setdefault(".".join(parts[:place]).lstrip("."), {})
                    parts[place] = known.setdefault(part, str(len(known)))
            names[path] = ".".join(parts)
    return tuple([(step[0], names[str(step[1])], *step[2:]) for step in done]), {
        path: tuple(known) for path, known in ranks.items()
    }


def chosen_elements(called: Sequence[Mapping[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """The lists of which layers call one element each that is not the same for all, with the elements.

    >>> chosen_elements([{"adapters": ("0",), "convs": ("0", "1")}, {"adapters": ("1",), "convs": ("0", "1")}])
    ('adapters: 0-1',)
    """
    lists = dict.fromkeys(path for elements in called for path in elements)
    found = []
    for path in lists:
        elements = [each.get(path, ()) for each in called]
        if len(set(elements)) > 1 and all(len(each) == 1 for each in elements):
            found.append(f"{path}: {ranges({int(each[0]) for each in elements})}")
    return tuple(found)
