"""From the scores of a router to the weights of the chosen experts: what they are made by, normalised, multiplied and chosen with."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.interpreter.reading import Event
from archviz.patterns.activations import number_in
from archviz.patterns.op_families import canonical
from archviz.patterns.router_flow import router_flow
from archviz.patterns.trace import Trace

SCORES = {"softmax": "softmax", "sigmoid": "sigmoid", "softplus": "softplus"}
NORMALISES = ("div", "softmax", "normalize", "logsumexp")


def is_seen(events: Sequence[Event]) -> bool:
    """Whether the choice of experts is among the steps: by rank, or looked up and their scores taken out."""
    return _choice(events) is not None


def _choice(events: Sequence[Event]) -> int | None:
    """The place of the last choice; where there is none by rank, of the first lookup."""
    names = [canonical(event.name) for event in events]
    if "topk" in names:
        return len(names) - 1 - names[::-1].index("topk")
    return names.index("gather") if "gather" in names else None


def score_name(events: Sequence[Event], count: int) -> str | None:
    """What makes scores of the projection: `softmax`, `sigmoid`, …; `softmax over top-k` where it comes behind the choice.

    Args:
        count: How many there are to choose from; a gate beside them has no such scores.
    """
    made = _made_of_scores(events, count)
    names = [canonical(event.name) for event in events]
    seen = [
        (at, SCORES[name]) for at, name in enumerate(names)
        if name in SCORES and (made is None or any(value.id in made for value in events[at].inputs))
    ]  # fmt: skip
    if not seen:
        return None
    if "topk" in names and seen[0][0] > names.index("topk"):
        return f"{seen[0][1]} over top-k"
    if "sqrt" in names and seen[0][1] == "softplus":
        return "sqrt of softplus"
    return seen[0][1]


def _made_of_scores(events: Sequence[Event], count: int) -> set[int] | None:
    """Ids of what is made of the projection to one score for each; None where it is not among the steps."""
    made: set[int] | None = None
    for event in events:
        wide = bool(event.outputs) and (event.outputs[0].shape or (None,))[-1] == count
        if wide and canonical(event.name) in ("linear", "matmul", "einsum"):
            made = (made or set()) | {value.id for value in event.outputs}
        elif made is not None and any(value.id in made for value in event.inputs):
            made |= {value.id for value in event.outputs}
    return made


def normalising_step(events: Sequence[Event]) -> Event | None:
    """The step that makes weights of the scores that were chosen so that they add up: it works on them, not on all scores."""
    start = _choice(events)
    if start is None:
        return None
    chosen = {value.id for value in events[start].outputs}
    for event in events[start + 1 :]:
        name = canonical(event.name)
        # A softmax or a sum of logarithms takes what it divides by from its own input; a division from its first.
        if name in NORMALISES and event.inputs and event.inputs[0].id in chosen:
            return event
        if name == "gather" or any(value.id in chosen for value in event.inputs):
            chosen.update(value.id for value in event.outputs)
    return None


def weight_factor(events: Sequence[Event]) -> tuple[Event, float] | None:
    """The first step behind the choice that multiplies by a number, and the number."""
    start = _choice(events)
    for event in events[start + 1 :] if start is not None else ():
        number = number_in(event) if canonical(event.name) == "mul" and len(event.inputs) == 1 else None
        if number is not None:
            return event, number
    return None


def corrects_choice(trace: Trace, block: Event, events: Sequence[Event], experts: str, count: int) -> bool:
    """Whether a stored number of each expert joins the scores that are chosen by, and not the weights."""
    chosen = [event for event in events if canonical(event.name) == "topk"]
    if not chosen:
        return False
    flow = router_flow(trace, block, events, experts, count)
    return flow.bias is not None and flow.bias.index < chosen[-1].index and not flow.biased_weights
