"""Rotations are told by what the code computes: written out in the attention, in functions of any name, by complex numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from archviz import pipeline
from archviz.verify.report import Verification
from archviz.verify.rope_statements import _sizes
from tests.verify.models import SETTINGS, claim_of, mutated, only, values, verified

CALL = "query_states, key_states = apply_rotary_pos_emb(query_states, key_states, cos, sin)"
INLINE = """cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
        query_states = query_states * cos + rotate_half(query_states) * sin
        key_states = key_states * cos + rotate_half(key_states) * sin"""
PAIRWISE = """cos, sin = cos[..., :64].unsqueeze(1), sin[..., :64].unsqueeze(1)
        a, b = query_states[..., 0::2], query_states[..., 1::2]
        query_states = torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)"""
COMPLEX = """angles = torch.complex(cos, sin)[..., :64].unsqueeze(1)
        pairs = torch.view_as_complex(key_states.float().reshape(*key_states.shape[:-1], -1, 2))
        key_states = torch.view_as_real(pairs * angles).flatten(3)"""


@pytest.mark.parametrize(
    ("steps", "tensors", "layout"),
    [(INLINE, ["q_proj", "k_proj"], "half_split"), (PAIRWISE, "q_proj", "interleaved"), (COMPLEX, "k_proj", "interleaved")],
)  # fmt: skip
def test_a_rotation_written_out_in_the_attention_is_one(steps: str, tensors: object, layout: str) -> None:
    found = mutated("llama", CALL, steps)
    assert only(found, "model.positions") == "RoPE"
    assert only(found, "rope.tensors") in (tensors, [tensors])
    assert only(found, "rope.layout") == layout
    assert only(found, "rope.theta") == 10000
    assert only(found, "rope.part") == "all 128"
    assert only(found, "rope.frequencies") == "θ^(−2i/128), i = 0 … 63"
    assert values(found, "rope.tables")
    assert values(found, "rope.function") == {}


PARTLY = """cos, sin = (torch.cat((t[..., :32],) * 2, dim=-1).unsqueeze(1) for t in (cos, sin))
        turned, kept = query_states[..., 64:], query_states[..., :64]
        query_states = torch.cat((kept, turned * cos + rotate_half(turned) * sin), dim=-1)"""


@pytest.mark.parametrize(
    ("old", "new", "layout"),
    [
        ("", "", "half_split"),
        ("+ rotate_half", "- rotate_half", "half_split"),
        ("(t[..., :32],) * 2", "(t[..., :32], t[..., 32:])", "half_split, no rotation"),
    ],
)  # fmt: skip
def test_a_part_of_the_heads_that_the_attention_itself_turns_is_told(old: str, new: str, layout: str) -> None:
    found = mutated("llama", CALL, PARTLY.replace(old, new).replace("t[..., 32:]", "t[..., 32:64]"))
    assert only(found, "rope.part") == "last 64 of 128"
    assert str(only(found, "rope.layout")).startswith(layout)
    assert bool(values(found, "rope.direction")) is (new == "- rotate_half")


def test_a_learned_mixture_of_two_tensors_is_no_rotation() -> None:
    mixed = "query_states = query_states * cos[:, None] + key_states * sin[:, None]"
    assert only(mutated("llama", CALL, mixed), "model.positions") == "none (NoPE)"


def official(folder: Path, model_type: str) -> Verification:
    sizes = {"num_hidden_layers": 2, "hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 64}
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": model_type, **sizes, "pred_num_hidden_layers": 1}))
    return pipeline.verify(str(path), settings=SETTINGS)


def test_a_rotation_in_a_static_method_is_told_and_a_table_of_token_types_is_none_of_positions(tmp_path: Path) -> None:
    found = official(tmp_path, "roformer")
    positions = claim_of(found, "model.positions")
    assert str(positions.value).startswith("RoPE")
    assert not [each.where for each in positions.evidence if "token_type" in each.where]
    assert only(found, "rope.tensors") == ["query", "key"]
    assert only(found, "rope.layout") == "interleaved"


def test_parts_that_turn_by_positions_of_their_own_are_all_told(tmp_path: Path) -> None:
    parts = values(official(tmp_path, "vjepa2"), "rope.part")
    assert "first 20 of 64, 20 to 40 of 64, 40 to 60 of 64" in parts.values()


def test_dimensions_of_several_parts_count_together() -> None:
    assert _sizes("first 20 of 64, 20 to 40 of 64, 40 to 60 of 64") == (60, 64)


PLAIN = """
import torch
from torch import nn
import torch.nn.functional as F


def tables(width, length, factor):
    inverse = 1.0 / (10000.0 ** (torch.arange(0, width, 2).float() / width))
    angles = torch.outer(torch.arange(length).float() / factor, inverse)
    return torch.cos(angles), torch.sin(angles)


