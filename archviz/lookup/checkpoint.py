"""A checkpoint: the tensors that are stored, read from the headers of safetensors files; the weights are not looked at."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archviz.errors import BadResponseError, SourceUnavailableError, UsageError
from archviz.late_patterns import late_pattern

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
MOST_HEADER_BYTES = 25_000_000  # the bound of huggingface_hub; the largest header known has 13 MB
_SHARD = late_pattern(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/){0,4}[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors")
_BITS = {  # of an element of each type that the format has
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "F64": 64, "I64": 64, "U64": 64, "C64": 64,
}  # fmt: skip
_MOST_RANK = 16
_MOST_ELEMENTS = 2**63
_MOST_TENSORS = 2_000_000
_MOST_PROBLEMS = 100


class NoSafetensorsError(SourceUnavailableError):
    """The model stores its weights in no format whose header tells the tensors."""

    code = "no_safetensors"


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor as it is stored: name, shape, element type (`BF16`) and file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    file: str

    @property
    def numel(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a model stores.

    Args:
        model: The id, or the folder's name.
        commit: The commit that it was read at; None for a folder.
        tensors: Sorted by name.
        problems: Where the index and the headers disagree.
        notes: What a reader must know beside it.
    """

    model: str
    commit: str | None
    tensors: tuple[StoredTensor, ...]
    problems: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The checkpoint as data, for `--json`."""
        elements: Counter[str] = Counter()
        for tensor in self.tensors:
            elements[tensor.dtype] += tensor.numel
        return {
            "model": self.model,
            "commit": self.commit,
            "files": len({tensor.file for tensor in self.tensors}),
            "elements": sum(elements.values()),
            "dtypes": dict(sorted(elements.items())),
            "tensors": [
                {"name": row.name, "shape": list(row.shape), "dtype": row.dtype, "file": row.file}
                for row in self.tensors
            ],
            "problems": list(self.problems),
            "notes": self.notes,
        }

    def csv_rows(self) -> Iterable[tuple[str, str, str, str]]:
        """`kind,name,shape,dtype`, with the header row; a shape is written `4096x1024`, a scalar's is empty."""
        yield ("kind", "name", "shape", "dtype")
        for row in self.tensors:
            yield ("tensor", row.name, "x".join(map(str, row.shape)), row.dtype)


def checkpoint_of(
    model: str, commit: str | None, rows: Sequence[StoredTensor], weight_map: Mapping[str, str] | None
) -> Checkpoint:
    """The checkpoint of all headers, held against the index where there is one."""
    if len(rows) > _MOST_TENSORS:
        raise BadResponseError(
            f"the headers name {len(rows):,} tensors, at most {_MOST_TENSORS:,} are read", where=model
        )
    problems = [
        f"{name} is stored {count} times" for name, count in Counter(row.name for row in rows).items() if count > 1
    ]
    if weight_map is not None:
        stored = {(row.name, row.file) for row in rows}
        problems += [
            f"the index names {name} in {file}, which does not hold it"
            for name, file in sorted(set(weight_map.items()) - stored)
        ]
        problems += [
            f"{file} holds {name}, which the index does not name there"
            for name, file in sorted(stored - set(weight_map.items()))
        ]
    more = len(problems) - _MOST_PROBLEMS
    shown = [*problems[:_MOST_PROBLEMS], *([f"… and {more} more"] if more > 0 else [])]
    return Checkpoint(model, commit, tuple(sorted(rows, key=lambda row: (row.name, row.file))), tuple(shown))


def rows_of(header: Mapping[str, tuple[Any, Any]], file: str, model: str) -> list[StoredTensor]:
    """The tensors of one header, each checked.

    Raises:
        BadResponseError: A name, type or shape is none.
    """
    rows = []
    for name, (dtype, shape) in header.items():
        if not isinstance(name, str) or not isinstance(dtype, str) or dtype not in _BITS or not _is_shape(shape):
            raise BadResponseError(
                f"{str(name)[:100]!a} has no type and shape as tensors have", where=f"{model}, {file}"
            )
        rows.append(StoredTensor(name, tuple(shape), dtype, file))
    return rows


def _is_shape(shape: object) -> bool:
    """Whether these are sizes of a tensor that can be stored at all."""
    return (
        isinstance(shape, (list, tuple))
        and len(shape) <= _MOST_RANK
        and all(isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53 for size in shape)
        and math.prod(shape) < _MOST_ELEMENTS
    )


