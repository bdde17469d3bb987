"""Attention masks as `transformers` 4.x names and shapes them.  Source: transformers 4.57.6, masking_utils.py and modeling_utils.py."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Tensor

CREATED = (
    "create_causal_mask", "create_sliding_window_causal_mask", "create_chunked_causal_mask", "create_masks_for_generate",
)  # fmt: skip


def register_masks(library: Library, dialect: str, model: str) -> None:
    """The mask functions under the dialect's bare names, and the mask methods of its `PreTrainedModel`."""
    for name in CREATED:
        library.function(f"{dialect}.{name}")(_renamed(name))

    @library.function(
        f"{dialect}._prepare_4d_causal_attention_mask",
        f"{dialect}._prepare_4d_causal_attention_mask_for_sdpa",
    )
    def causal(interp: Interpreter, mask: Any, shape: Any, embeds: Any, past: Any = 0, *args: Any, **options: Any) -> Any:  # fmt: skip
        batch, query = shape[0], shape[1]
        key = query + past if isinstance(past, int) else query
        return Tensor((batch, 1, query, key), embeds.dtype if isinstance(embeds, Tensor) else "float32")

    @library.function(
        f"{dialect}._prepare_4d_attention_mask",
        f"{dialect}._prepare_4d_attention_mask_for_sdpa",
        f"{dialect}._expand_mask",
    )
    def expanded(interp: Interpreter, mask: Any, dtype: Any = None, tgt_len: Any = None) -> Any:
        if not isinstance(mask, Tensor) or mask.shape is None:
            return mask
        batch, key = mask.shape[0], mask.shape[1]
        return Tensor((batch, 1, key if tgt_len is None else tgt_len, key), "float32")

    @library.method(f"{model}.get_extended_attention_mask")
    def extended(interp: Interpreter, self: ModuleInstance, mask: Any, shape: Any, *args: Any, **options: Any) -> Any:
        is_decoder = interp.find_attribute(self.attrs.get("config"), "is_decoder") is True
        return _broadcast(mask, causal_queries=shape[1] if is_decoder else None)

    @library.method(f"{model}.invert_attention_mask")
    def inverted(interp: Interpreter, self: ModuleInstance, mask: Any) -> Any:
        return _broadcast(mask)

    @library.method(f"{model}.get_head_mask")
    def head_mask(interp: Interpreter, self: ModuleInstance, mask: Any, layers: int, *args: Any) -> Any:
        return [None] * layers if mask is None else mask


def _renamed(name: str) -> Any:
    """A mask function of the installed release, called with the parameters of 4.x."""

    def run(interp: Interpreter, *args: Any, **options: Any) -> Any:
        given = {key: value for key, value in options.items() if key != "cache_position"}
        if "input_embeds" in given:
            given["inputs_embeds"] = given.pop("input_embeds")
        if len(args) > 3:  # the fourth was cache_position
            args = (*args[:3], *args[4:])
        return interp.call(interp.import_name("transformers.masking_utils", name, None), list(args), given)

    return run


def _broadcast(mask: Any, causal_queries: Any = None) -> Any:
    """A mask `[batch, key]` or `[batch, query, key]` over all heads: `[batch, 1, query or 1, key]`."""
    if not isinstance(mask, Tensor) or mask.shape is None or len(mask.shape) not in (2, 3):
        return mask
    batch, key = mask.shape[0], mask.shape[-1]
    query = mask.shape[1] if len(mask.shape) == 3 else (1 if causal_queries is None else causal_queries)
    return Tensor((batch, 1, query, key), "float32")
