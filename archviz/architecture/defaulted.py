"""Which facts nobody stated: values of the configuration class's defaults, and keys that reach no part of the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archviz.architecture.attention_facts import HEADS, KV_HEADS
from archviz.architecture.context import LAYER_KEYS, WIDTH_KEYS
from archviz.architecture.model import Architecture, Evidence, Fact
from archviz.architecture.part_facts import ACTIVATIONS, CHOSEN, COUNTS, EPS, EXPERT_INNER, INNER
from archviz.interpreter.reading import ROTATION, ClassDefault, ModelReading
from archviz.late_patterns import late_pattern

FLAT_PARTS = (
    "text_config",
    "decoder_config",
    "decoder",
)  # parts whose values older configurations state at the top level
DEFAULT_OF = "default of "  # how the evidence of a defaulted fact begins
_STATES_ROTATION = late_pattern(r"theta|rotary|base_freq|freq_base|rope_(base|scaling|parameters)")
_TELLING = 64
"""Smaller numbers are equal by chance."""
_RESTS_ON: dict[str, tuple[str, ...]] = {
    "layers": LAYER_KEYS,
    "hidden_size": WIDTH_KEYS,
    "vocabulary_size": ("vocab_size",),
    "attention_heads": HEADS,
    "kv_heads": KV_HEADS,
    "head_dim": ("head_dim", "d_kv"),
    "qk_norm": ("use_qk_norm", "qk_norm", "qk_layernorm"),
    "intermediate_size": INNER,
    "activation": ACTIVATIONS,
    "norm_eps": EPS,
    "experts": COUNTS,
    "experts_per_token": CHOSEN,
    "expert_hidden_size": EXPERT_INNER[:1],
    "router_score": ("scoring_func", "score_func", "moe_router_activation"),
    "router_normalised": ("norm_topk_prob",),
    "router_scaling": ("routed_scaling_factor", "moe_router_scaling_factor"),
    "router_groups": ("n_group", "topk_group"),
    "sliding_window": ("sliding_window",),
    "tied_embeddings": ("tie_word_embeddings",),
}
"""Facts that are read in code or tensors whose value a configuration key decides."""


def add_defaults(
    architecture: Architecture, reading: ModelReading, stated: Mapping[str, Any] | None, *, excerpt: bool
) -> None:
    """Tell facts that rest on the configuration class's defaults from stated ones.

    Args:
        stated: The values that the configuration states; None for a model type's defaults, where tensors are what was asked for.
        excerpt: The configuration is known to be an excerpt of the published one, so a default may not be the model's value.
    """
    stated = without_paths(stated or {}, unread_thetas(reading, stated or {})) if stated is not None else None
    leaves = set(_leaves(stated or {}))
    unstated = {path: own for path, own in reading.defaults.items() if not leaves.intersection(own.names)}
    if any(map(_STATES_ROTATION.search, leaves)):  # by keys that a class may know besides those of all classes
        unstated = {path: own for path, own in unstated.items() if own.names != ROTATION}
    unstated = {path: own for path, own in unstated.items() if not _under_another_name(reading, stated or {}, path)}
    missing: set[str] = set()
    for fact in architecture.facts:
        paths = _defaulted(fact, unstated, leaves)
        if not paths or fact.status not in (("verified", "config") if stated is not None else ("config",)):
            continue
        missing |= {path.rpartition(".")[2] for path in paths}
        kept = [each for each in fact.evidence if each.kind != "config" or each.where not in paths]
        fact.evidence = [*kept, *(each for path in paths for each in _evidence(path, unstated[path]))]
        fact.status = "unverified" if excerpt else "derived"
    if excerpt and missing:
        text = f"the record does not state {', '.join(sorted(missing))}: the values are the official class's defaults"
        architecture.facts.append(Fact(key="record_lacks", value=text, status="unverified", evidence=[]))


def _under_another_name(reading: ModelReading, stated: Mapping[str, Any], path: str) -> bool:
    """Whether a size has the value of a stated key that is no field of its class, which hands it on (`block_ff_dim`)."""
    value = reading.config.get(path)
    if not isinstance(value, int) or isinstance(value, bool) or value < _TELLING:
        return False
    return any(key not in reading.declared and key not in reading.config and stated[key] == value for key in stated)


def _defaulted(
    fact: Fact, unstated: Mapping[str, ClassDefault], leaves: set[str]
) -> list[str]:  # fmt: skip
    """The key paths of the defaults that a fact rests on; none where any of its keys is stated."""
    cited = [each.where for each in fact.evidence if each.kind == "config"]
    if fact.status == "config":
        return cited if cited and all(path in unstated for path in cited) else []
    names = _RESTS_ON.get(fact.key, ())
    paths = [path for path in cited if path in unstated]
    if not paths and names and not cited:
        paths = [path for path in unstated if path.rpartition(".")[2] in names and path.count(".") <= 1]
        paths = [path for path in paths if _is_main(path)]
    others = [name for name in names if name in leaves]
    return [] if others or len(paths) < len(cited) else paths


def _is_main(path: str) -> bool:
    return path.rpartition(".")[0] in ("", "text_config", "decoder")


def _evidence(path: str, own: ClassDefault) -> list[Evidence]:
    """The key, and the line that gives its default."""
    line = [Evidence(kind="code", where=str(own.at), text=DEFAULT_OF + own.class_name)] if own.at else []
    return [Evidence(kind="config", where=path), *line]


def _leaves(stated: Mapping[str, Any]) -> Iterator[str]:
    """Every key that a configuration states, at any depth."""
    for key, value in stated.items():
        yield key
        if isinstance(value, Mapping):
            yield from _leaves(value)


_THETAS = ("rope_theta", "rotary_emb_base", "rotary_base")


def unread_thetas(reading: ModelReading, stated: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Stated bases of rotations (path, number) that stay in a part without rotation of its own, while another number is used.

    The class keeps such a part as it is stated and reads its base from elsewhere.
    """
    used = reading.config.get("rope_parameters")
    theta = used.get("rope_theta") if isinstance(used, Mapping) else None
    own = reading.defaults.get("rope_parameters.rope_theta")
    if theta is None or own is None or own.names == ROTATION:
        return []
    return [
        (f"{part}.{name}", values[name])
        for part, values in stated.items() if isinstance(values, Mapping) and part not in ("rope_parameters", "rope_scaling")
        for name in _THETAS if name in values and values[name] != theta and _is_kept(reading.config.get(part), name, values[name])
    ]  # fmt: skip


