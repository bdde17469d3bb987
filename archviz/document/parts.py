"""What a document is written from."""

from __future__ import annotations

from archviz.architecture.model import Architecture
from archviz.comparison.departure import Departure
from archviz.pseudocode.program import Pseudocode
from archviz.records import record
from archviz.verify.report import Verification


@record(frozen=True)
class Parts:
    """A model's description with its claims, what sets it apart, and its pseudocode.

    Args:
        pseudocode: None where the code could not be written out; `no_pseudocode` says why.
    """

    architecture: Architecture
    verification: Verification
    departures: list[Departure]
    pseudocode: Pseudocode | None
    no_pseudocode: str = ""
    with_tensors: bool = False
