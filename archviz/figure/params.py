"""The size-true view: every operation that has parameters, in order of execution, as large as the logarithm of their number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from archviz.architecture.column_layers import layers_in, runs_of, stacks_in
from archviz.architecture.model import MIXER_ROLES, Architecture, BlockNode, LayerKind, LayerStack, Role, Tower
from archviz.figure.columns import kind_colours
from archviz.figure.unfolding import Unfolded, unfold
from archviz.records import record

Component = Literal[
    "embedding",
    "head",
    "attention",
    "recurrent mixer",
    "feed-forward",
    "router",
    "experts",
    "shared expert",
    "norm",
    "other",
]
COMPONENTS: tuple[Component, ...] = get_args(Component)
_OF_ROLE: dict[str, Component] = {
    "embedding": "embedding", "position_embedding": "embedding", "head": "head",
    "norm": "norm", "qk_norm": "norm",
    "router": "router", "experts": "experts", "shared_expert": "shared expert", "moe": "experts",
    "feed_forward": "feed-forward", "attention": "attention",
}  # fmt: skip


@record(frozen=True)
class Bar:
    """One operation: what it is called and how many parameters it holds; `tied` names the tensor that it shares."""

    id: str
    label: str
    count: int
    component: Component
    tied: str = ""
    description: str = ""


@record(frozen=True)
class BarGroup:
    """Operations that run after each other, first to last, in each of `times` layers."""

    id: str
    title: str
    bars: tuple[Bar, ...]
    times: int = 1
    kind: int | None = None


@record(frozen=True)
class Skyline:
    """All layers of a stack in order, with the parameters and the kind of each."""

    id: str
    title: str
    heights: tuple[int, ...]
    kinds: tuple[int, ...]
    keys: tuple[tuple[int, str], ...]


@record(frozen=True)
class Sizes:
    """What the view shows: the groups in order of execution, each tower's bottom-up after those that feed it."""

    groups: tuple[BarGroup, ...]
    skylines: tuple[Skyline, ...]


def build_sizes(architecture: Architecture) -> Sizes:
    """The operations of a model with their parameters."""
    groups: list[BarGroup] = []
    skylines: list[Skyline] = []
    alone = len(architecture.towers) == 1
    for tower in sorted(architecture.towers, key=lambda tower: -_feeds_on(architecture, tower)):
        groups += _tower_groups(architecture, tower, "" if alone else f"{tower.title}: ")
    for tower in architecture.towers:
        stacks = runs_of(architecture, tower)
        skylines += [_skyline(architecture, stack, "" if alone else f"{tower.title}: ") for stack in stacks]
    return Sizes(tuple(groups), tuple(skylines))


def _feeds_on(architecture: Architecture, tower: Tower) -> int:
    """Over how many further towers the output of a tower goes."""
    feeds = {each.id: each.feeds for each in architecture.towers}
    passed = [tower.id]
    while (after := feeds.get(passed[-1])) and after not in passed:
        passed.append(after)
    return len(passed) - 1


def _tower_groups(architecture: Architecture, tower: Tower, prefix: str) -> Iterator[BarGroup]:
    """Boxes before, between and after the stacks of a tower, and each kind of layer once."""
    loose: list[Bar] = []
    for item in tower.column:
        if item.node:
            loose += _bars(f"{tower.id}/{item.node.id}", item.node, None)
        run = layers_in(architecture, item)
        if run:
            if loose:
                yield BarGroup(f"bars/{tower.id}/{len(loose)}", f"{prefix}input", tuple(loose))
                loose = []
            kinds = [(stack, kind) for stack in stacks_in(architecture, item) for kind in stack.kinds]
            for (stack, kind), colour in zip(kinds, kind_colours(architecture, run), strict=True):
                yield _kind_group(architecture, stack, kind, colour, prefix)
    if loose:
        yield BarGroup(f"bars/{tower.id}/end", f"{prefix}output", tuple(loose))


def _kind_group(architecture: Architecture, stack: LayerStack, kind: LayerKind, colour: int, prefix: str) -> BarGroup:
    graph = architecture.block(kind.block)
    shown = unfold(architecture, graph) if graph else None
    bars = tuple(_layer_bars(shown, stack.path)) if shown else ()
    rest = kind.parameters - sum(bar.count for bar in bars)
    if rest > 0:
        bars += (Bar(f"{stack.path}/{kind.id}/rest", "tensors of no box", rest, "other"),)
    return BarGroup(f"bars/{stack.path}/{kind.id}", f"{prefix}{kind.title}", bars, kind.count, colour)


def _layer_bars(shown: Unfolded, scope: str) -> Iterator[Bar]:
    for node in shown.graph.nodes:
        yield from _bars(f"{scope}/{shown.graph.id}/{node.id}", node, shown.part.get(node.id))


def _bars(name: str, node: BlockNode, part: Role | None) -> Iterator[Bar]:
    tied = next((line for line in node.details if line.startswith("tied to ")), "")
    if node.parameters or tied:
        where = "; ".join(piece.where for piece in node.evidence[:1])
        label = (node.code_name or node.label).rpartition(".")[2]
        component = component_of(node.role, part)
        yield Bar(name, label, node.parameters, "embedding" if tied and component == "head" else component, tied, where)


def component_of(role: Role, part: Role | None) -> Component:
    """The component that an operation belongs to: by what it is, else by the part of the layer that it stands in."""
    if role in _OF_ROLE and role not in ("feed_forward", "moe"):
        return _OF_ROLE[role]
    whole = part or role
    if whole in MIXER_ROLES and whole != "attention":
        return "recurrent mixer"
    return _OF_ROLE.get("shared_expert" if whole == "moe" and role == "projection" else whole, "other")


def _skyline(architecture: Architecture, stack: LayerStack, prefix: str) -> Skyline:
    colours = kind_colours(architecture, stack)
    layers = {
        index: (kind.parameters, colour)
        for kind, colour in zip(stack.kinds, colours, strict=True)
        for index in kind.indices
    }
    ordered = [layers[index] for index in sorted(layers)]
    keys = [(colour, f"{kind.count} × {kind.title}") for kind, colour in zip(stack.kinds, colours, strict=True)]
    return Skyline(
        f"skyline/{stack.path}", f"{prefix}{stack.count} layers in order, parameters of each", tuple(count for count, _ in ordered),
        tuple(colour for _, colour in ordered), tuple(keys),
    )  # fmt: skip
