"""What the documentation of `forward` states of its parameters' shapes, in numbers: `(batch_size, max_length, num_mel_bins)`.

Official code says so in one form, "`name (`torch.FloatTensor` of shape `(…)`)`".  A size is a number, a sum or product of sizes, a key of
the configuration or of a part of it, or a word of the field: batch, tokens, channels, height, width.  A parameter with any other size
is left out: nothing is guessed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from archviz.interpreter.inputs import forward_function, image, number, parts
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.parsing import body_of
from archviz.interpreter.values import ModuleInstance, Tensor
from archviz.late_patterns import late_pattern

DTYPE = "bfloat16"
SAMPLES = 16000
MOST = 1 << 20  # elements of an axis
_STATED = late_pattern(r"^[ \t]*(\w{1,60})[ \t]*\([^\n(]{0,60} of shape `?(\([^()\n]{1,200}\))", 8)
_BATCH = frozenset({
    "batch", "batch_size", "bs", "bsz", "num_images", "num_images_or_videos", "num_videos", "num_audios",
})  # fmt: skip
_TOKENS = late_pattern(
    r"\w*(seq|text|tokens|entity|canvas|episode)\w*|target_length|input_ids_length|len_seq|time|time_steps"
)
_CHOICES = {
    "num_choices": 3
}  # as many as whoever asks gives; a number that is neither the batch nor usual in a configuration
_AXES = {"channels": 1, "num_channels": 1, "height": 2, "width": 3}
_FOLDED: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
}  # fmt: skip


def stated_inputs(interp: Interpreter, model: ModuleInstance, batch: int, seq: int) -> dict[str, Tensor]:
    """A tensor for each parameter of `forward` whose shape its documentation states and the configuration knows."""
    forward = forward_function(interp, model)
    if forward is None or not isinstance(forward.node, ast.FunctionDef):
        return {}
    config = model.attrs.get("config")
    found: dict[str, Tensor] = {}
    body_of(forward.node)
    for match in _STATED.finditer(ast.get_docstring(forward.node, clean=False) or ""):
        name, text = match.group(1), match.group(2)
        sizes = stated_sizes(interp, config, text, batch, _length(interp, config, name, seq))
        if sizes is not None:
            found.setdefault(name, Tensor(sizes, _dtype(name, match.group(0))))
    return found


def _length(interp: Interpreter, config: Any, name: str, seq: int) -> int:
    """How long a sequence is: of samples, of the past that a forecast is made from with its lags, else of tokens."""
    if name in ("input_values", "audio_values"):
        return SAMPLES
    lags = interp.find_attribute(config, "lags_sequence") if name.startswith("past_") else None
    longest = max((each for each in lags if isinstance(each, int)), default=0) if isinstance(lags, (list, tuple)) else 0
    return (number(interp, config, "context_length", seq) if name.startswith("past_") else seq) + longest


def _dtype(name: str, text: str) -> str:
    if "Bool" in text:
        return "bool"
    counts = "Long" in text or "Int" in text or name.endswith(("ids", "mask", "labels"))
    return "int64" if counts else DTYPE


def stated_sizes(interp: Interpreter, config: Any, text: str, batch: int, seq: int) -> tuple[int, ...] | None:
    """The numbers of a stated shape, `(batch_size, 2, height, width)`; None where one is not known."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None
    stated = tree.elts if isinstance(tree, ast.Tuple) else [tree]
    sizes = [_size(interp, config, each, batch, seq) for each in stated]
    return tuple(sizes) if all(0 < each <= MOST for each in sizes) else None


def _size(interp: Interpreter, config: Any, node: ast.expr, batch: int, seq: int) -> int:
    """A stated size as a number; 0 where it is not known."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int) else 0
    if isinstance(node, ast.BinOp) and type(node.op) in _FOLDED:
        left, right = (_size(interp, config, each, batch, seq) for each in (node.left, node.right))
        return _FOLDED[type(node.op)](left, right) if left > 0 and right > 0 else 0
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if name in _BATCH:
        return batch
    if name in _AXES:
        return image(interp, config, batch, DTYPE).sizes[_AXES[name]]
    stated = next((found for part in parts(interp, config) if (found := number(interp, part, name, 0))), 0)
    return stated or _CHOICES.get(name, seq if _TOKENS.fullmatch(name) else 0)
