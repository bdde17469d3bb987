"""The projections of an attention by their part: by name, else by what becomes of their results."""

from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.linears import linear_sizes
from archviz.patterns.seen_projections import seen_projections
from archviz.patterns.trace import Trace

_NAMES = {
    "q": "q wq query q_proj q_lin to_q q_linear query_proj q_b_proj wq_b linear_q q_proj_b q_gate_proj",
    "k": "k wk key k_proj k_lin to_k k_linear key_proj linear_k",
    "v": "v wv value v_proj v_lin to_v v_linear value_proj linear_v",
    "o": "o wo o_proj out_proj c_proj dense out proj out_lin to_out o_b_proj linear_out output wo_b attn_out out_linear",
    "qkv": "qkv attn qkv_proj query_key_value c_attn wqkv in_proj att_proj c_qkv w_pack qkv_linear in_proj_qkv qkvg_proj",
    "kv": "kv kv_proj key_value kv_b_proj wkv_b to_kv wkv",
}  # fmt: skip
_PROJECTIONS = {name: part for part, names in _NAMES.items() for name in names.split()}
"""Name of a projection → its part."""


def find_projections(module: ModuleRecord, trace: Trace | None = None) -> dict[str, ModuleRecord]:
    """The projections of an attention module by their part: `q`, `k`, `v`, `o`, `qkv`, `kv`; where no name says which, as the pass uses them."""
    named = named_projections(module)
    if trace is not None and not named.keys() & {"q", "qkv"} and has_core(module, trace):
        return named | seen_projections(module, trace)
    return named


def named_projections(module: ModuleRecord) -> dict[str, ModuleRecord]:
    found: dict[str, ModuleRecord] = {}
    for name, child in _candidates(module):
        part = _PROJECTIONS.get(name)
        if part is not None and part not in found:
            found[part] = child
    return found


def projections_inside(module: ModuleRecord) -> dict[str, ModuleRecord]:
    """The projections of the child that makes queries, where the module itself weighs values by their products with keys."""
    inside = (named_projections(child) for child in module.children.values() if child.children)
    return next((found for found in inside if found.keys() & {"q", "qkv"}), {})


def _candidates(module: ModuleRecord) -> list[tuple[str, ModuleRecord]]:
    """Projections by name; one that is wrapped alone in another module goes by the wrapper's name."""
    found = []
    for child in module.children.values():
        inner = child if not child.children else next(iter(child.children.values()))
        if len(child.children) <= 1 and linear_sizes(inner):
            found.append((child.name.lower(), inner))
    return found


def has_core(module: ModuleRecord, trace: Trace) -> bool:
    """Whether a module's own steps weigh something by a softmax over products."""
    ops = set(trace.own_ops(module.path))
    return "scaled_dot_product_attention" in ops or ("softmax" in ops and bool({"matmul", "bmm", "einsum"} & ops))
