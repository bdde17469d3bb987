"""PyTorch's own Transformer: its layers, stacks and the whole model, part by part.  Source: torch/nn/modules/transformer.py.

The parts are called as the plain Python of these classes calls them; the fused kernel that may stand for a layer on some devices is not shown.
"""

from __future__ import annotations

import ast
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance
from archviz.layers.nn_layers import keep

NN = "torch.nn"
F = "torch.nn.functional"


def register(library: Library) -> None:
    _register_layers(library)
    _register_stacks(library)
    _register_whole(library)


def _made(interp: Interpreter, name: str, *args: Any, **options: Any) -> Any:
    return interp.call(interp.library_name(f"{NN}.{name}"), list(args), options)


def _run(interp: Interpreter, module: ModuleInstance, name: str, *args: Any, **options: Any) -> Any:
    """Call a part of a module by its name."""
    return interp.call(interp.get_attribute(module, name), list(args), options)


def _sum(interp: Interpreter, left: Any, right: Any) -> Any:
    return interp.binary(ast.Add, left, right)


def _register_layers(library: Library) -> None:
    for name, attentions in (("Encoder", ("self_attn",)), ("Decoder", ("self_attn", "multihead_attn"))):

        @library.constructor(f"{NN}.Transformer{name}Layer")
        def layer(interp: Interpreter, self: ModuleInstance, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: Any = 0.1,
                  activation: Any = "relu", layer_norm_eps: Any = 1e-5, batch_first: Any = False, norm_first: Any = False,
                  bias: Any = True, device: Any = None, dtype: Any = None, _attentions: tuple[str, ...] = attentions) -> None:  # fmt: skip
            parts, options = self.modules, {"bias": bias}
            for each in _attentions:
                parts[each] = _made(
                    interp, "MultiheadAttention", d_model, nhead, dropout=dropout, batch_first=batch_first, **options
                )
            parts["linear1"] = _made(interp, "Linear", d_model, dim_feedforward, **options)
            parts["dropout"] = _made(interp, "Dropout", dropout)
            parts["linear2"] = _made(interp, "Linear", dim_feedforward, d_model, **options)
            count = len(_attentions) + 1
            for index in range(count):
                parts[f"norm{index + 1}"] = _made(interp, "LayerNorm", d_model, eps=layer_norm_eps, **options)
            for index in range(count):
                parts[f"dropout{index + 1}"] = _made(interp, "Dropout", dropout)
            keep(self, norm_first=norm_first)
            interp.set_attribute(self, "activation", _activation(interp, activation))

    @library.method(f"{NN}.TransformerEncoderLayer.forward")
    def encode(interp: Interpreter, self: ModuleInstance, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None,
               is_causal: bool = False) -> Any:  # fmt: skip
        x = _block(interp, self, src, 1, "_sa_block", src_mask, src_key_padding_mask, is_causal=is_causal)
        return _block(interp, self, x, 2, "_ff_block")

    @library.method(f"{NN}.TransformerDecoderLayer.forward")
    def decode(interp: Interpreter, self: ModuleInstance, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None,
               tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None, tgt_is_causal: bool = False,
               memory_is_causal: bool = False) -> Any:  # fmt: skip
        x = _block(interp, self, tgt, 1, "_sa_block", tgt_mask, tgt_key_padding_mask, is_causal=tgt_is_causal)
        x = _block(interp, self, x, 2, "_mha_block", memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        return _block(interp, self, x, 3, "_ff_block")

    for name, last in (("Encoder", 2), ("Decoder", 3)):
        _register_blocks(library, f"{NN}.Transformer{name}Layer", last)


def _register_blocks(library: Library, dotted: str, last: int) -> None:
    """The blocks that `forward` is made of, each with its dropout; a subclass may have its own."""

    @library.method(f"{dotted}._sa_block")
    def attend_itself(interp: Interpreter, self: ModuleInstance, x: Any, attn_mask: Any, key_padding_mask: Any,
                      is_causal: bool = False) -> Any:  # fmt: skip
        masks = {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask, "is_causal": is_causal}
        return _run(interp, self, "dropout1", _attend(interp, self, "self_attn", x, x, masks))

    @library.method(f"{dotted}._mha_block")
    def attend_memory(interp: Interpreter, self: ModuleInstance, x: Any, mem: Any, attn_mask: Any, key_padding_mask: Any,
                      is_causal: bool = False) -> Any:  # fmt: skip
        masks = {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask, "is_causal": is_causal}
        return _run(interp, self, "dropout2", _attend(interp, self, "multihead_attn", x, mem, masks))

    @library.method(f"{dotted}._ff_block")
    def feed_forward(interp: Interpreter, self: ModuleInstance, x: Any) -> Any:
        return _run(interp, self, f"dropout{last}", _feed_forward(interp, self, x))


def _activation(interp: Interpreter, activation: Any) -> Any:
    return interp.library_name(f"{F}.{activation}") if isinstance(activation, str) else activation


def _block(
    interp: Interpreter, layer: ModuleInstance, x: Any, place: int, name: str, *args: Any, **options: Any
) -> Any:
    """A residual block with its norm before or after."""
    if interp.truth(interp.get_attribute(layer, "norm_first")):
        return _sum(interp, x, _run(interp, layer, name, _run(interp, layer, f"norm{place}", x), *args, **options))
    return _run(interp, layer, f"norm{place}", _sum(interp, x, _run(interp, layer, name, x, *args, **options)))


def _attend(interp: Interpreter, layer: ModuleInstance, name: str, x: Any, memory: Any, masks: dict[str, Any]) -> Any:
    return interp.get_item(_run(interp, layer, name, x, memory, memory, need_weights=False, **masks), 0)


def _feed_forward(interp: Interpreter, layer: ModuleInstance, x: Any) -> Any:
    inner = _run(interp, layer, "activation", _run(interp, layer, "linear1", x))
    return _run(interp, layer, "linear2", _run(interp, layer, "dropout", inner))


def _register_stacks(library: Library) -> None:
    for name in ("Encoder", "Decoder"):

        @library.constructor(f"{NN}.Transformer{name}")
        def stack(interp: Interpreter, self: ModuleInstance, layer: Any, num_layers: int, norm: Any = None, *args: Any,
                  **options: Any) -> None:  # fmt: skip
            self.modules["layers"] = interp.call(
                interp.library_name(f"{NN}.modules.transformer._get_clones"), [layer, num_layers], {}
            )
            keep(self, num_layers=num_layers)
            interp.set_attribute(self, "norm", norm)

    @library.method(f"{NN}.TransformerEncoder.forward")
    def encode(interp: Interpreter, self: ModuleInstance, src: Any, mask: Any = None, src_key_padding_mask: Any = None,
               is_causal: Any = None) -> Any:  # fmt: skip
        options = {"src_mask": mask, "src_key_padding_mask": src_key_padding_mask, "is_causal": bool(is_causal)}
        for layer in interp.iterate(self.modules["layers"]):
            src = interp.call(layer, [src], dict(options))
        return _normed(interp, self, src)

    @library.method(f"{NN}.TransformerDecoder.forward")
    def decode(interp: Interpreter, self: ModuleInstance, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None,
               tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None, tgt_is_causal: Any = None,
               memory_is_causal: bool = False) -> Any:  # fmt: skip
        options = {
            "tgt_mask": tgt_mask, "memory_mask": memory_mask, "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask, "tgt_is_causal": bool(tgt_is_causal), "memory_is_causal": memory_is_causal,
        }  # fmt: skip
        for layer in interp.iterate(self.modules["layers"]):
            tgt = interp.call(layer, [tgt, memory], dict(options))
        return _normed(interp, self, tgt)


def _normed(interp: Interpreter, stack: ModuleInstance, x: Any) -> Any:
    norm = interp.get_attribute(stack, "norm")
    return x if norm is None else interp.call(norm, [x], {})


def _register_whole(library: Library) -> None:
    @library.constructor(f"{NN}.Transformer")
    def transformer(interp: Interpreter, self: ModuleInstance, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6,
                    num_decoder_layers: int = 6, dim_feedforward: int = 2048, dropout: Any = 0.1, activation: Any = "relu",
                    custom_encoder: Any = None, custom_decoder: Any = None, layer_norm_eps: Any = 1e-5, batch_first: Any = False,
                    norm_first: Any = False, bias: Any = True, device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        keep(self, d_model=d_model, nhead=nhead, batch_first=batch_first)
        for name, count, custom in (
            ("Encoder", num_encoder_layers, custom_encoder),
            ("Decoder", num_decoder_layers, custom_decoder),
        ):
            if custom is None:
                args = [
                    d_model,
                    nhead,
                    dim_feedforward,
                    dropout,
                    activation,
                    layer_norm_eps,
                    batch_first,
                    norm_first,
                    bias,
                ]
                norm = _made(interp, "LayerNorm", d_model, eps=layer_norm_eps, bias=bias)
                custom = _made(
                    interp, f"Transformer{name}", _made(interp, f"Transformer{name}Layer", *args), count, norm
                )
            self.modules[name.lower()] = custom

    @library.method(f"{NN}.Transformer.forward")
    def forward(interp: Interpreter, self: ModuleInstance, src: Any, tgt: Any, src_mask: Any = None, tgt_mask: Any = None,
                memory_mask: Any = None, src_key_padding_mask: Any = None, tgt_key_padding_mask: Any = None,
                memory_key_padding_mask: Any = None, src_is_causal: Any = None, tgt_is_causal: Any = None,
                memory_is_causal: bool = False) -> Any:  # fmt: skip
        memory = _run(
            interp,
            self,
            "encoder",
            src,
            mask=src_mask,
            src_key_padding_mask=src_key_padding_mask,
            is_causal=src_is_causal,
        )
        return _run(
            interp, self, "decoder", tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_is_causal=tgt_is_causal,
            tgt_key_padding_mask=tgt_key_padding_mask, memory_key_padding_mask=memory_key_padding_mask, memory_is_causal=memory_is_causal,
        )  # fmt: skip

    @library.function(f"{NN}.Transformer.generate_square_subsequent_mask")
    def square_mask(interp: Interpreter, sz: int, **options: Any) -> Any:
        return interp.op("torch.triu", interp.op("torch.full", (sz, sz), float("-inf")), diagonal=1)
