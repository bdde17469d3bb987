"""The same facts of several models in rows."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.column_layers import runs_of
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
    rows = [FactRow(key, [model.fact(key) or _usual(model, key) for model in models]) for key in keys]
    biases = [{fact.key: fact for fact in _biases(model)} for model in models]
    shared = [key for key in biases[0] if all(key in each for each in biases)]
    return rows + [FactRow(key, [each[key] for each in biases]) for key in shared]


def _biases(model: Architecture) -> list[Fact]:
    """Which projections of the text model's attentions and feed-forwards add a bias: all, none, or their names in the code."""
    kinds = [kind for tower in model.towers[:1] for stack in runs_of(model, tower) for kind in stack.kinds]
    parts = {
        "attention_biases": {kind.mixer for kind in kinds},
        "feed_forward_biases": {each for kind in kinds for each in (kind.feed_forward, f"{kind.feed_forward}/expert")},
    }
    found = []
    for key, ids in parts.items():
        blocks = [block for block in model.blocks if block.id in ids]
        if key == "attention_biases":
            blocks = [block for block in blocks if any(node.role == "attention_core" for node in block.nodes)]
        nodes = [node for block in blocks for node in block.nodes if node.role == "projection"]
        having = [node for node in nodes if "bias" in node.details]
        if nodes:
            names = ", ".join(dict.fromkeys(node.code_name or node.label for node in having))
            value = "all" if len(having) == len(nodes) else names or "none"
            found.append(Fact(key=key, value=value, evidence=(having or nodes)[0].evidence[:1]))
    return found


def _usual(model: Architecture, key: str) -> Fact | None:
    """What a model has that does not state it: values that are as wide as keys, the type by which it was named."""
    kind, _, name = model.identity.id.partition(":")
    if key == "model_type" and kind == "transformers" and name:  # a default configuration is asked for by its type
        return Fact(key=key, value=name, status="verified")
    width = model.fact("head_dim") if key == "value_head_dim" else None
    return replace(width, key=key, status="derived") if width is not None else None


def remark_lines(models: Sequence[Architecture]) -> list[str]:
    """What a reader must know about the names, beside the facts."""
    return [f"{model.identity.id}: {fact.value}" for model in models for fact in model.facts if fact.key == _REMARK]


def place(item: Evidence) -> str:
    """A place as text."""
    return item.where
