"""A model's tensors as rows, and what can be told from them: counts, memory, the structure of its layers.

These functions are the library of the room. A tensor is a dictionary with `kind` (`param`, `buffer`), `name`, `shape`, `dtype`.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from archviz.architecture.words import amount
from archviz.errors import UsageError
from archviz.estimator.export import check_folder, model_dtype
from archviz.estimator.supported import read_layer_classes
from archviz.estimator.tensor_patterns import layer_structure, main_layers
from archviz.interpreter.reading import ModelReading, TensorRecord
from archviz.numbers.dtypes import BITS, dtype_of
from archviz.outputs import check_output, write_text
from archviz.readings import DEFAULTS, read
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

Tensor = dict[str, object]
_TOLERANCE = 0.01
_COLUMNS = ("kind", "name", "shape", "dtype")
_COMMON: dict[str, tuple[str, ...]] = {
    "hidden_size": ("hidden_size", "n_embd", "d_model", "dim"),
    "num_layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers"),
    "vocab_size": ("vocab_size",),
    "num_heads": ("num_attention_heads", "n_head", "num_heads", "n_heads", "decoder_attention_heads"),
    "num_kv_heads": ("num_key_value_heads", "num_kv_heads", "n_kv_heads"),
    "head_dim": ("head_dim", "d_kv"),
    "intermediate_size": ("intermediate_size", "n_inner", "d_ff", "ffn_dim", "decoder_ffn_dim"),
}


def get_model_config(model: str, *, settings: Settings = DEFAULTS) -> dict[str, object]:
    """The configuration as the official class sees it, its common sizes also under one name each.

    `num_layers`, `hidden_size`, `vocab_size`, `num_heads`, `num_kv_heads`, `head_dim` and `intermediate_size` are those of the text
    model where the configuration has parts.
    """
    reading = _read(model, settings)
    found: dict[str, object] = {"hf_model_id": model, "architecture": reading.class_name, **reading.config}
    parts = [
        reading.config,
        *(v for k, v in reading.config.items() if k.startswith(("text", "llm", "decoder")) and isinstance(v, dict)),
    ]
    for key, names in _COMMON.items():
        value = next((part[n] for part in parts for n in names if part.get(n) is not None), None)
        if value is not None:
            found.setdefault(key, value)
    if found.get("num_layers") is None and (layers := len(main_layers(_rows(reading)))):
        found["num_layers"] = layers  # of a class that is told each layer's kind, not their number
    return found


def inspect_model_structure(
    model: str, *, class_name: str | None = None, settings: Settings = DEFAULTS
) -> list[Tensor]:
    """Every parameter and buffer that the official class builds, without weights: tied ones once, as `named_parameters` lists them."""
    return _rows(_read(model, settings, class_name))


def _rows(reading: ModelReading) -> list[Tensor]:
    dtype = model_dtype(reading.config)
    rows = [_row(tensor, "param", dtype) for tensor in reading.parameters().values()]
    for module in reading.root.walk():
        rows += [_row(tensor, "buffer", dtype) for tensor in module.buffers.values()]
    return rows


def _read(model: str, settings: Settings, class_name: str | None = None) -> ModelReading:
    return read(read_model_source(model, settings), class_name=class_name, settings=settings)


def _row(tensor: TensorRecord, kind: str, dtype: str) -> Tensor:
    """A tensor of 32-bit numbers gets the type of the configuration, which the loader would give it; buffers stay as they are made."""
    own = tensor.dtype if kind == "buffer" or tensor.dtype not in (None, "float32") else dtype
    return {"kind": kind, "name": tensor.name, "shape": tuple(tensor.shape), "dtype": f"torch.{own or 'float32'}"}


def save_tensor_inspection(tensors: Sequence[Mapping[str, object]], path: str | Path) -> Path:
    """Write tensors as CSV with the columns `kind,name,shape,dtype`; shapes are written as tuples, `(4096, 1024)`.

    Raises:
        UsageError: They are no tensors; the file cannot be written, or its folder, where it is missing, not be made.
    """
    rows, target = _checked(tensors), Path(path)
    check_folder(target.parent)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder cannot be made: {error.strerror}", where=str(target.parent)) from None
    check_output(target)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for tensor in rows:
        writer.writerow([tensor.get("kind", "param"), tensor["name"], _shape_text(tensor), tensor.get("dtype", "")])
    write_text(target, text.getvalue())
    return target


def _shape_text(tensor: Mapping[str, object]) -> str:
    return str(tuple(_shape(tensor)))


def _shape(tensor: Mapping[str, object]) -> tuple[int | None, ...]:
    shape = tensor.get("shape")
    if not isinstance(shape, list | tuple) or not all(size is None or _is_size(size) for size in shape):
        raise UsageError(f"a tensor has no shape: {str(tensor)[:80]}", hint=_ROWS)
    return tuple(shape)


def _is_size(size: object) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and size >= 0


_ROWS = "give the rows of inspect_model_structure, or of read_tensor_inspection for a CSV file"


def _checked(tensors: object) -> Sequence[Mapping[str, object]]:
    """Rows of tensors as a caller gives them: each has a name and a shape.

    Raises:
        UsageError: They are something else.
    """
    if isinstance(tensors, str | bytes) or not isinstance(tensors, Iterable):
        raise UsageError(f"these are no tensors: {str(tensors)[:80]}", hint=_ROWS)
    rows = list(tensors)
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
            raise UsageError(f"a tensor has no name: {str(row)[:80]}", hint=_ROWS)
        _shape(row)
    return rows


def count_parameters(tensors: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """`{total, total_formatted}` over the parameters; buffers do not count."""
    total = _total(_checked(tensors))
    return {"total": total, "total_formatted": amount(total)}


def _total(tensors: Sequence[Mapping[str, object]]) -> int:
    return sum(math.prod(size or 0 for size in _shape(t)) for t in tensors if t.get("kind", "param") == "param")


def estimate_memory(tensors: Sequence[Mapping[str, object]], dtype: str = "float16") -> dict[str, float]:
    """`{gb, gib, bytes}` of the weights in one type: `gb` are 10⁹ bytes, `gib` 2³⁰.

    Raises:
        UsageError: There is no such type.
    """
    bits = _total(_checked(tensors)) * BITS[dtype_of(str(dtype))]
    size = bits // 8 if bits % 8 == 0 else bits / 8
    return {"gb": size / 1e9, "gib": size / 2**30, "bytes": size}


def validate_config(
    tensors: Sequence[Mapping[str, object]], *, expected_params: float | None = None, expected_layers: int | None = None
) -> dict[str, object]:  # fmt: skip
    """`{valid, discrepancies}`: parameters within 1 %, layers exactly; discrepancies are sentences.

    Layers are those of the list of layers that holds most parameters.

    Raises:
        UsageError: Nothing is expected, or something that is no positive number.
    """
    if expected_params is None and expected_layers is None:
        raise UsageError("nothing is expected", hint="expected_params=70e9, expected_layers=80")
    for name, value in (("expected_params", expected_params), ("expected_layers", expected_layers)):
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise UsageError(f"{name} is to be a positive number, not {value!r}")
    found = []
    tensors = _checked(tensors)
    total = _total(tensors)
    if expected_params is not None and abs(total - expected_params) > _TOLERANCE * expected_params:
        off = (total - expected_params) / expected_params
        found.append(f"parameters: {total:,} built, {expected_params:,.0f} expected ({off:+.1%}, more than 1 %)")
    layers = len(main_layers(tensors))
    if expected_layers is not None and layers != expected_layers:
        found.append(f"layers: {layers} built, {expected_layers} expected")
    return {"valid": not found, "discrepancies": found}


def analyze_layer_structure(tensors: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """What names and shapes tell of the layers: their number, kinds and repeat, attention, feed-forward, norms, tables and head.

    Names decide here, since nothing else is given; `archviz describe` reads the code instead.
    """
    return layer_structure(_checked(tensors))


def get_supported_layers(
    folder: str | Path = "backend/layers", *, settings: Settings = DEFAULTS
) -> dict[str, dict[str, object]]:
    """Class → `{docstring, module, parameters}` of the layer classes in a folder, read as syntax and never imported.

    Args:
        folder: Where the estimator keeps them; called from its root, the place that its own plan names.

    Raises:
        UsageError: The folder is not named or not there, holds no layer class, a file of it does not parse, or two layer
            classes have one name.
    """
    if not str(folder).strip():
        raise UsageError("the folder of layer classes has no name", hint="give a folder of .py files")
    return {
        layer.name: {
            "docstring": layer.docstring,
            "module": layer.module,
            "parameters": [argument.name for argument in layer.arguments],
        }
        for layer in read_layer_classes(Path(folder), settings.limits)
    }


def read_tensor_inspection(path: str | Path) -> list[Tensor]:
    """The tensors of a CSV file that `save_tensor_inspection` wrote.

    Raises:
        UsageError: The file is not there or has other columns.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the tensors cannot be read: {error}", where=str(path)) from None
    if not rows or set(rows[0]) != set(_COLUMNS):
        raise UsageError(
            "the file is no list of tensors", where=str(path), hint=f"its columns are {','.join(_COLUMNS)}"
        )
    return [{**row, "shape": _shape_of_text(row["shape"])} for row in rows]


def _shape_of_text(text: str | None) -> tuple[int | None, ...]:
    return tuple(None if size == "None" else int(size) for size in re.findall(r"\d+|None", text or ""))
