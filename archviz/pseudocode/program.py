"""A model as PyTorch-style pseudocode: valid Python that builds every tensor and runs on the meta device with the stated shapes."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress

from archviz.errors import ArchvizError
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.pseudocode.bodies import Bodies, Function
from archviz.pseudocode.classes import ClassBook, Written
from archviz.pseudocode.sizes import Sizes
from archviz.readings import DEFAULTS, Traced, TraceOptions, read_traced
from archviz.records import field, record
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn"


@record(frozen=True)
class Pseudocode:
    """The program of a model.

    Args:
        text: All of it.
        functions, classes: Its parts, in order.
        root: The class of the model.
        remarks: What could not be written out, with its place; empty where the program is whole.
        symbolic: Sizes are given by `B` and `T`; else they are those of one pass.
    """

    text: str
    functions: list[str]
    classes: list[Written]
    root: str
    remarks: list[str] = field(default_factory=list)
    symbolic: bool = True


def write_pseudocode(
    source: ModelSource, *, class_name: str | None = None, settings: Settings = DEFAULTS
) -> Pseudocode:  # fmt: skip
    """The pseudocode of a model: its modules and its forward pass, derived from the data flow of two interpreted passes."""
    first = _pass(source, class_name, Sizes().first, settings)
    second = None
    with suppress(ArchvizError):
        second = _pass(source, class_name, _second(first), settings)
    bodies = _bodies(first, second, _sizes(first, second))
    window = bodies.limits.window
    if second is not None and 0 < window <= _WIDEST_WINDOW:
        with suppress(ArchvizError):
            bodies = _fewer_limits(bodies, _windowed(source, class_name, window, settings))
    return _program(bodies)


_WIDEST_WINDOW = 512
_MANY = 128


def _windowed(source: ModelSource, class_name: str | None, window: int, settings: Settings) -> Bodies:
    """The bodies of passes over several windows of tokens, the last one not full: what fills it is the case that code has lines for."""
    windows = max(2, -(-_MANY // window))
    (batch, tokens), (other, _) = Sizes()[:2]
    sizes = Sizes((batch, windows * window + tokens), (other, 2 * windows * window - 1), window)
    first, second = (_pass(source, class_name, each, settings) for each in sizes[:2])
    return _bodies(first, second, sizes)


def _fewer_limits(first: Bodies, second: Bodies) -> Bodies:
    """The second ones where they hold for more tokens than the first."""
    better = second.limits.most_tokens is None and len(second.unpaired) <= len(first.unpaired)
    return second if better else first


def _pass(source: ModelSource, class_name: str | None, sizes: tuple[int, int], settings: Settings) -> Traced:
    return read_traced(source, class_name=class_name, options=TraceOptions(*sizes), settings=settings)


def _second(first: Traced) -> tuple[int, int]:
    """Batch and tokens of the second pass: where windows had to be filled, so many that every size of window shows."""
    batch, tokens = Sizes().second
    more = first.recorder.more_tokens
    return batch, 4 * more - 4 if more else tokens


def _sizes(first: Traced, second: Traced | None) -> Sizes:
    """Batch and tokens of the passes as they were run: of more tokens where the first ones left parts of the model without any."""
    (batch, tokens), (other_batch, other_tokens) = Sizes().first, _second(first)
    more = 0 if second is None else second.recorder.more_tokens
    return Sizes((batch, tokens + first.recorder.more_tokens), (other_batch, other_tokens + more))


def _bodies(first: Traced, second: Traced | None, sizes: Sizes) -> Bodies:
    """The bodies of a model that was traced once, or twice with other sizes."""
    with deep_recursion():
        bodies = Bodies(first, second, sizes)
        bodies.write()
    return bodies


def _program(bodies: Bodies) -> Pseudocode:
    """The program of written bodies."""
    first, sizes = bodies.traced, bodies.sizes
    with deep_recursion():
        book = ClassBook(bodies.of_module)
        root = book.make(first.reading.root)
    classes = list(book.classes.values())
    functions = _used(list(bodies.functions.values()), [each.text for each in classes])
    roots = bodies.roots()
    tail = _ties(first.reading.tied) + (_inputs(bodies, roots[0]) if roots else [])
    batch, tokens = sizes.first
    note = "the sizes below are those of this pass"
    if bodies.is_paired:
        note = "batch and tokens of the pass; the sizes below follow from them"
        note += _reach(bodies, first.recorder.more_tokens)
    text = (
        "\n\n\n".join(
            [
                f"{_HEAD}\n\nB, T = {batch}, {tokens}  # {note}",
                *functions,
                *(each.text for each in classes),
                _main(root, tail, _uncalled(first.reading.root, bodies.called())),
            ]
        )
        + "\n"
    )
    ast.parse(text)  # what does not parse is a fault of ours and is not handed out
    remarks = list(dict.fromkeys([*bodies.remarks, *(str(gap.reason) for gap in first.reading.trace_gaps)]))
    return Pseudocode(text, functions, classes, root, remarks, bodies.is_paired and not bodies.unpaired)


def _reach(bodies: Bodies, more_tokens: int) -> str:
    """For how many tokens the sizes are those of the code."""
    words = ", for so many tokens or more" if more_tokens else ""
    if bodies.limits.bounds:
        words += f"; shapes in comments while {' and '.join(bodies.limits.bounds)}"
    if bodies.limits.most_tokens is not None:
        words += f"; for T <= {bodies.limits.most_tokens} where a body says so"
    return words


def _uncalled(root: ModuleRecord, called: set[str]) -> list[str]:
    """The outermost modules with tensors that the pass does not enter."""
    entered = {path[:end] for path in called for end in (*_dots(path), len(path))} | {""}
    found: list[str] = []
    waiting = [root]
    while waiting:
        module = waiting.pop(0)
        if module.path in entered:
            waiting += module.children.values()
        elif any(each.parameters for each in module.walk()):
            found.append(module.path)
    return found


def _dots(path: str) -> list[int]:
    return [place for place, sign in enumerate(path) if sign == "."]


def _used(functions: Sequence[Function], texts: Sequence[str]) -> list[str]:
    """The functions that are called, directly or by another one; a caller stands after what it calls."""
    waiting = list(texts)
    wanted: set[str] = set()
    while waiting:
        text = waiting.pop()
        for function in functions:
            if function.name not in wanted and re.search(rf"(?<![\w.]){re.escape(function.name)}\(", text):
                wanted.add(function.name)
                waiting.append(function.text.partition("\n")[2])
    return [function.text for function in functions if function.name in wanted]


def _ties(tied: dict[str, str]) -> list[str]:
    return [f"    {_place(alias)} = {_place(name)}" for alias, name in tied.items()]


def _place(name: str) -> str:
    text = "model"
    for part in name.split("."):
        text += f"[{part}]" if part.isdecimal() else f".{part}" if part.isidentifier() else f"._modules[{part!r}]"
    return text


def _inputs(bodies: Bodies, root: Event) -> list[str]:
    shapes = dict(zip([v.id for v in root.inputs], bodies.shapes(root, "inputs"), strict=True))
    rows = []
    for value in bodies.inputs_of(root):
        shape = shapes.get(value.id) or str(list(value.shape or ()))
        sizes, _, dtype = shape.partition("] ")
        kind = f", dtype=torch.{dtype}" if dtype and "float" not in dtype else ""  # the weights are of the default type
        rows.append(f"torch.empty({sizes if sizes.endswith(']') else sizes + ']'}{kind})")
    return [f"    inputs = ({', '.join(rows)}{',' if len(rows) == 1 else ''})"]


_MOST_UNCALLED = 6


def _main(root: str, tail: Sequence[str], uncalled: Sequence[str]) -> str:
    """The model, its shared tensors, and one pass on the meta device."""
    shown = ", ".join(_place(path) for path in uncalled[:_MOST_UNCALLED]) + ", …" * (len(uncalled) > _MOST_UNCALLED)
    inputs = any(line.startswith("    inputs") for line in tail)
    return "\n".join([
        "def build():",
        f"    model = {root}",
        *(line for line in tail if not line.startswith("    inputs")),
        "    return model",
        *(["", "", "def run(model):", *([f"    # built, but not called in this pass: {shown}"] if uncalled else []), *(line for line in tail if line.startswith("    inputs")), "    return model(*inputs)"] if inputs else []),
        "", "",
        'if __name__ == "__main__":',
        '    with torch.device("meta"):',
        "        model = build()",
        *(["        run(model)"] if inputs else []),
    ])  # fmt: skip
