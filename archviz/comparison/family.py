"""Related models in an order: each beside the nearest one before it, with what changed between the two."""

from __future__ import annotations

from archviz.comparison.comparing import Comparison, compare
from archviz.comparison.departures import departures
from archviz.comparison.facts import FactRow
from archviz.records import record


@record(frozen=True)
class Step:
    """A model in the order of its family.

    Args:
        model: Its id; `since` the id of the nearest model before it, None for the first.
        mechanisms: Facts that are not sizes and differ; `sizes` those that are.
        blocks: Blocks that only one of the two has, or whose steps differ.
        distance: How many of these there are; sizes count a tenth.
    """

    model: str
    since: str | None
    mechanisms: list[FactRow]
    sizes: list[FactRow]
    blocks: list[str]
    distance: float

    def as_dict(self) -> dict[str, object]:
        return {
            "model": self.model, "since": self.since, "distance": round(self.distance, 1),
            "mechanisms": [row.as_dict() for row in self.mechanisms], "sizes": [row.as_dict() for row in self.sizes], "blocks": self.blocks,
        }  # fmt: skip


def family(comparison: Comparison) -> list[Step]:
    """Models by what changed: by release where all state theirs, else from the plainest; each after its nearest kin.

    A plain model is one with few departures from a plain decoder; of two equally plain ones the smaller comes first.
    """
    models = comparison.models
    dated = all(model.identity.release_date for model in models)

    def order(index: int) -> tuple[object, ...]:
        model = models[index]
        plainness = len([each for each in departures(model) if not each.small])
        return (model.identity.release_date if dated else "", plainness, model.parameters.total, index)

    placed: list[int] = []
    steps: list[Step] = []
    for index in sorted(range(len(models)), key=order):
        candidates = [step_between(comparison, before, index) for before in placed]
        nearest = min(candidates, key=lambda step: step.distance, default=None)
        steps.append(nearest or Step(models[index].identity.id, None, [], [], [], 0.0))
        placed.append(index)
    return steps


def step_between(comparison: Comparison, before: int, after: int) -> Step:
    """What changed from one model to another."""
    pair = compare([comparison.models[before], comparison.models[after]])
    changed = [row for row in pair.differing_facts if not row.is_name]
    mechanisms = [row for row in changed if not row.is_size]
    sizes = [row for row in changed if row.is_size]
    blocks = [
        _words(each.slot, each.title, each.first is None, each.other is None)
        for each in pair.pairs[0]
        if each.first is None or each.other is None or any(step.kind != "changed" for step in each.steps)
    ]
    return Step(
        pair.names[1], pair.names[0], mechanisms, sizes, blocks, len(mechanisms) + len(blocks) + 0.1 * len(sizes)
    )  # fmt: skip


def _words(slot: str, title: str, is_new: bool, is_gone: bool) -> str:
    return f"{slot} {title}" + (" (new)" if is_new else " (gone)" if is_gone else "")
