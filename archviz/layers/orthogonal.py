"""Orthogonal weights, computed from a triangle of free numbers.  Source: torch/nn/utils/parametrizations.py `orthogonal`."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Tensor, Unknown
from archviz.layers.parametrizations import register_one
from archviz.ops.registry import like, tensor

PLACE = "torch.nn.utils.parametrizations"
MAPS = ("matrix_exp", "cayley", "householder")


def register(library: Library) -> None:
    library.declare(f"{PLACE}._Orthogonal", "torch.nn.Module")
    library.method(f"{PLACE}._Orthogonal.forward")(_computed)

    @library.function(f"{PLACE}.orthogonal")
    def orthogonal(
        interp: Interpreter, module: Any, name: str = "weight", orthogonal_map: Any = None, *, use_trivialization: Any = True
    ) -> Any:  # fmt: skip
        weight = interp.get_attribute(module, name)
        if isinstance(weight, Unknown) or (isinstance(weight, Tensor) and weight.shape is None):
            interp.gap(f"the size of {name}: {weight.reason if isinstance(weight, Unknown) else 'not known'}")
            return module
        _check(module, name, weight, orthogonal_map)
        sizes = weight.sizes
        way = orthogonal_map or ("matrix_exp" if sizes[-2] == sizes[-1] or _is_complex(weight) else "householder")
        if way == "householder" and _is_complex(weight):
            raise ValueError("The householder parametrization does not support complex tensors.")
        computing = interp.call(interp.library_name(f"{PLACE}._Orthogonal"), [], {})
        computing.attrs.update(shape=weight.sizes, orthogonal_map=way)
        if use_trivialization:
            known = module.modules.get("parametrizations")
            is_first = not (isinstance(known, ModuleInstance) and name in known.modules)
            side = max(sizes[-2:])
            base = tensor(interp, (*sizes[:-2], side, side), weight.dtype) if is_first else None
            computing.register_buffer("base", base)  # of a later one it stays None: nothing is inverted for it
        register_one(interp, module, name, computing)
        return module


def _check(module: Any, name: str, weight: Any, way: Any) -> None:
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module.cls.name}' has no parameter or buffer with name '{name}'")  # noqa: TRY004 - as torch does
    if len(weight.sizes) < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {len(weight.sizes)} dimensions.")
    if way is not None and way not in MAPS:
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {way}')


def _is_complex(value: Tensor) -> bool:
    return bool(value.dtype) and str(value.dtype).startswith("complex")


def _computed(interp: Interpreter, self: ModuleInstance, X: Tensor) -> Any:
    """The orthogonal matrix of a triangle: exponential or Cayley map of a skew matrix, or a product of reflections."""
    transposed = X.sizes[-2] < X.sizes[-1]
    tall = interp.get_attribute(X, "mT") if transposed else X
    found = (_reflected if self.attrs["orthogonal_map"] == "householder" else _skew)(interp, self, tall)
    if "base" in self.buffers:
        found = interp.op("torch.matmul", self.buffers["base"], found)
    return interp.get_attribute(found, "mT") if transposed else found


def _skew(interp: Interpreter, self: ModuleInstance, tall: Tensor) -> Any:
    rows, columns = tall.sizes[-2:]
    triangle = interp.op("torch.Tensor.tril", tall)
    if rows != columns:
        rest = like(interp, triangle, (*tall.sizes[:-2], rows, rows - columns))
        triangle = interp.op("torch.cat", [triangle, rest], dim=-1)
    skew = interp.op("torch.sub", triangle, interp.get_attribute(triangle, "mH"))
    if self.attrs["orthogonal_map"] == "matrix_exp":
        found = interp.op("torch.matrix_exp", skew)
    else:
        one = tensor(interp, (rows, rows), tall.dtype)
        found = interp.op("torch.linalg.solve", interp.op("torch.add", one, skew), interp.op("torch.add", one, skew))
    return found if rows == columns else interp.get_item(found, (Ellipsis, slice(None, columns)))


def _reflected(interp: Interpreter, self: ModuleInstance, tall: Tensor) -> Any:
    below = interp.op("torch.Tensor.tril", tall, -1)
    squares = interp.op("torch.sum", interp.op("torch.mul", below, below), -2)
    scale = interp.op("torch.div", 2.0, interp.op("torch.add", squares, 1.0))
    signs = interp.op("torch.unsqueeze", interp.op("torch.diagonal", tall, 0, -2, -1), -2)
    return interp.op("torch.mul", interp.op("torch.linalg.householder_product", below, scale), signs)
