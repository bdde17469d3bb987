"""Limits, offline mode and folders: everything that a caller may set, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from archviz.records import field, record

if TYPE_CHECKING:
    from pathlib import Path


@record(frozen=True)
class Limits:
    """Bounds on what hostile or huge input may cost.

    Args:
        steps: Interpreted expressions and statements per model.
        depth: Nested interpreted calls.
        parts: Modules, parameters and buffers that one model makes.
        nesting: Modules inside modules.
        siblings: Modules that one module holds, and rounds of a loop that makes a module in each.
        calls: Module calls that one pass records.
        events: Events of one pass, those inside repeated calls counted.
        values: Tensors that the events of one pass name.
        seconds: Time on the processor of one interpretation, so that a busy machine refuses nothing that an idle one reads.
        items: Elements of one list, range, string or tensor value held in memory.
        source_bytes: Size of one source file.
        config_bytes: Size of one configuration file.
        integer_bits: Size of one interpreted integer.
        connect_seconds: From the start of a request until its connection stands: name, address, TLS, second attempts.
        waiting_seconds: For the first answer of anybody, where the catalog or a stored copy can answer too.
        at_hand_seconds: All requests of a command together, where the catalog or a stored copy can answer too.
        in_vain_seconds: All waiting that brings no answer, of all commands of a process lately, where the catalog or a copy can answer.
        request_seconds: One request with its retries, until the whole answer is there.
        network_seconds: All requests of one command, with their pauses and turns; what the machine needs in between does not count.
        download_seconds: The same for a command that reads many files: headers of a checkpoint, code.
        requests: Requests for one view of a model's sources, besides those for code files.
        response_bytes: Size of one answer.
    """

    steps: int = 4_000_000
    depth: int = 120
    parts: int = 400_000
    nesting: int = 200
    siblings: int = 20_000
    calls: int = 30_000
    events: int = 400_000
    values: int = 4_000_000
    seconds: float = 45.0
    items: int = 4_000_000
    source_bytes: int = 4_000_000
    config_bytes: int = 8_000_000
    integer_bits: int = 4_096
    connect_seconds: float = 5.0
    waiting_seconds: float = 2.5
    at_hand_seconds: float = 3.0
    in_vain_seconds: float = 4.0
    request_seconds: float = 12.0
    network_seconds: float = 15.0
    download_seconds: float = 60.0
    requests: int = 6
    response_bytes: int = 64_000_000


@record(frozen=True)
class Settings:
    """What a run may do and where it may write.

    Args:
        offline: Ask no network at all; answer from what is stored, from the catalog and from files.
        limits: See `Limits`.
        code: `custom` prefers the model's own code (`auto_map`) where `transformers` has the class too.
        say: Is told what a reader must know beside the answer: an old copy used, a token refused.
        folders: Those of which errors may tell what stands in them; None for the whole machine, of which whoever asks may read all.
        arguments: Constructor arguments of a class of plain PyTorch: a JSON object, or the path of a file that holds one.
    """

    offline: bool = False
    limits: Limits = field(default_factory=Limits)
    code: Literal["official", "custom"] = "official"
    arguments: str = ""
    folders: tuple[Path, ...] | None = None
    say: Callable[[str], object] = field(default=str, compare=False, repr=False)  # by default, to nobody
