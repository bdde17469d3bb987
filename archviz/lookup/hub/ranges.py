"""One header of a safetensors file by ranged requests: one where its length can be foretold, two otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archviz.errors import BadResponseError
from archviz.lookup.checkpoint import MOST_HEADER_BYTES, StoredTensor, parse_header
from archviz.lookup.hub.facts import HubModel
from archviz.lookup.hub.files import check_origin, file_url, refusal

if TYPE_CHECKING:
    import httpx2

UNFORETOLD = 100_000  # bytes; 97 % of all headers are shorter, as huggingface_hub found
_LENGTH = 8  # bytes before a header, which say how long it is
_PER_TENSOR = 120  # bytes of an entry beside its name: type, shape and offsets, with spaces between them
_BESIDE = 4_096  # bytes of `__metadata__` and of padding
_BLOCK = 4_096
_MOST_PARTS = 4  # a server may give less than it was asked for


def foretold(names: Iterable[str]) -> int:
    """The bytes that hold a file's length and header for sure, by the names of its tensors; `UNFORETOLD` without any.

    >>> foretold(["model.embed_tokens.weight"])
    8192
    """
    entries = [len(name.encode("utf-8", "surrogatepass")) + _PER_TENSOR for name in names]
    if not entries:
        return UNFORETOLD
    blocks = -(-(_LENGTH + sum(entries) + _BESIDE) // _BLOCK)
    return min(blocks * _BLOCK, _LENGTH + MOST_HEADER_BYTES)


def read_header(client: httpx2.Client, model: HubModel, file: str, first: int) -> list[StoredTensor]:
    """The tensors of one file at the model's commit.

    Args:
        client: Of the Hub.
        first: Bytes of the first request; where the header is longer, a second one asks for its rest.

    Raises:
        GatedError: The files are not given to this account.
        BadResponseError: It has no header of a safetensors file, or an absurdly large one.
    """
    data, is_part = _part(client, model, file, 0, first)
    length = int.from_bytes(data[:_LENGTH], "little") if len(data) >= _LENGTH else 0
    if not length or length > MOST_HEADER_BYTES:
        raise BadResponseError(
            f"no safetensors file: its header would have {length:,} bytes", where=f"{model.id}, {file}"
        )
    whole = _LENGTH + length
    for _ in range(_MOST_PARTS):
        if len(data) >= whole:
            break
        kept = data if is_part else b""  # who knows no ranges is asked for the beginning of the file once more
        rest, is_part = _part(client, model, file, len(kept), whole)
        if len(kept) + len(rest) <= len(data):
            break
        data = kept + rest
    if len(data) < whole:
        raise BadResponseError(
            f"no safetensors file: it ends before its header of {length:,} bytes does", where=f"{model.id}, {file}"
        )
    return parse_header(data[_LENGTH:whole], file, model.id)


def _part(client: httpx2.Client, model: HubModel, file: str, start: int, end: int) -> tuple[bytes, bool]:
    """The bytes of a file from `start` up to `end`, fewer where it ends before; and whether the server knows ranges."""
    answer = client.get(file_url(model, file), headers={"Range": f"bytes={start}-{end - 1}"})
    if answer.status_code in (200, 206):  # the transport takes no other part than the asked one
        check_origin(model, file, answer)
        return answer.content, answer.status_code == 206
    if answer.status_code == 416:
        return b"", True
    raise refusal(model, file, answer.status_code, answer.headers.get("x-error-code", ""))
