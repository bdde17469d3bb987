"""Attention whose projections are experts: a router sends each token to some of them (mixture of attention heads)."""

from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.moe import MixtureOfExperts, detect_moe
from archviz.patterns.trace import Trace


def projection_experts(module: ModuleRecord, trace: Trace) -> tuple[ModuleRecord, MixtureOfExperts] | None:
    """The part of an attention that chooses among experts, and what it is; None where every token passes all projections."""
    for child in module.children.values():
        what = detect_moe(child, trace) if child.children else None
        if what is not None and what.router and what.top_k:
            return child, what
    return None
