"""Classes of modules: equal ones once, their parts in `__init__`, their bodies below."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from archviz.interpreter.reading import ModuleRecord, TensorRecord
from archviz.pseudocode.bodies import LIBRARY
from archviz.pseudocode.comments import with_common_comments, without_comments
from archviz.records import field, record

_LISTS = ("ModuleList", "Sequential", "ModuleDict")
_MOST_RUNS = 12


@record
class Written:
    """A class as it is written."""

    name: str
    text: str
    paths: list[str] = field(default_factory=list)


class ClassBook:
    """All classes of a model, parts before what they are parts of.

    Args:
        bodies: Path → the texts of its `forward` methods.
    """

    def __init__(self, bodies: dict[str, list[str]]) -> None:
        self.bodies = bodies
        self.classes: dict[str, Written] = {}
        self._names: dict[str, int] = {}

    def make(self, module: ModuleRecord) -> str:
        """The expression that makes a module; its class is written where it is new."""
        library = (module.library or "").rpartition(".")[2]
        if module.class_name == library and library in _LISTS and not module.parameters:
            return self._list(module, library)
        if module.class_name == library and library in LIBRARY:
            found = _library(module, library)
            if found is not None:
                return found
        return self._own(module)

    def _own(self, module: ModuleRecord) -> str:
        leaf = not module.children
        arguments = _tensor_arguments(module) if leaf else []
        head = [f"    def __init__(self{''.join(f', {name}' for name, _ in arguments)}):", "        super().__init__()"]
        rows = (
            _leaf_rows(module) if leaf else [row for tensor in _own_tensors(module) for row in [_tensor_row(*tensor)]]
        )
        rows += [f"        {_attribute(name)} = {self.make(child)}" for name, child in module.children.items()]
        bodies = self.bodies.get(module.path, [])
        methods = [
            text if n == 1 else text.replace("def forward(", f"def forward_{n}(", 1) for n, text in enumerate(bodies, 1)
        ]
        if not methods:
            methods = ["    # its forward was not traced"]
        init = [*head, *rows] if rows else []
        parts = ["\n".join(init), *methods] if init else (methods if bodies else [*methods, "    pass"])
        text = "\n\n".join(parts)
        key = f"{module.class_name}\n{without_comments(text)}"
        if key in self.classes:
            known = self.classes[key]
            known.text = with_common_comments(known.text, f"class {known.name}(nn.Module):\n{text}")
        else:
            name = self._free(module.class_name)
            self.classes[key] = Written(name, f"class {name}(nn.Module):\n{text}")
        written = self.classes[key]
        written.paths.append(module.path)
        return f"{written.name}({', '.join(f'{name}={shape}' for name, shape in arguments)})"

    def _free(self, class_name: str) -> str:
        base = re.sub(r"\W", "_", class_name)
        base = base if base.isidentifier() and not keyword.iskeyword(base) else f"Module_{base}"
        self._names[base] = self._names.get(base, 0) + 1
        return base if self._names[base] == 1 else f"{base}_{self._names[base]}"

    def _list(self, module: ModuleRecord, library: str) -> str:
        made = [self.make(child) for child in module.children.values()]
        if library == "ModuleDict" or any(not name.isdecimal() for name in module.children):
            return f"nn.ModuleDict({{{', '.join(f'{name!r}: {made[n]}' for n, name in enumerate(module.children))}}})"
        if library == "Sequential":
            return f"nn.Sequential({', '.join(made)})"
        return f"nn.ModuleList({_sequence(made)})"


def _sequence(made: Sequence[str]) -> str:
    """The modules of a list: a pattern that repeats, or runs of equal ones."""
    if len(made) > 3:
        period = next(
            (
                p
                for p in range(1, len(made) // 2 + 1)
                if len(made) % p == 0 and list(made[:p]) * (len(made) // p) == list(made)
            ),
            None,
        )
        if period == 1:
            return f"{made[0]} for _ in range({len(made)})"
        if period is not None and period <= _MOST_RUNS:
            return f"layer for _ in range({len(made) // period}) for layer in [{', '.join(made[:period])}]"
    runs: list[tuple[str, int]] = []
    for each in made:
        runs = [*runs[:-1], (each, runs[-1][1] + 1)] if runs and runs[-1][0] == each else [*runs, (each, 1)]
    parts = [each if count == 1 else f"*({each} for _ in range({count}))" for each, count in runs]
    return f"[{', '.join(parts)}]"


def _attribute(name: str) -> str:
    return f"self.{name}" if name.isidentifier() and not keyword.iskeyword(name) else f"self._modules[{name!r}]"


def _own_tensors(module: ModuleRecord) -> list[tuple[TensorRecord, str]]:
    return [(tensor, name) for tensors in (module.parameters, module.buffers) for name, tensor in tensors.items()]


def _tensor_arguments(module: ModuleRecord) -> list[tuple[str, str]]:
    """Shapes of a leaf's parameters as constructor arguments, so that norms of several widths are one class."""
    return [(name, _shape(tensor)) for name, tensor in module.parameters.items() if name.isidentifier()]


