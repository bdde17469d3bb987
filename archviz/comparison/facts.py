"""The same facts of several models in rows."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.model import Architecture, Evidence, Fact
from archviz.records import record, replace

_NAMES = ("architecture", "model_type", "record_lacks", "class_choice", "mtp")
_REMARK = "remark"  # how the name was found: nothing of the architecture
SIZES = (
    "context_length", "vocabulary_size", "embedding_rows", "layers", "hidden_size", "attention_heads", "kv_heads", "attention_ratio", "head_dim",
    "rope_dimensions",
    "intermediate_size", "experts", "experts_per_token", "expert_sparsity", "expert_hidden_size", "shared_expert_hidden_size", "parameters",
    "active_parameters", "sliding_window", "attention_chunk", "rope_theta", "norm_eps", "query_rank", "kv_rank", "dtype", "indexer_top_k",
    "rope_partial_factor", "mtp_layers", "value_head_dim", "router_scaling", "mrope_section", "attention_scale", "value_scale",
)  # fmt: skip
"""Facts that are numbers: models of one make may differ in them."""


_PRESENT = (
    "sliding_window", "attention_chunk", "indexer_top_k", "query_rank", "kv_rank", "mtp_layers", "shared_expert_hidden_size", "experts",
    "mrope_section",
)  # fmt: skip
"""Sizes of a mechanism: to have one or none is no matter of size."""


@record(frozen=True)
class FactRow:
    """One fact of each model; None where a model does not have it.

    Args:
        is_size: A number that models of one make may differ in, not a mechanism.
    """

    key: str
    facts: list[Fact | None]

    @property
    def values(self) -> list[object]:
        return [fact.value if fact else None for fact in self.facts]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values)

    @property
    def is_size(self) -> bool:
        if self.key in _PRESENT and None in self.values:
            return False
        return self.key in SIZES or (
            self.key.partition("_")[0] in ("vision", "audio", "encoder") and "kind" not in self.key
        )

    @property
    def is_name(self) -> bool:
        return self.key in _NAMES

    def as_dict(self) -> dict[str, object]:
        return {
            "key": self.key,
            "differs": self.differs,
            "values": self.values,
            "statuses": [fact.status if fact else None for fact in self.facts],
            "evidence": [[place(item) for item in fact.evidence] if fact else [] for fact in self.facts],
        }


def fact_rows(models: Sequence[Architecture]) -> list[FactRow]:
    """All facts in the order in which models first have them; one that a model leaves out because it is usual stands as what it is."""
    keys = dict.fromkeys(fact.key for model in models for fact in model.facts if fact.key != _REMARK)
    return [FactRow(key, [model.fact(key) or _usual(model, key) for model in models]) for key in keys]


def _usual(model: Architecture, key: str) -> Fact | None:
    """What a model has that does not state it: values that are as wide as keys."""
    width = model.fact("head_dim") if key == "value_head_dim" else None
    return replace(width, key=key, status="derived") if width is not None else None


def remark_lines(models: Sequence[Architecture]) -> list[str]:
    """What a reader must know about the names, beside the facts."""
    return [f"{model.identity.id}: {fact.value}" for model in models for fact in model.facts if fact.key == _REMARK]


def place(item: Evidence) -> str:
    """A place as text."""
    return item.where
