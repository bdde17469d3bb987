"""A pass that is not understood is repeated with what the code states and asks for: shapes in its documentation, parameters and sizes in its refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.settings import Settings

CONFIGURATION = """from transformers import PretrainedConfig
class OwnConfig(PretrainedConfig):
    model_type = "own"
    def __init__(self, bins=6, length=10, image_size=8, num_channels=3, width=4, **kwargs):
        self.bins, self.length, self.image_size, self.num_channels, self.width = bins, length, image_size, num_channels, width
        super().__init__(**kwargs)
"""


def traced(folder: Path, init: str, forward: str) -> dict[str, Any]:
    """The pass of a model whose `__init__` and `forward` are given, two of everything and five tokens."""
    lines = "".join(f"        {line}\n" for line in init.splitlines())
    (folder / "modeling_own.py").write_text(
        "import torch\nfrom torch import nn\nfrom transformers import PreTrainedModel\nfrom .configuration_own import OwnConfig\n"
        "class OwnModel(PreTrainedModel):\n    config_class = OwnConfig\n    def __init__(self, config):\n        super().__init__(config)\n"
        f"{lines}        self.post_init()\n{forward}",
        encoding="utf-8",
    )
    (folder / "configuration_own.py").write_text(CONFIGURATION, encoding="utf-8")
    auto_map = {"AutoConfig": "configuration_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}
    values = {"model_type": "own", "architectures": ["OwnModel"], "auto_map": auto_map}
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return pipeline.trace(str(folder), batch=2, seq=5, settings=Settings(offline=True))


@pytest.mark.parametrize("rest", ["", ", **kwargs", ", return_dict=None"])
def test_a_model_that_takes_only_an_image_is_given_one(tmp_path: Path, rest: str) -> None:
    found = traced(
        tmp_path,
        "self.p = nn.Conv2d(3, 4, 2, 2)",
        f"    def forward(self, pixel_values{rest}):\n        return self.p(pixel_values)\n",
    )
    assert found["gaps"] == []
    assert [call["out"] for call in found["calls"] if call["module"] == "p"] == [[2, 4, 4, 4]]


def test_documentation_states_the_shape_of_an_input(tmp_path: Path) -> None:
    forward = '''    def forward(self, spectrum):
        """
        Args:
            spectrum (`torch.FloatTensor` of shape `(batch_size, length, 2 * config.bins)`):
                What was heard.
        """
        return self.p(spectrum)
'''
    found = traced(tmp_path, "self.p = nn.Linear(12, 4)", forward)
    assert (found["gaps"], [call["in"] for call in found["calls"] if call["module"] == "p"]) == ([], [[[2, 10, 12]]])


def test_a_stated_size_that_is_not_known_is_not_guessed(tmp_path: Path) -> None:
    forward = '''    def forward(self, spectrum):
        """
        Args:
            spectrum (`torch.FloatTensor` of shape `(batch_size, how_many, 12)`): What was heard.
        """
        return self.p(spectrum)
'''
    found = traced(tmp_path, "self.p = nn.Linear(12, 4)", forward)
    assert "spectrum" in found["gaps"][0]["reason"]


@pytest.mark.parametrize(
    "lacks",
    [
        "if bbox is None:\n            raise ValueError('You have to specify bbox')",
        "assert bbox is not None, 'Bbox is required'",
        "bbox = bbox.float()",
    ],
)
def test_what_a_refusal_names_is_given(tmp_path: Path, lacks: str) -> None:
    forward = f"    def forward(self, input_ids, bbox=None):\n        {lacks}\n        return self.e(input_ids) + self.p(bbox.float())\n"
    found = traced(tmp_path, "self.e = nn.Embedding(9, 4)\nself.p = nn.Linear(4, 4)", forward)
    assert found["gaps"] == []
    assert [call["out"] for call in found["calls"] if call["module"] == "p"] == [[2, 5, 4]]


def test_sound_has_as_many_bins_as_a_layer_refuses_to_do_without(tmp_path: Path) -> None:
    forward = "    main_input_name = 'input_features'\n    def forward(self, input_features):\n        return self.p(input_features)\n"
    found = traced(tmp_path, "self.p = nn.Linear(37, 4)", forward)
    assert found["gaps"] == []
    assert [call["in"][0][-1] for call in found["calls"] if call["module"] == "p"] == [37]


def test_a_refusal_states_a_shape(tmp_path: Path) -> None:
    forward = """    main_input_name = "pixel_values"
    def forward(self, pixel_values):
        if pixel_values.ndim != 5:
            raise ValueError("Input must be of shape (batch_size, 2, num_channels, height, width)")
        return self.p(pixel_values.flatten(0, 1))
