"""Masks keep their meaning from the comparison that makes them to the softmax that uses them, in the ways modelling code writes them."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.interpreter.modules import SourceModule
from archviz.interpreter.reading import Event
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Tensor
from tests.interpreter.programs import interpreter

T = 6
HEADER = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
WAYS = {
    "tril of ones, masked_fill": ("s.masked_fill(torch.tril(torch.ones(T, T)).view(1, 1, T, T) == 0, float('-inf'))", "causal", None),
    "triu of -inf, added": ("s + torch.triu(torch.full((T, T), float('-inf')), diagonal=1)[None, None]", "causal", None),
    "triu of ones as bool": ("s.masked_fill(torch.triu(torch.ones(T, T), 1).bool(), -1e9)", "causal", None),
    "where on bool buffer": ("torch.where(torch.tril(torch.ones((T, T), dtype=torch.bool)), s, -1e4)", "causal", None),
    "full times comparison": (
        "s + torch.full((T, T), -1e9) * (torch.arange(T) > torch.arange(T).reshape(-1, 1))", "causal", None),
    "one minus the mask, times min": ("s + (1.0 - torch.tril(torch.ones(T, T))) * torch.finfo(s.dtype).min", "causal", None),
    "window by distance": (
        "s.masked_fill(((p[:, None] - p[None, :]) < 0) | ((p[:, None] - p[None, :]) >= 4), -1e9)", "sliding", 4),
    "window by two comparisons": (
        "torch.where((p[None, :] <= p[:, None]) & (p[None, :] > p[:, None] - 4), s, -1e9)", "sliding", 4),
    "xor of triangles": (
        "torch.where(torch.bitwise_xor(torch.tril(torch.ones(T, T).bool()), torch.tril(torch.ones(T, T).bool(), -4)), s, -1e9)",
        "sliding", 4),
    "a mask not understood beside a known one": (
        "torch.where(x[0] @ x[0].mT > 0, s, -1e9) + torch.triu(torch.full((T, T), -1e9), 1)", None, None),
    "meet of triangles": ("s.masked_fill(~(torch.tril(torch.ones(T, T).bool()) & torch.triu(torch.ones(T, T).bool(), -3)), -1e9)",
                         "sliding", 4),
    "window both ways": ("s.masked_fill((p[:, None] - p[None, :]).abs() > 2, -1e9)", "sliding", 2),
    "chunks": ("torch.where((p[None, :] // 2 == p[:, None] // 2) & (p[None, :] <= p[:, None]), s, -1e9)", "chunked", 2),
    "ones for padding": ("s + (1.0 - torch.ones(1, T)[:, None, None, :]) * -1e4", "bidirectional", None),
    "no mask": ("s / 8.0", "none", None),
    "a table of distances is no mask": ("s + table(p[None, :] - p[:, None]).permute(2, 0, 1)[None]", "none", None),
    "ALiBi is no mask": ("s + (p[None, None, None, :] * torch.rand(2)[None, :, None, None])", "none", None),
    "ALiBi with a mask": (
        "s + (p * torch.rand(2, 1, 1)) + torch.triu(torch.full((T, T), float('-inf')), 1)", "causal", None),
    "padding beside a causal mask": (
        "s.masked_fill(~((p[None, :] <= p[:, None]) & (x.sum(-1)[:, None, None, :] > 0)), -1e9)", "causal", None),
    "cast, expanded, cut": (
        "s + torch.triu(torch.full((9, 9), -1e9), 1).to(torch.bfloat16)[None, None].expand(1, 1, 9, 9)[:, :, :T, :T]", "causal", None),
    "something not understood": ("s + torch.randn(T, T)", None, None),
    "a bias, then a mask": (
        "s + (table(p[None, :] - p[:, None]).permute(2, 0, 1)[None] + torch.triu(torch.full((T, T), -1e9), 1))", "causal", None),
    "a mask, then a bias": (
        "s + (torch.triu(torch.full((T, T), -1e9), 1) + table(p[None, :] - p[:, None]).permute(2, 0, 1)[None])", "causal", None),
    "a bias beside something not understood": (
        "s + (table(p[None, :] - p[:, None]).permute(2, 0, 1)[None] + torch.randn(T, T))", None, None),
    "something not understood beside a bias": (
        "s + (torch.randn(T, T) + table(p[None, :] - p[:, None]).permute(2, 0, 1)[None])", None, None),
    "every other key": (
        "s.masked_fill(~((p[None, :] <= p[:, None]) & ((p[:, None] - p[None, :]) % 2 == 0)), -1e9)", None, None),
    "every other key, added": (
        "s + (torch.triu(torch.full((T, T), -1e9), 1) + torch.zeros(T, T).masked_fill((p[:, None] * p[None, :]) % 2 == 1, -1e9))",
        None, None),
    "every other key or a window": (
        "torch.where((p[:, None] - p[None, :]) % 4 == 0 | (p[None, :] == p[:, None]), s, -1e9)", None, None),
    "every other position by a slice": ("s.masked_fill(~(torch.arange(2 * T)[::2][None, :] <= p[:, None]), -1e9)", None, None),
    "every other row of a mask": (
        "s.masked_fill(torch.triu(torch.ones(2 * T, 2 * T), 1).bool()[::2, ::2][None, None], -1e9)", None, None),
    "the last positions": (
        "s.masked_fill(~(torch.arange(2 * T)[-T:][None, :] <= torch.arange(2 * T)[T:][:, None]), -1e9)", "causal", None),
    "later positions than the queries'": (
        "s.masked_fill(~(torch.arange(2 * T)[-T:][None, :] <= p[:, None]), -1e9)", None, None),
    "a part of a mask on its diagonal": (
        "s.masked_fill(torch.triu(torch.ones(9, 9), 1).bool()[-T:, -T:], -1e9)", "causal", None),
    "a part of a mask beside its diagonal": (
        "s.masked_fill(torch.triu(torch.ones(9, 9), 1).bool()[1:T + 1, :T], -1e9)", None, None),
    "a mask written by places": (
        "s + (torch.triu(torch.full((T, T), -1e9), 1) + striped())", None, None),
    "data, hidden where a mask is not 0": (
        "s + x.sum(-1)[:, None, None, :].expand(1, 1, T, T).masked_fill(torch.triu(torch.full((T, T), -1e9), 1) != 0, -1e9)", "causal", None),
    "data, hidden where a mask is 0": (
        "s + x.sum(-1)[:, None, None, :].expand(1, 1, T, T).masked_fill(torch.triu(torch.full((T, T), -1e9), 1) == 0, -1e9)", None, None),
    "data, hidden where other data says": (
        "s + x.sum(-1)[:, None, None, :].expand(1, 1, T, T).masked_fill(x[..., :T] > 0, -1e9)", None, None),
    "what layers learned of positions is no mask": (
        "s + 16 * torch.sigmoid(learned((p[None, :] - p[:, None]).float()[..., None])).permute(2, 0, 1)[None]", "none", None),
    "a mask after what layers learned of positions": (
        "s + learned(p.float()[:, None]).T[None, :, None, :] + torch.triu(torch.full((T, T), -1e9), 1)", "causal", None),
    "ALiBi of counted places, hidden where a mask is below a number": (
        "s + (0.5 ** torch.arange(1, 3)[:, None, None] * (torch.ones(1, T).cumsum(dim=-1) - 1)).masked_fill(hidden() < -1, -1e9)",
        "causal", None),
    "ALiBi of counted places, hidden where no mask is": (
        "s + (torch.rand(2, 1, 1) * torch.ones(1, T).cumsum(dim=-1)).masked_fill(hidden() > -1, -1e9)",
        None, None),
    "counted along the other axis": ("s.masked_fill(torch.ones(T, T).cumsum(dim=0) > p[:, None] + 1, -1e9)", None, None),
    "places counted from one on": ("s.masked_fill(torch.ones(T).cumsum(dim=-1) > p[:, None] + 1, -1e9)", "causal", None),
    "padding alone, of data": ("s.masked_fill((x.sum(-1) != 0)[:, None, None, :] == 0, -1e9)", "bidirectional", None),
    "padding, then a causal mask": (
        "torch.where((x.sum(-1) != 0)[:, None, None, :], s, -1e9) + torch.triu(torch.full((T, T), -1e9), 1)", "causal", None),
    "padding of queries is no padding of keys": ("s.masked_fill((x.sum(-1) != 0)[:, None, :, None] == 0, -1e9)", None, None),
    "queries before the heads": (
        "torch.einsum('bhsd,bhtd->bsht', q, k) + torch.full((T, T), float('-inf')).triu_(1).unsqueeze(1)", "causal", None),
    "queries before the heads, the mask along the heads": (
        "torch.einsum('bhsd,bhtd->bsht', q, k[:, :1])[:, :, :1] + torch.full((T, T), float('-inf')).triu_(1)", None, None),
    "queries before the heads, then behind them": (
        "(torch.einsum('bhsd,bhtd->bsht', q, k) + torch.full((T, T), -1e9).triu_(1)[:, None, :]).permute(0, 2, 1, 3)", "causal", None),
    "a mask of queries before the heads on scores behind them": (
        "s + torch.full((T, T), float('-inf')).triu_(1).unsqueeze(1)", None, None),
    "a window viewed with an axis for heads": (
        "torch.einsum('bhsd,bhtd->bsht', q, k).masked_fill((p[None, :] > p[:, None]).logical_or(p[None, :] <= p[:, None] - 4).view(1, T, 1, T), -1e9)",
        "sliding", 4),
    "logarithm of a triangle": ("s + torch.log(torch.tril(torch.full((T, T), fill_value=1), diagonal=0).float())", "causal", None),
    "behind no cached keys": (
        "s + torch.hstack([torch.zeros((T, 0)), torch.triu(torch.full((T, T), float('-inf')), diagonal=1)])", "causal", None),
    "behind cached keys": (
        "q @ torch.cat([k, k], dim=2).mT + torch.hstack([torch.zeros((T, T)), torch.triu(torch.full((T, T), float('-inf')), 1)])",
        "causal", None),
    "behind keys that nothing says of": (
        "q @ torch.cat([k, k], dim=2).mT + torch.hstack([torch.randn((T, T)), torch.triu(torch.full((T, T), float('-inf')), 1)])",
        None, None),
    "sinks beside the scores": (
        "torch.cat([s + torch.triu(torch.full((T, T), -1e9), 1), torch.zeros(1, 2, T, 1)], dim=-1)", "causal", None),
}  # fmt: skip


def events(expression: str, call: str = "F.softmax(scores, dim=-1)", queries: int = T) -> list[Event]:
    """The events of a function that masks scores `s`; the last is the one that uses the mask."""
    source = (
        f"{HEADER}T = {T}\ntable = nn.Embedding(16, 2)\nlearned = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 2))\np = torch.arange(T)\n"
        f"def hidden():\n    return torch.triu(torch.full((T, T), -1e9), 1)\n"
        f"def striped():\n    m = torch.zeros(T, T)\n    m[::2, 1::2] = -1e9\n    return m\n"
        f"def run(q, k, x):\n    s = q @ k.transpose(-1, -2)\n    scores = {expression}\n    return {call}\n"
    )
    interp = interpreter(source)
    module = interp.find_module("program")
    assert isinstance(module, SourceModule)
    run = module.lookup("run")
    recorder = interp.recorder = Recorder({})
    keys = Tensor((1, 2, T, 8), "float32")
    interp.call(run, [Tensor((1, 2, queries, 8), "float32"), keys, Tensor((1, T, 8), "float32")], {})
    return recorder.events


def used(expression: str, call: str = "F.softmax(scores, dim=-1)", queries: int = T) -> dict[str, Any]:
    """The options of the event that uses the mask."""
    return events(expression, call, queries)[-1].options


@pytest.mark.parametrize("way", WAYS)
def test_a_mask_is_known_where_it_is_used(way: str) -> None:
    expression, kind, window = WAYS[way]
    found = used(expression)
    assert (found.get("mask"), found.get("mask_window")) == (kind, window)


def test_the_named_function_around_the_softmax_says_it_too() -> None:
    around = events(WAYS["chunks"][0])[0]
    assert (around.name, around.options["mask"], around.options["mask_window"]) == ("run", "chunked", 2)


def test_the_line_is_the_one_that_makes_the_mask() -> None:
    found = used(WAYS["window by two comparisons"][0])
    assert str(found["mask_at"]).startswith("program.py:")


@pytest.mark.parametrize("given, kind", [("is_causal=True", "causal"), ("is_causal=False", "none"), ("", "none")])
def test_fused_attention_without_a_mask_says_whether_it_is_causal(given: str, kind: str) -> None:
    assert used("s", f"F.scaled_dot_product_attention(q, k, k, {given})")["mask"] == kind


def test_fused_attention_reads_its_mask() -> None:
    call = "F.scaled_dot_product_attention(q, k, k, attn_mask=torch.ones(T, T, dtype=torch.bool).tril())"
    assert used("s", call)["mask"] == "causal"


def test_one_query_after_cached_keys_is_causal_by_its_position() -> None:
    found = used(f"torch.where(p[None, :] <= torch.arange({T - 1}, {T})[:, None], s, -1e9)", queries=1)
    assert found["mask"] == "causal"


@pytest.mark.parametrize("past, kind", [(T - 1, "chunked"), (T - 2, None)])
def test_one_query_after_cached_keys_is_chunked_by_its_position(past: int, kind: str | None) -> None:
    places = f"torch.arange({past}, {past + 1})[:, None]"
    found = used(f"torch.where((p[None, :] // 4 == {places} // 4) & (p[None, :] <= {places}), s, -1e9)", queries=1)
    assert (found.get("mask"), found.get("mask_window")) == (kind, 4 if kind else None)


def test_one_row_of_a_mask_follows_cached_keys() -> None:
    found = used("torch.where(torch.tril(torch.ones(9, 9).bool())[T - 1:T, :T], s, -1e9)", queries=1)
    assert found["mask"] == "causal"
