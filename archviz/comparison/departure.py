"""One thing that sets a model apart from a plain decoder, and the layers in which it is looked for."""

from __future__ import annotations

from archviz.architecture.column_layers import runs_of
from archviz.architecture.model import Architecture, Evidence, LayerStack
from archviz.records import record
from archviz.spans import Status


@record(frozen=True)
class Departure:
    """One thing that a plain decoder does not have.

    Args:
        key: The fact that shows it, or `layers`, `towers`.
        name: In the field's words; `text` says it with numbers; `why` is the reason that is usually given for it.
        small: A setting rather than a mechanism.
        kinds: Kinds of mixers or feed-forwards that have it; empty where all do.
    """

    key: str
    name: str
    text: str
    why: str = ""
    status: Status = "verified"
    evidence: tuple[Evidence, ...] = ()
    small: bool = False
    kinds: tuple[str, ...] = ()


def main_stacks(architecture: Architecture) -> list[LayerStack]:
    """The lists of layers of the first tower."""
    for tower in architecture.towers[:1]:
        return runs_of(architecture, tower)
    return architecture.layers[:1]