def turn(x, c, s):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * c - b * s, b * c + a * s), dim=-1)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.n_heads, self.head_dim = heads, width // heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.o_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x, c, s):
        shape = (*x.shape[:2], self.n_heads, self.head_dim)
        q, k, v = (each(x).view(shape).transpose(1, 2) for each in (self.q_proj, self.k_proj, self.v_proj))
        return self.o_proj(F.scaled_dot_product_attention(turn(q, c, s), turn(k, c, s), v, is_causal=True).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(width), Attention(width, heads)

    def forward(self, x, c, s):
        return x + self.attn(self.norm(x), c, s)


class Model(nn.Module):
    def __init__(self, factor=4.0):
        super().__init__()
        self.embed = nn.Embedding(100, 64)
        self.layers = nn.ModuleList([Block(64, 4) for _ in range(2)])
        c, s = tables(16, 128, factor)
        self.register_buffer("c", c, persistent=False)
        self.register_buffer("s", s, persistent=False)

    def forward(self, ids):
        x, n = self.embed(ids), ids.shape[1]
        for layer in self.layers:
            x = layer(x, self.c[:n], self.s[:n])
        return x
"""


def plain(folder: Path, factor: float) -> Verification:
    path = folder / "model.py"
    path.write_text(PLAIN)
    settings = replace(SETTINGS, arguments=f'{{"factor": {factor}}}')
    return pipeline.verify(str(path), class_name="Model", settings=settings)


def test_a_function_of_any_name_rotates_by_its_steps(tmp_path: Path) -> None:
    found = plain(tmp_path, 1.0)
    assert only(found, "rope.tensors") == ["q_proj", "k_proj"]
    assert only(found, "rope.layout") == "half_split"
    assert only(found, "rope.function") == "turn"
    assert only(found, "rope.frequencies") == "θ^(−2i/16), i = 0 … 7"


@pytest.mark.parametrize(("factor", "step"), [(4.0, "0.25"), (3.0, "0.3333"), (0.5, "2")])
def test_positions_that_are_scaled_for_a_table_are_told(tmp_path: Path, factor: float, step: str) -> None:
    found = plain(tmp_path, factor)
    assert only(found, "rope.frequencies") == f"θ^(−2i/16), i = 0 … 7; positions times {step}"
    assert claim_of(found, "rope.theta").value == 10000


def test_frequencies_times_the_exponential_of_a_vector_are_a_rotation() -> None:
    old = "self.inv_freq.to(device=x.device, dtype=torch.float)"
    found = mutated("llama", old, f"{old} * self.original_inv_freq.to(device=x.device, dtype=torch.float).exp()")
    assert only(found, "rope.layout") == "half_split"


INSIDE = """def turn(x):
            inverse = 10000.0 ** -(torch.arange(0, x.shape[-1], 2).float() / x.shape[-1])
            angles = torch.arange(x.shape[2])[:, None] * inverse
            a, b = x[..., ::2], x[..., 1::2]
            cos, sin = angles.cos(), angles.sin()
            return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)
        key_states = torch.cat((turn(key_states[..., :32]), key_states[..., 32:]), dim=-1)"""


def test_the_part_that_turns_is_told_where_the_function_computes_its_angles() -> None:
    found = mutated("llama", CALL, INSIDE)
    assert only(found, "rope.part") == "first 32 of 128"
    assert (only(found, "rope.tensors"), only(found, "rope.layout")) in (
        (["k_proj"], "interleaved"),
        ("k_proj", "interleaved"),
    )


PRODUCT = "attn_weights = torch.matmul(query, key_states.transpose(2, 3)) * scaling"
APART = """attn_weights = torch.matmul(query, key_states.transpose(2, 3)) + torch.matmul(query, value_states.mT)
    attn_weights = attn_weights * scaling"""


def test_scores_that_are_sums_of_products_name_all_of_them() -> None:
    found = mutated("llama", PRODUCT, APART)
    assert only(found, "attention.product") == "q_proj · k_proj + q_proj · v_proj"
    table = APART.replace("value_states.mT", "torch.ones(query.shape[-1], key_states.shape[2])")
    assert only(mutated("llama", PRODUCT, table), "attention.product") == "q_proj · k_proj + q_proj · a table"


def test_a_projection_that_turns_as_complex_numbers_is_a_factor_of_the_scores() -> None:
    assert only(mutated("llama", CALL, COMPLEX), "attention.product") == "q_proj · k_proj"


def test_a_weight_that_the_attention_itself_multiplies_with_goes_by_its_part() -> None:
    old = "query_states, key_states = apply_rotary_pos_emb("
    new = f"query_states = torch.einsum('bhsd,kd->bhsk', query_states, self.k_proj.weight[:128, :128])\n        {old}"
    assert only(mutated("llama", old, new), "attention.product") == "k_proj · k_proj"


def test_a_rotation_by_a_matrix_for_each_pair_turns_the_whole_head() -> None:
    found = verified("pe_audio_encoder")
    assert only(found, "rope.tensors") == ["q_proj", "k_proj"]
    assert only(found, "rope.part") == "all 128"
    assert only(found, "rope.layout") == "interleaved"


def test_places_that_positions_are_put_at_leave_tables_without_data() -> None:
    found = verified("inkling2_vision")
    assert only(found, "rope.tensors") == ["q_proj", "k_proj"]
    assert only(found, "rope.layout") == "interleaved"
    assert "stack(−x[odd places], x[even places], dim=-1)" in str(only(found, "rope.formula"))
