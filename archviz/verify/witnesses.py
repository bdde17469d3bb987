"""What others than the code say about a model: stored tensors, configuration, card and paper, each value with its place.

Code settles; a configuration and headers can contradict an expectation, a card and a paper are hints whose differences are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archviz.architecture.model import Architecture, Evidence, Fact
from archviz.late_patterns import late_pattern
from archviz.lookup.card.stated import Statement, agrees
from archviz.lookup.checkpoint import Checkpoint
from archviz.records import record
from archviz.spans import EvidenceKind
from archviz.verify.claims import Check
from archviz.verify.expectations import Expectation, facts_of

HINTS = ("card", "paper")
"""Witnesses whose disagreement is told, and is no conflict."""
_STATED = {
    "total": "params", "active": "active", "layers": "layers", "experts": "experts", "experts_per_token": "top_k", "hidden_size": "hidden",
}  # fmt: skip
_LAYER = late_pattern(r"^(.*?(?:layers|layer|h|blocks|block))\.(\d+)\.")
_EMBEDDING = late_pattern(r"(?:embed_tokens|wte|word_embeddings|tok_embeddings|embed_in)\.weight$")


@record(frozen=True)
class Said:
    """A value that a witness gives: the value, where it stands, and how far it may be off (a rounded number)."""

    value: object
    where: str
    text: str | None = None
    statement: Statement | None = None


@record(frozen=True)
class Witness:
    """A source that says something about a model.

    Args:
        kind: `headers`, `config`, `card` or `paper`.
        name: What it is, with commit or address.
        values: Key of an expectation → what it says.
        trouble: Why it could not be read; empty where it was.
    """

    kind: str
    name: str
    values: Mapping[str, Said]
    trouble: str = ""


def headers_witness(found: Checkpoint) -> Witness:
    """Counts and sizes that the headers of stored tensors give."""
    where = f"headers of {found.model}" + (f" at {found.commit[:12]}" if found.commit else "")
    values = {"params": Said(sum(each.numel for each in found.tensors), where, f"{len(found.tensors):,} tensors")}
    stacks: dict[str, set[int]] = {}
    for each in found.tensors:
        if match := _LAYER.match(each.name):
            stacks.setdefault(match[1], set()).add(int(match[2]))
    if stacks:
        path, indices = max(stacks.items(), key=lambda pair: len(pair[1]))
        values["layers"] = Said(len(indices), f"{path}.*", where)
    table = next((each for each in found.tensors if _EMBEDDING.search(each.name) and len(each.shape) == 2), None)
    if table is not None:
        values["vocab"] = Said(table.shape[0], table.name, where)
        values["hidden"] = Said(table.shape[1], table.name, where)
    return Witness("headers", where, values)


def config_witness(values: Mapping[str, object], facts: Iterable[tuple[str, Sequence[Fact]]], name: str) -> Witness:
    """What the configuration itself states under the keys that the facts cite."""
    found: dict[str, Said] = {}
    for key, each in facts:
        places = [item.where for fact in each for item in fact.evidence if item.kind == "config"]
        for place in places:
            value = _value_at(values, place)
            if isinstance(value, (int, float, str)) and not isinstance(value, bool):
                found.setdefault(key, Said(value, place))
    return Witness("config", name, found)


def _value_at(values: Mapping[str, object], path: str) -> object:
    node: object = values
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def statements_witness(kind: str, name: str, statements: Iterable[Statement]) -> Witness:
    """What a card or a paper states in so many words."""
    found = {_STATED[each.key]: Said(each.value, name, each.line, each) for each in statements if each.key in _STATED}
    return Witness(kind, name, found)


def check_witnesses(
    expectations: Sequence[Expectation], witnesses: Sequence[Witness], architecture: Architecture
) -> list[Check]:
    """Hold every expectation against every witness that says anything about it."""
    return [
        _check(expectation, witness, witness.values[expectation.key], architecture)
        for expectation in expectations
        for witness in witnesses
        if expectation.key in witness.values
    ]


def _check(expectation: Expectation, witness: Witness, said: Said, architecture: Architecture) -> Check:
    agree = expectation.allows(said.value)
    if not agree and said.statement is not None and expectation.number is not None:
        agree = agrees(said.statement, expectation.number)  # both are rounded
    if not agree and witness.kind == "headers":
        agree = _differs_as_explained(expectation, said, architecture)
    status = "verified" if agree else "unverified" if witness.kind in HINTS else "conflict"
    stated: object = expectation.text if expectation.number is None else expectation.plain
    kinds: dict[str, EvidenceKind] = {"headers": "tensor", "config": "config", "card": "card", "paper": "paper"}
    evidence = (Evidence(kind=kinds[witness.kind], where=said.where, text=said.text),)
    return Check(f"--expect {expectation.key} ({witness.kind})", expectation.key, stated, said.value, status, evidence)  # type: ignore[arg-type]


def _differs_as_explained(expectation: Expectation, said: Said, architecture: Architecture) -> bool:
    """Whether stored tensors differ from the expectation only by what the class does not build: further layers, ties, scales."""
    code = facts_of(expectation, architecture)
    if not code or not isinstance(said.value, int) or not any(expectation.allows(fact.value) for fact in code):
        return False
    if expectation.key == "params":
        return architecture.parameters.published_total == said.value and architecture.parameters.unexplained == 0
    built, further = code[0].value, architecture.fact("mtp_layers")
    more = further.value if further is not None and isinstance(further.value, int) else 0
    return expectation.key == "layers" and isinstance(built, int) and built < said.value <= built + more
