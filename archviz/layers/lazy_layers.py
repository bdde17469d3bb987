"""Layers that take their first size from what they are first called with.  Source: torch/nn/modules/lazy.py."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.build import LAZY
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Shape, Tensor, Unknown
from archviz.layers.hooks import BEFORE
from archviz.layers.module import as_parameter

NN = "torch.nn"
LAYERS = (
    "Linear",
    *(f"{kind}{rank}d" for kind in ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm") for rank in (1, 2, 3)),
)
"""Layers of which there is a lazy one.  Its constructor lacks the first argument, the number of channels that come in."""


def register(library: Library) -> None:
    """Declare the lazy layers, after those that they become."""
    library.declare(f"{NN}.modules.lazy.LazyModuleMixin")
    for layer in LAYERS:
        _register_layer(library, layer)


def _register_layer(library: Library, layer: str) -> None:
    dotted = f"{NN}.Lazy{layer}"
    library.declare(dotted, f"{NN}.modules.lazy.LazyModuleMixin", f"{NN}.{layer}")
    build = library.classes[f"{NN}.{layer}"].methods["__init__"]

    @library.method(f"{dotted}.__init__")
    def init(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
        interp.state[LAZY] = True
        interp.twins.written(self)
        if "Norm" in layer:  # by default all of them learn a scale and keep statistics
            own = [name for at, name in enumerate(("affine", "track_running_stats"), 2) if len(args) <= at]
            options = {**dict.fromkeys(own, True), **options}
        build(interp, self, 1 if layer == "Linear" else _least(args, options), *args, **options)
        for table in (self.parameters, self.buffers):
            for name, each in table.items():
                if each is not None and each.shape:
                    table[name] = _unsized(interp, f"Lazy{layer}", each)
        keep_size(self, layer, 0)
        hook = interp.native(
            f"{dotted}._infer_parameters", lambda interp, module, given: _size(interp, module, given, layer)
        )
        self.attrs[BEFORE] = (*self.attrs.get(BEFORE, ()), (hook, False, None))

    @library.method(f"{dotted}.has_uninitialized_params")
    def has_uninitialized(interp: Interpreter, self: ModuleInstance) -> bool:
        return any(
            each is not None and each.shape is None for each in (*self.parameters.values(), *self.buffers.values())
        )

    library.method(f"{dotted}.initialize_parameters")(lambda interp, self, input: _size(interp, self, (input,), layer))


def _least(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A number of channels with which a convolution can be built: it divides by its groups."""
    return options.get("groups", 1) or 1


def keep_size(module: ModuleInstance, layer: str, size: int) -> None:
    """How much comes in, under the name that the layer has for it."""
    name = "in_features" if layer == "Linear" else "num_features" if "Norm" in layer else "in_channels"
    module.attrs[name] = size


def _unsized(interp: Interpreter, name: str, built: Tensor) -> Tensor:
    """A tensor that has no shape before the first call."""
    made = Tensor(None, built.dtype, at=interp.here())
    if built.is_parameter:
        made = as_parameter(interp, made)
    made.source = Unknown(f"{name} takes it from its first call, and none is known", interp.here())
    return made


def _size(interp: Interpreter, module: ModuleInstance, given: tuple[Any, ...], layer: str) -> None:
    """Give the tensors of a layer their shapes; from now on it is the plain layer."""
    value = given[0] if given else None
    if not isinstance(value, Tensor) or value.shape is None:
        return
    axis = _axis(layer, len(value.sizes))
    size = value.sizes[axis]
    interp.twins.written(module)
    if interp.recorder is not None:
        interp.recorder.wrote()
    module.cls = interp.library_name(f"{NN}.{layer}")
    module.attrs[BEFORE] = tuple(
        each for each in module.attrs[BEFORE] if each[0].name != f"{NN}.Lazy{layer}._infer_parameters"
    )
    keep_size(module, layer, size)
    for name, each in (*module.parameters.items(), *module.buffers.items()):
        if each is not None and each.shape is None:
            each.shape, each.source = Shape(_shape(module, layer, name, size)), None


def _axis(layer: str, rank: int) -> int:
    """Which axis of the input is that of its channels."""
    if layer == "Linear":
        return rank - 1
    if "Norm" in layer:
        return 1
    return rank - 1 - int(layer[-2])


def _shape(module: ModuleInstance, layer: str, name: str, size: int) -> tuple[int, ...]:
    if layer == "Linear":
        return (module.attrs["out_features"], size) if name == "weight" else (module.attrs["out_features"],)
    if "Norm" in layer:
        return (size,)
    out, groups, kernel = (module.attrs[each] for each in ("out_channels", "groups", "kernel_size"))
    if name == "bias":
        return (out,)
    if size % groups:
        raise ValueError("in_channels must be divisible by groups")
    return (size, out // groups, *kernel) if "Transpose" in layer else (out, size // groups, *kernel)
