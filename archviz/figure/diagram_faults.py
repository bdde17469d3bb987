"""What can be wrong in a diagram config, said so that its author can mend it: path, message, hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from archviz.errors import BadFigureError
from archviz.figure.diagram_model import (
    MAX_BLOCKS,
    CustomEdge,
    CustomNode,
    DiagramBlock,
    DiagramConfig,
    DiagramStage,
    Innovation,
    ParameterCounts,
)
from archviz.json_text import kind_of, shown_path

MAX_ALL_TEXT = 200_000
_PARTS: dict[tuple[str, ...], type[BaseModel]] = {
    (): DiagramConfig,
    ("stages",): DiagramStage,
    ("stages", "blocks"): DiagramBlock,
    ("custom_nodes",): CustomNode,
    ("custom_edges",): CustomEdge,
    ("innovations",): Innovation,
    ("parameters",): ParameterCounts,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the path into the JSON, what, and what to do."""

    path: str
    message: str
    hint: str


def raise_faults(faults: Sequence[Fault], name: str) -> NoReturn:
    """Raise the first fault as a `BadFigureError`; its hint names the further ones."""
    first, *others = faults
    hint = first.hint
    if others:
        named = "; ".join(f"{fault.path}: {fault.message}" for fault in others[:4])
        rest = f"; and {len(others) - 4} more" if len(others) > 4 else ""
        hint += f" · {len(others)} further fault{'s' if len(others) > 1 else ''}: {named}{rest}"
    raise BadFigureError(first.message, where=f"{name}: {first.path}" if name else first.path, hint=hint)


def schema_faults(error: ValidationError, data: object) -> list[Fault]:
    """The faults that the schema found."""
    return [_schema_fault(detail, data) for detail in error.errors(include_url=False)]


def _schema_fault(detail: ErrorDetails, data: object) -> Fault:
    location = tuple(step for step in detail["loc"] if step != "[key]")
    path, kind, context = shown_path(location), detail["type"], detail.get("ctx", {})
    key = _shown_key(location)
    if kind == "missing":
        return Fault(path, f"{key} is missing", _missing_hint(location, data))
    if kind == "extra_forbidden":
        return Fault(path, f"unknown key {key}", _key_hint(location))
    if kind == "literal_error":
        return Fault(path, f"{key} is not a status: {_shown(detail['input'])}", f"write one of {context['expected']}")
    if kind == "string_too_long":
        return Fault(path, f"{key} is longer than {context['max_length']:,} characters", "shorten it, or split it")
    if kind == "too_short":
        needed = any(location[-1:] == (name,) for name in ("stages", "blocks"))
        hint = "give at least one entry" + ("" if needed else ", or leave the whole part out")
        return Fault(path, f"{key} is an empty list", hint)
    if kind == "too_long":
        return Fault(path, f"{key} has more than {context['max_length']:,} entries", "split the diagram into several")
    wanted = _WANTED.get(kind)
    if wanted:
        return Fault(path, f"{key} must be {wanted}, got {_shown(detail['input'])}", f"write {wanted} here")
    return Fault(path, f"{key} {detail['msg']}", str(context.get("hint", "see references for the format")))


def _shown_key(location: tuple[str | int, ...]) -> str:
    last = location[-1] if location else "the config"
    return shown_path(location[-2:]) if isinstance(last, int) else repr(last[:60])


