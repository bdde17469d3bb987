"""A checkpoint held against the model that the code builds: which tensors are missing, which are more, which have another shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod

from archviz.interpreter.reading import ModelReading, ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.numbers.quantised import bounded_pattern
from archviz.numbers.reconcile import Step
from archviz.numbers.stored_names import Table, module_names
from archviz.records import field, record, replace

_NUMBER = late_pattern(r"(?<![^.])\d+(?![^.])")
_SCALES = late_pattern(
    r"(_scale_inv|_scale|_scale_2|scales|qzeros|_blocks|_packed|weight_shape|absmax|quant_map|quant_state\S*|nested_\w+)$"
)
MOST_GROUPS = 60


@record(frozen=True)
class Group:
    """Tensors that are alike but for the numbers in their names.

    Args:
        pattern: Their name with `*` for numbers.
        count: How many.
        elements: Elements of all; None where no headers were read.
        why: What they are, as far as that is known.
    """

    pattern: str
    count: int
    elements: int | None
    why: str


@record(frozen=True)
class CheckpointMatch:
    """What a checkpoint holds against what the code builds.

    Args:
        matched: Stored tensors that go to a tensor of the model.
        missing: Tensors of the model that are not stored.
        extra: Stored tensors that the model does not have.
        shapes: Names whose stored shape is another; only those that are stored one for one.
        again: Names of tied tensors that are stored beside the tensor itself.
        total: Elements of all stored tensors; None where only names are known.
        steps: From the code's count to that total, as the headers show them.
    """

    matched: int
    missing: list[Group] = field(default_factory=list)
    extra: list[Group] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    total: int | None = None
    steps: list[Step] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every tensor of the model is stored, and all that is stored besides is explained."""
        unexplained = [*self.missing, *self.extra]
        return not self.shapes and all(group.why for group in unexplained)

    def as_dict(self) -> dict[str, object]:
        def rows(groups: Iterable[Group]) -> list[dict[str, object]]:
            return [
                {"names": g.pattern, "count": g.count, "elements": g.elements, "why": g.why or None} for g in groups
            ]

        return {
            "matched": self.matched,
            "missing": rows(self.missing),
            "extra": rows(self.extra),
            "other_shapes": self.shapes,
            "tied_stored": self.again,
            "elements": self.total,
            "steps": [{"key": s.key, "title": s.title, "count": s.count, "status": s.status} for s in self.steps],
        }


def match_checkpoint(
    reading: ModelReading, stored: Mapping[str, tuple[int, ...] | None], table: Table, model_type: str | None = None
) -> CheckpointMatch:
    """Hold stored tensors against the model.

    Args:
        reading: What the code builds.
        stored: Name → shape, None where only names are known (an index).
        table: How names change.
        model_type: Of the model, where its configuration does not say it.
    """
    parameters = {t.name: t for module in reading.root.walk() for t in module.parameters.values()}
    buffers = {t.name: t for module in reading.root.walk() for t in module.buffers.values()}
    known, base = frozenset([*parameters, *buffers]), _base(reading.root)
    transforms = table.of(models_in(reading, model_type))
    reached: dict[str, list[str]] = {}
    extra: list[str] = []
    for name in stored:
        goals = module_names(name, transforms, known, base)
        hit = [goal for goal in goals if goal in known]
        for goal in hit:
            reached.setdefault(goal, []).append(name)
        if not hit:
            extra.append(name)
    owners = {name: reading.tied.get(name, name) for name in parameters}
    there = {owners.get(name, name) for name in reached}
    persistent = [name for name, tensor in buffers.items() if tensor.persistent]
    missing = [name for name in dict.fromkeys(owners.values()) if name not in there] + [
        n for n in persistent if n not in reached
    ]
    tensors = {**buffers, **parameters}
    sizes = {name: tensor.numel for name, tensor in tensors.items()}
    shapes = [
        f"{goal}: stored {list(shape)}, built {list(tensors[goal].shape)}"
        for goal, names in reached.items()
        if len(names) == 1 and (shape := stored[names[0]]) is not None and names[0] not in extra
        and not _alike(shape, tensors[goal].shape, joined=any(t.joins and t.renamed(names[0], base) for t in transforms))
    ]  # fmt: skip
    layers = _layer_counts(known)

    def why(name: str) -> str:
        return _why(name, layers, reading)

    elements = {name: None if shape is None else prod(shape) for name, shape in stored.items()}
    match = CheckpointMatch(
        len(stored) - len(extra),
        _groups(missing, sizes, lambda name: "a buffer that is built anew" if name in buffers else ""),
        _groups(extra, elements, why),
        sorted(shapes)[:MOST_GROUPS],
        [alias for alias, owner in reading.tied.items() if alias in reached and owner in reached][:MOST_GROUPS],
    )
    if any(count is None for count in elements.values()):
        return match
    counts = {name: count or 0 for name, count in elements.items()}
    absent = sum(sizes[name] for name in missing if name in parameters)
    steps = _steps(reading, counts, reached, extra, frozenset(buffers), absent, why)
    return replace(match, total=sum(counts.values()), steps=steps)


