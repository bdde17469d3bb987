"""Layers with shared weights that each call an adapter of their own are of one kind, and the text says which and what they share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.architecture.chosen_elements import by_rank, chosen_elements
from archviz.architecture.text import describe_text
from archviz.architecture.tied_text import tied_lines
from archviz.descriptions import describe
from tests.verify.models import SETTINGS

ADAPTERS = "shared_transformer.feed_forward.gate_up_proj_adapter_list"


def zamba2(blocks: int) -> dict[str, object]:
    kinds = ["mamba", "hybrid"] * 4
    return {
        "model_type": "zamba2", "num_hidden_layers": 8, "layers_block_type": kinds, "num_mem_blocks": blocks, "hidden_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 96, "vocab_size": 50, "adapter_rank": 4,
        "mamba_d_state": 16, "n_mamba_heads": 4, "mamba_ngroups": 1, "use_shared_attention_adapter": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("blocks", "kinds"),
    [
        (1, {"Attention + Mamba-2 + GeGLU": ([1, 3, 5, 7], [f"{ADAPTERS}: 0-3"])}),
        (2, {
            "Attention + Mamba-2 + GeGLU": ([1, 5], [f"{ADAPTERS}: 0,2"]),
            "Attention + Mamba-2 + GeGLU (variant 2)": ([3, 7], [f"{ADAPTERS}: 1,3"]),
        }),
    ],
)  # fmt: skip
def test_layers_that_share_a_block_are_one_kind(
    tmp_path: Path, blocks: int, kinds: dict[str, tuple[list[int], list[str]]]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(zamba2(blocks)))
    found = describe(str(tmp_path), settings=SETTINGS)
    hybrid = [kind for kind in found.layers[0].kinds if kind.id != "mamba2"]
    assert {kind.title: (kind.indices, kind.chosen) for kind in hybrid} == kinds
    assert all(kind.together is not None and kind.together < kind.count * kind.parameters for kind in hybrid)
    counted = next(row.count for row in found.parameters.breakdown if row.key == "layers")
    assert sum(kind.together or kind.count * kind.parameters for kind in found.layers[0].kinds) == counted
    text = describe_text(found)
    assert f"each calls one element of its own of {ADAPTERS}" in text
    assert f"Tied: model.layers.{'{3,5,7}' if blocks == 1 else '5'}.shared_transformer.* = model.layers.1." in text


def test_elements_are_numbered_by_their_first_call() -> None:
    one, other = [(("op", f".list.{n}.0", (2,)), ("op", ".rest", (2,))) for n in (0, 5)]
    assert by_rank(one)[0] == by_rank(other)[0]
    assert by_rank(other)[1] == {"list": ("5",), "list.0": ("0",)}
    several = (("op", ".list.1", (2,)), ("op", ".list.0", (2,)))
    assert by_rank(several)[0] == (("op", ".list.0", (2,)), ("op", ".list.1", (2,)))
    assert chosen_elements([by_rank(several)[1], by_rank(several)[1]]) == ()


def test_ties_of_whole_modules_stand_together() -> None:
    names = ("q.weight", "k.weight", "k.bias")
    tied = {f"layers.{n}.shared.{name}": f"layers.1.shared.{name}" for n in (4, 5, 9) for name in names}
    assert list(tied_lines({**tied, "head.weight": "embed.weight", "a.b": "c"})) == [
        "layers.{4-5,9}.shared.* = layers.1.shared.* (3 tensors each)", "head.weight = embed.weight", "a.b = c",
    ]  # fmt: skip
