"""One part of one kind of layer, with everything that a claim about it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.architecture.model import Evidence
from archviz.architecture.naming import Kind
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.activations import is_softcap, read_activation
from archviz.patterns.layer_parts import Part
from archviz.patterns.linears import is_linear
from archviz.patterns.loose_feed_forward import steps_between
from archviz.patterns.norm_form import NormForm, norm_form
from archviz.patterns.op_families import canonical
from archviz.patterns.origins import Origins
from archviz.patterns.trace import Trace
from archviz.spans import Span, Status
from archviz.verify.claims import Claim
from archviz.verify.lineage import Lineage
from archviz.verify.source_lines import SourceLines


@dataclass
class LayerView:
    """A kind of layer, or one part of it.

    Args:
        part: The mixer or feed-forward in question; None when the claim is about the layer itself.
    """

    context: Context
    lines: SourceLines
    stack: Stack
    kind: Kind
    part: Part | None = None

    @property
    def trace(self) -> Trace:
        return self.context.trace

    @cached_property
    def module(self) -> ModuleRecord:
        """The example's module that is the part; the layer itself when the part is spelt out in it."""
        if self.part is None:
            return self.kind.example
        first = self.context.modules[self.part.paths[0]]
        held = first.children and not self._is_only_held(first)
        return first if held or (len(self.part.paths) == 1 and not first.children) else self.kind.example

    def _is_only_held(self, module: ModuleRecord) -> bool:
        """Whether a layer calls the parts of a module itself, as those of an `nn.ModuleDict`."""
        called = any(self.trace.call(child.path) is not None for child in module.children.values())
        return called and self.trace.call(module.path) is None

    @cached_property
    def call(self) -> Event | None:
        return self.trace.call(self.module.path)

    @cached_property
    def loose(self) -> list[ModuleRecord]:
        """The projections of a part that lie loose in the layer; none where the part is a module."""
        paths = self.part.paths if self.part is not None and self.module is self.kind.example else ()
        return [module for path in paths for module in self.context.modules[path].walk() if is_linear(module)]

    @cached_property
    def steps(self) -> Sequence[Event] | None:
        """What happens inside the part, or between its loose projections; None where that was not seen."""
        if self.loose:
            return steps_between(self.kind.example, self.loose, self.trace)
        return self.trace.inside(self.call) if self.call is not None else None

    @cached_property
    def lineage(self) -> Lineage | None:
        return Lineage(self.trace, self.call, self.context.modules) if self.call else None

    def origins(self, call: Event) -> Origins:
        """The way back to projections inside a call."""
        return Origins(self.trace, call, {number: held.name for number, held in self.context.reading.stored.items()})

    def activated(self, call: Event, steps: Sequence[Event] | None = None) -> dict[str, Span | None]:
        """The projections (or parts of what they give) inside a call whose results go through an activation, each with the line.

        Args:
            steps: The steps to look at; all that happens inside the call where not given.
        """
        origins, found = self.origins(call), dict[str, Span | None]()
        inside = self.trace.inside(call) if steps is None else steps
        for event in inside:
            if event.kind == "function" or not event.inputs or read_activation(event, self.trace) is None:
                continue
            if canonical(event.name) == "tanh" and is_softcap(event, inside):
                continue
            for words in origins.words(event.inputs[0]):
                found.setdefault(words, event.at)
        return found

    def norm_form(self, module: ModuleRecord) -> NormForm | None:
        """Which norm a module computes; None where that was not followed."""
        call, forms = self.trace.call(module.path), self.context.norm_forms
        if call is None:
            return None
        key = (module.class_name, *(value.shape for value in call.inputs), *module.parameters)
        if key not in forms:
            forms[key] = norm_form(self.trace, call, self.context.reading.stored)
        return forms[key]

    def relative(self, path: str) -> str:
        """A module's path within the layer."""
        return path.removeprefix(self.kind.example.path).lstrip(".")

    def short(self, path: str) -> str:
        """A module's path within the part."""
        return path.removeprefix(self.module.path).lstrip(".") or self.module.name

    def setting(self, *names: str) -> tuple[str, object] | None:
        """A configuration value of this stack, or of the whole model, with its key."""
        return self.stack.config.find(*names) or self.context.configs[0].find(*names)

    def claim(
        self, key: str, value: object, *places: Span | None, status: Status = "verified",
        config: str | None = None,
    ) -> Claim:  # fmt: skip
        """A claim about this part in all layers of the kind.

        Args:
            places: Lines of code that support it; the class of the part when there is none.
            config: A configuration key that supports it.
        """
        evidence = list(self.lines.evidence(*places))
        if config is not None:
            evidence.append(Evidence(kind="config", where=config))
        if not evidence:
            evidence += self.lines.evidence(self.module.defined_at or self.module.created_at)
        return Claim(
            key, value, status, tuple(evidence), self.stack.path, tuple(self.kind.indices), self.relative(self.module.path)
        )  # fmt: skip
