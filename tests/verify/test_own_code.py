"""Plain PyTorch in the styles that published repositories are written in: what is claimed follows what the code does."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.verify.models import only, values
from tests.verify.own_models import SDPA, attention, claims_about, feed, model, told

HEADS = "q, k, v = (t.view(B, T, 4, 16).transpose(1, 2) for t in self.qkv(x).chunk(3, dim=-1))\n"
OUT = "return self.out(y.transpose(1, 2).reshape(B, T, C))"
GROUPED = "self.qkv, self.out = nn.Linear(64, 64 + 2 * 2 * 16), nn.Linear(64, 64)"
GROUPS = (
    "q, k, v = self.qkv(x).split([64, 32, 32], dim=-1)\n"
    "q, k, v = (t.view(B, T, -1, 16).transpose(1, 2) for t in (q, k, v))\n"
)
MASK = "if ids.shape[1] > 1:\n    mask = torch.full((ids.shape[1], ids.shape[1]), float('-inf')).triu_(1)"


@pytest.mark.parametrize(
    ("given", "scale", "mask"),
    [
        ("is_causal=True", 0.25, "causal"),
        ("is_causal=True, scale=0.5", 0.5, "causal"),
        ("scale=1.0", 1.0, "none"),
    ],
)
def test_fused_attention_tells_its_heads_and_what_it_scales_by(
    tmp_path: Path, given: str, scale: float, mask: str
) -> None:
    found = told(claims_about(tmp_path, model(SDPA.replace("is_causal=True", given))), "mix")
    told_of = ("kind", "heads", "head_dim", "scale", "mask", "score_function")
    assert [found[f"attention.{key}"] for key in told_of] == ["MHA", 4, 16, scale, mask, "softmax"]
    assert found["attention.product"] == "qkv (part 1 of 3) · qkv (part 2 of 3)"


def test_queries_scaled_before_fused_attention_scale_its_scores(tmp_path: Path) -> None:
    found = told(claims_about(tmp_path, model(SDPA.replace("attention(q,", "attention(q * 3.0,"))), "mix")
    assert found["attention.scale"] == 0.75


def test_scores_of_which_a_part_alone_is_scaled_have_no_scale(tmp_path: Path) -> None:
    mix = SDPA.replace("y = F", "q = torch.cat([q[..., :8] * 1.5, q[..., 8:]], -1)\n        y = F")
    assert "attention.scale" not in told(claims_about(tmp_path, model(mix)), "mix")


@pytest.mark.parametrize(
    "spread",
    [
        "k, v = k.repeat_interleave(2, dim=1), v.repeat_interleave(2, dim=1)\n",
        "k, v = (t[:, :, None].expand(B, 2, 2, T, 16).reshape(B, 4, T, 16) for t in (k, v))\n",
        "k, v = (t.repeat(1, 2, 1, 1) for t in (k, v))\n",
        "k = torch.cat([k[..., :8].repeat_interleave(2, 1), k[..., 8:].repeat_interleave(2, 1)], -1)\nv = v.repeat_interleave(2, 1)\n",
    ],
)
@pytest.mark.parametrize(
    "core",
    [
        "y = F.scaled_dot_product_attention(q, k, v, is_causal=True)\n",
        "y = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(16), dim=-1) @ v\n",
    ],
)
def test_heads_that_share_keys_are_told_from_a_fused_projection(tmp_path: Path, spread: str, core: str) -> None:
    found = told(claims_about(tmp_path, model(attention(GROUPED, GROUPS + spread + core + OUT))), "mix")
    kind = [found[f"attention.{key}"] for key in ("kind", "heads", "kv_heads", "head_dim", "scale")]
    assert kind == ["GQA", 4, 2, 16, 0.25]


def test_heads_that_the_fused_attention_shares_itself_are_told(tmp_path: Path) -> None:
    core = "y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)\n"
    found = told(claims_about(tmp_path, model(attention(GROUPED, GROUPS + core + OUT))), "mix")
    assert (found["attention.kind"], found["attention.kv_heads"]) == ("GQA", 2)
    assert found["attention.head_sharing"] == "2 query heads in a row share a key head"


LETTERS = (
    "q, k, v = (t.view(B, T, 4, 16) for t in self.qkv(x).chunk(3, dim=-1))\n"
    "s = torch.einsum('bshd,bthd->bsht', q, k) * 0.25\n"
    "if mask is not None:\n    s += mask.unsqueeze(1)\n"
    "return self.out(torch.einsum('bsht,bthd->bshd', s.softmax(dim=-1), v).flatten(2))"
)


def test_a_mask_of_scores_whose_heads_lie_behind_the_queries_is_causal(tmp_path: Path) -> None:
    init = "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)"
    found = told(claims_about(tmp_path, model(attention(init, LETTERS), before=MASK)), "mix")
    assert (found["attention.mask"], found["attention.scale"]) == ("causal", 0.25)
    across = told(
        claims_about(tmp_path, model(attention(init, LETTERS.replace(".unsqueeze(1)", "[:4]")), before=MASK)), "mix"
    )
    assert "attention.mask" not in across


CACHED = (
    "q, k, v = (t.view(B, T, 4, 16) for t in self.qkv(x).chunk(3, dim=-1))\n"
    "self.keys = self.keys.to(q)\n"
    "self.keys[:B, 0:T] = k\n"
    "q, k, v = q.transpose(1, 2), self.keys[:B, :T].transpose(1, 2), v.transpose(1, 2)\n"
    "y = F.softmax(q @ k.mT / 4 + mask, dim=-1) @ v\n" + OUT
)
START = """n = ids.shape[1]
mask = torch.triu(torch.full((n, n), float('-inf')), diagonal=1)
mask = torch.hstack([torch.zeros((n, start_pos)), mask])"""


def test_a_model_that_is_told_where_to_start_keeps_its_keys_and_masks_behind_them(tmp_path: Path) -> None:
    init = "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)\nself.keys = torch.zeros(2, 128, 4, 16)"
    found = claims_about(tmp_path, model(attention(init, CACHED), given=", start_pos: int", before=START))
    assert told(found, "mix")["attention.mask"] == "causal"
    assert told(found, "mix")["attention.product"] == "qkv (part 1 of 3) · qkv (part 2 of 3)"  # the type of q, no more
    assert "mask" not in str(told(found, "mix")["attention.formula"]).split("@")[0]


def test_rows_of_a_mask_looked_up_at_given_positions_are_causal(tmp_path: Path) -> None:
    mix = SDPA.replace("is_causal=True", "attn_mask=mask")
    before = "mask = torch.tril(torch.ones(32, 32, dtype=torch.bool))[None, None, input_pos][..., :ids.shape[1]]"
    found = claims_about(tmp_path, model(mix, given=", input_pos: torch.Tensor", before=before))
    assert told(found, "mix")["attention.mask"] == "causal"


def test_parts_whose_forward_is_called_itself_are_parts(tmp_path: Path) -> None:
    found = claims_about(tmp_path, model(calls=".forward"))
    assert told(found, "")["layer.formula"] == "a = x + mix(one(x)); a + feed(two(a))"
    assert told(found, "")["norm.places"] == {"one": "before a branch", "two": "before a branch"}
    assert told(found, "mix")["attention.mask"] == "causal"


ROUTED = """
x = x.view(-1, 64)
w, which = torch.topk(F.softmax(self.chooser(x), dim=-1), 2, dim=-1)
w = w / w.sum(-1, keepdim=True)
out = torch.zeros_like(x)
for e, part in enumerate(self.ffns):
    for j in range(2):
        rows = which[:, j] == e
        out[rows] += w[rows, j].unsqueeze(-1) * part(x[rows])
