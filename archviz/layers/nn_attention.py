"""Multi-head attention.  Source: torch/nn/modules/activation.py."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Tensor
from archviz.layers.module import new_parameter
from archviz.layers.nn_layers import keep
from archviz.ops.registry import like, op, tensor

NN = "torch.nn"


def register(library: Library) -> None:
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
            add_zero_attn=add_zero_attn,
        )
        keys, values = kdim if kdim is not None else embed_dim, vdim if vdim is not None else embed_dim
        if embed_dim % num_heads:
            raise RaisedError(AssertionError("embed_dim must be divisible by num_heads"), interp.here(), explicit=True)
        keep(self, kdim=keys, vdim=values, _qkv_same_embed_dim=keys == embed_dim and values == embed_dim)
        if keys == embed_dim and values == embed_dim:
            new_parameter(interp, self, "in_proj_weight", 3 * embed_dim, embed_dim)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.parameters[name] = None
        else:
            new_parameter(interp, self, "q_proj_weight", embed_dim, embed_dim)
            new_parameter(interp, self, "k_proj_weight", embed_dim, keys)
            new_parameter(interp, self, "v_proj_weight", embed_dim, values)
            self.parameters["in_proj_weight"] = None
        self.parameters["in_proj_bias"] = None
        if bias:
            new_parameter(interp, self, "in_proj_bias", 3 * embed_dim)
        output = interp.library_name(f"{NN}.modules.linear.NonDynamicallyQuantizableLinear")
        self.modules["out_proj"] = interp.call(output, [embed_dim, embed_dim], {"bias": bias})
        for name in ("bias_k", "bias_v"):
            self.parameters[name] = None
            if add_bias_kv:
                new_parameter(interp, self, name, 1, 1, embed_dim)

    @library.method(f"{NN}.MultiheadAttention.forward")
    def forward(interp: Interpreter, self: ModuleInstance, query: Any, key: Any, value: Any, key_padding_mask: Any = None,
                need_weights: Any = True, attn_mask: Any = None, average_attn_weights: Any = True, is_causal: Any = False) -> Any:  # fmt: skip
        result = interp.op("torch._multi_head_attention", query, key, value, attn_mask)
        _note_read(interp, *self.parameters.values(), *self.modules["out_proj"].parameters.values())
        if not interp.truth(need_weights) or not isinstance(result, Tensor) or result.shape is None:
            return result, None if not interp.truth(need_weights) else result
        added = (self.parameters.get("bias_k") is not None) + bool(self.attrs["add_zero_attn"])
        heads = () if average_attn_weights else (self.attrs["num_heads"],)
        batch_first = bool(self.attrs["batch_first"])
        return result, tensor(interp, _weight_sizes(query.sizes, key.sizes, heads, added, batch_first=batch_first))

    @library.function(f"{NN}.functional.multi_head_attention_forward")
    def function(interp: Interpreter, query: Any, key: Any, value: Any, embed_dim_to_check: Any, num_heads: Any, in_proj_weight: Any,
                 in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: Any, *rest: Any, need_weights: Any = True,
                 average_attn_weights: Any = True, **options: Any) -> Any:  # fmt: skip
        mask = rest[6] if len(rest) > 6 else options.get("attn_mask")
        result = interp.op("torch._multi_head_attention", query, key, value, mask)
        _note_read(interp, in_proj_weight, in_proj_bias, bias_k, bias_v, *rest[1:3], *options.values())
        wanted = interp.truth(rest[5] if len(rest) > 5 else need_weights)
        if not wanted or not isinstance(result, Tensor) or result.shape is None:
            return result, result if wanted else None
        added = (bias_k is not None) + bool(add_zero_attn)
        heads = () if average_attn_weights else (num_heads,)
        return result, tensor(interp, _weight_sizes(query.sizes, key.sizes, heads, added, batch_first=False))

    @op(library, "torch._multi_head_attention", record="multi_head_attention_forward")
    def attend(interp: Interpreter, query: Tensor, key: Tensor, value: Tensor, mask: Any = None) -> Tensor:
        return like(interp, query)


def _note_read(interp: Interpreter, *weights: Any) -> None:
    """Weights that attention reads although the event of it names the data alone."""
    for weight in weights:
        if interp.recorder is not None and isinstance(weight, Tensor):
            interp.recorder.number(weight)


def _weight_sizes(
    query: tuple[int, ...], key: tuple[int, ...], heads: tuple[int, ...], added: int, *, batch_first: bool
) -> tuple[int, ...]:
    """The shape of attention weights: batch, heads, targets, sources.

    Args:
        heads: Their number; empty where weights are averaged over them.
        added: Sources beside the keys.
    """
    length, axis = (1, 0) if batch_first and len(query) == 3 else (0, 1)
    batch = (query[axis],) if len(query) == 3 else ()
    return (*batch, *heads, query[length], key[length] + added)
