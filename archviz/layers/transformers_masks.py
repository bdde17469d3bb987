"""The few parts of `transformers.masking_utils` that shapes alone do not decide; all else of it is interpreted."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor

MASKING = "transformers.masking_utils"


def register(library: Library) -> None:
    @library.function(f"{MASKING}._vmap_expansion_sdpa")
    def expansion(interp: Interpreter, mask_function: Any) -> Any:
        """`vmap` over all four indices: the mask function gets them along four axes at once, and broadcasts."""

        def run(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Any:
            spread = interp.import_name(MASKING, "_non_vmap_expansion_sdpa", None)
            indices = interp.call(spread, [batch, head, query, key], {})
            found = interp.call(mask_function, list(indices), {})
            sizes = [each.sizes[0] for each in (batch, head, query, key)]
            return interp.op("torch.Tensor.expand", found, *sizes)

        return run

    @library.function(f"{MASKING}._ignore_bidirectional_mask_sdpa")
    def needs_no_mask(
        interp: Interpreter, padding_mask: Any, kv_length: int, local_attention_size: int | None = None
    ) -> bool:
        """Nothing to mask; a window is masked even where the example's few tokens fit into it, so that it is seen."""
        return local_attention_size is None
