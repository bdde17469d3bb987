"""What the layers of `torch.nn` call on themselves and a subclass may override: `reset_parameters` where they are built, and hooks of `forward`.

PyTorch's own versions of these only fill in numbers or check shapes, so nothing is called where none is overridden.
Source: the constructors in torch/nn/modules.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library, Run
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, NativeFunction

NN = "torch.nn"
RESET = "reset_parameters"
STATISTICS = "reset_running_stats"
RESETTING = {
    **dict.fromkeys(("Linear", "Bilinear", "Embedding", "EmbeddingBag", "LayerNorm", "RMSNorm", "GroupNorm", "PReLU"), RESET),
    **{f"{kind}{rank}d": RESET for kind in ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm") for rank in (1, 2, 3)},
    **dict.fromkeys(("SyncBatchNorm", "LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"), RESET),
    "MultiheadAttention": "_reset_parameters",
    "Transformer": "_reset_parameters",
}  # fmt: skip
"""Layer → the method that its constructor calls last."""


def register(library: Library) -> None:
    """Let the constructors, all registered before, call what a subclass overrides."""
    for layer, name in RESETTING.items():
        methods = library.classes[f"{NN}.{layer}"].methods
        methods["__init__"] = _resetting(methods["__init__"], name, layer)
        if ("Norm" in layer and layer[-1] == "d") or layer == "SyncBatchNorm":
            methods[RESET], methods[STATISTICS] = _reset_statistics, _nothing
    library.method(f"{NN}.Embedding._fill_padding_idx_with_zero")(_nothing)


def overridden(interp: Interpreter, module: ModuleInstance, name: str) -> Any:
    """A method of a layer as its own class or one between states it; None where PyTorch's stands."""
    cls = module.cls
    if cls.is_library or not cls.has(name) or isinstance(cls.lookup(name), NativeFunction):
        return None
    return interp.get_attribute(module, name)


def _resetting(init: Run, name: str, layer: str) -> Run:
    def run(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
        init(interp, self, *args, **options)
        if self.cls.is_library or (layer == "Embedding" and _is_given(args, options)):
            return
        own = overridden(interp, self, name)
        if own is not None:
            interp.call(own, [], {})
        elif "Norm" in layer:
            _reset_statistics(interp, self)

    return run


def _is_given(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether the weight of an embedding is given, which is then not initialised."""
    return (args[7] if len(args) > 7 else options.get("_weight")) is not None


def _reset_statistics(interp: Interpreter, self: ModuleInstance) -> None:
    own = overridden(interp, self, STATISTICS)
    if own is not None:
        interp.call(own, [], {})


def _nothing(interp: Interpreter, self: ModuleInstance) -> None:
    return None
