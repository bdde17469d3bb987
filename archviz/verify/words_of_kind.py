"""The field's words by what they tell apart, and the numbers of a text: what an exchanged word or number shows in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archviz.late_patterns import late_pattern

GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "norm": (
        ("RMSNorm", r"RMS ?Norm"), ("LayerNorm", r"(?<!RMS )Layer ?Norm"), ("GroupNorm", r"Group ?Norm"),
        ("BatchNorm", r"Batch ?Norm\w*"), ("InstanceNorm", r"Instance ?Norm"),
    ),
    "feed-forward": (
        ("SwiGLU", r"SwiGLU"), ("GeGLU", r"GeGLU"), ("ReGLU", r"ReGLU"), ("GLU", r"GLU"), ("gated MLP", r"gated MLP"),
        ("MLP", r"(?:\w+ )?MLP"), ("MoE", r"MoE|mixture[- ]of[- ]experts"),
    ),
    "activation": (
        ("SiLU", r"SiLU|swish"), ("GELU", r"(?:quick )?GELU"), ("ReLU²", r"ReLU²|squared ReLU"), ("ReLU", r"ReLU(?!²)"),
        ("tanh", r"tanh"), ("sigmoid", r"sigmoid"), ("softmax", r"softmax"), ("softplus", r"softplus"),
    ),
    "attention": (
        ("MLA", r"MLA|(?:multi-head )?latent attention"), ("GQA", r"GQA|grouped[- ]query(?: attention)?"),
        ("MQA", r"MQA|multi[- ]query(?: attention)?"), ("MHA", r"MHA|multi-head(?: self-)?(?: attention)?(?! latent)"),
    ),
    "span": (
        ("sliding", r"sliding[- _]?(?:window)?"), ("full", r"full|global"), ("chunked", r"chunked"), ("local", r"local"),
    ),
    "mixer": (
        ("attention", r"attention"), ("DeltaNet", r"DeltaNet"), ("Mamba", r"Mamba-?2?"), ("RWKV", r"RWKV"),
        ("convolution", r"convolution"),
    ),
    "layout": (("half-split", r"half[- _]split|rotate_half"), ("interleaved", r"interleaved")),
    "placement": (("pre-norm", r"pre-norm"), ("post-norm", r"post-norm"), ("sandwich", r"sandwich[- ]norm")),
    "mask": (("causal", r"causal"), ("bidirectional", r"bidirectional")),
    "tied": (("not tied", r"not tied|untied"), ("tied", r"(?<!not )tied")),
    "positions": (
        ("RoPE", r"RoPE|rotary"), ("ALiBi", r"ALiBi"), ("learned", r"learned"), ("sinusoidal", r"sinusoidal"),
        ("relative", r"relative"),
    ),
    "step": (("add", r"residual add|add"), ("multiply", r"multiply"), ("concatenate", r"concat\w*")),
}  # fmt: skip
"""What is told apart → what it may be, each with the words for it."""

_WORDS = {
    group: re.compile("|".join(rf"(?<![A-Za-z])(?P<w{n}>{words})(?![A-Za-z])" for n, (_, words) in enumerate(kinds)), re.IGNORECASE)
    for group, kinds in GROUPS.items()
}  # fmt: skip
_NUMBER = late_pattern(
    r"(?<![\w.])(?<!\w-)(\d{1,3}(?:[,_]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?:\s?([KMBT])(?!\w))?(?![A-Za-z_])",
    re.IGNORECASE,
)
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a text.

    Args:
        value: What it says; `room` half the unit of its last digit where it is rounded (`17B`), else 0.
        start, end: Where it stands.
    """

    text: str
    value: float
    room: float
    start: int
    end: int

    def agrees(self, value: float) -> bool:
        """Equal, or within the rounding; `128K` is 131,072 too."""
        if self.room and self.text[-1:] in "Kk":
            thousand = self.value / 1e3 * 1024
            return abs(self.value - value) <= self.room or thousand == value
        return abs(self.value - value) <= self.room


def numbers_of(text: str) -> Iterator[Number]:
    """All numbers that stand alone; digits in names (`layer_0`, `Qwen3-0.6B`) are none.

    >>> [n.value for n in numbers_of("q_proj2: 1,024 → 16 × 128, eps 1e-6, 17B")]
    [1024.0, 16.0, 128.0, 1e-06, 17000000000.0]
    """
    for found in _NUMBER.finditer(text):
        digits = re.sub(r"[,_]", "", found[1])
        unit = _UNITS[(found[2] or "").lower()]
        decimals = len(digits.partition(".")[2])
        room = 0.5 * unit / 10**decimals if unit > 1 else 0.0
        yield Number(found[0], float(digits) * unit, room, *found.span())


def kinds_of(text: str, group: str) -> list[tuple[str, int]]:
    """The kinds that a text names of one group, in order, each with its place.

    >>> kinds_of("3 × sliding-window, 1 × full", "span")
    [('sliding', 4), ('full', 24)]
    """
    kinds = GROUPS[group]
    return [
        (kinds[int((found.lastgroup or "w0")[1:])][0] if group != "feed-forward" else _own_words(found), found.start())
        for found in _WORDS[group].finditer(text)
    ]


def _own_words(found: re.Match[str]) -> str:
    """`GELU MLP` and `ReLU MLP` are two kinds; the words of the others are told by their names."""
    kind = GROUPS["feed-forward"][int((found.lastgroup or "w0")[1:])][0]
    return found[0] if kind == "MLP" else kind
