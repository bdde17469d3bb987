"""What code finds when it asks a layer for its arguments: names and values as PyTorch's own layers have them."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.control import RaisedError
from tests.interpreter.programs import MODEL_HEADER, interpreter, model, shapes


def layer_of(text: str) -> Any:
    interp = interpreter(f"{MODEL_HEADER}def make():\n    return {text}\n")
    return interp, interp.call(interp.import_name("program", "make", None), [], {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nn.Embedding(5, 4, -1, sparse=True)", {"padding_idx": 4, "max_norm": None, "norm_type": 2.0, "sparse": True}),
        ("nn.EmbeddingBag(5, 4, mode='sum')", {"mode": "sum", "include_last_offset": False, "padding_idx": None}),
        ("nn.BatchNorm1d(4, track_running_stats=False)", {"track_running_stats": False, "running_mean": None}),
        ("nn.InstanceNorm2d(4)", {"affine": False, "track_running_stats": False, "num_batches_tracked": None}),
        ("nn.LeakyReLU(0.2)", {"negative_slope": 0.2, "inplace": False}),
        ("nn.GELU('tanh')", {"approximate": "tanh"}),
        ("nn.Dropout(0.3, True)", {"p": 0.3, "inplace": True}),
        ("nn.MaxPool2d((3, 2))", {"stride": (3, 2), "dilation": 1}),
        ("nn.AvgPool1d(2)", {"kernel_size": (2,), "stride": (2,), "padding": (0,)}),
        ("nn.UpsamplingBilinear2d(size=4)", {"mode": "bilinear", "align_corners": True, "scale_factor": None}),
        ("nn.PixelShuffle(2)", {"upscale_factor": 2}),
        ("nn.Fold((4, 5), 2, stride=2)", {"output_size": (4, 5), "stride": 2, "dilation": 1}),
        ("nn.CrossEntropyLoss(ignore_index=-1)", {"ignore_index": -1, "label_smoothing": 0.0, "weight": None}),
        ("nn.MultiheadAttention(12, 3, bias=False, kdim=4)", {"kdim": 4, "vdim": 12, "in_proj_bias": None}),
        ("nn.LSTM(3, 4, dropout=0.1)", {"mode": "LSTM", "bias": True, "dropout": 0.1}),
        ("nn.RNN(3, 4, 1, 'relu', False, True)", {"mode": "RNN_RELU", "bias": False, "batch_first": True}),
        ("nn.GRUCell(3, 4, False)", {"bias": False, "bias_ih": None}),
    ],
)
def test_a_layer_keeps_its_arguments(text: str, expected: dict[str, Any]) -> None:
    interp, layer = layer_of(text)
    found = {name: interp.find_attribute(layer, name) for name in expected}
    assert MISSING not in found.values()
    assert found == expected


def test_a_nonlinearity_by_place_is_no_bias() -> None:
    found = model(
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.r = nn.RNN(3, 4, 1, 'relu', False)\n"
    )
    assert shapes(found) == {"r.weight_ih_l0": [4, 3], "r.weight_hh_l0": [4, 4]}


def test_a_weight_of_a_loss_is_stored() -> None:
    _, loss = layer_of("nn.BCEWithLogitsLoss(pos_weight=torch.ones(3))")
    assert loss.buffers["pos_weight"].shape == (3,)
    assert loss.buffers["weight"] is None


@pytest.mark.parametrize("text", ["nn.ReLU(size=3)", "nn.GroupNorm(3, 4)", "nn.MultiheadAttention(10, 3)"])
def test_arguments_that_torch_refuses_are_refused(text: str) -> None:
    source = f"class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = {text}\n"
    try:
        told = model(source).gaps
    except RaisedError as error:
        told = [error]  # type: ignore[list-item]
    assert told