return out.view(1, -1, 64)
"""
FFNS = (
    "self.chooser = nn.Linear(64, 6, bias=False)\n"
    "self.ffns = nn.ModuleList(nn.Sequential(nn.Linear(64, 96), nn.SiLU(), nn.Linear(96, 64)) for _ in range(6))"
)


def test_experts_under_any_name_are_told_by_the_choice_among_them(tmp_path: Path) -> None:
    found = claims_about(tmp_path, model(feeding=feed(FFNS, ROUTED)))
    keys = ("experts", "top_k", "score", "normalised", "expert_hidden_size", "activation")
    assert [told(found, "feed").get(f"moe.{key}") for key in keys] == [6, 2, "softmax", True, 96, "SiLU"]
    assert "moe.routing" not in told(found, "feed")
    assert only(found, "model.decoder_type") == "Sparse MoE"


def test_parts_that_all_work_on_every_token_are_no_experts(tmp_path: Path) -> None:
    mixed = "w = F.softmax(self.chooser(x), dim=-1)\nreturn sum(w[..., e:e + 1] * part(x) for e, part in enumerate(self.ffns))"
    found = claims_about(tmp_path, model(feeding=feed(FFNS, mixed)))
    assert values(found, "moe.experts") == {}


STACKED = (
    "self.gate = nn.Linear(64, 6, bias=False)\n"
    "self.experts = nn.Module()\n"
    "for name, sizes in (('w1', (6, 96, 64)), ('w2', (6, 64, 96)), ('w3', (6, 96, 64))):\n"
    "    self.experts.register_parameter(name, nn.Parameter(torch.empty(*sizes)))"
)
GATHERED = """
w, which = torch.topk(F.softmax(self.gate(x), dim=-1), 2, dim=-1)
e = self.experts
h = F.silu(torch.einsum('bti,btaoi->btao', x, e.w1[which])) * torch.einsum('bti,btaoi->btao', x, e.w3[which])
return torch.einsum('btai,bta->bti', torch.einsum('btao,btaio->btai', h, e.w2[which]), w)
"""


def test_the_inner_width_of_stacked_experts_is_not_that_of_what_the_router_reads(tmp_path: Path) -> None:
    found = claims_about(tmp_path, model(feeding=feed(STACKED, GATHERED)))
    assert only(found, "moe.expert_hidden_size") == 96


GROUP_LIMITED = """
x = x.view(-1, 64)
scores = self.gate(x).sigmoid()
groups = scores.view(-1, 2, 3).amax(dim=-1)
best = groups.topk(1, dim=-1)[1]
hidden = scores.new_ones(x.size(0), 2, dtype=bool).scatter_(1, best, False)
kept = scores.view(-1, 2, 3).masked_fill_(hidden.unsqueeze(-1), float('-inf')).flatten(1)
which = torch.topk(kept, 2, dim=-1)[1]
w = scores.gather(1, which) * 2.5
out = torch.zeros_like(x)
for e, part in enumerate(self.ffns):
    rows, nth = torch.where(which == e)
    out[rows] += part(x[rows]) * w[rows, nth, None]
