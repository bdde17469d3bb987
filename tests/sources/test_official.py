"""Which configuration a model class is built of.  Digests were made once with PyTorch's meta device, from `AutoModelForCausalLM.from_config` and `Class(config.part)`."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import BadConfigError, UsageError
from archviz.readings import tensors
from archviz.settings import Settings

OFFLINE = Settings(offline=True)


@pytest.mark.parametrize(
    ("model", "built", "digest"),
    [
        ("transformers:qwen3_5", "Qwen3_5ForCausalLM", "12e5ac33acf2cfbe40ed59801e9c3aff9f7aa027"),
        ("transformers:emu3", "Emu3ForCausalLM", "f76aeb86fc3ff4c83e9dc473a2f86c5a394eb0f1"),
        ("transformers:llama4", "Llama4ForCausalLM", "d629ba03269ad626ddb9e266dcc90fddc5c54415"),
    ],
)
def test_a_text_class_takes_the_text_part_of_a_composite_configuration_by_default(
    model: str, built: str, digest: str
) -> None:
    found = tensors(model, settings=OFFLINE)
    assert (found["class"], found["digest"], found["gaps"]) == (built, digest, [])


@pytest.mark.parametrize(
    ("model", "name", "digest"),
    [
        ("transformers:clip", "CLIPVisionModel", "a1704641f3216815feb0d035fa78e8948586adb9"),
        ("transformers:clip", "CLIPTextModel", "5954bd2220db5f25690e09ff6c9cfef64ab6548c"),
        ("transformers:gemma3", "Gemma3ForCausalLM", "4f4df688e62230e46f9c544f8e6a610e7cd8c3bf"),
        (
            "transformers:qwen2_5_omni",
            "Qwen2_5OmniThinkerForConditionalGeneration",
            "37357b3f857116668c5d04b2dfe3a087bcb8816b",
        ),
        ("transformers:musicgen", "MusicgenForCausalLM", "f364795567f8b62533d265737b2d85a433b33a4d"),
    ],
)
def test_a_class_that_is_asked_for_takes_its_own_part_whatever_its_key(model: str, name: str, digest: str) -> None:
    found = tensors(model, class_name=name, settings=OFFLINE)
    assert (found["class"], found["digest"], found["gaps"]) == (name, digest, [])


def test_by_default_no_other_part_is_taken_where_the_official_code_refuses_too() -> None:
    with pytest.raises(BadConfigError, match="'MusicgenConfig' object has no attribute 'dropout'") as refused:
        tensors("transformers:musicgen", settings=OFFLINE)
    assert "MusicgenForConditionalGeneration" in str(refused.value.hint)


def test_a_type_without_a_class_by_default_names_those_that_it_has() -> None:
    with pytest.raises(UsageError, match="no model class") as refused:
        tensors("transformers:qwen2_5_omni", settings=OFFLINE)
    assert "Qwen2_5OmniThinkerForConditionalGeneration" in str(refused.value.hint)


def test_other_faults_of_a_configuration_offer_no_other_class(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"model_type": "llama", "hidden_size": 63, "num_attention_heads": 4}')
    with pytest.raises(BadConfigError) as refused:
        tensors(str(file), settings=OFFLINE)
    assert "--class" not in str(refused.value.hint)


def test_the_keys_of_a_part_are_told_as_the_file_states_them() -> None:
    from archviz.descriptions import describe

    found = describe("Qwen/Qwen3.5-27B", class_name="Qwen3_5ForCausalLM", settings=OFFLINE)
    keys = {each.where for fact in found.facts if fact.key == "layers" for each in fact.evidence}
    assert "text_config.num_hidden_layers" in keys
    assert "vision_layers" not in {fact.key for fact in found.facts}
