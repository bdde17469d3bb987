"""Two or more models held against each other: facts, layer plans, blocks and code, each difference with its places."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.column_layers import runs_of
from archviz.architecture.model import Architecture
from archviz.comparison.blocks import MAIN_TOWERS, BlockPair, pair_blocks
from archviz.comparison.facts import FactRow, fact_rows, remark_lines
from archviz.errors import UsageError
from archviz.records import record


@record(frozen=True)
class Plan:
    """The layers of one tower of each model: pattern and number, None where a model has no such tower."""

    tower: str
    patterns: list[str | None]
    counts: list[int | None]
    evidence: list[str | None]

    @property
    def differs(self) -> bool:
        return len(set(zip(self.patterns, self.counts, strict=True))) > 1


@record(frozen=True)
class Comparison:
    """Models side by side; the first is the one that others are held against.

    Args:
        facts: All facts, also equal ones.
        pairs: The blocks of each other model beside those of the first.
    """

    models: list[Architecture]
    facts: list[FactRow]
    plans: list[Plan]
    pairs: list[list[BlockPair]]

    @property
    def names(self) -> list[str]:
        return [model.identity.id for model in self.models]

    @property
    def notes(self) -> list[str]:
        """What a reader must know about the names."""
        return remark_lines(self.models)

    @property
    def differing_facts(self) -> list[FactRow]:
        return [row for row in self.facts if row.differs]

    def as_dict(self) -> dict[str, object]:
        return {
            "models": [
                {
                    "id": model.identity.id, "class": model.identity.class_name, "code": model.identity.code,
                    "parameters": model.parameters.total, "active_parameters": model.parameters.active,
                }
                for model in self.models
            ],
            "facts": [row.as_dict() for row in self.facts],
            "layers": [
                {"tower": p.tower, "patterns": p.patterns, "counts": p.counts, "evidence": p.evidence, "differs": p.differs} for p in self.plans
            ],
            "blocks": [
                {"model": name, "against": self.names[0], "pairs": [pair.as_dict() for pair in pairs]}
                for name, pairs in zip(self.names[1:], self.pairs, strict=True)
            ],
            "gaps": {m.identity.id: [gap.as_dict() for gap in m.gaps] for m in self.models if m.gaps},
            **({"notes": self.notes} if self.notes else {}),
        }  # fmt: skip


def check_different(models: Sequence[Architecture]) -> None:
    """Refuse models of which one stands there twice under two names.

    Raises:
        UsageError: With its id.
    """
    met = set()
    for each in (model.identity for model in models if model.identity.origin != "folder"):
        key = (each.id, each.class_name, each.revision)
        if key in met:
            raise UsageError(f"{each.id} is named twice", hint="a comparison takes two different models or more")
        met.add(key)


def compare(models: Sequence[Architecture]) -> Comparison:
    """Hold models against the first of them.

    Raises:
        UsageError: There are fewer than two.
    """
    if len(models) < 2:
        raise UsageError("a comparison takes two models or more", hint="archviz compare A B")
    return Comparison(
        list(models), fact_rows(models), _plans(models), [pair_blocks(models[0], other) for other in models[1:]]
    )


def _plans(models: Sequence[Architecture]) -> list[Plan]:
    towers = dict.fromkeys(tower.id for model in models for tower in model.towers)
    main = next((tower for tower in towers if tower in MAIN_TOWERS), None)
    found = []
    for tower in towers:
        if tower in MAIN_TOWERS and tower != main:
            continue  # beside the other's
        rows = [_plan(model, tower) for model in models]
        if any(pattern is not None for pattern, _, _ in rows):
            found.append(Plan(tower, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]))
    return found


def _plan(model: Architecture, tower_id: str) -> tuple[str | None, int | None, str | None]:
    wanted = MAIN_TOWERS if tower_id in MAIN_TOWERS else (tower_id,)
    tower = next((tower for tower in model.towers if tower.id in wanted), None)
    stacks = runs_of(model, tower) if tower else []
    if not stacks:
        return None, None, None
    places = [item.where for stack in stacks for kind in stack.kinds[:1] for item in kind.evidence[:1]]
    return (
        "; ".join(stack.pattern_text for stack in stacks),
        sum(stack.count for stack in stacks),
        places[0] if places else None,
    )
