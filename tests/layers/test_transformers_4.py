"""Names of transformers 4.x as old code uses them: configurations, ties, RoPE functions and masks."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.values import Tensor
from archviz.sources.custom_code import ROOT, CustomCode

HEAD = """
import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.configuration_utils import PretrainedConfig
from transformers.masking_utils import create_causal_mask
from transformers.modeling_attn_mask_utils import _prepare_4d_causal_attention_mask
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

class OldConfig(PretrainedConfig):
    model_type = "old"
    attribute_map = {"width": "hidden_size"}
    def __init__(self, hidden_size=16, num_attention_heads=2, rope_theta=1e4, rope_scaling=None, **kwargs):
        self.hidden_size = hidden_size
        self.num_attention_heads = num_attention_heads
        self.rope_theta = rope_theta
        self.rope_scaling = rope_scaling
        super().__init__(**kwargs)

class Old(PreTrainedModel):
    config_class = OldConfig
    base_model_prefix = "inner"
    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(10, config.hidden_size)
        self.lm_head = nn.Linear(config.hidden_size, 10)
        self.post_init()
"""


def value_of(folder: Path, expression: str) -> Any:
    """The value of an expression at the end of a file of old code."""
    (folder / "old.py").write_text(textwrap.dedent(HEAD) + f"\nanswer = {expression}\n")
    interp = pipeline.new_interpreter(code=CustomCode(folder, {}))
    with deep_recursion():
        return interp.import_name(f"{ROOT}.old", "answer", None)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("OldConfig().tie_word_embeddings", True),
        ("OldConfig(tie_word_embeddings=False).tie_word_embeddings", False),
        ("OldConfig(anything=7).anything", 7),
        ("OldConfig(num_labels=5).num_labels", 5),
        ("OldConfig(id2label={'0': 'a', '1': 'b', '2': 'c'}).num_labels", 3),
        ("(OldConfig(hidden_size=8).width, OldConfig.from_dict({'width': 4}).hidden_size)", (8, 4)),
        ("OldConfig(rope_scaling={'type': 'linear', 'factor': 2.0}).rope_scaling['factor']", 2.0),
        ("OldConfig().rope_scaling", None),
        ("(OldConfig().use_return_dict, OldConfig().top_k, OldConfig().pruned_heads)", (True, 50, {})),
        ("OldConfig(torch_dtype='float16').to_dict()['model_type']", "old"),
    ],
)
def test_a_configuration_has_the_attributes_and_defaults_of_release_4(
    expression: str, expected: Any, tmp_path: Path
) -> None:
    assert value_of(tmp_path, expression) == expected


@pytest.mark.parametrize(("stated", "tied"), [("", True), ("tie_word_embeddings=False", False)])
def test_embeddings_are_tied_where_the_configuration_says_so_or_nothing(
    stated: str, tied: bool, tmp_path: Path
) -> None:
    model = value_of(tmp_path, f"Old(OldConfig({stated}))")
    weights = [model.modules[name].parameters["weight"] for name in ("embed_tokens", "lm_head")]
    assert (weights[0] is weights[1]) == tied


@pytest.mark.parametrize(
    ("kind", "stated"),
    [
        ("default", ""),
        ("linear", "rope_scaling={'type': 'linear', 'factor': 2.0}"),
        ("dynamic", "rope_scaling={'type': 'dynamic', 'factor': 2.0}, max_position_embeddings=64"),
        ("yarn", "rope_scaling={'type': 'yarn', 'factor': 2.0}, max_position_embeddings=64"),
    ],
)
def test_a_kind_of_rope_gives_a_frequency_for_each_pair_of_dimensions(kind: str, stated: str, tmp_path: Path) -> None:
    frequencies = value_of(tmp_path, f"ROPE_INIT_FUNCTIONS['{kind}'](OldConfig({stated}), 'cpu')[0]")
    assert tuple(frequencies.shape) == (4,)


@pytest.mark.parametrize(
    "expression",
    [
        "_prepare_4d_causal_attention_mask(None, (2, 5), torch.zeros(2, 5, 16), 0)",
        (
            "create_causal_mask(config=OldConfig(attn_implementation='eager'), input_embeds=torch.zeros(2, 5, 16), attention_mask=None, "
            "cache_position=torch.arange(5), past_key_values=None)"
        ),
    ],
)
def test_a_causal_mask_is_of_queries_and_keys(expression: str, tmp_path: Path) -> None:
    mask = value_of(tmp_path, expression)
    assert isinstance(mask, Tensor)
    assert tuple(mask.shape or ()) == (2, 1, 5, 5)


@pytest.mark.parametrize(("decoder", "shape"), [(True, (2, 1, 5, 5)), (False, (2, 1, 1, 5))])
def test_a_padding_mask_is_widened_over_heads(decoder: bool, shape: tuple[int, ...], tmp_path: Path) -> None:
    model = f"Old(OldConfig(is_decoder={decoder}))"
    mask = value_of(tmp_path, f"{model}.get_extended_attention_mask(torch.ones(2, 5), (2, 5))")
    assert tuple(mask.shape) == shape
