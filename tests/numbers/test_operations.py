"""Operations and kept tensors of models with an encoder, latents, tables that are looked up, or an image: counted by hand."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from archviz import pipeline
from archviz.architecture.model import Architecture, LayerKind
from archviz.cli import main
from archviz.interpreter.caches import CachedPass, Weight
from archviz.interpreter.events import Events
from archviz.interpreter.reading import Event, ValueRef
from archviz.measures import curve_of
from archviz.numbers.memory import Memory
from archviz.numbers.memory_text import memory_data, memory_text, operations_text
from archviz.numbers.multiplied import met_weights, products_by_module
from archviz.numbers.sizes import size_text
from archviz.settings import Settings


def measured(folder: Path, contexts: list[int], source: int | None = None, **config: object) -> Memory:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return pipeline.measure(str(path), contexts, source_tokens=source, settings=Settings(offline=True)).memory


GPT2 = {"model_type": "gpt2", "n_layer": 2, "n_embd": 16, "n_head": 2, "vocab_size": 50, "n_positions": 600}


def test_a_table_of_positions_is_looked_up_not_multiplied(tmp_path: Path) -> None:
    found = measured(tmp_path, [1, 100], **GPT2)
    block = 2 * 2 * 16 + 16 * 48 + 48 + 16 * 16 + 16 + 16 * 64 + 64 + 64 * 16 + 16
    met = 2 * block + 2 * 16 + 50 * 16  # layers, the last norm, the tied head
    assert [each.decode for each in found.contexts] == [2 * met + 2 * 2 * 16 * 2 * n for n in (1, 100)]


T5 = {
    "model_type": "t5", "d_model": 16, "d_kv": 4, "num_heads": 4, "d_ff": 32, "num_layers": 3, "num_decoder_layers": 2,
    "vocab_size": 40, "relative_attention_num_buckets": 8,
}  # fmt: skip


def test_decoding_does_not_run_the_encoder_again(tmp_path: Path) -> None:
    found = measured(tmp_path, [1, 10], source=7, **T5)
    layer = 4 * 16 * 16 + 2 * 16 * 16 + 2 * 16 * 32 + 3 * 16  # keys and values of the source are kept
    met = 2 * layer + 16 + 40 * 16
    assert [each.decode for each in found.contexts] == [2 * met + 2 * 2 * 2 * 16 * (n + 7) for n in (1, 10)]
    encoder = 3 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * 2 * 16 * 16
    assert found.operations.once(7) == 2 * 7 * encoder + 3 * 4 * 7 * 7 * 16
    assert memory_data(found)["contexts"][0]["flops_source"] == found.operations.once(7)  # type: ignore[index]


def test_cross_attention_keeps_an_entry_for_each_token_of_the_source(tmp_path: Path) -> None:
    found = measured(tmp_path, [10], **T5)
    assert {(kept.slot, kept.constant) for kind in found.kinds if kind.part == "cross" for kept in kind.kept} == {
        (16, 0)
    }
    assert found.contexts[0].source == 10
    assert found.contexts[0].cross == 2 * 2 * 16 * 2 * 10
    assert found.need(10).reserved == 2 * 2 * 16 * 2 * (16 + 10)
    assert "source: as many tokens as the context" in memory_text(found)
    assert f"kept: {size_text(4 * 2 * 16 * 2 * 10)}" in curve_of(found).description
    asked = measured(tmp_path, [10], source=3, **T5)
    assert asked.contexts[0].cross == 2 * 2 * 16 * 2 * 3
    assert "source: 3 tokens, as asked for" in memory_text(asked)


def test_a_source_of_fixed_length_is_said_and_counted(tmp_path: Path) -> None:
    found = measured(
        tmp_path, [5], architectures=["WhisperForConditionalGeneration"], model_type="whisper", d_model=16, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, vocab_size=60, num_mel_bins=8, max_source_positions=50,
        max_target_positions=40, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    assert found.source is not None
    assert found.source.fixed == 50
    assert found.contexts[0].cross == 2 * 2 * 50 * 16 * 2
    assert "1,600 for the 100 tokens" not in memory_text(found)
    assert "for the 50 tokens of the source" in memory_text(found)


def test_latents_that_are_projected_anew_count_at_each_step_and_absorbed_they_do_not(tmp_path: Path) -> None:
    found = measured(
        tmp_path, [1, 1000], model_type="deepseek_v3", num_hidden_layers=2, first_k_dense_replace=2, hidden_size=32, num_attention_heads=4,
        num_key_value_heads=4, q_lora_rank=16, kv_lora_rank=8, qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=5, intermediate_size=64,
        vocab_size=50,
    )  # fmt: skip
    projection, keys = 8 * 4 * (6 + 5), 2 * 4 * (10 + 5)
    one, many = found.contexts
    assert one.decode is not None
    assert many.decode == one.decode + 999 * 2 * (2 * projection + keys)
    assert many.absorbed is not None
    assert one.absorbed is not None
    assert many.absorbed - one.absorbed == 999 * 2 * 2 * 4 * (4 + 8 + 8)
    assert one.prefill == one.decode
    assert many.prefill == one.decode + 2 * keys * 999 // 2
    assert "absorbed" in memory_text(found)


def test_a_chunk_begins_anew_and_a_window_slides_in_a_prefill(tmp_path: Path) -> None:
    shared = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 8, "vocab_size": 50,
    }  # fmt: skip
    moe = {"intermediate_size_mlp": 48, "num_local_experts": 2, "no_rope_layers": [1], "attention_chunk_size": 100}
    for model_type, more, total in (
        ("llama4_text", moe, 5050 + 5050 + 50 * 51 // 2),
        ("mistral", {"sliding_window": 100}, 5050 + 150 * 100),
    ):
        found = measured(tmp_path, [1, 250], model_type=model_type, **shared, **more)
        one, many = found.contexts
        assert one.decode is not None
        assert [each.window for each in found.kinds] == [100]
        assert many.prefill == one.decode - 2 * 2 * 4 * 8 + 2 * 2 * 4 * 8 * total // 250
        assert many.decode == one.decode + 2 * 2 * 4 * 8 * 99


def test_keys_of_an_image_are_kept_beside_those_of_the_text(tmp_path: Path) -> None:
    text = {
        "model_type": "mllama_text_model", "num_hidden_layers": 2, "cross_attention_layers": [1], "hidden_size": 32,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48, "vocab_size": 60, "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "model_type": "mllama_vision_model", "hidden_size": 32, "attention_heads": 4, "num_hidden_layers": 2, "num_global_layers": 1,
        "intermediate_size": 48, "vision_output_dim": 64, "image_size": 56, "patch_size": 14, "intermediate_layers_indices": [1],
        "max_num_tiles": 4,
    }  # fmt: skip
    found = measured(
        tmp_path,
        [10],
        architectures=["MllamaForConditionalGeneration"],
        model_type="mllama",
        text_config=text,
        vision_config=vision,
    )
    assert found.source is not None
    assert found.source.images
    patches = found.source.fixed or 0
    assert patches % 17 == 0  # 16 patches and a class token for each tile
    assert found.contexts[0].cross == 2 * patches * 16 * 2
    assert found.contexts[0].cache == 2 * 10 * 16 * 2
    assert "once for an image" in memory_text(found)


@pytest.mark.parametrize("model", ["transformers:vit", "openai/clip-vit-base-patch32"])
def test_a_model_that_keeps_nothing_says_so_and_is_done(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", model, "--offline", "--context", "16"]) == 0
    said = capsys.readouterr()
    assert "nothing: " in said.out
    assert "not understood" not in said.err


def test_a_pass_of_an_encoder_is_counted_by_its_tokens(tmp_path: Path) -> None:
    found = measured(
        tmp_path, [10, 400], architectures=["BertModel"], model_type="bert", num_hidden_layers=3, hidden_size=32, num_attention_heads=4,
        intermediate_size=48, vocab_size=50, max_position_embeddings=512,
    )  # fmt: skip
    layer, pooler = 4 * 32 * 32 + 2 * 32 * 48, 2 * 32 * 32
    expected = [pooler + 3 * (2 * layer * n + 2 * 2 * 32 * n * n) for n in (10, 400)]
    assert [each["flops"] for each in memory_data(found)["passes"]] == expected  # type: ignore[attr-defined]
    assert f"one pass over 400 tokens: {operations_text(expected[1])} FLOP" in memory_text(found)


def test_a_pass_over_an_image_does_not_depend_on_the_context(tmp_path: Path) -> None:
    found = measured(
        tmp_path, [10, 400], model_type="vit", num_hidden_layers=2, hidden_size=32, num_attention_heads=4, intermediate_size=48, image_size=32,
        patch_size=8,
    )  # fmt: skip
    tokens, layer = 17, 4 * 32 * 32 + 2 * 32 * 48
    patches, pooler = 2 * 16 * 32 * 3 * 8 * 8, 2 * 32 * 32
    assert found.operations.once(400) == patches + 2 * (2 * layer * tokens + 2 * 2 * 32 * tokens**2) + pooler
    assert "one pass, whatever the context: " in memory_text(found)


def test_operations_read_in_the_unit_that_fits() -> None:
    assert [operations_text(each) for each in (28, 1_200, 3_450_000)] == ["28", "1.2 k", "3.45 M"]


def test_of_experts_in_a_list_one_that_runs_stands_for_all() -> None:
    """A pass runs the body of one expert; the share of the chosen ones is taken from all."""
    stack = ["model.layers"]
    layer = LayerKind(
        id="moe", title="MoE", indices=[0], count=1, class_name="Layer", block="b", parameters=4 * 6 + 5, active_parameters=2 * 6 + 5
    )  # fmt: skip
    architecture = cast(
        "Architecture", SimpleNamespace(layers=[SimpleNamespace(path=stack[0], kinds=[layer])], parameters=None)
    )
    names = [f"model.layers.0.moe.experts.{n}.w1.weight" for n in range(4)]
    weights = {-n - 1: Weight(name, 6) for n, name in enumerate(names)} | {
        7: Weight("model.layers.0.moe.gate.weight", 5)
    }
    weights[8] = weights.pop(-1)
    linear = [
        Event(
            place,
            "op",
            "model.layers.0.moe",
            "linear",
            (ValueRef(50, (1, 1)), ValueRef(number, (2, 3))),
            (ValueRef(60 + place, (1, 2)),),
        )
        for place, number in enumerate((7, 8))
    ]
    assert met_weights(architecture, CachedPass(8, [], linear, {}, [], weights)) == 2 * 6 + 5


def test_layers_that_share_a_window_multiply_with_it_too(tmp_path: Path) -> None:
    """Two of four layers read the keys and values of earlier ones, of a window and of the whole context."""
    found = measured(
        tmp_path, [1, 400], model_type="gemma4_text", num_hidden_layers=4, hidden_size=32, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, global_head_dim=16, intermediate_size=48, vocab_size=60, vocab_size_per_layer_input=60, hidden_size_per_layer_input=0,
        num_kv_shared_layers=2, sliding_window=64, layer_types=["sliding_attention", "full_attention"] * 2,
    )  # fmt: skip
    first, last = (each.decode or 0 for each in found.contexts)
    window, whole = 2 * 2 * 4 * 8, 2 * 2 * 4 * 16
    assert last - first == 2 * window * (64 - 1) + 2 * whole * (400 - 1)


def test_layers_that_keep_nothing_of_their_own_do_not_hide_what_others_keep(tmp_path: Path) -> None:
    """Two of four layers share the keys and values of others, and the class documents inputs that a pass without a cache takes."""
    found = measured(
        tmp_path, [400], model_type="gemma4_text", num_hidden_layers=4, hidden_size=32, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, global_head_dim=16, intermediate_size=48, vocab_size=60, vocab_size_per_layer_input=60, hidden_size_per_layer_input=8,
        num_kv_shared_layers=2, sliding_window=64, layer_types=["sliding_attention", "full_attention"] * 2,
    )  # fmt: skip
    assert found.contexts[0].cache == 2 * 2 * 2 * (8 * 64 + 16 * 400)


def test_that_nothing_is_kept_is_not_told_by_a_pass_that_was_asked_for_no_cache(tmp_path: Path) -> None:
    """Without attention layers the official code refuses a cache: what it would keep is not known, and not nothing."""
    found = measured(
        tmp_path, [8], model_type="bamba", num_hidden_layers=1, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, intermediate_size=48,
        vocab_size=60, mamba_n_heads=4, mamba_d_head=16, mamba_n_groups=1, mamba_d_state=16,
    )  # fmt: skip
    assert "get_seq_length" in (found.missing or "")
    assert found.contexts == []


def test_mixers_side_by_side_are_both_named(tmp_path: Path) -> None:
    found = measured(
        tmp_path, [8], model_type="falcon_h1", num_hidden_layers=1, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, intermediate_size=48,
        vocab_size=60, mamba_d_ssm=32, mamba_n_heads=4, mamba_d_head=8, mamba_n_groups=1, mamba_d_state=16,
    )  # fmt: skip
    assert [kind.title for kind in found.kinds] == ["Mamba-2 + Attention"]


@pytest.mark.parametrize(
    ("equation", "left", "right", "out", "each"),
    [
        ("bhqd, bhkd -> bhqk", (2, 8, 5, 64), (2, 8, 7, 64), (2, 8, 5, 7), 64),
        ("bind,bjnd->bnij", (1, 5, 8, 64), (1, 7, 8, 64), (1, 8, 5, 7), 64),
        ("...ij,...jk->...ik", (3, 4, 5, 6), (3, 4, 6, 7), (3, 4, 5, 7), 6),
        ("ij,jk", (5, 6), (6, 7), (5, 7), 6),
    ],
)
def test_an_einsum_adds_up_what_its_result_lacks(
    equation: str, left: tuple[int, ...], right: tuple[int, ...], out: tuple[int, ...], each: int
) -> None:
    """Heads and batch of both sides are no products."""
    events = Events()
    given = (ValueRef(1, left, "float32"), ValueRef(2, right, "float32"))
    made = (ValueRef(3, out, "float32"),)
    events.append(Event(0, "op", "attention", "einsum", given, made, -1, None, {}, False))
    events.passed[0] = ((equation, None, None), {}, None)
    assert products_by_module(events) == {"attention": 2 * prod(out) * each}
