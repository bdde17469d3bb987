from __future__ import annotations

import pytest

from archviz.patterns.op_families import activation_of, canonical, writes_in_place


@pytest.mark.parametrize("name", ["add", "add_", "__add__", "__radd__", "__iadd__", "torch.add"])
def test_one_op_has_one_name_however_it_is_spelt(name: str) -> None:
    assert canonical(name) == "add"


@pytest.mark.parametrize("name, writes", [("add_", True), ("__setitem__", True), ("__imul__", True), ("add", False), ("__add__", False)])  # fmt: skip
def test_in_place_ops_are_known_by_their_spelling(name: str, writes: bool) -> None:
    assert writes_in_place(name) is writes


@pytest.mark.parametrize(
    "name, activation",
    [
        ("SiLUActivation", "SiLU"),
        ("swish", "SiLU"),
        ("NewGELUActivation", "GELU-tanh"),
        ("quick_gelu", "QuickGELU"),
        ("relu2", "ReLU²"),
        ("ReLUSquaredActivation", "ReLU²"),
        ("Linear", None),
    ],
)
def test_activations_go_by_the_names_of_the_field(name: str, activation: str | None) -> None:
    assert activation_of(name) == activation
