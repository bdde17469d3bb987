"""Names that must not stand twice."""

from __future__ import annotations

from collections.abc import Container


def free_name(name: str, taken: Container[str], mark: str = "_") -> str:
    """The name itself, or with the first number from 2 on that is not taken.

    >>> free_name("node", {"node", "node_2"}), free_name("node", {"node"}, "-"), free_name("node", ())
    ('node_3', 'node-2', 'node')
    """
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}{mark}{number}"
    return free
