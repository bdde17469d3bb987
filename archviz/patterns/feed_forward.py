"""Feed-forward blocks: plain and gated multilayer perceptrons, with their activation."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.activations import activation_in
from archviz.patterns.linears import is_linear, linear_sizes, linears_of, low_rank_sizes
from archviz.patterns.op_families import TRANSFORMS, activation_of
from archviz.patterns.position_mixers import channels, convolution_words, pointwise_in
from archviz.patterns.trace import Trace
from archviz.records import record, replace

_GATED_NAMES = {"SiLU": "swiglu", "GELU": "geglu", "GELU-tanh": "geglu", "ReLU": "reglu", "σ": "glu"}
TITLES = {"swiglu": "SwiGLU", "geglu": "GeGLU", "reglu": "ReGLU", "glu": "GLU", "gated_mlp": "Gated MLP", "mlp": "MLP",
          "channel_mixing": "RWKV channel mixing", "side_input": "Side input"}  # fmt: skip


@record(frozen=True)
class FeedForward:
    """A block that works on each position alone.

    Args:
        kind: `swiglu`, `geglu`, `reglu`, `glu`, `gated_mlp` or `mlp`; `side_input` where what stands between the
            projections gates an input of the layer from beside the stream (per-layer embeddings).
        width, hidden: Input width and inner width.
        activation: The field's name of the activation; None when it was not seen.
        convolution: What of its inside reads neighbouring positions: `depthwise convolution 3 × 3`; None of most.
    """

    kind: str
    width: int
    hidden: int
    gated: bool
    activation: str | None
    convolution: str | None = None

    @property
    def title(self) -> str:
        notes = (self.activation or "").replace(" (", ", ").removesuffix(")")
        title = f"MLP ({notes})" if self.kind == "mlp" and notes else TITLES[self.kind]
        return f"{title} with {self.convolution}" if self.convolution else title


def gated_kind(activation: str | None) -> str:
    """What a gated block with an activation is called; notes in brackets (`SiLU (clamped)`) do not change it."""
    return _GATED_NAMES.get((activation or "").partition(" (")[0], "gated_mlp")


def detect_feed_forward(module: ModuleRecord, trace: Trace) -> FeedForward | None:
    """The feed-forward block that a module is; None when it is none.

    Projections up and down with the same outer width, an activation between them, and nothing that mixes positions but convolutions
    of its wider inside.
    """
    linears = projections_of(module)
    ops = trace.own_ops(module.path)
    if {"key", "value", "receptance"} == {linear.name for linear in linears}:
        key = next(linear for linear in linears if linear.name == "key")
        width, hidden = linear_sizes(key) or (0, 0)
        return FeedForward("channel_mixing", width, hidden, True, activation_in(module, trace) or "ReLU²")
    if "A_log" in module.parameters:  # a decay: a state between its projections
        return None
    if len(linears) < 2 or not {"softmax", "scaled_dot_product_attention", *TRANSFORMS}.isdisjoint(ops):
        return None
    if low_rank_sizes(module, trace) is not None:
        return None
    block = describe_projections(linears, activation_in(module, trace))
    return _with_convolutions(module, block, linears) if block is not None else None


def _with_convolutions(module: ModuleRecord, block: FeedForward, linears: Sequence[ModuleRecord]) -> FeedForward | None:
    """A block with what its inside convolves; None where that makes it a mixer of positions: projections that do not widen, or a ResNet's."""
    words = convolution_words(module)
    plain = all(map(is_linear, linears))
    if plain and words is None:
        return block
    if block.hidden <= block.width or (
        not plain and (len(linears) != 2 or not (words or "depthwise").startswith("depthwise"))
    ):
        return None
    return replace(block, convolution=words)


def projections_of(module: ModuleRecord) -> list[ModuleRecord]:
    """Direct projections, or those of a plain sequence or list of them; convolutions of single positions where there are no others."""
    linears = linears_of(module)
    for child in module.children.values():
        plain = (child.library or "").endswith(("Sequential", "ModuleList"))
        if child.children and (plain or _holds_projections_alone(child)):
            linears += linears_of(child)
    return linears or [found for child in module.children.values() if (found := pointwise_in(child)) is not None]


def _holds_projections_alone(module: ModuleRecord) -> bool:
    """Whether a module is projections and activations alone and no feed-forward itself: the gated half of CPM-Ant's, a wrapper of one."""
    inner = [child for child in module.children.values() if (child.library or "").rpartition(".")[2] != "Dropout"]
    return (
        not module.parameters
        and any(map(is_linear, inner))
        and all(is_linear(child) or activation_of(child.class_name) for child in inner)
        and describe_projections(linears_of(module), "activation") is None
    )


def describe_projections(linears: Sequence[ModuleRecord], activation: str | None) -> FeedForward | None:
    """The block that some projections form together; None when their widths do not fit.

    One of them leads down: the others are as wide as its input, and read what it writes.
    """
    sizes = [linear_sizes(linear) or channels(linear) for linear in linears]
    if len(sizes) not in (2, 3):
        return None
    last = len(sizes) - 1
    for down in range(last, -1, -1):
        block = _block([size for index, size in enumerate(sizes) if index != down], sizes[down], activation)
        if block is not None and block.width == sizes[down][1]:
            return block
    return _block(sizes[:last], sizes[last], activation)  # one that leads to another width has its parts in order


def _block(ups: Sequence[tuple[int, int]], down: tuple[int, int], activation: str | None) -> FeedForward | None:
    hidden, outer = down
    width = ups[0][0]
    if any(size[0] != width for size in ups):
        return None
    if (len(ups) == 2 and all(size[1] == hidden for size in ups)) or (len(ups) == 1 and ups[0][1] == 2 * hidden):
        return FeedForward(gated_kind(activation), width, hidden, True, activation)
    if len(ups) == 1 and ups[0][1] == hidden and (hidden != outer or activation):
        return FeedForward("mlp", width, hidden, False, activation)
    return None
