"""The short form for a chat: source, overview, key components, counts and dimensions, design rationale."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.column_layers import stacks_of
from archviz.architecture.model import Architecture
from archviz.architecture.words import sizes_words, value_words
from archviz.comparison.departure import Departure
from archviz.document.overview import overview
from archviz.emit.markdown_text import inline_code, line, link

_DIMENSIONS = (
    ("layers", "Layers"), ("hidden_size", "Hidden size"), ("attention_heads", "Attention heads"), ("kv_heads", "Key/value heads"),
    ("head_dim", "Head dimension"), ("intermediate_size", "Feed-forward width"), ("experts", "Experts"), ("experts_per_token", "Experts per token"),
    ("expert_hidden_size", "Expert width"), ("vocabulary_size", "Vocabulary"), ("context_length", "Context length"),
)  # fmt: skip


def summary(architecture: Architecture, found: Sequence[Departure]) -> str:
    """A model in about thirty lines of Markdown."""
    identity = architecture.identity
    source = [link(each) for each in (identity.url or "", *identity.links.values()) if each]
    lines = [
        f"## {line(identity.id.rpartition('/')[2])} architecture", "",
        f"**Source:** {' | '.join([*source, line(identity.code or 'its own code')])}, class `{inline_code(identity.class_name)}`", "",
        "### Overview", "", line(" ".join(overview(architecture))), "",
        "### Key components", "", *_components(architecture), "",
        "### Layer counts and dimensions", "", *_dimensions(architecture), "",
        "### Design rationale", "", *_rationale(found),
    ]  # fmt: skip
    if architecture.gaps:
        lines += [
            "",
            f"{len(architecture.gaps)} places of the code were not understood; `archviz describe` lists them.",
        ]
    return "\n".join(lines) + "\n"


def _components(architecture: Architecture) -> list[str]:
    lines = []
    for tower in architecture.towers:
        for stack in stacks_of(architecture, tower):
            name = f"{line(tower.title)}: " if len(architecture.towers) > 1 else ""
            for kind in stack.kinds:
                lines.append(f"- {name}{kind.count} × {line(kind.title)}, {sizes_words(kind, ' parameters')}")
    return lines or [f"- {line(tower.title)}, {tower.parameters:,} parameters" for tower in architecture.towers]


def _dimensions(architecture: Architecture) -> list[str]:
    lines = []
    for key, name in _DIMENSIONS:
        fact = architecture.fact(key)
        if fact is not None and fact.value is not None:
            values = list(fact.value.values()) if isinstance(fact.value, dict) else [fact.value]
            lines.append(f"- {name}: {line(' or '.join(dict.fromkeys(value_words(value) for value in values)))}")
    total, active = architecture.parameters.total, architecture.parameters.active
    return [
        *lines,
        f"- Parameters: {total:,}"
        + (f", {active:,} active per token" if active is not None and active != total else ""),
    ]


def _rationale(found: Sequence[Departure]) -> list[str]:
    """What it does otherwise than a plain decoder, with the reason that is usually given; reasons are not read off the code."""
    large = [each for each in found if not each.small]
    if not large:
        return ["- A plain decoder: pre-norm RMSNorm, grouped-query attention with RoPE, SwiGLU."]
    return [
        f"- {line(each.name)}: {line(each.text)}" + (f". Usual reason: {line(each.why)}" if each.why else "") + "."
        for each in large
    ]
