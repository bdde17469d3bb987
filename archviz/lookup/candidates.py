"""Which models a name may have meant: those that fit all it says, and those whose names are near.  Never a choice."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from archviz.lookup.catalog import CatalogRecord, find_record
from archviz.lookup.identity import Part, differences, fitting, identity, line, readings, size_of, values
from archviz.lookup.names import ModelName
from archviz.lookup.resolution import Candidate

MOST_NEAR_NAMES = 6
MOST_OFFERED = 10
LISTED_ONLY = "exactly this name: it is listed, but was not shown"
WITHOUT_AROUND = "this name without what stands around it (quotes, a full stop, a query)"
LEAST_SPELLED = 4  # letters and digits: fewer begin too many names
LEAST_LIKENESS = 0.72  # below it, two names of different families share letters by chance

_EXPERT_KEYS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


def find_fitting(asked: ModelName, known: Iterable[str]) -> tuple[Candidate, ...]:
    """The known models whose names say all that a bare name says, grouped, each with what it adds.

    The organisation with most of them comes first; then by version, line and size.
    """
    parts = identity(asked.repository)
    ids = [each for each in known if fitting(parts, _repository(each), _organisation(each)) is not None]
    published = Counter(_organisation(model_id) for model_id in ids)

    def order(model_id: str) -> tuple[object, ...]:
        repository = _repository(model_id)
        name = line(repository)
        version = _version(identity(repository)) or 0.0
        return (
            -published[_organisation(model_id)],
            version,
            len(name),
            name,
            size_of(identity(repository)) or 0,
            model_id,
        )

    return tuple(
        Candidate(model_id, f"{_said(asked, parts, model_id)}{_kind(model_id)}", line(_repository(model_id)))
        for model_id in sorted(ids, key=order)
    )


def _likeness(one: str, other: str) -> float:
    """How alike two names are spelled, from 0 to 1, letter case aside."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one.lower(), other.lower()).ratio()


def find_near(asked: ModelName, known: Iterable[str]) -> tuple[Candidate, ...]:
    """The known models whose names are nearest: same letters and digits first, then family, version, words, size, spelling."""
    parts = identity(asked.repository)
    ranked = []
    for model_id in known:
        likeness = _likeness(asked.repository, _repository(model_id))
        said, same_family = _family_reading(parts, model_id)
        spelled = _spelled_apart(asked.repository, _repository(model_id))
        if same_family or spelled < 2 or likeness >= LEAST_LIKENESS:
            foreign = asked.organisation not in (None, _organisation(model_id))
            order = (spelled, *_nearness(said, model_id, same_family), foreign, -likeness, model_id)
            ranked.append((order, model_id))
    nearest = [model_id for _, model_id in sorted(ranked)[:MOST_NEAR_NAMES]]
    return tuple(Candidate(model_id, _why(asked, parts, model_id), line(_repository(model_id))) for model_id in nearest)


def _spelled_apart(asked: str, offered: str) -> int:
    """0 where two names have the same letters and digits (`06B`, `0.6B`), 1 where one goes on after the other's, else 2."""
    one, other = (re.sub("[^a-z0-9]", "", each.lower()) for each in (asked, offered))
    if one == other:
        return 0
    return 1 if len(one) >= LEAST_SPELLED and other.startswith(one) else 2


def _family_reading(parts: tuple[Part, ...], model_id: str) -> tuple[tuple[Part, ...], bool]:
    """The reading of the asked name that begins with this model's family, and whether there is one."""
    for said in readings(parts, _organisation(model_id)):
        if _same_family(said, model_id):
            return said, True
    return parts, False


def find_fitting_names(asked: ModelName, ids: Iterable[str], known: Iterable[str]) -> tuple[Candidate, ...]:
    """The ids of a search, beside the models known already, whose names say all that a bare name says, in the search's order."""
    parts, left_out = identity(asked.repository), set(known)
    found = []
    for model_id in dict.fromkeys(ids):
        if model_id in left_out or "/" not in model_id:
            continue
        repository = _repository(model_id)
        if fitting(parts, repository, _organisation(model_id)) is not None:
            why = f"{_said(asked, parts, model_id)}{_kind_by_name(repository)}"
            found.append(Candidate(model_id, why, line(repository)))
    return tuple(found[:MOST_OFFERED])