return out.view(1, -1, 64)
"""


def test_groups_that_a_mask_of_ones_leaves_are_chosen(tmp_path: Path) -> None:
    init = FFNS.replace("chooser", "gate")
    assert only(claims_about(tmp_path, model(feeding=feed(init, GROUP_LIMITED))), "moe.group_limit") == "1 of 2 groups"
    turned = GROUP_LIMITED.replace("new_ones", "new_zeros").replace("best, False", "best, True")
    found = claims_about(tmp_path, model(feeding=feed(init, turned)))
    assert only(found, "moe.group_limit") == "1 of 2 groups; the chosen ones are left out"


@pytest.mark.parametrize(
    ("layer", "words"), [("nn.LSTM(64, 64, batch_first=True)", "LSTM"), ("nn.GRU(64, 32, batch_first=True, bidirectional=True)", "bidirectional GRU")]
)  # fmt: skip
def test_recurrent_layers_are_mixers(tmp_path: Path, layer: str, words: str) -> None:
    found = claims_about(tmp_path, model(attention(f"self.rnn = {layer}", "return self.rnn(x)[0]")))
    assert told(found, "mix.rnn")["mixer.kind"] == words
    assert ("model.decoder_type" in {c.key for c in found.claims}) == (words == "LSTM")


def test_a_recurrent_layer_beside_any_stack_is_told(tmp_path: Path) -> None:
    source = """from torch import nn
class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.rnn, self.head = nn.Embedding(100, 64), nn.LSTM(64, 128, 2), nn.Linear(128, 100)
    def forward(self, ids):
        return self.head(self.rnn(self.table(ids))[0])
