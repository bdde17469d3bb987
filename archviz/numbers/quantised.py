"""How a checkpoint stores quantised weights: which matrices, with how many scales, packed or not.

Source: transformers `quantizers/quantizers_utils.py` (`should_convert_module`) for what a list of exceptions means; block, channel, tensor and
group scales as `compressed-tensors`, `fbgemm` and `fine-grained fp8` store them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from archviz.interpreter.reading import ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.records import record

HEADS = ("lm_head", "embed_out", "output_projection")
BLOCK = (128, 128)
_LONGEST = 300  # characters of a pattern, and of a name that it is tried on
_REPEATS = late_pattern(r"(?<!\\)[*+{]")
_NESTED = late_pattern(r"\)[*+?{]")  # a group that is repeated
FUSED = late_pattern(r"gate_up|w13|gate_and_up")


@record(frozen=True)
class Matrix:
    """`times` stored matrices of a module: a projection, or an expert's part of a stacked parameter."""

    module: str
    rows: int
    columns: int
    times: int = 1
    expert: bool = False

    @property
    def numel(self) -> int:
        return self.rows * self.columns * self.times


Scales = Callable[[Matrix], int]


def block_scales(size: Sequence[int]) -> Scales:
    """A scale for each block of a matrix."""
    return lambda each: -(-each.rows // size[0]) * -(-each.columns // size[1]) * each.times


def channel_scales(each: Matrix) -> int:
    """A scale for each row."""
    return each.rows * each.times


def tensor_scales(each: Matrix) -> int:
    return each.times


def group_scales(size: int) -> Scales:
    """A scale for so many numbers of a row."""
    return lambda each: each.rows * -(-each.columns // size) * each.times


def matrices(module: ModuleRecord, width: int) -> list[Matrix]:
    """The matrices below a module that quantisation may store: projections, and experts stacked in one parameter.

    Args:
        module: The model, or a layer.
        width: Of the stream, which stacked experts read and write.
    """
    found = []
    for each in module.walk():
        if each.library == "torch.nn.Linear" and "weight" in each.parameters:
            shape = _known(each.parameters["weight"].shape)
            if len(shape) == 2:
                found.append(Matrix(each.path, shape[0], shape[1]))
            continue
        for name, tensor in each.parameters.items():
            shape = _known(tensor.shape)
            if len(shape) == 3 and shape[0] > 1 and name not in ("weight", "bias"):
                found += _experts(f"{each.path}.{name}", shape, width)
    return found


def _known(shape: Iterable[int | None]) -> tuple[int, ...]:
    sizes = tuple(shape)
    return tuple(size or 0 for size in sizes) if None not in sizes else ()


def _experts(path: str, shape: tuple[int, ...], width: int) -> list[Matrix]:
    """A stacked parameter as checkpoints store it: gate and up apart, each expert for itself, outputs as rows."""
    count, rows, columns = shape
    fused = FUSED.search(path) is not None
    if (rows == width) == fused and (columns == width) != fused:  # stored for `x @ weight`
        rows, columns = columns, rows
    if fused and rows % 2 == 0:
        return [Matrix(path, rows // 2, columns, 2 * count, expert=True)]
    return [Matrix(path, rows, columns, count, expert=True)]


def excepted(names: Sequence[str]) -> Callable[[str], bool]:
    """Whether a module is on a list of those that are not quantised; heads never are."""
    patterns = [found for name in names if name.startswith("re:") and (found := bounded_pattern(name[3:])) is not None]
    wild = [n for n in names if "*" in n and not n.startswith("re:") and len(n) <= _LONGEST and n.count("*") <= 3]
    plain = [name for name in names if not name.startswith("re:") and "*" not in name]

    def is_excepted(path: str) -> bool:
        if path.rpartition(".")[2] in HEADS:
            return True
        if any(path == n or path.startswith(f"{n}.") or path.endswith(f".{n}") or f".{n}." in path for n in plain):
            return True
        if any(fnmatchcase(path[:_LONGEST], name) for name in wild):  # as modelopt lists them
            return True
        return any(pattern.match(path[:_LONGEST]) for pattern in patterns)

    return is_excepted


def bounded_pattern(text: str) -> re.Pattern[str] | None:
    """A regular expression of a configuration or of model code; None where it is none, or could take long."""
    if len(text) > _LONGEST or len(_REPEATS.findall(text)) > 3 or _NESTED.search(text):
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


def listed(config: dict[str, object]) -> list[str]:
    """The modules that a quantisation configuration leaves as they are."""
    for key in ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules"):
        value = config.get(key)
        if isinstance(value, list):
            return [str(each) for each in value[:20_000]]
    return []


def scales_stated(config: dict[str, object]) -> tuple[str, Scales] | None:
    """What a quantisation configuration says about its scales, in words and as a rule."""
    size = config.get("weight_block_size")
    if isinstance(size, list) and len(size) == 2 and all(isinstance(each, int) and each > 0 for each in size):
        return f"a scale for each block of {size[0]} × {size[1]}", block_scales(size)
    if config.get("quant_method") == "fbgemm_fp8":
        return "a scale for each row", channel_scales
    groups = config.get("config_groups")
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        if isinstance(weights, dict):
            return scales_of_group(weights)
    return None


def scales_of_group(weights: dict[str, object]) -> tuple[str, Scales] | None:
    """What a group of `compressed-tensors` or `modelopt` says about the scales of its weights."""
    strategy, structure, group = weights.get("strategy"), weights.get("block_structure"), weights.get("group_size")
    if strategy == "channel":
        return "a scale for each row", channel_scales
    if strategy == "tensor":
        return "a scale for each matrix", tensor_scales
    if strategy == "block" and isinstance(structure, list) and len(structure) == 2:
        return f"a scale for each block of {structure[0]} × {structure[1]}", block_scales(structure)
    if isinstance(group, int) and group > 0:
        return f"a scale for {group} numbers of a row", group_scales(group)
    return None


def total(found: Iterable[Matrix], count: Callable[[Matrix], int]) -> int:
    return sum(count(each) for each in found)
