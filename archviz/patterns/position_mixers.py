"""Mixers of positions without attention and without a state: Fourier transforms, convolutions, pooling, MLPs over tokens.

They are told by what the code does: transforms among the steps of the pass, kernels wider than one, poolings that keep the length,
feed-forwards that read the stream turned around.
"""

from __future__ import annotations

from collections.abc import Iterator

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.op_families import INVERSES, PLUMBING, TRANSFORMS, canonical
from archviz.patterns.trace import Trace
from archviz.records import field, record


@record(frozen=True)
class PositionMixer:
    """A mixer whose weights, if it has any, do not depend on the data, and that keeps nothing for the next token.

    Args:
        kind: `fourier_mixing`, `fft_convolution`, `depthwise_convolution`, `grouped_convolution`, `convolution`, `average_pooling`,
            `max_pooling`, `convolution_mlp` (a feed-forward whose projections are convolutions) or `token_mlp`.
        title: The field's name for it.
        sizes: Named sizes: `kernel` (`7 × 7`) and a `stride` above one, of an MLP over tokens `tokens` and `hidden`.
    """

    kind: str
    title: str
    sizes: dict[str, int | str] = field(default_factory=dict)


_TITLES = {
    "fourier_mixing": "Fourier mixing", "fft_convolution": "Convolution by FFT", "depthwise_convolution": "Depthwise convolution",
    "grouped_convolution": "Grouped convolution", "convolution": "Convolution", "average_pooling": "Average pooling",
    "max_pooling": "Max pooling", "convolution_mlp": "Convolution MLP", "token_mlp": "Token-mixing MLP",
}  # fmt: skip
_POOLINGS = {"AvgPool": "average_pooling", "MaxPool": "max_pooling"}


def detect_position_mixer(module: ModuleRecord, trace: Trace) -> PositionMixer | None:
    """The mixer that a module is; None when it is none. Whoever asks has looked for attention, states and feed-forwards in it."""
    return _transforms(module, trace) or _convolves(module) or _pools(module)


def token_mlp(tokens: int, hidden: int) -> PositionMixer:
    """A feed-forward over the positions of each channel."""
    return _mixer("token_mlp", {"tokens": tokens, "hidden": hidden})


def _mixer(kind: str, sizes: dict[str, int | str] | None = None) -> PositionMixer:
    return PositionMixer(kind, _TITLES[kind], sizes or {})


def _transforms(module: ModuleRecord, trace: Trace) -> PositionMixer | None:
    """A Fourier transform along the sequence; with its inverse behind it, a convolution as long as the sequence."""
    names = set(trace.ops_of(module.path))
    if not names & TRANSFORMS:
        return None
    return _mixer("fft_convolution" if names & INVERSES else "fourier_mixing")


def kernel_of(module: ModuleRecord) -> tuple[int, ...] | None:
    """The kernel of a convolution, `(7, 7)`; None of any other module, and of one whose kernel is not known."""
    weight = module.parameters.get("weight")
    if not is_convolution(module) or weight is None or None in weight.shape:
        return None
    return tuple(int(size or 0) for size in weight.shape[2:])


def is_convolution(module: ModuleRecord) -> bool:
    """A convolution of the library, or a class made from one; none that leads to more positions."""
    name = (module.library or "").rpartition(".")[2]
    return name.startswith("Conv") and "Transpose" not in name


def wide_convolutions(module: ModuleRecord) -> list[ModuleRecord]:
    """The convolutions in a module that read several positions."""
    return [each for each in module.walk() if max(kernel_of(each) or (), default=1) > 1]


def mixing_convolutions(module: ModuleRecord) -> list[ModuleRecord]:
    """Those that leave as many positions as there are."""
    return [
        each for each in wide_convolutions(module) if all(step == 1 for step in _numbers(each.attributes.get("stride")))
    ]


def convolution_kind(convolutions: list[ModuleRecord]) -> str:
    """What convolutions are called together: by how many of the channels each output reads."""
    reads = {_reads(each) for each in convolutions}
    return "convolution" if "all" in reads else "grouped_convolution" if "some" in reads else "depthwise_convolution"


def _reads(module: ModuleRecord) -> str:
    """Which channels an output of a convolution reads: its own alone, some, all."""
    groups = module.attributes.get("groups")
    if not isinstance(groups, int) or groups == 1:
        return "all"
    return "one" if module.parameters["weight"].shape[1] == 1 else "some"