"""
    found = claims_about(tmp_path, source)
    assert (only(found, "mixer.kind"), only(found, "mixer.hidden"), only(found, "mixer.layers")) == ("LSTM", 128, 2)


def test_norms_that_are_functions_have_a_place(tmp_path: Path) -> None:
    source = model().replace("self.one(x)", "F.rms_norm(x, (64,))").replace("self.two(x)", "F.rms_norm(x, (64,))")
    found = told(claims_about(tmp_path, source.replace("self.one, self.mix, self.two, self.feed = nn.LayerNorm(64), Mix(), nn.LayerNorm(64), Feed()", "self.mix, self.feed = Mix(), Feed()")), "")  # fmt: skip
    assert (found["norm.kind"], found["norm.placement"]) == ("RMSNorm, no module, no weight", "pre-norm")


def test_a_squared_relu_is_one_activation(tmp_path: Path) -> None:
    squared = feed(
        "self.up, self.down = nn.Linear(64, 256), nn.Linear(256, 64)", "return self.down(F.relu(self.up(x)).square())"
    )
    assert only(claims_about(tmp_path, model(feeding=squared)), "feed_forward.kind") == "MLP (ReLU²)"


WAVES = """
angles = torch.outer(torch.arange(256).float(), 1.0 / (500.0 ** (torch.arange(0, 16, 2).float() / 16)))
self.register_buffer('cos', angles.cos().bfloat16()[None, None], persistent=False)
self.register_buffer('sin', angles.sin().bfloat16()[None, None], persistent=False)
"""
TURNED = HEADS + (
    "cos, sin = self.cos[:, :, :T], self.sin[:, :, :T]\n"
    "q, k = (torch.cat([t[..., :8] * cos - t[..., 8:] * sin, t[..., 8:] * cos + t[..., :8] * sin], -1) for t in (q, k))\n"
    "y = F.scaled_dot_product_attention(q, k, v, is_causal=True)\n" + OUT
)


def test_the_base_of_tables_made_by_the_constructor_is_read_from_the_code(tmp_path: Path) -> None:
    init = f"self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)\n{WAVES}"
    found = told(claims_about(tmp_path, model(attention(init, TURNED))), "mix")
    assert (found["rope.theta"], found["rope.layout"]) == (500, "half_split")


SLOPES = "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)\nself.register_buffer('steep', torch.tensor([2.0 ** -(2 * n) for n in range(4)]))"
AWAY = HEADS + (
    "p = torch.arange(T)\n"
    "bias = (p[None, :] - p[:, None]).float()[None] * self.steep[:, None, None]\n"
    "bias = bias.masked_fill(p[None, :] > p[:, None], float('-inf'))\n"
    "y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)\n" + OUT
)


def test_slopes_by_distance_are_positions_whatever_they_are_called(tmp_path: Path) -> None:
    found = claims_about(tmp_path, model(attention(SLOPES, AWAY)))
    assert (only(found, "model.positions"), only(found, "attention.position_bias")) == ("ALiBi", "ALiBi")
    assert only(found, "attention.mask") == "causal"
    flat = claims_about(
        tmp_path, model(attention(SLOPES, AWAY.replace(" * self.steep[:, None, None]", " * 0.0 + 1.0")))
    )
    assert "relative bias" not in str(values(flat, "model.positions"))


@pytest.mark.parametrize("added", ["self.near[:, p[:, None] - p[None, :] + 127]", "self.near[:, :T, :T]"])
def test_a_learned_bias_by_position_is_told(tmp_path: Path, added: str) -> None:
    sizes = "4, 255" if "127" in added else "4, 128, 128"
    init = f"self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)\nself.near = nn.Parameter(torch.zeros({sizes}))"
    forward = HEADS + f"p = torch.arange(T)\ny = F.softmax(q @ k.mT / 4 + {added}, dim=-1) @ v\n" + OUT
    assert only(claims_about(tmp_path, model(attention(init, forward))), "attention.position_bias") == "relative bias"


NAMELESS = "self.parts = nn.ModuleList(nn.Linear(64, 64) for _ in range(4))"
IN_ORDER = (
    "q, k, v = (part(x).view(B, T, 4, 16).transpose(1, 2) for part in self.parts[:3])\n"
    "y = F.softmax(q @ k.mT / 4, dim=-1) @ v\n"
    "return self.parts[3](y.transpose(1, 2).reshape(B, T, C))"
)


def test_projections_without_names_are_told_by_what_becomes_of_them(tmp_path: Path) -> None:
    found = told(claims_about(tmp_path, model(attention(NAMELESS, IN_ORDER))), "mix")
    keys = ("kind", "heads", "head_dim", "qkv_bias", "output_bias", "product")
    assert [found[f"attention.{key}"] for key in keys] == ["MHA", 4, 16, True, True, "parts.0 · parts.1"]


WITHIN = """
class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(64)), nn.Parameter(torch.zeros(64))
    def forward(self, x):
        return self.a * (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-4).sqrt() + self.b

