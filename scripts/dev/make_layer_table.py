"""Write tests/layers/table.json, the parameters and buffers that PyTorch's own layers make, and attributes.json, the names they have.

Run in an environment with PyTorch (development only; nothing of archviz needs it):

    python scripts/dev/make_layer_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2] / "tests" / "layers"
TABLE, ATTRIBUTES = TESTS / "table.json", TESTS / "attributes.json"
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
# A layer each.
LAYERS = """
nn.Module()
nn.Linear(3,4)
nn.Linear(3,4,bias=False)
nn.Bilinear(2,3,4)
nn.Identity(3)
nn.Embedding(5,4,padding_idx=-1,max_norm=1.,sparse=True)
nn.EmbeddingBag(5,4,mode='sum',padding_idx=2)
nn.Conv1d(4,6,3,2,1,2,2,False,'circular')
nn.Conv2d(4,6,(3,2),padding='same')
nn.Conv3d(4,6,3)
nn.ConvTranspose1d(4,6,3,2,1,1,2,True,2)
nn.ConvTranspose2d(4,6,3,padding_mode='zeros')
nn.LayerNorm(4,1e-6,bias=False)
nn.RMSNorm(4,eps=1e-6)
nn.GroupNorm(2,4,affine=False)
nn.BatchNorm1d(4,momentum=None,track_running_stats=False)
nn.BatchNorm2d(4,affine=False)
nn.InstanceNorm2d(4)
nn.SyncBatchNorm(4)
nn.LocalResponseNorm(2,0.1)
nn.MultiheadAttention(12,3,0.1,kdim=4)
nn.MultiheadAttention(12,3,bias=False,add_bias_kv=True,batch_first=True)
nn.LSTM(3,4,2,True,True,0.1,True,2)
nn.GRU(3,4,bias=False)
nn.RNN(3,4,nonlinearity='relu')
nn.RNN(3,4,1,'relu',False,True)
nn.LSTMCell(3,4)
nn.GRUCell(3,4,False)
nn.RNNCell(3,4,nonlinearity='relu')
nn.Transformer(12,3,1,2,8)
nn.TransformerEncoderLayer(12,3,8,0.2,F.gelu,norm_first=True)
nn.TransformerDecoderLayer(12,3,8,activation='gelu')
nn.TransformerEncoder(nn.TransformerEncoderLayer(12,3,8),2)
nn.TransformerDecoder(nn.TransformerDecoderLayer(12,3,8),2,nn.LayerNorm(12))
nn.ReLU(True)
nn.GELU('tanh')
nn.SiLU(inplace=True)
nn.LeakyReLU(0.2)
nn.ELU(0.5)
nn.Softplus(2,10)
nn.Hardtanh(-2,2)
nn.ReLU6()
nn.Threshold(0.1,20)
nn.PReLU(3)
nn.Softmax(-1)
nn.LogSoftmax(1)
nn.GLU(1)
nn.Dropout(0.3,True)
nn.Dropout2d(0.3)
nn.AlphaDropout(0.3)
nn.MaxPool1d(3,2,1)
nn.MaxPool2d((3,2),return_indices=True,ceil_mode=True)
nn.AvgPool2d(2,count_include_pad=False)
nn.AvgPool1d(2)
nn.AdaptiveAvgPool2d((1,None))
nn.AdaptiveMaxPool1d(3)
nn.LPPool2d(2,3)
nn.Upsample(scale_factor=2,mode='bilinear',align_corners=True)
nn.UpsamplingNearest2d(scale_factor=2)
nn.UpsamplingBilinear2d(size=4)
nn.Flatten()
nn.Unflatten(1,(2,2))
nn.ChannelShuffle(2)
nn.ZeroPad2d((1,2,3,4))
nn.ConstantPad1d(2,3.5)
nn.ReflectionPad1d(2)
nn.PixelShuffle(2)
nn.PixelUnshuffle(3)
nn.Unfold(3,1,2,3)
nn.Fold((4,5),2,stride=2)
nn.CrossEntropyLoss(ignore_index=-1,label_smoothing=0.1)
nn.MSELoss(reduction='none')
nn.BCEWithLogitsLoss(pos_weight=torch.ones(3))
nn.NLLLoss(weight=torch.ones(3))
nn.CosineSimilarity(1)
nn.SmoothL1Loss(beta=2.0)
nn.CTCLoss(blank=2)
nn.Sequential(nn.ReLU())
nn.ModuleList([nn.ReLU()])
nn.ModuleDict({'a':nn.ReLU()})
nn.Softmax2d()
nn.Tanh()
nn.AdaptiveLogSoftmaxWithLoss(8,20,[5,10])
nn.PairwiseDistance()
nn.Mish()
nn.Hardswish()
nn.Softshrink(0.3)
nn.Hardshrink(0.3)
nn.CELU(0.3)
nn.RReLU()
nn.LogSigmoid()
nn.Tanhshrink()
nn.Softsign()
nn.Softmin(1)
nn.MaxUnpool2d(2)
nn.CircularPad2d(1)
nn.ReplicationPad3d(1)
nn.ParameterList()
nn.ParameterDict()
nn.ConvTranspose3d(4, 6, 3)
nn.InstanceNorm1d(4)
nn.CircularPad1d(1)
"""


def attributes() -> dict[str, list[str]]:
    """What `hasattr` finds at each layer, without the names that every module has, which stand under `nn.Module()`."""
    names: dict[str, Any] = {}
    exec("import torch\nfrom torch import nn\nimport torch.nn.functional as F", names)  # noqa: S102 - as in a program
    found = {line: dir(eval(line, names)) for line in LAYERS.strip().splitlines()}  # noqa: S307 - the layers written above
    common = set(found["nn.Module()"])
    return {
        line: sorted(
            name for name in held if not name.startswith("__") and (line == "nn.Module()" or name not in common)
        )
        for line, held in found.items()
    }


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
    found = attributes()
    rows = ",\n".join(f"{json.dumps(line)}: {json.dumps(names)}" for line, names in found.items())
    ATTRIBUTES.write_text("{\n" + rows + "\n}\n", encoding="utf-8")
    print(f"{len(found)} layers in {ATTRIBUTES.name}")
