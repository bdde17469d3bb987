"""What a reader must know about where a description rests: parts that the configuration does not state, a class that was not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from archviz.architecture.context import LAYER_KEYS
from archviz.architecture.model import Architecture, Evidence, Fact
from archviz.late_patterns import late_pattern

_FLAT = ("text", "decoder")  # parts whose values older configurations state at the top level


def add_caveats(
    architecture: Architecture,
    resolved: Mapping[str, Any],
    stated: Mapping[str, Any] | None,
    architectures: Sequence[str] = (),
    remarks: Sequence[tuple[str, Evidence]] = (),
    unread: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Architecture:
    """Add what limits a description, and lower the status of facts that rest on defaults alone.

    Args:
        architecture: The description; changed and returned.
        resolved: The configuration as the official class sees it.
        stated: The values that the configuration states; None for a model type's defaults.
        architectures: The classes that the configuration states.
        remarks: What the source of the facts says about them, and where.
        unread: Sub-configuration that is not stated → stated keys that it knows and was not given.
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
    for key, lost in unread.items():
        part = key.removesuffix("_config")
        text = f"the configuration states no {key}: {_listed(lost)} reach no part of it that the official code reads"
        architecture.facts.append(_caveat(f"{part}_source", text, "config", ", ".join(lost[:8])))
        _doubt_part(architecture, part)
    for key in _negative_counts(stated or {}):
        text = f"{key} is negative: the official code builds nothing for it"
        architecture.facts.append(_caveat("remark", text, "config", key))
    _doubt_below_zero(architecture)
    doubt_gaps(architecture)
    return architecture


_ABOVE_ZERO = ("context_length", "rope_theta", "sliding_window", "attention_chunk")


def _doubt_below_zero(architecture: Architecture) -> None:
    """Facts that are above zero in every model are unverified where the configuration states something else."""
    for fact in list(architecture.facts):
        if not fact.key.endswith(_ABOVE_ZERO):
            continue
        values = list(fact.value.values()) if isinstance(fact.value, dict) else [fact.value]
        wrong = [each for each in values if isinstance(each, (int, float)) and each <= 0]
        if wrong:
            fact.status = "unverified"
            where = next((each.where for each in fact.evidence if each.kind == "config"), fact.key)
            text = f"{where} of {wrong[0]:,} is no {fact.key.replace('_', ' ')}: the official code builds the model all the same"
            architecture.facts.append(_caveat("remark", text, "config", where))


def _negative_counts(stated: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Keys that count layers with a number below zero, at any depth."""
    for key, value in stated.items():
        if isinstance(value, Mapping):
            yield from _negative_counts(value, f"{prefix}{key}.")
        elif key in LAYER_KEYS and isinstance(value, int) and value < 0:
            yield prefix + key


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys[:8]) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")


def _doubt_part(architecture: Architecture, part: str) -> None:
    """Facts of a part are unverified: those under its name, or of the main part those under no other tower's."""
    others = tuple(f"{tower.id}_" for tower in architecture.towers[1:])
    for fact in architecture.facts:
        own = fact.key.startswith(f"{part}_") or (part in _FLAT and not fact.key.startswith(others))
        if own and fact.key not in _OF_THE_CLASS and fact.status != "conflict":
            fact.status = "unverified"


_OF_THE_CLASS = ("architecture", "model_type")  # facts that no value of a configuration changes
_ROTARY = late_pattern(r"rot(ary|emb)|rope|pos_emb")
_MIXER_FACTS = ("rope_", "mrope_", "position_encoding", "qk_norm", "attention_gate", "attention_mask", "attention_scale",
                "attention_softcap", "attention_sinks", "sliding_window", "attention_chunk")  # fmt: skip
_FEED_FACTS = ("feed_forward", "activation", "router_", "shared_expert_gate")


def doubt_gaps(architecture: Architecture) -> None:
    """A fact that is read off the data flow is not verified where a gap lies in the part of a layer that it is about."""
    main = next((t for t in architecture.towers if t.id in ("text", "decoder", "encoder")), None)
    stacks = (
        [path for item in (main or architecture.towers[0]).column for path in item.stacks]
        if architecture.towers
        else []
    )
    doubted: set[str] = set()
    for gap in architecture.gaps:
        inside = next((gap.module[len(path) + 1 :] for path in stacks if gap.module.startswith(f"{path}.")), None)
        above = gap.module if main is None or not main.module else gap.module.removeprefix(f"{main.module}.")
        if inside is None:
            own = main is not None and (not main.module or gap.module.startswith(f"{main.module}."))
            doubted.update(_MIXER_FACTS if own and _ROTARY.search(above) else ())
        elif re.search(r"attn|attention|mixer", inside):
            doubted.update(_MIXER_FACTS)
        elif re.search(r"mlp|moe|ffn|feed_forward|expert|gate|router", inside):
            doubted.update(_FEED_FACTS)
        else:
            doubted.update((*_MIXER_FACTS, *_FEED_FACTS))
    for fact in architecture.facts:
        if doubted and fact.key.startswith(tuple(doubted)) and fact.status in ("verified", "config"):
            fact.status = "unverified"


def _unstated(resolved: Mapping[str, Any], stated: Mapping[str, Any] | None) -> list[str]:
    """Sub-configurations that the official class filled in by itself."""
    if stated is None:
        return []
    parts = [key for key, value in resolved.items() if key.endswith("_config") and isinstance(value, dict) and value]
    return [key for key in parts if key not in stated and key.removesuffix("_config") not in _FLAT]


def _caveat(key: str, text: str, kind: Any, where: str) -> Fact:
    return Fact(key=key, value=text, status="unverified", evidence=[Evidence(kind=kind, where=where)])
