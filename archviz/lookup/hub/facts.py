"""The facts about one repository at one commit, as the Hub states them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archviz.errors import BadResponseError
from archviz.late_patterns import late_pattern
from archviz.lookup.clean_text import clean
from archviz.lookup.hub.derivation import Derivation, Relation, derivation_of
from archviz.lookup.names import is_hub_id
from archviz.records import field, field_names, record

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

COMMIT = late_pattern(r"[0-9a-f]{40}")
_ARXIV = late_pattern(r"arxiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")
_MOST_FILES = 20_000
_MOST_LISTED = 32


@record(frozen=True)
class HubModel:
    """One repository of the Hub at one commit.

    Args:
        id: The id as the Hub writes it.
        commit: 40 hexadecimal digits.
        fetched: When the Hub said so, seconds since 1970.
        gated: Its files are given only to those whom its owner lets in.
        private: It is shown to some only.
        model_type: Of its configuration, as the Hub excerpts it.
        architectures: Class names of its configuration, as the Hub excerpts them.
        files: Paths in the repository.
        licence: As its card states it.
        base_models: What it was derived from, as its card states it.
        relation: What was done to them (`quantized`, `finetune`, `merge`, `adapter`); None where that is not stated.
        papers: arXiv ids that its card links.
        published_total: Elements of the stored tensors, as the Hub counts them.
        dtypes: Element type → elements, as the Hub counts them.
        created: When the repository was made, `YYYY-MM-DD`.
        modified: When it was changed last, `YYYY-MM-DD`.
    """

    id: str
    commit: str
    fetched: float
    gated: bool = False
    private: bool = False
    model_type: str = ""
    architectures: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    licence: str | None = None
    base_models: tuple[str, ...] = ()
    relation: Relation | None = None
    papers: tuple[str, ...] = ()
    published_total: int | None = None
    dtypes: Mapping[str, int] = field(default_factory=dict)
    created: str | None = None
    modified: str | None = None

    @property
    def derivation(self) -> str:
        """What it is to its base models, in words; empty for an original."""
        return Derivation(self.base_models, self.relation).text if self.base_models else ""

    def as_dict(self) -> dict[str, object]:
        """The facts as answers give them: the list of files is only counted."""
        facts = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        facts["files"] = len(self.files)
        facts["fetched"] = datetime.fromtimestamp(self.fetched, UTC).isoformat(timespec="seconds")
        return facts

    def as_json(self) -> bytes:
        return json.dumps(vars(self), separators=(",", ":")).encode()


def parse_facts(data: bytes) -> HubModel | None:
    """Facts as they were kept; None when they are not of this form."""
    try:
        raw = json.loads(data)
        known = set(field_names(HubModel))
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
        }
        return HubModel(**values) if set(values) <= known and is_commit(values["commit"]) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def is_commit(text: object) -> bool:
    """Whether this names a commit rather than something that moves."""
    return isinstance(text, str) and COMMIT.fullmatch(text) is not None


def facts_of(info: ModelInfo, fetched: float) -> HubModel:
    """What is kept of a reply; each value is checked, because it comes from outside.

    Raises:
        BadResponseError: The reply states no id or no commit.
    """
    if not is_hub_id(str(info.id)) or not is_commit(info.sha):
        raise BadResponseError("the Hub's reply states no repository id or no commit", hint="Try again.")
    config = info.config if isinstance(info.config, dict) else {}
    tags = _texts(info.tags)
    card = {key: _card(info, key) for key in ("base_model", "base_model_relation")}
    derived = derivation_of(card, tags, str(info.id))
    safetensors = info.safetensors
    return HubModel(
        id=str(info.id),
        commit=str(info.sha),
        fetched=fetched,
        gated=bool(info.gated),
        private=bool(info.private),
        model_type=_text(config.get("model_type")) or "",
        architectures=_texts(config.get("architectures"))[:_MOST_LISTED],
        files=_paths(info),
        licence=_text(_card(info, "license")) or _tagged(tags, "license:"),
        base_models=derived.bases if derived else (),
        relation=derived.relation if derived else None,
        papers=tuple(dict.fromkeys(match[1] for tag in tags if (match := _ARXIV.fullmatch(tag))))[:_MOST_LISTED],
        published_total=_count(safetensors.total) if safetensors else None,
        dtypes=_counts(safetensors.parameters) if safetensors else {},
        created=info.created_at.date().isoformat() if info.created_at else None,
        modified=info.last_modified.date().isoformat() if info.last_modified else None,
    )


def _paths(info: ModelInfo) -> tuple[str, ...]:
    """The files of a repository; those whose names hold control characters are none that are read or shown."""
    names = (each.rfilename for each in (info.siblings or ())[:_MOST_FILES])
    return tuple(name for name in names if isinstance(name, str) and name.isprintable())


def _card(info: ModelInfo, key: str) -> object:
    return info.card_data.get(key) if info.card_data is not None and hasattr(info.card_data, "get") else None


def _tagged(tags: tuple[str, ...], prefix: str) -> str | None:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)


def _text(value: object) -> str | None:
    return clean(value[:200]) or None if isinstance(value, str) else None


def _texts(values: object) -> tuple[str, ...]:
    return tuple(clean(each[:200]) for each in values if isinstance(each, str)) if isinstance(values, list) else ()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18 else None


def _counts(values: Any) -> dict[str, int]:
    known = values.items() if isinstance(values, dict) else ()
    return {clean(str(name)[:20]): count for name, count in list(known)[:_MOST_LISTED] if _count(count) is not None}
