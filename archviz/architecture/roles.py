"""Roles: what each module of the tree is, decided once for tree, graphs, tables and colours."""

from __future__ import annotations

import re
from typing import Protocol, cast

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.architecture.model import Role
from archviz.interpreter.reading import ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.patterns.attention import Attention
from archviz.patterns.layer_parts import LayerParts, Part
from archviz.patterns.linears import is_linear
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import activation_of
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.recurrences import Recurrence
from archviz.records import field, record


@record
class Roles:
    """The role of every module: parts of layers by detection, the rest by what they are.

    Args:
        known: Roles of parts of layers, by path; `what` their descriptions.
    """

    context: Context
    known: dict[str, Role] = field(default_factory=dict)
    what: dict[str, object] = field(default_factory=dict)

    @classmethod
    def of_stacks(cls, context: Context, stacks: list[Stack]) -> Roles:
        """Roles of a model whose layers have been found."""
        roles = cls(context)
        for stack in stacks:
            for kind in stack.kinds:
                for index in kind.indices:
                    roles._add_layer(kind.parts, kind.example.path, stack.layers[index].path)
        return roles

    def _add_layer(self, parts: LayerParts, example: str, layer: str) -> None:
        def here(path: str) -> str:
            return layer + path[len(example) :]

        for part in (*parts.mixers, *parts.feeds):
            self._add_part(part, here)
        for path in parts.norms:
            self.known[here(path)] = "norm"

    def _add_part(self, part: Part, here: _Mover) -> None:
        what = part.what
        if isinstance(what, MixtureOfExperts):
            self.known.update({here(path): "experts" for path in what.holders})
            if what.router:
                self.known[here(what.router)] = "router"
            if what.shared:
                self.known[here(what.shared)] = "shared_expert"
        if len(part.paths) == 1 or not isinstance(what, MixtureOfExperts):
            first = here(part.paths[0])
            if len(part.paths) == 1 or _stands_for_part(self.context.modules[first]):
                self.known[first] = part_role(what)
                self.what[first] = what

    def __call__(self, module: ModuleRecord) -> Role:
        """The role of a module."""
        if module.path in self.known:
            return self.known[module.path]
        return self._by_itself(module)

    def _by_itself(self, module: ModuleRecord) -> Role:
        library = (module.library or "").rpartition(".")[2]
        if library.startswith("Embedding") or (module.library is None and self._looks_up(module)):
            above = self.context.modules.get(module.path.rpartition(".")[0])
            positional = re.search(r"pos|wpe|type", module.name) or (above and _POSITIONS.search(above.class_name))
            return "position_embedding" if positional else "embedding"
        if detect_norm(module, self.context.trace):
            owner = self.what.get(module.path.rpartition(".")[0])
            if isinstance(owner, Attention):  # norms of compressed vectors are no QK-norms, whatever their names
                return "qk_norm" if module.name in owner.qk_norms else "norm"
            return "qk_norm" if re.search(r"(^|_)(q|k|query|key)(_|$|norm)", module.name) else "norm"
        if re.search(r"rotary|rope", module.name + module.class_name.lower()) and not module.parameters:
            return "rope"
        if is_linear(module):
            top = "." not in module.path and module.name in HEADS
            return "head" if top or module.name in HEADS[:3] else "projection"
        if library.startswith("Conv"):
            return "convolution"
        if activation_of(module.class_name) and not module.children:
            return "activation"
        return "other"

    def _looks_up(self, module: ModuleRecord) -> bool:
        """Whether a module of the code's own looks rows of its one table up, and nothing else."""
        tables = list(module.parameters.values())
        alone = len(tables) == 1 and len(tables[0].shape) == 2 and not module.children
        return alone and self.context.trace.own_ops(module.path) == ["embedding"]


_POSITIONS = late_pattern(r"position(al)?_?(encod|embed)", re.IGNORECASE)
"""Classes whose tables are of positions, whatever these are called."""


def _stands_for_part(module: ModuleRecord) -> bool:
    """Whether the first of several modules that make up a part can carry its name: no projection, no activation."""
    return not is_linear(module) and bool(module.parameters or module.children)


LM_HEADS = ("lm_head", "embed_out")
HEADS = (*LM_HEADS, "proj_out", "output", "head", "classifier", "score", "output_projection", "qa_outputs")


class _Mover(Protocol):
    """A function from a path in the example layer to the path in another layer of its kind."""

    def __call__(self, path: str) -> str: ...


def part_role(what: object) -> Role:
    """The role of a part of a layer."""
    if isinstance(what, Attention):
        return "attention"
    if isinstance(what, Recurrence):
        return cast("Role", what.role)
    if isinstance(what, PositionMixer):
        return "token_mixer"
    return "moe" if isinstance(what, MixtureOfExperts) else "feed_forward"
