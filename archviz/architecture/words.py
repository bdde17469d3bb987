"""Values of facts in words: one way for the tree, tables and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.patterns.repeat import Repeat, repeat_text

if TYPE_CHECKING:
    from archviz.architecture.model import LayerKind, LayerStack, PatternItem


_LETTERS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
TAPS = "reads the stream between its layers"
"""What a box beside the layers does whose note says nothing else."""
_NAMES = ("_", "rope", "nope")
"""What short texts of patterns have that are names in code (`sliding_rope_gated`) and no words."""
JOIN_WORDS: dict[str, str] = {
    "add": "added to the stream",
    "multiply": "multiplied with the stream",
    "concat": "concatenated with the stream",
}


def value_words(value: object, *, of_code: bool = False) -> str:
    """A value in words; yes and no for what is or is not, spaces for underscores in what a value is of.

    Args:
        of_code: What values are of are names of the code (`q_b_proj`), which stay as they are.

    >>> value_words(True), value_words(1048576), value_words({"rope_type": "yarn", "factor": 16})
    ('yes', '1,048,576', 'rope type yarn, factor 16')
    >>> value_words({"sliding_attention": "sliding", "full_attention": "causal"})
    'sliding attention: sliding; full attention: causal'
    >>> value_words({"full": {"factor": 16}, "chunked": {"factor": 16}, "sliding": None})
    'full, chunked: factor 16; sliding: –'
    >>> value_words({"of": "q_proj", "q_proj": [256, 256]}, of_code=True)
    'of q_proj, q_proj 256, 256'
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(value_words(item, of_code=of_code) for item in value)
    if isinstance(value, dict):
        texts = len(value) > 1 and all(isinstance(item, str) for item in value.values())
        if (texts and not of_code) or any(isinstance(item, dict) for item in value.values()):
            told = grouped(value, of_code=of_code).items()
            return "; ".join(f"{', '.join(names)}: {words}" for words, names in told)
        return ", ".join(
            f"{_name(key, of_code=of_code)} {value_words(item, of_code=of_code)}" for key, item in value.items()
        )
    return str(value)


def grouped(values: dict[Any, Any], *, of_code: bool = False) -> dict[str, list[str]]:
    """Values in words → the names that have them.

    >>> grouped({"layer_0": 8, "layer_1": 8})
    {'8': ['layer 0', 'layer 1']}
    """
    found: dict[str, list[str]] = {}
    for key, item in values.items():
        found.setdefault(value_words(item, of_code=of_code), []).append(_name(key, of_code=of_code))
    return found


def _name(key: object, *, of_code: bool) -> str:
    return str(key) if of_code else str(key).replace("_", " ")


def pattern_words(stack: LayerStack) -> str:
    """How the kinds of a list of layers follow each other, in words: `15 × (3 × Gated DeltaNet + MoE, 1 × Gated attention + MoE)`.

    The Architecture's own text stays where it is short and of plain words (`12 × (sliding, full)`).
    """
    ids = [kind.id for kind in stack.kinds if kind.id.casefold() != kind.title.casefold()]
    plain = not any(sign in stack.pattern_text for sign in _NAMES)
    if plain and not any(kind in stack.pattern_text for kind in ids):
        return stack.pattern_text
    return repeat_text([_repeat(item) for item in stack.pattern], {kind.id: kind.title for kind in stack.kinds})


def _repeat(item: PatternItem) -> Repeat:
    return Repeat(item.times, item.kind, tuple(_repeat(inner) for inner in item.items))


def sizes_words(kind: LayerKind, unit: str = "") -> str:
    """The parameters of the layers of a kind: of each, or together where they share some."""
    if kind.together is not None:
        return f"{kind.together:,}{unit} together, some of them shared"
    return f"{kind.parameters:,}{unit}" + (" each" if kind.count > 1 else "")


def amount(count: int) -> str:
    """A count to one decimal with a letter.

    >>> amount(70_553_706_496), amount(396_802_360_816), amount(999), amount(1_234_567), amount(999_960_000)
    ('70.6B', '396.8B', '999', '1.2M', '1.0B')
    """
    return next((f"{count / size:.1f}{letter}" for size, letter in _LETTERS if count >= size * 0.99995), str(count))