class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = Norm(), Norm()
        self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)
        self.down, self.up = nn.Linear(256, 64), nn.Linear(64, 256)
    def mix(self, q, k, v):
        B, T, C = q.shape
        q, k, v = (t.view(B, T, 4, 16).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(B, T, C))
    def forward(self, x, mask=None, waves=None):
        x = x + self.mix(*self.qkv(self.one(x)).chunk(3, dim=-1))
        return x + self.down(F.gelu(self.up(self.two(x))))
"""


def test_a_layer_that_spells_out_its_attention_has_one(tmp_path: Path) -> None:
    before, _, rest = model().partition("\nclass Layer")
    found = told(claims_about(tmp_path, before + WITHIN + "\nclass LM" + rest.partition("\nclass LM")[2]), "")
    told_of = ("attention.kind", "attention.mask", "feed_forward.kind", "norm.kind", "norm.eps", "norm.placement")
    assert [found[key] for key in told_of] == ["MHA", "causal", "MLP (GELU)", "LayerNorm", 1e-4, "pre-norm"]
    assert found["feed_forward.formula"] == "down(gelu(up(x)))"


TIED = "self.last(x) @ self.table.weight.T"


def test_logits_made_by_the_table_are_tied_and_capped(tmp_path: Path) -> None:
    source = (
        model()
        .replace("self.head(self.last(x))", f"20.0 * torch.tanh({TIED} / 20.0)")
        .replace(
            "self.last, self.head = nn.LayerNorm(64), nn.Linear(64, 100, bias=False)", "self.last = nn.LayerNorm(64)"
        )
    )
    found = claims_about(tmp_path, source)
    assert (only(found, "embedding.tied"), only(found, "logits.softcap")) == (True, 20)


def test_calls_in_a_row_that_are_told_as_one_are_read(tmp_path: Path) -> None:
    twice = feed(
        "self.parts = nn.ModuleList(nn.Linear(64, 64) for _ in range(3))",
        "for part in self.parts:\n    x = part(x)\nreturn x",
    )
    found = claims_about(tmp_path, model(feeding=twice))
    assert not [claim for claim in found.claims if claim.key.endswith("unread")]


def test_a_learned_temperature_leaves_no_constant_scale(tmp_path: Path) -> None:
    init = "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)\nself.temp = nn.Parameter(torch.ones(4, 1, 1))"
    fused = "y = F.scaled_dot_product_attention(q * self.temp, k, v, is_causal=True)\n"
    written = "y = F.softmax(q @ k.mT * 0.25 * self.temp, dim=-1) @ v\n"
    for core in (fused, written):
        found = told(claims_about(tmp_path, model(attention(init, HEADS + core + OUT))), "mix")
        assert "attention.scale" not in found


CHOSEN_TOKENS = """
f = x.view(-1, 64)
w, rows = F.softmax(self.chooser(f), dim=-1).t().topk(3, dim=-1)
out = torch.zeros_like(f)
for e, part in enumerate(self.ffns):
    out.index_add_(0, rows[e], part(f[rows[e]]) * w[e].unsqueeze(-1))
return out.view_as(x)
"""


def test_experts_that_choose_their_tokens_are_no_top_k(tmp_path: Path) -> None:
    found = claims_about(tmp_path, model(feeding=feed(FFNS, CHOSEN_TOKENS)))
    assert (only(found, "moe.experts"), only(found, "moe.routing")) == (6, "experts choose their tokens")
    assert values(found, "moe.top_k") == {}


TORCHS = attention(
    "self.inner = nn.MultiheadAttention(64, 4, batch_first=True)",
    "hidden = torch.ones(T, T, dtype=torch.bool).triu(1)\nreturn self.inner(x, x, x, attn_mask=hidden, need_weights=False)[0]",
)


@pytest.mark.parametrize(("mask", "kind"), [("triu(1)", "causal"), ("tril(-1)", None)])
def test_the_attention_layer_of_torch_is_an_attention(tmp_path: Path, mask: str, kind: str | None) -> None:
    found = told(claims_about(tmp_path, model(TORCHS.replace("triu(1)", mask))), "mix.inner")
    keys = ("kind", "heads", "head_dim", "scale", "qkv_bias")
    assert [found[f"attention.{key}"] for key in keys] == ["MHA", 4, 16, 0.25, True]
    assert found.get("attention.mask") == kind


@pytest.mark.parametrize(
    "weigh",
    ["(q @ k.mT).tril() @ v", "torch.einsum('bhtd,bhtde->bhte', q, torch.einsum('bhtd,bhte->bhtde', k, v).cumsum(2))"],
)
def test_products_that_no_softmax_normalises_are_linear_attention(tmp_path: Path, weigh: str) -> None:
    init = "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)"
    found = claims_about(tmp_path, model(attention(init, HEADS + f"y = {weigh}\n" + OUT)))
    assert only(found, "mixer.kind") == "Linear attention"
    assert values(found, "attention.kind") == {}


def test_scores_that_another_curve_than_a_softmax_bends_are_no_linear_attention(tmp_path: Path) -> None:
    init = "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)"
    found = claims_about(tmp_path, model(attention(init, HEADS + "y = (q @ k.mT).relu().square() @ v\n" + OUT)))
    assert values(found, "mixer.kind") == {}


STREAMS = """
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix, self.feed, self.read = Mix(), Feed(), nn.Parameter(torch.ones(4))
    def forward(self, x, mask=None, waves=None):
        x = x + self.mix((x * self.read[:, None]).sum(2))[:, :, None]
        return x + self.feed((x * self.read[:, None]).sum(2))[:, :, None]