def kernel_words(convolutions: list[ModuleRecord]) -> int | str:
    """Kernels in words: `31`, `7 × 7`, `3 × 3, 5 × 5`."""
    kernels = list(dict.fromkeys(kernel for each in convolutions if (kernel := kernel_of(each)) is not None))
    if len(kernels) == 1 and len(kernels[0]) == 1:
        return kernels[0][0]
    return ", ".join(" × ".join(map(str, kernel)) for kernel in kernels)


def _convolves(module: ModuleRecord) -> PositionMixer | None:
    found = mixing_convolutions(module) or wide_convolutions(module)
    if not found:
        return None
    sizes: dict[str, int | str] = {"kernel": kernel_words(found)}
    steps = max((step for each in found for step in _numbers(each.attributes.get("stride"))), default=1)
    sizes |= {"stride": steps} if steps > 1 else {}
    hidden = _inner_width([each for each in module.walk() if kernel_of(each) is not None])
    return _mixer("convolution_mlp", {**sizes, "hidden": hidden}) if hidden else _mixer(convolution_kind(found), sizes)


def _inner_width(convolutions: list[ModuleRecord]) -> int | None:
    """The inner width of two convolutions of all channels, one to more of them and one back; None of others."""
    sizes = [channels(each) for each in convolutions]
    if len(sizes) != 2 or any(_reads(each) != "all" for each in convolutions):
        return None
    (width, hidden), down = sizes
    return hidden if down == (hidden, width) and hidden > width else None


def channels(module: ModuleRecord) -> tuple[int, int]:
    """How many channels a convolution of all channels reads and writes."""
    out, read = module.parameters["weight"].shape[:2]
    return int(read or 0), int(out or 0)


def pointwise_in(module: ModuleRecord) -> ModuleRecord | None:
    """The convolution of single positions that a module is or wraps alone (with its activation): a projection of all channels."""
    convolutions = [each for each in module.walk() if kernel_of(each) is not None]
    alone = len(convolutions) == 1 and all(each is convolutions[0] or not each.parameters for each in module.walk())
    if not alone or max(kernel_of(convolutions[0]) or (), default=1) > 1 or _reads(convolutions[0]) != "all":
        return None
    return convolutions[0]


def convolution_words(module: ModuleRecord) -> str | None:
    """The convolutions of neighbouring positions in a module, in words: `depthwise convolution 3 × 3`; None where there are none."""
    found = wide_convolutions(module)
    return f"{_TITLES[convolution_kind(found)].lower()} {kernel_words(found)}" if found else None


def _pools(module: ModuleRecord) -> PositionMixer | None:
    """A pooling that moves on by one position."""
    for each in module.walk():
        name = (each.library or "").rpartition(".")[2]
        kind = next((kind for start, kind in _POOLINGS.items() if name.startswith(start)), None)
        if kind is not None and set(_numbers(each.attributes.get("stride"))) == {1}:
            size = list(_numbers(each.attributes.get("kernel_size")))
            across = size * 2 if len(size) == 1 and name.endswith("2d") else size
            return _mixer(kind, {"kernel": across[0] if len(across) == 1 else " × ".join(map(str, across))})
    return None


def _numbers(value: object) -> Iterator[int]:
    values = value if isinstance(value, list | tuple) else [value]
    yield from (each for each in values if isinstance(each, int))


def reads_turned(module: ModuleRecord, width: int, stream: int | None, trace: Trace) -> bool:
    """Whether a feed-forward reads the stream turned around, so that its projections run over positions.

    Args:
        width: Of the feed-forward.
        stream: The width of the stream, that is of the norms of the layer.
    """
    call = trace.call(module.path)
    if call is None or stream is None or width == stream or not call.inputs:
        return False
    value = call.inputs[0]
    for event in trace.backwards(call):
        if event.kind == "call" or all(value.id != made.id for made in event.outputs) or not event.inputs:
            continue
        if canonical(event.name) not in PLUMBING:
            return False
        before, after = event.inputs[0].shape or (), event.outputs[0].shape or ()
        if before[-1:] == (stream,) and after[-1:] == (width,) and sorted(map(str, before)) == sorted(map(str, after)):
            return True
        value = event.inputs[0]
    return False
