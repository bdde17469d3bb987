"""What a pass that was not understood says it lacks: parameters of `forward` that its gaps name, in their words or in the line they point to.

"Bbox is required", "missing a required argument: 'state'", or `pixel_values.size(0)` where nothing was given as `pixel_values`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from archviz.interpreter.inputs import forward_function, forward_parameters, plain_image
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.named_inputs import combinations
from archviz.interpreter.reading import Gap
from archviz.interpreter.refused_sizes import keys_of_mask, other_sizes
from archviz.interpreter.stated_inputs import DTYPE, stated_inputs
from archviz.interpreter.towers import GRIDS, POSITIONS
from archviz.interpreter.values import ModuleInstance, Tensor
from archviz.late_patterns import late_pattern

READ = 3  # gaps: what is lacking shows in the first
_WORD = late_pattern(r"[a-z_]\w*")
_UNEXPECTED = late_pattern(r"unexpected keyword argument '(\w+)'")
_SEQUENCES = late_pattern(r"hidden|embeds|features|_mel$")
_MISSING = "missing a required argument"
_FRACTIONS = late_pattern(r"could not infer output dtype|must be (?:either )?(?:a )?floating")
_UNDATA = ("labels", "past_key_values", "use_cache", "return_dict", "inputs_embeds")


def lacking_inputs(
    interp: Interpreter, model: ModuleInstance, given: dict[str, Any], gaps: list[Gap], batch: int, seq: int
) -> Iterator[dict[str, Any]]:
    """The inputs of a pass with each of the parameters that its gaps name, then with all of them; with the shape that a refusal states.

    Args:
        given: What the pass was called with.
        gaps: What was not understood in it.
    """
    config, stated = model.attrs.get("config"), stated_inputs(interp, model, batch, seq)
    if gaps and (pixels := plain_image(interp, model, batch)):
        yield pixels  # a backbone that calls its image `x`
    for name in _UNEXPECTED.findall(gaps[0].reason) if gaps else ():
        yield {key: value for key, value in given.items() if key != name}
    words = set(_WORD.findall(" ".join(_told(interp, gap) for gap in gaps[:READ]).lower()))
    named = [name for name in forward_parameters(interp, model)[0][1:] if name.lower() in words]
    names = [name for name in named if name not in given and name not in (*_UNDATA, *GRIDS, *POSITIONS)]
    known: set[str] = set()
    for each in [[name] for name in names] + ([names] if len(names) > 1 else []):
        for found in combinations(interp, each, config, batch, seq, given, stated):
            known.update(found)
            yield found
    for name in names:
        if name not in known and name not in stated and _is_tensor(interp, model, name):
            several = (seq,) if _SEQUENCES.search(name) else ()  # nothing states the shape: a refusal may correct it
            yield {**given, name: Tensor((batch, seq, *several), DTYPE)}
    if any(_FRACTIONS.search(gap.reason) for gap in gaps[:READ]):
        for name, value in given.items():
            if isinstance(value, Tensor) and "int" in value.dtype and not name.endswith("input_ids"):
                yield {**given, name: Tensor(value.sizes, DTYPE)}
    tensors = [(name, value) for name, value in given.items() if isinstance(value, Tensor) and value.data is None]
    of_rank = dict(given)
    for name, value in tensors:
        other = stated.get(name)
        if other is not None and len(other.sizes) != len(value.sizes) and other.dtype == value.dtype:
            of_rank[name] = Tensor((*other.sizes[:-1], value.sizes[-1]), value.dtype)
            yield {**given, name: of_rank[name]}
    keys = keys_of_mask(gaps[0].reason) if gaps else None
    if keys is not None and "attention_mask" in forward_parameters(interp, model)[0]:
        yield {**given, "attention_mask": Tensor((batch, keys), "int64")}
    for gap in gaps[:READ]:
        for other_of in other_sizes(interp, config, dict(tensors), gap.reason, batch, seq):
            resized = {name: Tensor(sizes, given[name].dtype) for name, sizes in other_of.items()}
            yield {**given, **resized}
            yield {**of_rank, **resized}


def _is_tensor(interp: Interpreter, model: ModuleInstance, name: str) -> bool:
    """Whether `forward` says that a parameter is a tensor."""
    forward = forward_function(interp, model)
    spec = forward.node.args if forward is not None else None
    stated = [each for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs) if each.arg == name] if spec else []
    return any(each.annotation is not None and "Tensor" in ast.unparse(each.annotation) for each in stated)


def asks_further(gaps: list[Gap], before: list[Gap]) -> bool:
    """Whether a pass ended for another parameter that it was not given, the one that ended the last being given now."""
    missing = [
        gap.reason for gap in (*gaps[:1], *before[:1]) if _MISSING in gap.reason or _UNEXPECTED.search(gap.reason)
    ]
    return len(missing) == 2 and missing[0] != missing[1] and _MISSING in missing[1]


def _told(interp: Interpreter, gap: Gap) -> str:
    """The words of a gap, and the line that it points to."""
    text = interp.source_text(gap.at.file) if gap.at is not None else None
    lines = text.splitlines() if text else []
    line = lines[gap.at.line - 1] if gap.at is not None and gap.at.line <= len(lines) else ""
    return f"{gap.reason} {line}"
