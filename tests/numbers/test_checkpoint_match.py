from __future__ import annotations

from functools import lru_cache

from archviz import pipeline
from archviz.interpreter.reading import ModelReading
from archviz.numbers.checkpoint_match import CheckpointMatch, match_checkpoint
from archviz.numbers.stored_names import MODULE, Table, read_table
from archviz.settings import Settings
from archviz.sources.installed import find_transformers_source
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)
Stored = dict[str, tuple[int, ...] | None]


@lru_cache(maxsize=1)
def table() -> Table:
    text = find_transformers_source(MODULE, OFFLINE.limits)
    assert text is not None
    return read_table(text.text)


@lru_cache(maxsize=2)
def reading(model: str) -> ModelReading:
    return pipeline.read(read_model_source(model, OFFLINE))


def stored_of(model: str) -> Stored:
    tensors = reading(model).parameters().values()
    return {each.name: tuple(size or 0 for size in each.shape) for each in tensors}


def match(model: str, stored: Stored) -> CheckpointMatch:
    return match_checkpoint(reading(model), stored, table(), model.partition("transformers:")[2] or None)


def test_a_checkpoint_of_the_models_own_names_is_whole() -> None:
    found = match("Qwen/Qwen3-0.6B", stored_of("Qwen/Qwen3-0.6B"))
    assert found.is_whole
    assert (found.missing, found.extra, found.shapes, found.again) == ([], [], [], [])


def test_experts_that_are_stored_one_by_one_are_whole() -> None:
    model = "transformers:qwen3_moe"
    stored: Stored = {}
    for name, shape in stored_of(model).items():
        stem, _, last = name.rpartition(".")
        if last not in ("gate_up_proj", "down_proj") or shape is None:
            stored[name] = shape
            continue
        for expert in range(shape[0]):
            for part in ("gate_proj", "up_proj") if last == "gate_up_proj" else ("down_proj",):
                stored[f"{stem}.{expert}.{part}.weight"] = None
    found = match(model, stored)
    assert found.is_whole
    assert found.matched == len(stored)


def test_what_is_missing_more_or_of_another_shape_is_listed() -> None:
    stored = stored_of("Qwen/Qwen3-0.6B")
    del stored["model.layers.0.mlp.up_proj.weight"], stored["model.layers.1.mlp.up_proj.weight"]
    stored["model.norm.weight"] = (7,)
    stored["model.strange.weight"] = (2, 3)
    found = match("Qwen/Qwen3-0.6B", stored)
    assert not found.is_whole
    assert [(g.pattern, g.count, g.elements, g.why) for g in found.missing] == [
        ("model.layers.*.mlp.up_proj.weight", 2, 2 * 1024 * 3072, "")
    ]
    assert [(g.pattern, g.elements, g.why) for g in found.extra] == [("model.strange.weight", 6, "")]
    assert found.shapes == ["model.norm.weight: stored [7], built [1024]"]


def test_what_is_stored_besides_is_explained() -> None:
    stored = stored_of("Qwen/Qwen3-0.6B") | {
        "lm_head.weight": (151936, 1024), "model.layers.28.self_attn.q_proj.weight": (2048, 1024), "mtp.norm.weight": (1024,),
        "model.layers.0.mlp.up_proj.weight_scale_inv": (24, 8), "model.rotary_emb.inv_freq_old": None, "model.layers.0.self_attn.attn.bias": None,
    }  # fmt: skip
    found = match("Qwen/Qwen3-0.6B", stored)
    assert found.again == ["lm_head.weight"]
    assert {g.pattern: g.why for g in found.extra} == {
        "model.layers.*.self_attn.q_proj.weight": "a layer beyond those that are built",
        "mtp.norm.weight": "a layer that predicts further tokens",
        "model.layers.*.mlp.up_proj.weight_scale_inv": "quantisation: scales or packed weights",
        "model.rotary_emb.inv_freq_old": "",
        "model.layers.*.self_attn.attn.bias": "a buffer that older code stored",
    }


def test_names_alone_are_enough() -> None:
    assert match(
        "openai-community/gpt2", {n.removeprefix("transformer."): None for n in stored_of("openai-community/gpt2")}
    ).is_whole


def test_the_headers_tell_the_way_from_the_codes_count_to_what_is_stored() -> None:
    stored = stored_of("Qwen/Qwen3-0.6B") | {"lm_head.weight": (151936, 1024), "mtp.norm.weight": (1024,)}
    del stored["model.layers.0.mlp.up_proj.weight"]
    stored["model.layers.1.mlp.up_proj.weight"] = (3072, 512)
    found = match("Qwen/Qwen3-0.6B", stored)
    assert [(step.key, step.count, step.status) for step in found.steps] == [
        ("extra", 1024, "verified"), ("tied", 151936 * 1024, "verified"), ("missing", -3072 * 1024, "verified"), ("packed", -3072 * 512, "verified"),
    ]  # fmt: skip
    code = sum(tensor.numel for tensor in reading("Qwen/Qwen3-0.6B").parameters().values())
    assert found.total == code + sum(step.count for step in found.steps)


def test_where_only_names_are_known_there_are_no_steps() -> None:
    found = match("Qwen/Qwen3-0.6B", dict.fromkeys(stored_of("Qwen/Qwen3-0.6B")))
    assert (found.total, found.steps) == (None, [])