def _steps(
    reading: ModelReading, counts: Mapping[str, int], reached: Mapping[str, list[str]], extra: Sequence[str],
    buffers: frozenset[str], absent: int, why: Callable[[str], str],
) -> list[Step]:  # fmt: skip
    """From the code's count to the elements that are stored; what is stored in another shape is the last step."""
    sums: Counter[str] = Counter()
    for name in extra:
        sums[why(name) or "tensors that the model does not have"] += counts[name]
    twice = [alias for alias, owner in reading.tied.items() if alias in reached and owner in reached]
    again = sum(counts[name] for alias in twice for name in reached[alias])
    held = sum(counts[name] for goal in reached if goal in buffers for name in reached[goal])
    steps = [Step("extra", title, count, "verified", "headers") for title, count in sums.items()]
    steps += [Step("tied", "tied tensors stored a second time", again, "verified", "headers")] if again else []
    steps += [Step("buffers", "buffers that are stored", held, "verified", "headers")] if held else []
    steps += (
        [Step("missing", "tensors of the model that are not stored", -absent, "verified", "headers")] if absent else []
    )
    code = sum(tensor.numel for tensor in reading.parameters().values())
    rest = sum(counts.values()) - code - sum(step.count for step in steps)
    return steps + (
        [Step("packed", "stored in another shape than it is built", rest, "verified", "headers")] if rest else []
    )


def _alike(stored: tuple[int, ...], built: tuple[int | None, ...], *, joined: bool) -> bool:
    return joined or stored == built


def _base(root: ModuleRecord) -> str:
    """The child that holds the layers: what `base_model_prefix` names in a model with a head."""
    sizes = {name: sum(1 for _ in child.walk()) for name, child in root.children.items()}
    name = max(sizes, key=lambda each: sizes[each], default="")
    return name if name and not name.isdigit() and root.children[name].library is None and len(sizes) <= 6 else ""


def models_in(reading: ModelReading, model_type: str | None) -> list[tuple[str, str, str | None]]:
    """The model and the models in it, with the type that the configuration of each has."""
    types = {
        values["model_type"]: values for values in _configs(reading.config) if isinstance(values.get("model_type"), str)
    }
    found: list[tuple[str, str, str | None]] = []
    for module in reading.root.walk():
        if module.path and not module.children:
            continue
        whole = reading.config.get("model_type", model_type) if not module.path else _type_of(module, types)
        found.append((module.path, module.class_name, whole if isinstance(whole, str) else None))
    return found


def _configs(config: dict[str, object]) -> list[dict[str, object]]:
    inner = [value for key, value in config.items() if key.endswith("config") and isinstance(value, dict)]
    return [config, *(each for value in inner for each in _configs(value))]


def _type_of(module: ModuleRecord, types: Mapping[object, object]) -> str | None:
    """The model type that a class is named after: `Qwen3_5MoeTextModel` is of `qwen3_5_moe_text`."""
    if not module.class_name.endswith(("Model", "ForCausalLM")):
        return None
    plain = re.sub(r"(Model|ForCausalLM)$", "", module.class_name).lower().replace("_", "")
    return next((str(each) for each in types if str(each).replace("_", "") == plain), None)


def _layer_counts(known: Iterable[str]) -> Counter[str]:
    """Path of a list of layers → how many it has."""
    found: Counter[str] = Counter()
    for name in known:
        for match in re.finditer(r"(?:^|\.)(layers|h|blocks|block)\.(\d+)\.", name):
            path = name[: match.start(2) - 1]
            found[path] = max(found[path], int(match[2]) + 1)
    return found


def _why(name: str, layers: Counter[str], reading: ModelReading) -> str:
    """What a stored tensor is that the model does not have."""
    if _SCALES.search(name):
        return "quantisation: scales or packed weights"
    if re.search(r"(^|\.)(mtp|nextn|multi_token)", name.lower()):
        return "a layer that predicts further tokens"
    for path, count in layers.items():
        match = re.search(rf"{re.escape(path.rpartition('.')[2])}\.(\d+)\.", name)
        if match and int(match[1]) >= count and name.startswith(path.partition(".")[0]):
            return "a layer beyond those that are built"
    if re.search(r"(inv_freq|position_ids|token_type_ids|masked_bias|attn\.bias)$", name):
        return "a buffer that older code stored"
    if any(_ignores(pattern, name) for pattern, _ in reading.ignored):
        return "the class says that it ignores it"
    return ""


def _ignores(pattern: str, name: str) -> bool:
    found = bounded_pattern(pattern)
    return found is not None and found.search(name[:300]) is not None


def _groups(names: Iterable[str], sizes: Mapping[str, int | None], tell: Callable[[str], str]) -> list[Group]:
    found: dict[tuple[str, str], list[str]] = {}
    for name in names:
        found.setdefault((_NUMBER.sub("*", name), tell(name)), []).append(name)
    rows = []
    for (pattern, told), members in found.items():
        known = [size for each in members if (size := sizes.get(each)) is not None]
        rows.append(Group(pattern, len(members), sum(known) if len(known) == len(members) else None, told))
    return sorted(rows, key=lambda row: (bool(row.why), -row.count))[:MOST_GROUPS]
