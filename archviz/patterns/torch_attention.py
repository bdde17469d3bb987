"""PyTorch's own attention layer, `nn.MultiheadAttention`: its heads are attributes, its mask is what its pass was given."""

from __future__ import annotations

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import canonical
from archviz.patterns.trace import Trace

ATTENTION_OP = "multi_head_attention_forward"


def is_torch_attention(module: ModuleRecord) -> bool:
    return (module.library or "").rpartition(".")[2] == "MultiheadAttention"


def torch_heads(module: ModuleRecord) -> tuple[int, int] | None:
    """Heads and their width."""
    heads, width = module.attributes.get("num_heads"), module.attributes.get("head_dim")
    return (heads, width) if isinstance(heads, int) and isinstance(width, int) else None


def attention_op(module: ModuleRecord, trace: Trace) -> Event | None:
    """The step that attends: queries, keys and values in this order."""
    call = trace.call(module.path)
    inside = trace.inside(call) if call is not None else ()
    return next((event for event in inside if canonical(event.name) == ATTENTION_OP and len(event.inputs) > 2), None)