_WANTED = {
    "string_type": "a text",
    "string_unicode": "a text without halves of surrogate pairs",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


def _shown(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return kind_of(value)
    text = repr(value)
    return f"{kind_of(value)} {text[:40]}{'…' if len(text) > 40 else ''}"


def _missing_hint(location: tuple[str | int, ...], data: object) -> str:
    parent: Any = data
    for step in location[:-1]:
        parent = parent[step]
    near = difflib.get_close_matches(str(location[-1]), [str(key) for key in parent], n=1, cutoff=0.6)
    if near:
        return f"is {near[0]!r} meant to be {location[-1]!r}?"
    return f'add "{location[-1]}" to {shown_path(location[:-1])}'


def _key_hint(location: tuple[str | int, ...]) -> str:
    names = tuple(step for step in location[:-1] if isinstance(step, str))
    part = _PARTS.get(names)
    if part is None:
        return "remove it"
    known = [field.alias or name for name, field in part.model_fields.items()]
    near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"the keys here are {', '.join(known)}"


def cross_faults(config: DiagramConfig) -> list[Fault]:
    """The faults between parts: repeated ids, edges to nowhere, too much of everything."""
    return [*_size_faults(config), *_repeated_ids(config), *_unknown_ends(config), *_own_insides(config)]


def _size_faults(config: DiagramConfig) -> list[Fault]:
    blocks = [block for _, block in config.blocks()]
    if len(blocks) > MAX_BLOCKS:
        return [
            Fault("stages", f"{len(blocks):,} blocks, more than {MAX_BLOCKS:,}", "draw one layer per kind and a repeat")
        ]
    length = sum(len(block.type) + len(block.details) for block in blocks)
    length += sum(len(node.label) for node in config.custom_nodes) + sum(
        len(edge.label or "") for edge in config.custom_edges
    )
    if length > MAX_ALL_TEXT:
        return [
            Fault(
                "the whole config", f"{length:,} characters of text, more than {MAX_ALL_TEXT:,}", "shorten the details"
            )
        ]
    return []


def _repeated_ids(config: DiagramConfig) -> list[Fault]:
    given: list[tuple[str, str]] = []
    for s, stage in enumerate(config.stages):
        given += [(f"stages[{s}].id", stage.id)] if stage.id else []
        given += [(f"stages[{s}].blocks[{b}].id", block.id) for b, block in enumerate(stage.blocks) if block.id]
    given += [(f"custom_nodes[{n}].id", node.id) for n, node in enumerate(config.custom_nodes)]
    first: dict[str, str] = {}
    faults = []
    for path, identifier in given:
        if identifier in first:
            faults.append(Fault(path, f"the id {identifier!r} is taken by {first[identifier]}", "give each its own id"))
        first.setdefault(identifier, path)
    return faults


def _unknown_ends(config: DiagramConfig) -> list[Fault]:
    known = config.addresses()
    names = _addresses_by_name(config)
    named = [(f"stages[{s}].detail_of", stage.detail_of) for s, stage in enumerate(config.stages) if stage.detail_of]
    for e, edge in enumerate(config.custom_edges):
        named += [(f"custom_edges[{e}].from", edge.source), (f"custom_edges[{e}].to", edge.target)]
    return [
        Fault(path, f"no node, block or stage {address[:80]!r}", _address_hint(path, address, list(known), names))
        for path, address in named
        if address not in known
    ]


def _own_insides(config: DiagramConfig) -> Iterator[Fault]:
    """Stages that show the inside of what they hold themselves, or of what is inside of them."""
    known = config.addresses()
    owners = {
        f"stage{s}": known[stage.detail_of].partition(".")[0]
        for s, stage in enumerate(config.stages, start=1)
        if stage.detail_of in known
    }
    for s, stage in enumerate(config.stages):
        own, at, passed = f"stage{s + 1}", owners.get(f"stage{s + 1}"), set[str]()
        while at is not None and at != own and at not in passed:
            passed.add(at)
            at = owners.get(at)
        if at == own:
            yield Fault(
                f"stages[{s}].detail_of",
                f"{(stage.detail_of or '')[:80]!r} lies inside of this stage itself",
                "name a block outside of it, or leave detail_of out",
            )


def _addresses_by_name(config: DiagramConfig) -> dict[str, str]:
    """What people write instead of an address (a block's type, a stage's name, a node's label) → the address."""
    names = {node.label.lower(): node.id for node in reversed(config.custom_nodes)}
    names |= {block.type.lower(): block.id or address for address, block in reversed(list(config.blocks()))}
    return names | {stage.name.lower(): stage.id or f"stage{s}" for s, stage in enumerate(config.stages, start=1)}


def _address_hint(path: str, address: str, known: list[str], names: dict[str, str]) -> str:
    wanted = address.lower()
    near = [names[wanted]] if wanted in names else []
    near += difflib.get_close_matches(address, known, n=3, cutoff=0.6)
    near += [names[name] for name in difflib.get_close_matches(wanted, list(names), n=2, cutoff=0.7)]
    if near:
        return f"did you mean {' or '.join(dict.fromkeys(near))}?"
    who = "detail_of names" if path.endswith("detail_of") else "edges name"
    return f"{who} custom nodes by id, blocks as stage1.block2 and stages as stage1; known: {', '.join(known[:8])}"