def parse_header(data: bytes, file: str, model: str) -> list[StoredTensor]:
    """The tensors of one header, which is JSON.

    Raises:
        BadResponseError: It is none.
    """
    if data.count(b"{") > _MOST_TENSORS + 2 or data.count(b"[") > 2 * _MOST_TENSORS + 2:
        raise BadResponseError("the header of the safetensors file names too many tensors", where=f"{model}, {file}")
    try:
        header = json.loads(data, object_pairs_hook=_each_once)
        stored = {name: each for name, each in header.items() if name != "__metadata__"}
        entries = {name: (each["dtype"], each["shape"]) for name, each in stored.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadResponseError("the header of the safetensors file is malformed", where=f"{model}, {file}") from None
    rows = rows_of(entries, file, model)
    for row in rows:
        if not _fills(stored[row.name].get("data_offsets"), row):
            raise BadResponseError(
                f"{row.name[:100]!a} does not fill the bytes that the header gives it", where=f"{model}, {file}"
            )
    _check_apart({row.name: stored[row.name]["data_offsets"] for row in rows}, f"{model}, {file}")
    return rows


def _check_apart(offsets: Mapping[str, Sequence[int]], where: str) -> None:
    """Two tensors share no byte: a file in which they do is none that safetensors loads."""
    end, before = 0, ""
    for name, (start, stop) in sorted(offsets.items(), key=lambda each: tuple(each[1])):
        if start < end and stop > start:
            raise BadResponseError(f"{name[:100]!a} lies over the bytes of {before[:100]!a}", where=where)
        if stop > end:
            end, before = stop, name


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is stated twice")
    return found


def _fills(offsets: object, row: StoredTensor) -> bool:
    """Whether the bytes from the first offset to the second hold just this tensor."""
    if not isinstance(offsets, list) or len(offsets) != 2 or any(type(each) is not int for each in offsets):
        return False
    start, end = offsets
    return bool(0 <= start <= end and (end - start) * 8 == row.numel * _BITS[row.dtype])


def is_shard_name(file: str) -> bool:
    """Whether a path may be the file of a shard: relative, plain, below the model."""
    return len(file) <= 300 and _SHARD.fullmatch(file) is not None and ".." not in file


def parse_weight_map(data: bytes, where: str) -> dict[str, str]:
    """Tensor name → file of a `model.safetensors.index.json`.

    Raises:
        BadResponseError: It is no such index, or names a file outside the model.
    """
    try:
        stated = json.loads(data)["weight_map"]
        pairs = {str(name): file for name, file in stated.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadResponseError("the index has no weight_map", where=where) from None
    for file in pairs.values():
        if not isinstance(file, str) or not is_shard_name(file):
            raise BadResponseError(f"the index names {str(file)[:100]!a}, which is no safetensors file", where=where)
    return pairs


# --- folders --------------------------------------------------------------------------------------------------------


def read_folder_checkpoint(path: Path, index_bytes: int) -> Checkpoint:
    """Every stored tensor of a folder, of the shards of an index file, or of one safetensors file.

    Raises:
        UsageError: There is no such file.
        NoSafetensorsError: The folder holds no safetensors.
        BadResponseError: An index or a header is malformed.
    """
    if path.is_file() and path.name.endswith(".safetensors"):
        return checkpoint_of(path.name, None, _read_header(path, path.name), None)
    folder = path if path.is_dir() else path.parent
    index = folder / INDEX_FILE if path.is_dir() else path
    if not path.exists():
        raise UsageError("there is no such file or folder", where=str(path)[:200])
    if not path.is_dir() and not path.name.endswith(".index.json"):
        index = folder / INDEX_FILE  # config.json stands for its folder
    weight_map = parse_weight_map(_bounded(index, index_bytes), index.name) if index.is_file() else None
    files = (
        sorted(set(weight_map.values())) if weight_map else sorted(each.name for each in folder.glob("*.safetensors"))
    )
    if not files:
        raise NoSafetensorsError(
            "the folder holds no *.safetensors", where=str(folder)[:200], hint="Give the folder of a checkpoint."
        )
    rows = [row for file in files for row in _read_header(folder / file, file)]
    return checkpoint_of(folder.resolve().name, None, rows, weight_map)


def _bounded(path: Path, limit: int) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise BadResponseError(f"the index is larger than {limit:,} bytes", where=path.name)
    return data


def _read_header(path: Path, shown: str) -> list[StoredTensor]:
    """The header of one file: 8 bytes of length, then JSON; nothing behind it is read."""
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            data = stream.read(length) if length <= MOST_HEADER_BYTES else b""
    except FileNotFoundError:
        raise UsageError("the index names a file that is not there", where=shown) from None
    if length > MOST_HEADER_BYTES or len(data) != length:
        raise BadResponseError(f"no safetensors file: its header would have {length:,} bytes", where=shown)
    return parse_header(data, shown, path.parent.name)
