"""Facts in the making: values with their evidence, one for the whole model or one for each kind of layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from archviz.architecture.context import ConfigPart, Context, code, keys_of
from archviz.architecture.model import Evidence, Fact
from archviz.architecture.naming import Kind
from archviz.patterns.layer_parts import Part
from archviz.records import field, record
from archviz.spans import Status

ConfigEvidence = Callable[[str], list[Evidence]]


def config_evidence(key: str) -> list[Evidence]:
    """Evidence that names a configuration key."""
    return [Evidence(kind="config", where=key)]


@record(frozen=True)
class OfKind:
    """What holds for one kind of layer.

    Args:
        value: None where the kind has nothing of the sort.
        word: What the kind is called where kinds differ (`sliding_attention`); its id where two share the word.
        evidence: The code that says so.
    """

    kind: Kind
    value: object
    word: str
    evidence: list[Evidence]


@record
class FactSheet:
    """Facts in the making.

    Args:
        cite: Evidence for a configuration key; whoever knows where the configuration came from may say more.
        tower: Which tower the next facts are of; keys of the other half of an encoder and decoder are not its own.
    """

    context: Context
    cite: ConfigEvidence = config_evidence
    tower: str = ""
    facts: list[Fact] = field(default_factory=list)

    def add(
        self, key: str, value: object, evidence: list[Evidence] | None = None, *,
        status: Status = "verified", unit: str | None = None,
    ) -> None:  # fmt: skip
        """State a fact, unless its value is unknown or it is stated already."""
        if value is not None and all(fact.key != key for fact in self.facts):
            self.facts.append(Fact(key=key, value=value, unit=unit, status=status, evidence=evidence or []))

    def add_by_kind(
        self, key: str, values: Iterable[OfKind], *, agreeing: Sequence[str] = (), config: ConfigPart | None = None,
        status: Status = "verified", unit: str | None = None,
    ) -> None:  # fmt: skip
        """State one value where all kinds of layers that have one agree, else a value per kind.

        Args:
            agreeing: Configuration keys that may state the same, in `config`.
        """
        known = [item for item in values if item.value is not None]
        value = by_kind(known)
        if value is None:
            return
        evidence = _distinct(item for own in known for item in own.evidence)
        if config is not None:
            for item in _distinct_values(known):
                evidence += self.agreeing(config, item, *agreeing)
        self.add(key, value, _distinct(evidence), status=status, unit=unit)

    def from_config(self, config: ConfigPart, key: str, *names: str, unit: str | None = None) -> None:
        """State what only the configuration says."""
        found = config.find(*(names or (key,)))
        if found is not None and not isinstance(found[1], (dict, list)):
            self.add(key, found[1], self.cite(found[0]), status="config", unit=unit)

    def agreeing(self, config: ConfigPart, value: object, *names: str) -> list[Evidence]:
        """The configuration keys that state the same value: those that name the tower's half alone, where there are any."""
        stating = [n for n in keys_of(names, self.tower) if value is not None and config.values.get(n) == value]
        stating = [n for n in stating if self.tower and self.tower in n] or stating
        return [evidence for name in stating for evidence in self.cite(config.prefix + name)]

    def place(self, kind: Kind, part: Part) -> list[Evidence]:
        """The code that defines a part: its class, or the layer's when it is spelt out there."""
        module = self.context.modules[part.paths[0]] if len(part.paths) == 1 else kind.example
        return code(module.defined_at)


def by_kind(values: Sequence[OfKind]) -> object:
    """The one value of all kinds, or a value per kind; None where there is none."""
    if len(_distinct_values(values)) <= 1:
        return values[0].value if values else None
    words: dict[str, object] = {}
    for item in values:
        if item.word in words and words[item.word] != item.value:
            return _by_id(values)
        words[item.word] = item.value
    return words


def _by_id(values: Sequence[OfKind]) -> dict[str, object]:
    """A value per kind by its id; a list where a layer has several that differ (experts of text and of images)."""
    found: dict[str, list[object]] = {}
    for item in values:
        of_kind = found.setdefault(item.kind.id, [])
        if item.value not in of_kind:
            of_kind.append(item.value)
    return {kind: of_kind if len(of_kind) > 1 else of_kind[0] for kind, of_kind in found.items()}


def _distinct_values(values: Sequence[OfKind]) -> list[object]:
    found: list[object] = []
    for item in values:
        if item.value not in found:
            found.append(item.value)
    return found


def _distinct(evidence: Iterable[Evidence]) -> list[Evidence]:
    return list({(item.kind, item.where): item for item in evidence}.values())