"""


def test_streams_that_a_layer_joins_itself_are_told(tmp_path: Path) -> None:
    before, _, rest = model().partition("\nclass Layer")
    source = before + STREAMS + "\nclass LM" + rest.partition("\nclass LM")[2]
    source = source.replace("self.table(ids),", "self.table(ids)[:, :, None].repeat(1, 1, 4, 1),").replace(
        "self.last(x)", "self.last(x.sum(2))"
    )
    assert only(claims_about(tmp_path, source), "residual.structure") == "hyper-connections, 4 streams"


HELD = """
class Feed(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64))
    def forward(self, x):
        return self.net(x)
"""


def test_a_feed_forward_in_a_sequence_after_its_norm_is_one(tmp_path: Path) -> None:
    found = told(claims_about(tmp_path, model(feeding=HELD)), "feed")
    assert found["feed_forward.kind"] == "MLP (GELU)"
    assert found["feed_forward.formula"] == "net.3(net.2(net.1(net.0(x))))"


def test_a_feed_forward_whose_parts_the_layer_calls_is_read(tmp_path: Path) -> None:
    source = (
        model()
        .replace(
            "Mix(), nn.LayerNorm(64), Feed()",
            "Mix(), nn.LayerNorm(64), nn.ModuleDict({'up': nn.Linear(64, 256), 'down': nn.Linear(256, 64)})",
        )
        .replace("self.feed(self.two(x), mask, waves)", "self.feed(self.two(x))")
        .replace("self.feed(self.two(x))", "self.feed['down'](F.relu(self.feed['up'](self.two(x))))")
    )
    found = told(claims_about(tmp_path, source), "")
    assert (found["feed_forward.kind"], found["feed_forward.formula"]) == ("MLP (ReLU)", "feed.down(relu(feed.up(x)))")
    assert found["norm.places"] == {"one": "before a branch", "two": "before a branch"}


@pytest.mark.parametrize(
    ("normed", "alone"), [("k", ", of the keys alone"), ("q", ", of the queries alone"), ("q, k", "")]
)
def test_a_norm_of_queries_or_keys_alone_is_told(tmp_path: Path, normed: str, alone: str) -> None:
    steps = "\n        ".join(f"{each} = F.rms_norm({each}, (16,))" for each in normed.split(", "))
    found = told(claims_about(tmp_path, model(SDPA.replace("y = F", f"{steps}\n        y = F"))), "mix")
    assert found["attention.qk_norm"] == f"RMS norm without a module of its own{alone}"


BESIDE = ROUTED.replace("F.softmax(self.chooser(x), dim=-1)", "SCORES").replace(
    "return out", "out = out + torch.sigmoid(self.open(x)) * self.shared(x)\nreturn out"
)


@pytest.mark.parametrize(
    ("scores", "told_score"), [("self.chooser(x).relu()", None), ("self.chooser(x).softmax(-1)", "softmax")]
)
def test_the_gate_of_a_shared_expert_makes_no_scores(tmp_path: Path, scores: str, told_score: str | None) -> None:
    shared = (
        "\nself.open = nn.Linear(64, 1)\nself.shared = nn.Sequential(nn.Linear(64, 32), nn.SiLU(), nn.Linear(32, 64))"
    )
    found = told(claims_about(tmp_path, model(feeding=feed(FFNS + shared, BESIDE.replace("SCORES", scores)))), "feed")
    assert found.get("moe.score") == told_score
    assert found["moe.experts"] == 6


NEAR = "if {test}:\n    mask = mask & (i - j <= 16)\n"
PLACES = "i, j = torch.arange(T)[:, None], torch.arange(T)[None, :]\nmask = j <= i\n"


@pytest.mark.parametrize(
    ("test", "status"), [("T > 16", "unverified"), ("False", "verified"), ("mask.dim() > 4", "verified")]
)
def test_a_window_that_a_short_pass_does_not_show_leaves_what_is_seen_unverified(
    tmp_path: Path, test: str, status: str
) -> None:
    mix = SDPA.replace("        y = F", indent(PLACES + NEAR.format(test=test), " " * 8) + "        y = F")
    found = claims_about(tmp_path, model(mix.replace("is_causal=True", "attn_mask=mask")))
    seen = {claim.key: claim for claim in found.claims if claim.scope == "layers.{0-2}.mix"}
    assert (seen["attention.mask"].value, seen["attention.span"].value) == ("causal", "full")
    assert (seen["attention.mask"].status, seen["attention.span"].status) == (status, status)


def test_values_that_are_gated_before_they_are_attended_to_are_no_gated_output(tmp_path: Path) -> None:
    before = SDPA.replace(
        "y = F", "v = v * torch.sigmoid(self.out(x).view(B, T, 4, 16).transpose(1, 2))\n        y = F"
    )
    after = SDPA.replace(
        "return", "y = y * torch.sigmoid(self.out(x).view(B, T, 4, 16).transpose(1, 2))\n        return"
    )
    assert "attention.gate" not in told(claims_about(tmp_path, model(before)), "mix")
    assert told(claims_about(tmp_path, model(after)), "mix")["attention.gate"] == "σ of out"


def test_a_softcap_of_the_logits_is_found_behind_a_cut_of_a_padded_vocabulary(tmp_path: Path) -> None:
    capped = model().replace(
        "return self.head(self.last(x))",
        "y = self.head(self.last(x))[..., :98].float()\n        return 15 * torch.tanh(y / 15)",
    )
    assert values(claims_about(tmp_path, capped), "logits.softcap") == {"": 15}


def test_a_norm_of_keys_that_does_not_run_is_told_as_such(tmp_path: Path) -> None:
    init = "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)\nself.q_norm, self.k_norm = nn.LayerNorm(16), nn.LayerNorm(16)"
    core = "y = F.scaled_dot_product_attention(self.q_norm(q), k, v, is_causal=True)\n"
    source = model(attention(init, HEADS + core + OUT)).replace("nn.Embedding(100, 64)", "nn.Conv2d(3, 64, 32, 32)")
    source = source.replace("self.table(ids)", "self.table(img).flatten(2).mT").replace("(self, ids)", "(self, img)")
    found = claims_about(tmp_path, source)
    assert told(found, "")["modules.not_called"] == ["mix.k_norm"]
    assert told(found, "mix")["attention.qk_norm"] == "per head, of the queries alone"


def test_tables_of_a_rotation_with_an_axis_for_heads_are_called_no_masks(tmp_path: Path) -> None:
    turn = (
        "\ndef apply_rotary_emb(x, cos, sin):\n    a, b = x[..., :8], x[..., 8:]\n"
        "    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)\n"
    )
    before = "w = torch.outer(torch.arange(ids.shape[1]), 1.0 / 10000 ** (torch.arange(0, 16, 2) / 16))\nwaves = w.cos()[None, :, None], w.sin()[None, :, None]"
    mix = SDPA.replace(").transpose(1, 2) for", ") for")
    mix = mix.replace(
        "y = F",
        "q, k = apply_rotary_emb(q, *waves), apply_rotary_emb(k, *waves)\n        q, k, v = (t.transpose(1, 2) for t in (q, k, v))\n        y = F",
    )
    found = told(claims_about(tmp_path, model(turn + mix, before=before)), "mix")
    assert found["rope.formula"] == "a = x[first half]; b = x[second half]; cat(a · t − b · t2, a · t2 + b · t, −1)"
