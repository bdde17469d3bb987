"""What passes leave on modules for the next one counts as kept; tables and what nobody reads do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from archviz import pipeline
from archviz.interpreter.trace import cached_passes
from archviz.interpreter.values import ModuleInstance, Tensor
from archviz.numbers.memory import Memory
from archviz.numbers.memory_text import memory_text
from archviz.settings import Settings
from tests.interpreter.programs import MODEL_HEADER, interpreter

CLASS = """
class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.state = None
        self.seen = None
        self.table = None
        self.tails = [None]

    def forward(self, x):
        if self.table is None:
            self.table = torch.arange(8.0)
        x = x * self.table
        if self.state is not None:
            x = x + self.state + self.tails[0]
        self.state = x[:, -1:]
        self.tails[0] = 2 * self.state
        self.seen = x
        return x

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 8)
        self.layers = nn.ModuleList([Mixer(), Mixer()])

    def forward(self, input_ids):
        x = self.embed(input_ids)
        for layer in self.layers:
            x = layer(x)
        return x

result = Model()
"""


def kept(decode: bool) -> tuple[list[dict[str, Any]], ModuleInstance]:
    interp = interpreter(MODEL_HEADER + CLASS)
    model = interp.find_module("program").lookup("result")  # type: ignore[union-attr]
    _, gaps, layers = cached_passes(interp, model, {"input_ids": Tensor((2, 5), "int64")}, 2, decode=decode)
    assert not gaps
    rows = [
        {
            "index": each.index,
            "module": each.module,
            **{name: tuple(held.shape or ()) for name, held in each.tensors.items()},
        }
        for each in layers
    ]
    return rows, model


def test_a_state_is_what_one_pass_sets_and_the_next_one_reads() -> None:
    rows, _ = kept(decode=True)
    assert rows == [
        {"index": n, "module": f"layers.{n}", "state": (2, 1, 8), "tails.0": (2, 1, 8)} for n in range(2)
    ]  # fmt: skip


def test_the_passes_leave_the_model_as_it_was() -> None:
    _, model = kept(decode=True)
    assert model.modules["layers"].modules["0"].attrs["state"] is None


def recurrent_gemma(folder: Path) -> Memory:
    config = {
        "model_type": "recurrent_gemma", "num_hidden_layers": 3, "hidden_size": 32, "lru_width": 48, "vocab_size": 40, "intermediate_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 8, "attention_window_size": 128,
    }  # fmt: skip
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return pipeline.measure(str(path), [64, 4096], settings=Settings(offline=True)).memory


def test_states_on_modules_stand_beside_a_cache_that_is_made_and_not_returned(tmp_path: Path) -> None:
    found = recurrent_gemma(tmp_path)
    assert found.missing is None
    assert [(kind.layers, [each.name for each in kind.kept]) for kind in found.kinds] == [
        ([0, 1], ["conv1d_state", "recurrent_states"]),
        ([2], ["keys", "values"]),
    ]
    for need, tokens in zip(found.contexts, (64, 128), strict=True):
        assert need.state == 2 * (
            48 * 3 * 2 + 48 * 4
        )  # three inputs of the convolution in bf16, the recurrence in fp32
        assert need.cache == tokens * 2 * 8 * 2
    assert "nothing" not in memory_text(found)