def _is_kept(part: object, name: str, value: object) -> bool:
    """Whether a part of the configuration has a number as stated and no rotation of its own."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isinstance(part, Mapping) and part.get(name) == value and "rope_parameters" not in part


def without_paths(stated: Mapping[str, Any], paths: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """A stated configuration without some values of its parts."""
    gone = {path for path, _ in paths}
    return {
        key: {name: v for name, v in value.items() if f"{key}.{name}" not in gone} if isinstance(value, Mapping) else value
        for key, value in stated.items()
    }  # fmt: skip


def is_excerpt(reading: ModelReading, stated: Mapping[str, Any]) -> bool:
    """Whether a recorded configuration states neither an activation nor an epsilon, though its class has both.

    A published configuration writes every field of its own class, so a record without them is not the whole of it.
    """
    leaves = set(_leaves(stated))
    fields = {name for own in reading.defaults.values() for name in own.names}
    return all(fields.intersection(names) and not leaves.intersection(names) for names in (ACTIVATIONS, EPS))


def unread_keys(reading: ModelReading, stated: Mapping[str, Any]) -> dict[str, list[str]]:
    """Sub-configuration that is not stated → stated keys outside of it that it knows and did not get."""
    found: dict[str, list[str]] = {}
    for part, values in reading.config.items():
        if part not in FLAT_PARTS or part in stated or not isinstance(values, dict):
            continue
        lost = [
            key for key, value in stated.items()
            if key in values and key not in reading.declared and values[key] != value
        ]  # fmt: skip
        if any(f"{part}.{key}" in reading.defaults for key in lost):
            found[part] = lost
    return found