def _nearness(parts: tuple[Part, ...], model_id: str, same_family: bool) -> tuple[float, ...]:
    offered = identity(_repository(model_id))
    words, theirs = set(values(parts, "word")), set(values(offered, "word"))
    asked_keys, keys = {part.key for part in parts}, {part.key for part in offered}
    return (
        not same_family,
        not (keys <= asked_keys or keys >= asked_keys),  # one only says more than the other: nothing contradicts
        _distance(_version(parts), _version(offered)),
        -len(words & theirs),
        _distance(_logarithm(size_of(parts)), _logarithm(size_of(offered))),
        len(words ^ theirs),
    )


def _distance(one: float | None, other: float | None) -> float:
    """How far two stated values are apart; a value that only one name states is farther than any."""
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    return abs(one - other)


def _logarithm(size: float | None) -> float | None:
    return math.log(size) if size else None


def _version(parts: tuple[Part, ...]) -> float | None:
    """A version as one number for ordering: 3.5, v0.1 → 0.1, and `k2.5` of Kimi-K2.5 → 2.5."""
    for part in parts[1:3]:
        number = part.value.lstrip("abcdefghijklmnopqrstuvwxyz")
        if part.kind in ("version", "word") and number:
            major, _, minor = number.partition(".")
            if major.isdecimal() and (not minor or minor.isdecimal()):
                return int(major[:6]) + (float(f"0.{minor}") if minor else 0.0)
    return None


def _same_family(parts: tuple[Part, ...], model_id: str) -> bool:
    own = set(_organisation(model_id).lower().split("-"))
    for part in identity(_repository(model_id)):
        if parts and part.key == parts[0].key:
            return True
        if part.value not in own:
            return False
    return False


def _said(asked: ModelName, parts: tuple[Part, ...], model_id: str) -> str:
    """What a model's name says otherwise, apart from a publisher's words in front of the asked one."""
    organisation, repository = _organisation(model_id), _repository(model_id)
    if repository == asked.repository:
        is_bare = asked.text == asked.plain
        return f"{'exactly this name' if is_bare else WITHOUT_AROUND}, published by {organisation}"
    said = fitting(parts, repository, organisation) or _family_reading(parts, model_id)[0]
    return differences(said, repository)


def _why(asked: ModelName, parts: tuple[Part, ...], model_id: str) -> str:
    organisation, repository = _organisation(model_id), _repository(model_id)
    if model_id == asked.text:
        return f"exactly this name, without the revision {asked.revision}" if asked.revision else LISTED_ONLY
    if model_id.lower() == asked.text.lower():
        return "the same name in other letter case"
    said = _said(asked, parts, model_id)
    if asked.organisation is None or asked.organisation == organisation:
        return said
    published = f"published by {organisation}, not {asked.organisation}"
    return published if asked.repository.lower() == repository.lower() else f"{published}; {said}"


def _kind(model_id: str) -> str:
    """Dense or mixture of experts, as the model's record states it."""
    record = find_record(model_id)
    if record is None:
        return ""
    experts = _experts(record)
    return f"; mixture of {experts} experts" if experts else f"; dense, {record.model_type}"


def _kind_by_name(repository: str) -> str:
    """Mixture of experts where the name itself says so, by an active size or by sizes that are multiplied."""
    parts = identity(repository)
    multiplied = any("x" in size for size in values(parts, "size"))
    return "; a mixture of experts by its name" if multiplied or values(parts, "active") else ""


def _experts(record: CatalogRecord) -> int | None:
    nested = [value for value in record.config.values() if isinstance(value, dict)]
    for config in (record.config, *nested):
        for key in _EXPERT_KEYS:
            if isinstance(count := config.get(key), int) and count > 1:
                return count
    return None


def _repository(model_id: str) -> str:
    return model_id.split("/", 1)[1]


def _organisation(model_id: str) -> str:
    return model_id.split("/", 1)[0]
