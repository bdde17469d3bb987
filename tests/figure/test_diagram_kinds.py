from __future__ import annotations

from typing import get_args

import pytest

from archviz.architecture.model import Role
from archviz.figure.diagram_kinds import DEFAULT_COLOURS, default_colour, role_kind


@pytest.mark.parametrize(
    ("block_type", "colour"),
    [
        ("Layer 4: Attention + MoE", "lightgreen"),
        ("Layer 1: DeltaNet + MoE", "lightgreen"),
        ("Attention with QK-norm", "lightgreen"),
        ("MLA", "lightgreen"),
        ("Mamba-2 mixer", "lightcoral"),
        ("SSM", "lightcoral"),
        ("State-space layer", "lightcoral"),
        ("SwiGLU MLP", "lightyellow"),
        ("Feed-Forward", "lightyellow"),
        ("FFN", "lightyellow"),
        ("MoE Router", "lightyellow"),
        ("Post-attention RMSNorm", "lightblue"),
        ("Layer Norm", "lightblue"),
        ("LayerNorm 2", "lightblue"),
        ("Input", "lightgray"),
        ("Token Embedding", "lightgray"),
        ("Output Head", "wheat"),
        ("LM head", "wheat"),
        ("Split per head", "white"),
        ("Output projection", "white"),
        ("Residual add", "white"),
    ],
)
def test_the_type_gives_the_colour(block_type: str, colour: str) -> None:
    assert default_colour(block_type) == colour


def test_every_role_of_an_architecture_has_a_colour() -> None:
    assert {role_kind(role) for role in get_args(Role)} <= set(DEFAULT_COLOURS)
    assert role_kind("linear_attention") == "attention"
    assert role_kind("head") == "head"
