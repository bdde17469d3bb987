from __future__ import annotations

import pytest

from archviz.numbers.stored_names import MODULE, Table, Transform, module_names, read_table
from archviz.settings import Settings
from archviz.sources.installed import find_transformers_source

TABLE = r"""
_MODEL_TO_CONVERSION_PATTERN = {"cousin": "moe"}
def build():
    mapping = {
        "moe": [
            WeightRenaming(".block_sparse_moe.", ".mlp."),
            WeightConverter(
                source_patterns=["mlp.experts.*.w1.weight", "mlp.experts.*.w3.weight"],
                target_patterns="mlp.experts.gate_up_proj", operations=[MergeModulelist(dim=0), Concatenate(dim=1)],
            ),
        ],
        "inner": [PrefixChange(prefix_to_remove="language_model", model_prefix="model")],
        "odd": make(),
    }
    mapping["fused"] = [
        WeightConverter(source_patterns=r"\.attn\.qkv\.", target_patterns=[r"\.attn\.q\.", r"\.attn\.k\."], operations=[Chunk(dim=0)]),
        WeightRenaming(r"(h|layers)\.ln\.", r"\1.norm."),
    ]
    mapping["legacy"] = [WeightRenaming(r"LayerNorm\.gamma$", "LayerNorm.weight")]
"""


def goals(name: str, key: str, known: frozenset[str] = frozenset(), base: str = "") -> list[str]:
    return module_names(name, read_table(TABLE).of([("", "Model", key)]), known, base)


def test_experts_of_a_list_go_to_one_tensor() -> None:
    assert goals("layers.0.block_sparse_moe.experts.7.w3.weight", "moe") == ["layers.0.mlp.experts.gate_up_proj"]
    assert goals("layers.0.block_sparse_moe.gate.weight", "cousin") == ["layers.0.mlp.gate.weight"]


def test_a_tensor_may_go_to_several() -> None:
    assert goals("layers.0.attn.qkv.weight", "fused") == ["layers.0.attn.q.weight", "layers.0.attn.k.weight"]


def test_prefixes_are_taken_away_and_groups_kept() -> None:
    assert goals("model.language_model.norm.weight", "inner") == ["model.norm.weight"]
    assert goals("layers.ln.weight", "fused") == ["layers.norm.weight"]
    assert goals("x.LayerNorm.gamma", "nothing") == ["x.LayerNorm.weight"]


def test_the_base_models_prefix_is_added_or_taken_away_where_that_makes_a_name() -> None:
    known = frozenset({"transformer.h.0.weight", "score.weight"})
    assert goals("h.0.weight", "none", known, "transformer") == ["transformer.h.0.weight"]
    assert goals("transformer.score.weight", "none", known, "transformer") == ["score.weight"]
    assert goals("other.weight", "none", known, "transformer") == ["other.weight"]


def test_transforms_of_a_model_inside_are_for_its_names_only() -> None:
    table = Table({"Inner": (Transform(("^ln",), ("norm",)),)})
    transforms = table.of([("", "Outer", None), ("model.vision", "Inner", None), ("model.vision.deep", "Inner", None)])
    assert len(transforms) == 1
    assert module_names("model.vision.ln.weight", transforms, frozenset(), "model") == ["model.vision.norm.weight"]
    assert module_names("ln.weight", transforms, frozenset(), "model") == ["ln.weight"]


def test_the_installed_table_is_read_as_text() -> None:
    text = find_transformers_source(MODULE, Settings().limits)
    assert text is not None
    table = read_table(text.text)
    assert len(table.entries) > 150
    found = module_names(
        "model.layers.3.mlp.experts.5.up_proj.weight",
        table.of([("", "Qwen3MoeForCausalLM", "qwen3_moe")]),
        frozenset(),
        "model",
    )
    assert found == ["model.layers.3.mlp.experts.gate_up_proj"]


@pytest.mark.parametrize("text", ["", "mapping = 3", "mapping = {1: [f(2)], 'a': [WeightRenaming(x, y)]}"])
def test_a_table_that_is_none_is_empty(text: str) -> None:
    assert sum(len(each) for each in read_table(text).entries.values()) == 0
