"""What `active per token` counts in models of different make, in words: whose token, and which towers it passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archviz.architecture.towers import Column, is_causal

_SHARE = "of routed experts the share top-k ∕ experts"
_ONE_INPUT = {"vision": "one image patch or position", "audio": "one audio frame"}


def stand_apart(columns: Sequence[Column]) -> bool:
    """Whether a model has several towers and none of them writes text: encoders side by side (CLIP, SigLIP), and what reads their features.

    An input passes its own tower and no other, so no single number of parameters is active per token.
    """
    writing = [column for column in columns if column.is_main and not (column.encodes or _reads_features(column))]
    return len(columns) > 1 and not writing and any(column.encodes for column in _texts(columns))


def _reads_features(column: Column) -> bool:
    """Whether what is no tower of images or sound reads no token ids either (X-CLIP's transformer over frames); a decoder stays one."""
    return column in _texts([column]) and column.looks_ids_up is False and is_causal(column) is not True


def _texts(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column.id.partition("_")[0] == "text"]


def active_words(columns: Sequence[Column], sizes: Mapping[str, int]) -> str:
    """The definition of the active count; where encoders stand side by side, why there is none.

    Args:
        sizes: Parameters of each tower, by its id.
    """
    main = [column for column in columns if column.is_main]
    if stand_apart(columns):
        towers = ", ".join(f"{c.title.lower()} {sizes[c.id]:,}" for c in columns if c.id in sizes)
        return f"Not counted: there is no decoder, and which encoders work depends on what comes in ({towers})."
    if not main:
        passing = next(
            (words for key, words in _ONE_INPUT.items() if any(c.id.startswith(key) for c in columns)), "one input"
        )
        return f"Parameters on the way of {passing}: everything counted in full; {_SHARE}."
    if {"encoder", "decoder"} <= {column.id.partition("_")[0] for column in main}:
        return (
            "Parameters on the way of a source token through the encoder and of a target token through the decoder: both counted in "
            f"full, embedding and head included; {_SHARE}; other towers left out."
        )
    path = "encoder" if all(column.encodes for column in main) else "text path"
    return (
        f"Parameters on the way of one text token: everything in the {path} counted in full, embedding and head included; {_SHARE}; "
        "vision and audio towers left out."
    )


def zero_expert_words(top_k: int, experts: int, zero: int, visited: tuple[int, float, int]) -> str:
    """How the choices of a token count where some of the experts that it may choose hold no weights.

    >>> zero_expert_words(12, 512, 256, (0, 8.0, 12))
    'Of 12 choices, 0 to 12 fall on the 512 experts with weights, the others on 256 zero experts without; counted are 8, as if all were chosen alike.'
    """
    fewest, share, most = visited
    choices, others = (f"{n} {word}" + ("s" if n > 1 else "") for n, word in ((top_k, "choice"), (zero, "zero expert")))
    return (
        f"Of {choices}, {fewest} to {most} fall on the {experts} experts with weights, the others on {others} without; "
        f"counted are {share:.3g}, as if all were chosen alike."
    )
