"""Dotted paths of modules and tensors as Python."""

from __future__ import annotations

import re

from archviz.pseudocode.expressions import Piece


def accessed(path: str) -> str:
    """A dotted path below a module as Python: `layers.3.mlp` is `layers[3].mlp`."""
    text = ""
    for name in path.split("."):
        if name.isdecimal():
            text += f"[{name}]"
        elif name.isidentifier():
            text += f".{name}" if text else name
        else:
            text += f"[{name!r}]" if text else name
    return text


def path_pieces(path: str) -> list[Piece]:
    """`self.layers[3].mlp`, the index of the list apart so that loops can count it."""
    match = re.match(r"^(.*?)\.(\d+)(\..*)?$", path)
    if match is None or re.search(r"\.\d+(\.|$)", match[3] or ""):
        return ["self." + accessed(path)]
    after = f".{accessed(match[3][1:])}" if match[3] else ""
    return (
        [(f"self.{accessed(match[1])}", int(match[2])), after]
        if after
        else [(f"self.{accessed(match[1])}", int(match[2]))]
    )
