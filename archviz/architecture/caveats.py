"""What a reader must know about where a description rests: parts that the configuration does not state, a class that was not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archviz.architecture.model import Architecture, Evidence, Fact

_FLAT = ("text", "decoder")  # parts whose values older configurations state at the top level


def add_caveats(
    architecture: Architecture,
    resolved: Mapping[str, Any],
    stated: Mapping[str, Any] | None,
    architectures: Sequence[str] = (),
    remarks: Sequence[tuple[str, Evidence]] = (),
) -> Architecture:
    """Add what limits a description, and lower the status of facts that rest on defaults alone.

    Args:
        architecture: The description; changed and returned.
        resolved: The configuration as the official class sees it.
        stated: The values that the configuration states; None for a model type's defaults.
        architectures: The classes that the configuration states.
        remarks: What the source of the facts says about them, and where.
    """
    for remark, evidence in remarks:
        architecture.facts.append(Fact(key="remark", value=remark, status="unverified", evidence=[evidence]))
    built = architecture.identity.class_name
    if architectures and architectures[0] != built:
        text = f"{architectures[0]} is not in the installed transformers; {built} was built"
        architecture.facts.append(_caveat("class_choice", text, "config", "architectures"))
    for key in _unstated(resolved, stated):
        part = key.removesuffix("_config")
        text = f"the configuration states no {key}: the {part} part is the official class's default"
        architecture.facts.append(_caveat(f"{part}_source", text, "config", key))
        for fact in architecture.facts:
            if fact.key.startswith(f"{part}_"):
                fact.status = "unverified"
    return architecture


def _unstated(resolved: Mapping[str, Any], stated: Mapping[str, Any] | None) -> list[str]:
    """Sub-configurations that the official class filled in by itself."""
    if stated is None:
        return []
    parts = [key for key, value in resolved.items() if key.endswith("_config") and isinstance(value, dict) and value]
    return [key for key in parts if key not in stated and key.removesuffix("_config") not in _FLAT]


def _caveat(key: str, text: str, kind: Any, where: str) -> Fact:
    return Fact(key=key, value=text, status="unverified", evidence=[Evidence(kind=kind, where=where)])
