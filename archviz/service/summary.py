"""An Architecture in one small answer: what it is, how its layers repeat, what it counts, what was not understood."""

from __future__ import annotations

from collections.abc import Iterable

from archviz.architecture.model import Architecture, Fact, LayerStack, Parameters, Part, Tower
from archviz.service.paging import cut_to_fit

_CUT_FIRST = ("breakdown", "blocks", "cautions", "facts", "layers")  # the least needed first
_DEEPEST_ROW = 2  # layers/KIND/mixer; what is below stands in /parameters
_LONGEST_RANGES = 40
_SUMMARY_BYTES = 4_300  # leaves room for gaps and the next steps in the same answer
_WELL_SUPPORTED = ("verified", "config", "derived")


def summarise(architecture: Architecture) -> dict[str, object]:
    """The facts of the whole model, cut to size; `left_out` counts what was cut, by part."""
    identity = architecture.identity
    known = _stated(identity, leave_out={"id", "class_name", "files", "links"})
    summary: dict[str, object] = {
        "identity": known,
        "parameters": _parameters(architecture.parameters),
        "layers": [_stack(stack) for stack in architecture.layers],
        "towers": [
            {"id": tower.id, "title": tower.title, "parameters": tower.parameters, **_order(tower)}
            for tower in architecture.towers
        ],
        "facts": {fact.key: _value(fact) for fact in architecture.facts},
        "breakdown": _breakdown(architecture.parameters),
        "cautions": [f"{fact.key}: {fact.status}" for fact in architecture.facts if fact.status not in _WELL_SUPPORTED],
        "blocks": {f"/blocks/{index}": block.title for index, block in enumerate(architecture.blocks)},
    }
    summary = {key: value for key, value in summary.items() if value}
    left_out = cut_to_fit(summary, _CUT_FIRST, _SUMMARY_BYTES)
    summary = {key: value for key, value in summary.items() if value}
    return {**summary, "left_out": left_out} if left_out else summary


def parts_of(architecture: Architecture) -> dict[str, str]:
    """What else can be asked for: JSON pointer → what is there."""
    return {
        "/modules": "the module tree, equal siblings folded",
        "/tensors": f"{len(architecture.tensors)} tensors with shapes",
        "/layers": f"{len(architecture.layers)} layer stacks: kinds and repeat pattern",
        "/blocks": f"{len(architecture.blocks)} data-flow graphs",
        "/facts": f"{len(architecture.facts)} facts with evidence",
        "/parameters": "the whole parameter breakdown",
        "/gaps": f"{len(architecture.gaps)} places that were not understood",
    }


def _stated(part: Part, leave_out: set[str]) -> dict[str, object]:
    return {name: value for name, value in part.as_dict().items() if value is not None and name not in leave_out}


def _parameters(parameters: Parameters) -> dict[str, object]:
    counts = _stated(parameters, leave_out={"breakdown", "tied", "active_definition", "symbols", "reconciliation"})
    steps = [f"{step.title}: {step.count:+,} ({step.status})" for step in parameters.reconciliation]
    return {**counts, **({"reconciliation": steps} if steps else {}), "tied": len(parameters.tied)}


def _stack(stack: LayerStack) -> dict[str, object]:
    return {
        "path": stack.path,
        "count": stack.count,
        "pattern": stack.pattern_text,
        "kinds": [
            {
                "id": kind.id,
                "title": kind.title,
                "layers": _short(ranges(kind.indices)),
                "parameters": kind.parameters,
                "active": kind.active_parameters,
                **({"together": kind.together} if kind.together is not None else {}),
                **({"each_calls_its_own_of": kind.chosen} if kind.chosen else {}),
            }
            for kind in stack.kinds
        ],
    }


def _order(tower: Tower) -> dict[str, object]:
    """How lists of layers run in turn, where they do."""
    orders = [item.weave.pattern_text for item in tower.column if item.weave]
    return {"order": orders} if orders else {}


def _short(text: str) -> str:
    """Ranges with the middle left out where there are many: the pattern says how they go on."""
    parts = text.split(",")
    return text if len(text) <= _LONGEST_RANGES else ",".join([*parts[:3], "…", parts[-1]])


def _value(fact: Fact) -> object:
    return f"{fact.value} {fact.unit}" if fact.unit else fact.value


def _breakdown(parameters: Parameters) -> list[str]:
    rows = []
    for row in (row for row in parameters.breakdown if row.key.count("/") <= _DEEPEST_ROW):
        times = f" = {row.times} × {row.each:,}" if row.times and row.times > 1 and row.each is not None else ""
        rows.append(f"{row.key}: {row.count:,}{times}")
    return rows


def ranges(indices: Iterable[int]) -> str:
    """Indices in short: runs with a dash, steps with a slash.

    >>> ranges([0, 1, 2, 5]), ranges([3, 7, 11, 15])
    ('0-2,5', '3-15/4')
    """
    rest, parts = sorted(indices), []
    while rest:
        step = rest[1] - rest[0] if len(rest) > 1 else 1
        length = 1
        while length < len(rest) and rest[length] - rest[length - 1] == step:
            length += 1
        if step > 1 and length < 3:
            length = 1
        run, rest = rest[:length], rest[length:]
        parts.append(str(run[0]) if length == 1 else f"{run[0]}-{run[-1]}" + (f"/{step}" if step > 1 else ""))
    return ",".join(parts)