def _leaf_rows(module: ModuleRecord) -> list[str]:
    rows = [
        f"        self.{name} = {_parameter(tensor, name)}" if name.isidentifier() else _tensor_row(tensor, name)
        for name, tensor in module.parameters.items()
    ]
    return rows + [_tensor_row(tensor, name) for name, tensor in module.buffers.items()]


def _tensor_row(tensor: TensorRecord, name: str) -> str:
    if tensor.kind == "buffer":
        return f"        self.register_buffer({name!r}, torch.empty({_shape(tensor)}{_type(tensor)}))"
    return f"        self.{name} = {_parameter(tensor, _shape(tensor))}"


def _parameter(tensor: TensorRecord, shape: str) -> str:
    frozen = ", requires_grad=False" if tensor.dtype and not tensor.dtype.startswith(("float", "bfloat")) else ""
    return f"nn.Parameter(torch.empty({shape}{_type(tensor)}){frozen})"


def _type(tensor: TensorRecord) -> str:
    return f", dtype=torch.{tensor.dtype}" if tensor.dtype not in (None, "float32") else ""


def _shape(tensor: TensorRecord) -> str:
    sizes = [str(size or 0) for size in tensor.shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def _library(module: ModuleRecord, name: str) -> str | None:
    """A building block of torch with its sizes; None where they are not known, so that it is written out."""
    weight, bias = module.parameters.get("weight"), "bias" in module.parameters
    sizes = weight.shape if weight is not None else ()
    if None in sizes:
        return None
    if name == "Linear" and len(sizes) == 2:
        return f"nn.Linear({sizes[1]}, {sizes[0]}{'' if bias else ', bias=False'})"
    if name == "Embedding" and len(sizes) == 2:
        return f"nn.Embedding({sizes[0]}, {sizes[1]})"
    if name == "LayerNorm":
        shape = sizes or module.attributes.get("normalized_shape")
        if not shape:
            return None
        written = str(shape[0]) if isinstance(shape, tuple | list) and len(shape) == 1 else str(shape)
        eps = module.attributes.get("eps")
        affine = "" if weight is not None else ", elementwise_affine=False"
        return f"nn.LayerNorm({written}{f', eps={eps}' if eps is not None else ''}{affine}{', bias=False' if weight is not None and not bias else ''})"
    if name.startswith("Conv"):
        return _convolution(module, name, [size or 0 for size in sizes], bias)
    if name == "Dropout":
        return "nn.Dropout(0.0)"
    if name == "GELU":
        return f"nn.GELU(approximate={module.attributes.get('approximate', 'none')!r})"
    if name == "Softmax":
        return f"nn.Softmax(dim={module.attributes.get('dim')!r})"
    if name in ("Identity", "SiLU", "ReLU", "Tanh", "Sigmoid", "Flatten"):
        return f"nn.{name}()"
    return None


def _convolution(module: ModuleRecord, name: str, sizes: list[int], bias: bool) -> str | None:
    if len(sizes) < 3:
        return None
    attributes = module.attributes
    groups = attributes.get("groups", 1)
    parts = [f"nn.{name}({sizes[1] * (groups if isinstance(groups, int) else 1)}, {sizes[0]}, {_tuple(sizes[2:])}"]
    for key, usual in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)):
        value = attributes.get(key, usual)
        values = value if isinstance(value, list | tuple) else [value]
        if any(each != usual for each in values):
            parts.append(f"{key}={value!r}" if isinstance(value, str | int) else f"{key}={_tuple(list(values))}")
    if attributes.get("padding_mode", "zeros") != "zeros":
        return None
    return ", ".join(parts) + ("" if bias else ", bias=False") + ")"


def _tuple(values: Sequence[object]) -> str:
    return f"({values[0]},)" if len(values) == 1 else f"({', '.join(map(str, values))})"
