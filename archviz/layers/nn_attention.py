"""Composite layers: multi-head attention, torch's own Transformer layers, recurrent layers, weight norm."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ClassValue, ModuleInstance, PropertyValue, Tensor
from archviz.layers.module import as_parameter, new_parameter
from archviz.layers.nn_layers import keep
from archviz.ops.registry import like, op, tensor

NN = "torch.nn"


def register(library: Library) -> None:
    _register_attention(library)
    _register_transformer(library)
    _register_recurrent(library)
    _register_weight_norm(library)
    _register_parametrizations(library)


def _register_attention(library: Library) -> None:
    @library.constructor(f"{NN}.MultiheadAttention")
    def attention(interp: Interpreter, self: ModuleInstance, embed_dim: int, num_heads: int, dropout: Any = 0.0, bias: Any = True,
                  add_bias_kv: Any = False, add_zero_attn: Any = False, kdim: Any = None, vdim: Any = None, batch_first: Any = False,
                  **options: Any) -> None:  # fmt: skip
        keep(
            self,
            embed_dim=embed_dim,
            num_heads=num_heads,
            head_dim=embed_dim // num_heads,
            batch_first=batch_first,
            dropout=dropout,
        )
        keys, values = kdim or embed_dim, vdim or embed_dim
        if keys == embed_dim and values == embed_dim:
            new_parameter(interp, self, "in_proj_weight", 3 * embed_dim, embed_dim)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.parameters[name] = None
        else:
            new_parameter(interp, self, "q_proj_weight", embed_dim, embed_dim)
            new_parameter(interp, self, "k_proj_weight", embed_dim, keys)
            new_parameter(interp, self, "v_proj_weight", embed_dim, values)
            self.parameters["in_proj_weight"] = None
        if bias:
            new_parameter(interp, self, "in_proj_bias", 3 * embed_dim)
        output = interp.library_name(f"{NN}.modules.linear.NonDynamicallyQuantizableLinear")
        self.modules["out_proj"] = interp.call(output, [embed_dim, embed_dim], {"bias": bias})
        for name in ("bias_k", "bias_v"):
            self.parameters[name] = None
            if add_bias_kv:
                new_parameter(interp, self, name, 1, 1, embed_dim)

    @library.method(f"{NN}.MultiheadAttention.forward")
    def forward(
        interp: Interpreter, self: ModuleInstance, query: Any, key: Any, value: Any, *args: Any, **options: Any
    ) -> Any:
        result = interp.op("torch._multi_head_attention", query, key, value)
        weights = tensor(interp, ((query.shape or (1,))[0], (query.shape or (1, 1))[-2], (key.shape or (1, 1))[-2]))
        return result, weights if options.get("need_weights", True) else None

    @op(library, "torch._multi_head_attention", record="multi_head_attention_forward")
    def attend(interp: Interpreter, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return like(interp, query)


def _register_transformer(library: Library) -> None:
    @library.constructor(f"{NN}.TransformerEncoderLayer")
    def encoder_layer(interp: Interpreter, self: ModuleInstance, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: Any = 0.1,
                      activation: Any = "relu", layer_norm_eps: Any = 1e-5, batch_first: Any = False, norm_first: Any = False,
                      bias: Any = True, **options: Any) -> None:  # fmt: skip
        _layer(interp, self, d_model, nhead, dim_feedforward, bias, attentions=("self_attn",))
        keep(self, norm_first=norm_first)

    @library.constructor(f"{NN}.TransformerDecoderLayer")
    def decoder_layer(interp: Interpreter, self: ModuleInstance, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: Any = 0.1,
                      activation: Any = "relu", layer_norm_eps: Any = 1e-5, batch_first: Any = False, norm_first: Any = False,
                      bias: Any = True, **options: Any) -> None:  # fmt: skip
        _layer(interp, self, d_model, nhead, dim_feedforward, bias, attentions=("self_attn", "multihead_attn"))

    for name in ("TransformerEncoder", "TransformerDecoder"):

        @library.constructor(f"{NN}.{name}")
        def stack(
            interp: Interpreter,
            self: ModuleInstance,
            layer: Any,
            num_layers: int,
            norm: Any = None,
            *args: Any,
            **options: Any,
        ) -> None:
            copies = [interp.op("copy.deepcopy", layer) for _ in range(num_layers)]
            self.modules["layers"] = interp.call(interp.library_name(f"{NN}.ModuleList"), [copies], {})
            if norm is not None:
                self.modules["norm"] = norm

    for name in ("TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder"):
        library.method(f"{NN}.{name}.forward")(lambda interp, self, value, *args, **options: like(interp, value))


def _layer(
    interp: Interpreter,
    module: ModuleInstance,
    width: int,
    heads: int,
    inner: int,
    bias: Any,
    attentions: tuple[str, ...],
) -> None:
    for name in attentions:
        module.modules[name] = interp.call(
            interp.library_name(f"{NN}.MultiheadAttention"), [width, heads], {"bias": bias}
        )
    linear, norm = interp.library_name(f"{NN}.Linear"), interp.library_name(f"{NN}.LayerNorm")
    dropout = interp.library_name(f"{NN}.Dropout")
    module.modules["linear1"] = interp.call(linear, [width, inner], {"bias": bias})
    module.modules["dropout"] = interp.call(dropout, [], {})
    module.modules["linear2"] = interp.call(linear, [inner, width], {"bias": bias})
    for index in range(len(attentions) + 1):
        module.modules[f"norm{index + 1}"] = interp.call(norm, [width], {"bias": bias})
    for index in range(len(attentions) + 1):
        module.modules[f"dropout{index + 1}"] = interp.call(dropout, [], {})


def _register_recurrent(library: Library) -> None:
    for name, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):

        @library.constructor(f"{NN}.{name}")
        def recurrent(interp: Interpreter, self: ModuleInstance, input_size: int, hidden_size: int, num_layers: int = 1, bias: Any = True,
                      batch_first: Any = False, dropout: Any = 0.0, bidirectional: Any = False, proj_size: int = 0,
                      _gates: int = gates, **options: Any) -> None:  # fmt: skip
            keep(self, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, batch_first=batch_first,
                 bidirectional=bidirectional, proj_size=proj_size)  # fmt: skip
            directions = 2 if bidirectional else 1
            width = proj_size or hidden_size
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

        library.method(f"{NN}.{name}.flatten_parameters")(lambda interp, self: None)

        @library.method(f"{NN}.{name}.forward")
        def forward(interp: Interpreter, self: ModuleInstance, input: Any, hx: Any = None, _name: str = name) -> Any:
            width = (self.attrs["proj_size"] or self.attrs["hidden_size"]) * (2 if self.attrs["bidirectional"] else 1)
            result = interp.op("torch._recurrent", input, width)
            state = tensor(
                interp, (self.attrs["num_layers"], (input.shape or (1,))[0], self.attrs["hidden_size"]), input.dtype
            )
            return result, (state, state) if _name == "LSTM" else state

    @op(library, "torch._recurrent", record="lstm")
    def recur(interp: Interpreter, value: Tensor, width: int) -> Tensor:
        return like(interp, value, (*value.sizes[:-1], width))

    for name, gates in (("LSTMCell", 4), ("GRUCell", 3), ("RNNCell", 1)):

        @library.constructor(f"{NN}.{name}")
        def cell(interp: Interpreter, self: ModuleInstance, input_size: int, hidden_size: int, bias: Any = True, _gates: int = gates,
                 **options: Any) -> None:  # fmt: skip
            new_parameter(interp, self, "weight_ih", _gates * hidden_size, input_size)
            new_parameter(interp, self, "weight_hh", _gates * hidden_size, hidden_size)
            if bias:
                new_parameter(interp, self, "bias_ih", _gates * hidden_size)
                new_parameter(interp, self, "bias_hh", _gates * hidden_size)


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
        _parametrize(interp, module, name, {"original0": _norm_shape(weight, dim), "original1": weight.sizes})
        return module

    @library.function(f"{NN}.utils.remove_weight_norm", f"{NN}.utils.parametrize.remove_parametrizations")
    def remove(
        interp: Interpreter, module: ModuleInstance, name: str = "weight", *args: Any, **options: Any
    ) -> ModuleInstance:
        if f"{name}_v" in module.parameters:
            module.parameters.pop(f"{name}_g")
            module.parameters[name] = module.parameters.pop(f"{name}_v")
        return module

    @library.function(f"{NN}.utils.spectral_norm", f"{NN}.utils.parametrizations.spectral_norm")
    def spectral_norm(interp: Interpreter, module: ModuleInstance, *args: Any, **options: Any) -> ModuleInstance:
        interp.gap("spectral_norm has no stub")
        return module

    library.function(f"{NN}.utils.skip_init")(
        lambda interp, module_cls, *args, **options: interp.call(module_cls, list(args), options)
    )
    library.function(f"{NN}.utils.parametrize.is_parametrized")(
        lambda interp, module, *args: "parametrizations" in module.modules
    )

    for name in ("uniform_", "normal_", "zeros_", "ones_", "constant_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
                 "kaiming_normal_", "trunc_normal_", "orthogonal_", "eye_", "dirac_"):  # fmt: skip
        library.function(f"{NN}.init.{name}", f"{NN}.init.{name.rstrip('_')}")(
            lambda interp, value, *args, **options: value
        )
    library.function(f"{NN}.init._calculate_fan_in_and_fan_out")(lambda interp, value: (1, 1))
    library.function(f"{NN}.init.calculate_gain")(lambda interp, *args: 1.0)


def _parametrize(interp: Interpreter, module: ModuleInstance, name: str, originals: dict[str, tuple[int, ...]]) -> None:
    """`torch.nn.utils.parametrize`: originals under `parametrizations.NAME`, the weight itself computed from them."""
    norm = interp.call(interp.library_name(f"{NN}.utils.parametrizations._WeightNorm"), [], {})
    holder = module.modules.get("parametrizations") or interp.call(interp.library_name(f"{NN}.ModuleDict"), [], {})
    held = interp.call(interp.library_name(f"{NN}.utils.parametrize.ParametrizationList"), [[norm]], {})
    for key, sizes in originals.items():
        held.parameters[key] = as_parameter(interp, tensor(interp, sizes))
    holder.modules[name] = held
    module.modules["parametrizations"] = holder
    base = module.cls
    module.cls = ClassValue(
        interp, f"Parametrized{base.name}", f"{base.qualified}.Parametrized", [base], {}, at=base.at
    )
    module.cls.namespace[name] = PropertyValue(
        interp.native(f"{base.qualified}.{name}", lambda interp, self: interp.call(held, [], {}))
    )


def _register_parametrizations(library: Library) -> None:
    """The modules that compute a weight-normed weight.  Source: torch/nn/utils/parametrizations.py."""
    library.declare(f"{NN}.utils.parametrize.ParametrizationList", f"{NN}.ModuleList")
    library.declare(f"{NN}.utils.parametrizations._WeightNorm", f"{NN}.Module")

    @library.method(f"{NN}.utils.parametrize.ParametrizationList.forward")
    def compute(interp: Interpreter, self: ModuleInstance) -> Any:
        originals = [self.parameters[name] for name in ("original0", "original1")]
        return interp.call(next(iter(self.modules.values())), originals, {})

    @library.method(f"{NN}.utils.parametrizations._WeightNorm.forward")
    def weight(interp: Interpreter, self: ModuleInstance, magnitude: Tensor, direction: Tensor) -> Tensor:
        return like(interp, direction)
