"""Write tests/layers/table.json: the parameters and buffers that PyTorch's own layers make, for the tests of the layers.

Run in an environment with PyTorch (development only; nothing of archviz needs it):

    python scripts/dev/make_layer_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[2] / "tests" / "layers" / "table.json"
# A line each: the statements of a module's __init__ (`self` is an nn.Module), separated by `;`.
MODULES = """
self.m = nn.Linear(3, 5)
self.m = nn.Linear(3, 5, bias=False)
self.m = nn.Linear(in_features=3, out_features=5, dtype=torch.float16)
self.m = nn.Bilinear(3, 4, 5)
self.m = nn.Bilinear(3, 4, 5, bias=False)
self.m = nn.Identity(3, unused=True)
self.m = nn.Flatten(1)
self.m = nn.Embedding(10, 4)
self.m = nn.Embedding(10, 4, padding_idx=0)
self.m = nn.Embedding.from_pretrained(torch.zeros(7, 3))
self.m = nn.Embedding.from_pretrained(torch.zeros(7, 3), freeze=False)
self.m = nn.EmbeddingBag(10, 4)
self.m = nn.LayerNorm(8)
self.m = nn.LayerNorm((4, 8), elementwise_affine=False)
self.m = nn.LayerNorm([4, 8], bias=False)
self.m = nn.RMSNorm(8, eps=1e-6)
self.m = nn.RMSNorm((4, 8), elementwise_affine=False)
self.m = nn.GroupNorm(2, 8)
self.m = nn.GroupNorm(2, 8, affine=False)
self.m = nn.BatchNorm1d(6)
self.m = nn.BatchNorm2d(6, affine=False)
self.m = nn.BatchNorm3d(6, track_running_stats=False)
self.m = nn.SyncBatchNorm(6)
self.m = nn.InstanceNorm1d(6)
self.m = nn.InstanceNorm2d(6, affine=True)
self.m = nn.InstanceNorm2d(6, affine=True, track_running_stats=True)
self.m = nn.LocalResponseNorm(2)
self.m = nn.Conv1d(4, 6, 3)
self.m = nn.Conv1d(4, 6, (5,), bias=False)
self.m = nn.Conv1d(4, 8, 3, groups=4, padding=1)
self.m = nn.Conv2d(3, 6, 5)
self.m = nn.Conv2d(4, 6, (3, 5), stride=2, groups=2, bias=False)
self.m = nn.Conv2d(4, 4, kernel_size=3, groups=4, padding_mode="reflect", padding=1)
self.m = nn.Conv3d(3, 6, 2)
self.m = nn.Conv3d(3, 6, (1, 2, 3), groups=3)
self.m = nn.ConvTranspose1d(4, 6, 3)
self.m = nn.ConvTranspose1d(4, 6, 3, groups=2, bias=False)
self.m = nn.ConvTranspose2d(4, 6, (2, 3))
self.m = nn.ConvTranspose2d(4, 6, 2, stride=2, output_padding=1, groups=2)
self.m = nn.ConvTranspose3d(2, 4, 3)
self.m = nn.MultiheadAttention(8, 2)
self.m = nn.MultiheadAttention(8, 2, bias=False)
self.m = nn.MultiheadAttention(8, 2, batch_first=True, dropout=0.1)
self.m = nn.MultiheadAttention(8, 2, add_bias_kv=True)
self.m = nn.MultiheadAttention(8, 2, kdim=6, vdim=10)
self.m = nn.MultiheadAttention(8, 2, kdim=8, vdim=8, add_zero_attn=True)
self.m = nn.MultiheadAttention(8, 2, kdim=6, bias=False)
self.m = nn.LSTM(4, 5)
self.m = nn.LSTM(4, 5, 2, bidirectional=True)
self.m = nn.LSTM(4, 5, num_layers=2, bias=False, batch_first=True)
self.m = nn.LSTM(4, 6, proj_size=3)
self.m = nn.LSTM(4, 6, 2, proj_size=3, bidirectional=True)
self.m = nn.GRU(4, 5, num_layers=2)
self.m = nn.GRU(4, 5, bidirectional=True, bias=False)
self.m = nn.RNN(4, 5, nonlinearity="relu")
self.m = nn.LSTMCell(4, 5)
self.m = nn.GRUCell(4, 5, bias=False)
self.m = nn.RNNCell(4, 5)
self.m = nn.PReLU()
self.m = nn.PReLU(6)
self.m = nn.Sequential(nn.ReLU(), nn.GELU(), nn.SiLU(), nn.Dropout(0.1), nn.Tanh(), nn.Softmax(-1), nn.LeakyReLU(0.1), nn.Unfold(2), nn.PixelShuffle(2), nn.MaxPool2d(2), nn.AvgPool1d(2))
self.m = nn.Sequential(nn.Upsample(scale_factor=2), nn.AdaptiveAvgPool2d(1), nn.ZeroPad2d(1), nn.ReflectionPad1d(1), nn.ConstantPad1d(1, 0.0), nn.Hardswish(), nn.ELU(), nn.GLU(), nn.Sigmoid(), nn.Softplus(), nn.CosineSimilarity())
self.m = nn.TransformerEncoderLayer(8, 2, dim_feedforward=12)
self.m = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=True, bias=False)
self.m = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12), 2, norm=nn.LayerNorm(8))
self.m = nn.TransformerDecoderLayer(8, 2, 12)
self.m = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 12), 2)
self.m = nn.Transformer(8, 2, 1, 1, 12)
self.m = nn.CrossEntropyLoss(weight=torch.ones(3))
self.m = nn.Parameter(torch.zeros(2, 3))
self.m = nn.Parameter(torch.empty(4), requires_grad=False); self.n = nn.Parameter(torch.tensor(1.0))
self.m = torch.zeros(3); self.n = None
self.register_parameter("m", None); self.register_parameter("n", nn.Parameter(torch.ones(2)))
self.register_buffer("m", torch.zeros(3)); self.register_buffer("n", torch.zeros(2, dtype=torch.int64), persistent=False)
self.register_buffer("m", None); self.m = torch.ones(4)
self.register_buffer("m", torch.zeros(3)); self.m = torch.zeros(5, 2)
self.m = nn.Buffer(torch.zeros(4)); self.n = nn.Buffer(torch.zeros(2), persistent=False)
self.m = nn.ModuleList([nn.Linear(2, 3) for _ in range(3)])
self.m = nn.ModuleList(); self.m.append(nn.Linear(1, 2)); self.m.extend([nn.Linear(2, 3), nn.Identity()]); self.m.insert(0, nn.LayerNorm(4))
self.m = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 5)]); self.m[1] = nn.LayerNorm(9); del self.m[0]
self.m = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 4)])[1:]; self.n = nn.ModuleList([nn.Linear(1, 1)]) + nn.ModuleList([nn.Linear(2, 2)])
self.m = nn.ModuleList([nn.ModuleList([nn.Linear(2, 2) for _ in range(2)]) for _ in range(2)])
self.m = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.LayerNorm(4)}); self.m["c"] = nn.Linear(1, 1)
self.m = nn.ModuleDict([["x", nn.Linear(2, 3)], ["y", nn.Identity()]]); self.m.update({"z": nn.Linear(3, 3)}); self.m.pop("x")
self.m = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))
self.m = nn.Sequential(OrderedDict([("up", nn.Linear(2, 3)), ("act", nn.GELU()), ("down", nn.Linear(3, 2))]))
self.m = nn.Sequential(); self.m.add_module("first", nn.Linear(2, 3)); self.m.append(nn.Linear(3, 4))
self.m = nn.Sequential(*[nn.Linear(2, 2) for _ in range(3)])[:-1]
self.m = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4)); self.n = self.m[1]
self.m = nn.ParameterList([nn.Parameter(torch.zeros(i + 1)) for i in range(3)])
self.m = nn.ParameterList(); self.m.append(nn.Parameter(torch.zeros(2))); self.m.extend([torch.ones(3), nn.Parameter(torch.zeros(1))])
self.m = nn.ParameterDict({"a": nn.Parameter(torch.zeros(2)), "b": nn.Parameter(torch.zeros(3))}); self.m["c"] = nn.Parameter(torch.zeros(4))
self.m = copy.deepcopy(nn.Linear(2, 3)); self.n = copy.deepcopy(self.m)
layer = nn.TransformerEncoderLayer(4, 2, 6); self.m = nn.ModuleList([copy.deepcopy(layer) for _ in range(2)])
shared = nn.Linear(2, 3); self.m = shared; self.n = shared
self.m = nn.Linear(2, 3); self.n = nn.Linear(2, 3); self.n.weight = self.m.weight
self.m = nn.Linear(2, 3); self.n = self.m.weight
self.m = nn.Linear(2, 3); self.m.bias = None
self.m = nn.Linear(2, 3); del self.m.bias
self.m = nn.Linear(2, 3); self.m.weight = nn.Parameter(torch.zeros(7, 2)); self.m.extra = nn.Parameter(torch.zeros(1))
self.m = nn.Linear(2, 3); self.m = nn.LayerNorm(4)
self.m = nn.Linear(2, 3); self.m = None
self.m = nn.utils.weight_norm(nn.Linear(2, 3))
self.m = nn.utils.weight_norm(nn.Conv1d(4, 6, 3), dim=2)
self.m = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 6, 3), name="weight", dim=2)
self.m = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
self.m = nn.utils.parametrizations.weight_norm(nn.ConvTranspose1d(4, 6, 3))
self.m = nn.utils.weight_norm(nn.Linear(2, 3)); nn.utils.remove_weight_norm(self.m)
self.m = nn.utils.spectral_norm(nn.Linear(2, 3))
self.add_module("m", nn.Linear(2, 3)); setattr(self, "n", nn.Linear(1, 1)); self.add_module("o", None)
for i in range(2): setattr(self, f"layer{i}", nn.Linear(i + 1, 2))
self.m = nn.Linear(2, 3).to(torch.bfloat16); self.n = nn.Linear(2, 2).requires_grad_(False).eval()
self.m = nn.Linear(2, 3); self.m.weight.data = torch.zeros(3, 2); self.m.weight.data.normal_(); nn.init.zeros_(self.m.bias); nn.init.xavier_uniform_(self.m.weight)
"""  # fmt: skip


def modules() -> list[str]:
    return [line for line in MODULES.strip().splitlines() if line]


def program(body: str) -> str:
    """The source of a model with these statements in its `__init__`."""
    lines = [f"        {part.strip()}" for part in body.split("; ")]
    header = "import copy\nfrom collections import OrderedDict\nimport torch\nfrom torch import nn\n"
    return (
        header
        + "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        + "\n".join(lines)
        + "\n"
    )


def contents(body: str) -> dict[str, Any]:
    """What PyTorch registers: parameters, buffers, the stored ones among them, submodules and their classes."""
    names: dict[str, Any] = {}
    exec(program(body), names)  # noqa: S102 - the statements written above
    model = names["Model"]()
    return {
        "init": body,
        "parameters": {name: list(each.shape) for name, each in model.named_parameters()},
        "buffers": {name: list(each.shape) for name, each in model.named_buffers()},
        "stored": sorted(model.state_dict()),
        "modules": {name: type(each).__name__ for name, each in model.named_modules(remove_duplicate=False) if name},
    }


if __name__ == "__main__":
    table = [contents(body) for body in modules()]
    TABLE.write_text("[\n" + ",\n".join(json.dumps(row) for row in table) + "\n]\n", encoding="utf-8")
    print(f"{len(table)} modules in {TABLE.name}")