"""
    found = traced(tmp_path, "self.p = nn.Conv2d(3, 4, 2, 2)", forward)
    assert (found["gaps"], found["calls"][-1]["out"]) == ([], [4, 4, 4, 4])


def test_what_a_failed_pass_left_on_a_module_does_not_mislead_the_next(tmp_path: Path) -> None:
    forward = """    def forward(self, input_ids, bbox=None):
        seen = bbox.shape[0]
        if self.seen is None or self.seen != seen:
            self.seen = seen
        return self.e(input_ids)
"""
    assert traced(tmp_path, "self.e = nn.Embedding(9, 4)\nself.seen = None", forward)["gaps"] == []


def test_a_pass_that_no_other_input_mends_keeps_its_gap(tmp_path: Path) -> None:
    forward = "    def forward(self, input_ids):\n        return torch.strange(self.e(input_ids))\n"
    found = traced(tmp_path, "self.e = nn.Embedding(9, 4)", forward)
    assert [gap["at"].rpartition(":")[2] for gap in found["gaps"]] == ["12"]


def test_whole_numbers_that_the_code_averages_are_given_as_fractions(tmp_path: Path) -> None:
    forward = '''    def forward(self, input_ids, bbox=None):
        """
        Args:
            bbox (`torch.LongTensor` of shape `(batch_size, sequence_length, 4)`):
                Where the words stand.
        """
        if bbox is None:
            raise ValueError("Bbox is required")
        return self.p(bbox.mean(dim=1))
'''
    found = traced(tmp_path, "self.p = nn.Linear(4, 4)", forward)
    assert (found["gaps"], [call["in"] for call in found["calls"] if call["module"] == "p"]) == ([], [[[2, 4]]])


def test_a_tensor_of_which_nothing_is_stated_is_given_in_the_size_that_a_refusal_asks_for(tmp_path: Path) -> None:
    forward = """    def forward(self, state: torch.FloatTensor, goal_embeds: torch.Tensor, session: object = None):
        return self.p(state) + self.q(goal_embeds).mean(1)
"""
    found = traced(tmp_path, "self.p, self.q = nn.Linear(5, 4), nn.Linear(9, 4)", forward)
    given = {call["module"]: call["in"] for call in found["calls"] if call["module"]}
    assert (found["gaps"], given) == ([], {"p": [[2, 5]], "q": [[2, 5, 9]]})


def test_what_is_no_tensor_is_not_made_up(tmp_path: Path) -> None:
    forward = "    def forward(self, session: object):\n        return self.p(session.state)\n"
    found = traced(tmp_path, "self.p = nn.Linear(7, 4)", forward)
    assert "missing a required argument: 'session'" in found["gaps"][0]["reason"]


def test_an_input_is_tried_with_the_rank_that_documentation_states(tmp_path: Path) -> None:
    forward = '''    def forward(self, input_values):
        """
        Args:
            input_values (`torch.FloatTensor` of shape `(batch_size, 1, sequence_length)`):
                A wave.
        """
        batch, channels, length = input_values.shape
        return self.p(input_values)
'''
    found = traced(tmp_path, "self.p = nn.Conv1d(1, 4, 2)", forward)
    shape = next(call["in"][0] for call in found["calls"] if call["module"] == "p")
    assert (found["gaps"], shape[:2]) == ([], [2, 1])
