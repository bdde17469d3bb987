"""Facts of towers in stages: where stages differ, a value for each of them, from the first to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from archviz.architecture.kinds import Stack
from archviz.architecture.model import Fact
from archviz.records import replace


def facts_of_stages(stack: Stack, stages: Sequence[Stack], facts_of: Callable[[Stack], list[Fact]]) -> list[Fact]:
    """The facts of one stack; values that differ between stages as lists.

    Args:
        stack: One of the stages.
        facts_of: What there is to say of each.
    """
    if len(stages) < 2:
        return facts_of(stack)
    found = [{fact.key: fact for fact in facts_of(stage)} for stage in stages]
    own = found[next(place for place, stage in enumerate(stages) if stage is stack)]
    return [_joined(fact, [of_stage.get(fact.key) for of_stage in found]) for fact in own.values()]


def _joined(fact: Fact, of_stages: Sequence[Fact | None]) -> Fact:
    stated = [each for each in of_stages if each is not None]
    value = one_or_all(each.value for each in stated)
    if (
        len(stated) < len(of_stages)
        or value == fact.value
        or any(isinstance(each.value, (dict, list)) for each in stated)
    ):
        return fact
    evidence = {(item.kind, item.where): item for each in stated for item in each.evidence}
    return replace(fact, value=value, evidence=list(evidence.values()))


def one_or_all(values: Iterable[object]) -> object:
    """The one value of all stages, else all of them; None where one is not known.

    >>> one_or_all([4, 4]), one_or_all([1, 2, 4]), one_or_all([1, None])
    (4, [1, 2, 4], None)
    """
    found = list(values)
    if not found or None in found:
        return None
    return found[0] if all(value == found[0] for value in found) else found
