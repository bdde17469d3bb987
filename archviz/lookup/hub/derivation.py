"""What a model was made from, as its card and the Hub's tags state it: quantised, fine-tuned, merged, adapted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from archviz.late_patterns import late_pattern
from archviz.records import record

Relation = Literal["quantized", "finetune", "merge", "adapter"]

MOST_BASES = 20
_ID = late_pattern(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_WORDS: dict[Relation | None, str] = {
    "quantized": "a quantised form of",
    "finetune": "fine-tuned from",
    "merge": "merged from",
    "adapter": "an adapter for",
    None: "derived from",
}


@record(frozen=True)
class Derivation:
    """A model's base models, as stated.

    Args:
        bases: Their Hub ids, in the card's order.
        relation: What was done to them; None where the card does not say.
    """

    bases: tuple[str, ...]
    relation: Relation | None = None

    @property
    def text(self) -> str:
        """In words: `a quantised form of Qwen/Qwen3-8B`."""
        return f"{_WORDS[self.relation]} {' and '.join(self.bases)}"

    def as_dict(self) -> dict[str, object]:
        return {"base_models": list(self.bases), "relation": self.relation}


def derivation_of(card: Mapping[str, object], tags: Sequence[object] = (), own: str = "") -> Derivation | None:
    """What a card's `base_model` and `base_model_relation`, or else the Hub's `base_model:…` tags, state.

    Args:
        own: The model's own id, which is no base of it.

    >>> derivation_of({"base_model": "Qwen/Qwen3-8B"}, ["base_model:quantized:Qwen/Qwen3-8B"])
    Derivation(bases=('Qwen/Qwen3-8B',), relation='quantized')
    """
    tagged = [tag.removeprefix("base_model:") for tag in tags if isinstance(tag, str) and tag.startswith("base_model:")]
    stated = card.get("base_model")
    bases = _ids(stated if isinstance(stated, list) else [stated]) or _ids([tag.rpartition(":")[2] for tag in tagged])
    bases = tuple(each for each in bases if each != own)
    if not bases:
        return None
    relations = [card.get("base_model_relation"), *(tag.partition(":")[0] for tag in tagged if ":" in tag)]
    return Derivation(bases, next((known for each in relations if (known := _relation(each))), None))


def _ids(values: Sequence[object]) -> tuple[str, ...]:
    ids = [value for value in values if isinstance(value, str) and _ID.fullmatch(value)]
    return tuple(dict.fromkeys(ids))[:MOST_BASES]


def _relation(value: object) -> Relation | None:
    return next((known for known in _WORDS if known is not None and known == value), None)
