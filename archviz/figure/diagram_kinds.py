"""What a block of a hand-written diagram config is, told from its type, and the colour that goes with it."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Literal

from archviz.architecture.model import Role
from archviz.late_patterns import late_pattern

BlockKind = Literal["attention", "state_space", "feed_forward", "norm", "input", "head", "other"]

DEFAULT_COLOURS = MappingProxyType(
    {
        "attention": "lightgreen",
        "state_space": "lightcoral",
        "feed_forward": "lightyellow",
        "norm": "lightblue",
        "input": "lightgray",
        "head": "wheat",
        "other": "white",
    }
)
DEFAULT_NODE_COLOUR = "whitesmoke"
_ROLE_KINDS: dict[Role, BlockKind] = {
    "attention": "attention",
    "linear_attention": "attention",
    "attention_core": "attention",
    "state_space": "state_space",
    "recurrent": "state_space",
    "recurrence_core": "state_space",
    "feed_forward": "feed_forward",
    "moe": "feed_forward",
    "router": "feed_forward",
    "experts": "feed_forward",
    "shared_expert": "feed_forward",
    "norm": "norm",
    "qk_norm": "norm",
    "input": "input",
    "embedding": "input",
    "position_embedding": "input",
    "head": "head",
}

_IS_A_NORM = r"^(?!.*(?:\bwith\b|\band\b|[+&])).*norm(?:alization|alisation)?\s*\d*$"
_WORDS: tuple[tuple[BlockKind, str], ...] = (
    # ordered: the first that fits wins, so a layer is named after its mixer, a mixer before its feed-forward
    ("norm", _IS_A_NORM),
    ("attention", r"attention|attn|deltanet|delta[ _-]?net|\b(?:mha|mqa|gqa|mla|swa|dsa|nsa|kda|retnet)\b"),
    ("state_space", r"mamba|state[ _-]?space|\bss[md]\b|\bs[46]\b|rwkv|hyena|selective scan|\brg-?lru\b"),
    ("feed_forward", r"feed[ _-]?forward|\bff?n\b|\bmlp\b|moe\b|mixture of experts|expert|router|\w+glu\b"),
    (
        "head",
        r"(?<!per )(?<!each )(?<!every )\bhead\b(?! dim)|lm_head|unembed|logits|classifier|output layer|^outputs?$",
    ),
    ("norm", r"norm\b|normali[sz]ation"),
    ("input", r"input|embed|token|patch|\bwte\b|\bwpe\b"),
)
_PARENTHESES = late_pattern(r"\([^()]*\)")


def block_kind(block_type: str) -> BlockKind:
    """What a block is, from the words of its type.

    >>> block_kind("Layer 4: Attention + MoE"), block_kind("Post-attention RMSNorm"), block_kind("LM head")
    ('attention', 'norm', 'head')
    """
    text = _PARENTHESES.sub(" ", block_type[:500]).lower().replace("\n", " ").strip()
    for kind, pattern in _WORDS:
        if re.search(pattern, text):
            return kind
    return "other"


def default_colour(block_type: str) -> str:
    """The colour of a block that names none.

    >>> default_colour("Mamba-2 mixer"), default_colour("SwiGLU MLP"), default_colour("Token embedding")
    ('lightcoral', 'lightyellow', 'lightgray')
    """
    return DEFAULT_COLOURS[block_kind(block_type)]


def role_kind(role: Role) -> BlockKind:
    """What a box of an Architecture is, in the words of diagram configs."""
    return _ROLE_KINDS.get(role, "other")
