"""Weights that are computed from other tensors: weight norm, spectral norm, parametrizations of one's own.

Source: torch/nn/utils/parametrize.py, parametrizations.py, weight_norm.py, spectral_norm.py.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ClassValue, ModuleInstance, PropertyValue, Tensor
from archviz.layers.module import as_parameter, new_parameter
from archviz.ops import shapes
from archviz.ops.registry import like, tensor

NN = "torch.nn"
LIST = f"{NN}.utils.parametrize.ParametrizationList"


def register(library: Library) -> None:
    _register_weight_norm(library)
    _register_spectral_norm(library)
    _register_parametrizations(library)


def _norm_shape(weight: Tensor, dim: Any) -> tuple[int, ...]:
    sizes = weight.sizes
    if dim is None:
        return ()
    place = dim % len(sizes)
    return tuple(size if at == place else 1 for at, size in enumerate(sizes))


def _register_weight_norm(library: Library) -> None:
    @library.function(f"{NN}.utils.weight_norm")
    def weight_norm(interp: Interpreter, module: ModuleInstance, name: str = "weight", dim: Any = 0) -> ModuleInstance:
        weight = module.parameters.pop(name)
        assert isinstance(weight, Tensor)
        new_parameter(interp, module, f"{name}_g", *_norm_shape(weight, dim))
        module.parameters[f"{name}_v"] = weight
        module.attrs[name] = tensor(interp, weight.sizes)
        return module

    @library.function(f"{NN}.utils.parametrizations.weight_norm")
    def parametrized(interp: Interpreter, module: ModuleInstance, name: str = "weight", dim: Any = 0) -> ModuleInstance:
        weight = module.parameters.pop(name)
        assert isinstance(weight, Tensor)
        norm = interp.call(interp.library_name(f"{NN}.utils.parametrizations._WeightNorm"), [], {})
        originals = {"original0": tensor(interp, _norm_shape(weight, dim)), "original1": tensor(interp, weight.sizes)}
        _parametrize(interp, module, name, norm, {key: as_parameter(interp, each) for key, each in originals.items()})
        return module

    @library.function(f"{NN}.utils.remove_weight_norm")
    def remove(interp: Interpreter, module: ModuleInstance, name: str = "weight") -> ModuleInstance:
        if f"{name}_v" not in module.parameters:
            raise ValueError(f"weight_norm of '{name}' not found in {module.cls.name}")
        module.parameters.pop(f"{name}_g")
        module.attrs.pop(name, None)
        module.parameters[name] = module.parameters.pop(f"{name}_v")
        return module

    library.declare(f"{NN}.utils.parametrizations._WeightNorm", f"{NN}.Module")

    @library.method(f"{NN}.utils.parametrizations._WeightNorm.forward")
    def weight(interp: Interpreter, self: ModuleInstance, magnitude: Tensor, direction: Tensor) -> Tensor:
        return like(interp, direction)


def _register_spectral_norm(library: Library) -> None:
    @library.function(f"{NN}.utils.spectral_norm")
    def spectral_norm(interp: Interpreter, module: ModuleInstance, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
                      dim: int | None = None) -> ModuleInstance:  # fmt: skip
        weight = module.parameters.pop(name)
        assert isinstance(weight, Tensor)
        place = _rows(module, dim)
        module.parameters[f"{name}_orig"] = weight
        module.attrs[name] = tensor(interp, weight.sizes)
        rows = weight.sizes[place]
        module.buffers[f"{name}_u"] = tensor(interp, (rows,))
        module.buffers[f"{name}_v"] = tensor(interp, (shapes.product(weight.sizes) // max(1, rows),))
        return module

    library.declare(f"{NN}.utils.parametrizations._SpectralNorm", f"{NN}.Module")

    @library.function(f"{NN}.utils.parametrizations.spectral_norm")
    def parametrized(interp: Interpreter, module: ModuleInstance, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
                     dim: int | None = None) -> ModuleInstance:  # fmt: skip
        weight = module.parameters[name]
        assert isinstance(weight, Tensor)
        norm = interp.call(interp.library_name(f"{NN}.utils.parametrizations._SpectralNorm"), [], {})
        if len(weight.sizes) > 1:
            rows = weight.sizes[_rows(module, dim)]
            norm.buffers["_u"] = tensor(interp, (rows,))
            norm.buffers["_v"] = tensor(interp, (shapes.product(weight.sizes) // max(1, rows),))
        register_one(interp, module, name, norm)
        return module

    library.method(f"{NN}.utils.parametrizations._SpectralNorm.forward")(
        lambda interp, self, weight: like(interp, weight)
    )


def _rows(module: ModuleInstance, dim: int | None) -> int:
    """The axis whose vectors are the rows; the second of a transposed convolution."""
    if dim is not None:
        return dim
    return 1 if any("ConvTranspose" in each.name for each in module.cls.mro) else 0


def _parametrize(
    interp: Interpreter, module: ModuleInstance, name: str, computing: Any, originals: dict[str, Tensor]
) -> None:
    """Originals under `parametrizations.NAME`, the tensor itself computed from them: the class of the module gets a property."""
    held = interp.call(interp.library_name(LIST), [[computing]], {})
    for key, original in originals.items():
        (held.parameters if original.is_parameter else held.buffers)[key] = original
    if "parametrizations" not in module.modules:
        module.modules["parametrizations"] = interp.call(interp.library_name(f"{NN}.ModuleDict"), [], {})
        base = module.cls
        module.cls = ClassValue(
            interp, f"Parametrized{base.name}", f"{base.qualified}.Parametrized", [base], {}, at=base.at
        )
    module.modules["parametrizations"].modules[name] = held
    module.cls.namespace[name] = PropertyValue(
        interp.native(f"{module.cls.qualified}.{name}", lambda interp, self: _computed(interp, self, name))
    )


def _computed(interp: Interpreter, module: ModuleInstance, name: str) -> Any:
    return interp.call(module.modules["parametrizations"].modules[name], [], {})


def register_one(interp: Interpreter, module: ModuleInstance, name: str, computing: Any) -> None:
    """`register_parametrization`: one more step for a tensor that has some, or the first."""
    known = module.modules.get("parametrizations")
    if isinstance(known, ModuleInstance) and name in known.modules:
        interp.call(interp.get_attribute(known.modules[name], "append"), [computing], {})
        return
    table = module.parameters if name in module.parameters else module.buffers
    if not isinstance(table.get(name), Tensor):
        raise ValueError(  # noqa: TRY004 - as torch does
            f"module '{module.cls.name}' does not have a parameter, a buffer, or a parametrized element {name}"
        )
    original = table.pop(name)
    assert isinstance(original, Tensor)
    _parametrize(interp, module, name, computing, _originals(interp, computing, original))


def _originals(interp: Interpreter, computing: Any, original: Tensor) -> dict[str, Tensor]:
    """What is stored: the tensor itself, or what the inverse of the parametrization makes of it."""
    if not (isinstance(computing, ModuleInstance) and computing.cls.has("right_inverse")):
        return {"original": original}
    inverse = interp.call(interp.get_attribute(computing, "right_inverse"), [original], {})
    if isinstance(inverse, Tensor):
        return {"original": as_parameter(interp, inverse) if original.is_parameter else inverse}
    return {f"original{place}": as_parameter(interp, each) for place, each in enumerate(interp.iterate(inverse))}


def _register_parametrizations(library: Library) -> None:
    library.declare(LIST, f"{NN}.ModuleList")

    @library.function(f"{NN}.utils.parametrize.register_parametrization")
    def register_parametrization(
        interp: Interpreter, module: ModuleInstance, tensor_name: str, parametrization: Any, *, unsafe: bool = False
    ) -> ModuleInstance:
        register_one(interp, module, tensor_name, parametrization)
        return module

    @library.function(f"{NN}.utils.parametrize.remove_parametrizations")
    def remove_parametrizations(
        interp: Interpreter, module: ModuleInstance, tensor_name: str, leave_parametrized: bool = True
    ) -> ModuleInstance:
        """The tensor as it is computed now, or as it was before; with the last one the module has its own class again."""
        held = module.modules["parametrizations"].modules if "parametrizations" in module.modules else {}
        if tensor_name not in held:
            raise ValueError(f"Module {module.cls.name} does not have a parametrization on {tensor_name}")
        kept = {**held[tensor_name].parameters, **held[tensor_name].buffers}
        original = kept.get("original")
        if original is None and not leave_parametrized:
            raise ValueError("Cannot leave unparametrized: the tensor was computed from several")
        value = _computed(interp, module, tensor_name) if leave_parametrized else original
        is_parameter = any(each.is_parameter for each in kept.values())
        interp.twins.written(module)
        del held[tensor_name], module.cls.namespace[tensor_name]
        if is_parameter:
            module.parameters[tensor_name] = as_parameter(interp, value)
        else:
            module.register_buffer(tensor_name, value)
        if not held:
            del module.modules["parametrizations"]
            module.cls = module.cls.bases[0]
        return module

    library.function(f"{NN}.utils.parametrize.is_parametrized")(
        lambda interp, module, name=None: (
            "parametrizations" in module.modules
            and (name is None or name in module.modules["parametrizations"].modules)
        )
    )

    @library.method(f"{LIST}.forward")
    def compute(interp: Interpreter, self: ModuleInstance) -> Any:
        held = {**self.parameters, **self.buffers}
        first, *rest = self.modules.values()
        value = interp.call(first, [held[name] for name in held if name.startswith("original")], {})
        for each in rest:
            value = interp.call(each, [value], {})
        return value
