"""Recurrent layers and their cells.  Source: torch/nn/modules/rnn.py."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance, ModuleInstance, Tensor
from archviz.layers.module import new_parameter
from archviz.layers.nn_layers import keep
from archviz.layers.packed_sequences import PACKED, with_data
from archviz.ops.registry import like, op, tensor

NN = "torch.nn"
GATES = (("LSTM", 4), ("GRU", 3), ("RNN", 1))


def register(library: Library) -> None:
    _register_layers(library)
    _register_cells(library)


def _register_layers(library: Library) -> None:
    for name, gates in GATES:

        @library.constructor(f"{NN}.{name}")
        def recurrent(interp: Interpreter, self: ModuleInstance, input_size: int, hidden_size: int, num_layers: int = 1, bias: Any = True,
                      batch_first: Any = False, dropout: Any = 0.0, bidirectional: Any = False, proj_size: int = 0, device: Any = None,
                      dtype: Any = None, _gates: int = gates, _name: str = name, **options: Any) -> None:  # fmt: skip
            keep(self, mode=f"RNN_{options['nonlinearity'].upper()}" if _gates == 1 else _name)
            keep(self, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, batch_first=batch_first, bias=bias,
                 dropout=float(dropout), bidirectional=bidirectional, proj_size=proj_size, **options)  # fmt: skip
            directions = 2 if bidirectional else 1
            width = proj_size or hidden_size
            keep(self, _flat_weights_names=[], _all_weights=[])
            for layer in range(num_layers):
                inputs = input_size if layer == 0 else width * directions
                for direction in range(directions):
                    suffix = f"_l{layer}" + ("_reverse" if direction else "")
                    new_parameter(interp, self, f"weight_ih{suffix}", _gates * hidden_size, inputs)
                    new_parameter(interp, self, f"weight_hh{suffix}", _gates * hidden_size, width)
                    if bias:
                        new_parameter(interp, self, f"bias_ih{suffix}", _gates * hidden_size)
                        new_parameter(interp, self, f"bias_hh{suffix}", _gates * hidden_size)
                    if proj_size:
                        new_parameter(interp, self, f"weight_hr{suffix}", proj_size, hidden_size)
                    names = [name for name in self.parameters if name.endswith(suffix)]
                    self.attrs["_flat_weights_names"].extend(names)
                    self.attrs["_all_weights"].append(names)

        if name == "RNN":
            _with_nonlinearity(library)
        library.method(f"{NN}.{name}.flatten_parameters")(lambda interp, self: None)

        @library.method(f"{NN}.{name}.forward")
        def forward(interp: Interpreter, self: ModuleInstance, input: Any, hx: Any = None, _name: str = name) -> Any:
            hidden, projected = self.attrs["hidden_size"], self.attrs["proj_size"]
            directions = 2 if self.attrs["bidirectional"] else 1
            if isinstance(input, Instance) and input.cls.qualified == PACKED:
                made, state = forward(interp, self, input.attrs["data"], hx, _name)
                state = _of_rows(interp, state, input.attrs["_rows"])
                return with_data(interp, input, made), state
            result = interp.op(f"torch._{_name.lower()}", input, (projected or hidden) * directions)
            if not isinstance(input, Tensor) or input.shape is None:
                return result, (result, result) if _name == "LSTM" else result
            head = (self.attrs["num_layers"] * directions, *_batch(self, input))
            last = tensor(interp, (*head, projected or hidden), input.dtype)
            return result, (last, tensor(interp, (*head, hidden), input.dtype)) if _name == "LSTM" else last

        @op(library, f"torch._{name.lower()}", record=name.lower())
        def recur(interp: Interpreter, value: Tensor, width: int) -> Tensor:
            return like(interp, value, (*value.sizes[:-1], width))


def _with_nonlinearity(library: Library) -> None:
    """`RNN` takes its nonlinearity as the fourth argument, where the others take their bias."""
    methods = library.classes[f"{NN}.RNN"].methods
    built = methods["__init__"]

    def init(interp: Interpreter, self: ModuleInstance, *args: Any, nonlinearity: Any = "tanh", **options: Any) -> None:
        if len(args) > 3:
            nonlinearity, args = args[3], (*args[:3], *args[4:])
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        built(interp, self, *args, nonlinearity=nonlinearity, **options)

    methods["__init__"] = init


def _of_rows(interp: Interpreter, state: Any, rows: int) -> Any:
    """The last states of packed rows, which the layer saw as one sequence."""
    if isinstance(state, tuple):
        return tuple(_of_rows(interp, each, rows) for each in state)
    return (
        like(interp, state, (state.sizes[0], rows, state.sizes[-1]))
        if isinstance(state, Tensor) and state.shape
        else state
    )


def _batch(module: ModuleInstance, input: Tensor) -> tuple[int, ...]:
    """The batch axis of the last state; none for one sequence without a batch."""
    if len(input.sizes) < 3:
        return ()
    return (input.sizes[0 if module.attrs["batch_first"] else 1],)


def _register_cells(library: Library) -> None:
    for name, gates in GATES:

        @library.constructor(f"{NN}.{name}Cell")
        def cell(interp: Interpreter, self: ModuleInstance, input_size: int, hidden_size: int, bias: Any = True, nonlinearity: Any = "tanh",
                 _gates: int = gates, **options: Any) -> None:  # fmt: skip
            keep(self, input_size=input_size, hidden_size=hidden_size, bias=bias)
            if _gates == 1:
                keep(self, nonlinearity=nonlinearity)
            new_parameter(interp, self, "weight_ih", _gates * hidden_size, input_size)
            new_parameter(interp, self, "weight_hh", _gates * hidden_size, hidden_size)
            for each in ("bias_ih", "bias_hh"):
                self.parameters[each] = None
                if bias:
                    new_parameter(interp, self, each, _gates * hidden_size)

        @library.method(f"{NN}.{name}Cell.forward")
        def forward(interp: Interpreter, self: ModuleInstance, input: Any, hx: Any = None, _name: str = name) -> Any:
            state = interp.op(f"torch._{_name.lower()}_cell", input, self.attrs["hidden_size"])
            return (state, like(interp, state)) if _name == "LSTM" and isinstance(state, Tensor) else state

        @op(library, f"torch._{name.lower()}_cell", record=f"{name.lower()}_cell")
        def step(interp: Interpreter, value: Tensor, width: int) -> Tensor:
            return like(interp, value, (*value.sizes[:-1], width))
