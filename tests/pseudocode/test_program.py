from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from archviz.pseudocode.program import Pseudocode, write_pseudocode
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)


@cache
def program(model: str) -> Pseudocode:
    return write_pseudocode(read_model_source(model, OFFLINE), settings=OFFLINE)


def body(model: str, name: str) -> str:
    """The text of a class or function."""
    tree = ast.parse(program(model).text)
    node = next(n for n in tree.body if getattr(n, "name", None) == name)
    return "\n".join(program(model).text.splitlines()[node.lineno - 1 : node.end_lineno])  # type: ignore[attr-defined]


def test_a_model_is_valid_python_that_builds_and_runs() -> None:
    found = program("Qwen/Qwen3-0.6B")
    assert found.remarks == []
    assert found.symbolic
    tree = ast.parse(found.text)
    assert {"build", "run", "Qwen3ForCausalLM", "Qwen3Attention", "apply_rotary_pos_emb"} <= {
        getattr(n, "name", "") for n in tree.body
    }
    assert "model.lm_head.weight = model.model.embed_tokens.weight" in body("Qwen/Qwen3-0.6B", "build")


def test_statements_have_the_names_of_the_source_and_shapes_in_batch_and_tokens() -> None:
    text = body("Qwen/Qwen3-0.6B", "Qwen3Attention")
    assert (
        "query_states = self.q_norm(self.q_proj(hidden_states).view((B, T, -1, 128))).transpose(1, 2)  # [B, 16, T, 128]"
        in text
    )
    assert "self.q_proj = nn.Linear(1024, 2048, bias=False)" in text


def test_equal_layers_are_one_class_and_one_loop() -> None:
    text = body("Qwen/Qwen3-0.6B", "Qwen3Model")
    assert "nn.ModuleList(Qwen3DecoderLayer() for _ in range(28))" in text
    assert re.search(r"for i in range\(28\):\n +hidden_states\w* = self.layers\[i\]\(hidden_states", text)
    assert len([c for c in program("Qwen/Qwen3-0.6B").classes if c.name.startswith("Qwen3RMSNorm")]) == 1


def test_a_pattern_of_layers_is_a_loop_over_its_unit() -> None:
    text = body("Qwen/Qwen3.5-397B-A17B", "Qwen3_5MoeTextModel")
    assert "for i in range(0, 60, 4):" in text
    assert "self.layers[i + 3](" in text
    assert "for _ in range(15) for layer in [" in text


def test_functions_that_call_modules_are_written_where_they_are_called() -> None:
    assert "self.intermediate" in body("BAAI/bge-large-en-v1.5", "BertLayer")
    assert not any("self." in text.partition("\n")[2] for text in program("BAAI/bge-large-en-v1.5").functions)


def test_experts_tell_the_rows_of_tokens_from_the_places_of_choices() -> None:
    text = body("Qwen/Qwen3.5-397B-A17B", "Qwen3_5MoeExperts")
    assert "top_k_pos, token_idx = torch.where(" in text
    assert "# what follows nonzero() is one round of a loop" in text


@pytest.mark.parametrize("model", ["google-t5/t5-small", "openai-community/gpt2", "BAAI/bge-large-en-v1.5"])
def test_no_name_is_read_before_it_is_bound(model: str) -> None:
    for node in ast.walk(ast.parse(program(model).text)):
        if isinstance(node, ast.FunctionDef) and node.name not in ("__init__", "build", "run"):
            assert [
                name for name in unbound(node) if not re.search(rf"^def {name}\(", program(model).text, re.MULTILINE)
            ] == []


GLOBAL = {"self", "torch", "F", "nn", "B", "T", "range", "float", "bool", "int", "super"}


def unbound(function: ast.FunctionDef) -> list[str]:
    """Names that a function reads before it binds them."""
    assigned = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)} - GLOBAL
    known = {argument.arg for argument in function.args.args}
    found: list[str] = []
    for statement in function.body:
        reads = [n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
        if not isinstance(statement, ast.For):
            found += [name for name in reads if name in assigned and name not in known]
        known |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found


def test_windows_of_tokens_are_pooled_for_any_number_of_tokens() -> None:
    text = body("deepseek-ai/DeepSeek-V4-Flash", "DeepseekV4HCACompressor")
    assert "t1 = kv[:, :T // 128 * 128]" in text
    assert "chunk_kv = t1.view(B, T // 128, 128, -1)" in text
    assert ".softmax(dim=2" in text
    assert "for so many tokens or more" in program("deepseek-ai/DeepSeek-V4-Flash").text


def test_what_the_code_bounds_by_a_setting_is_written_with_its_bound() -> None:
    model = "deepseek-ai/DeepSeek-V4-Flash"
    assert "index_scores_2.topk(min(512, T // 4), dim=-1)" in body(model, "DeepseekV4Indexer")
    assert "shapes in comments while T // 4 <= 512" in program(model).text.partition("def ")[0]


def test_a_hidden_state_that_a_hook_keeps_is_handed_out_by_the_stack_that_makes_it() -> None:
    model = "llava-hf/llava-1.5-7b-hf"
    encoder = body(model, "CLIPEncoder")
    assert "for i in range(23):" in encoder
    assert re.search(r"return \w+, \w+$", encoder)
    head = body(model, "LlavaForConditionalGeneration").partition("def forward(")[2]
    assert head.startswith("self, input_ids, pixel_values):")  # and no tensor that nobody is asked for
    assert "# sizes are those of B = 2, T = 7" in body(model, "LlavaModel")  # a tensor for each image
    assert not program(model).symbolic


def test_a_pass_that_breaks_off_is_written_as_far_as_it_came() -> None:
    found = program(
        "zai-org/GLM-4.1V-9B-Thinking"
    )  # sections of 32 for 64 frequencies, which the official code refuses as well
    assert any("the pass broke off in it" in remark for remark in found.remarks)
    ast.parse(found.text)


def test_a_loop_over_windows_of_tokens_hands_its_state_on_and_holds_for_any_number_of_tokens() -> None:
    model = "Qwen/Qwen3.5-397B-A17B"
    text = body(model, "torch_chunk_gated_delta_rule")
    assert "F.pad(query_4, (0, 0, 0, -T % 64))  # [B, 64, (T + 63) // 64 * 64, 128]" in text
    assert "for i in range((T + 63) // 64):" in text
    assert "v_new = new_values[:, :, i] - (k_cumdecay[:, :, i] @ last_recurrent_state_2)" in text
    assert (
        "last_recurrent_state_2 = (last_recurrent_state_2 * chunk_decay[:, :, i])"
        " + (key_4[:, :, i].transpose(-1, -2) @ v_new)" in text
    )
    assert "# for T <=" not in program(model).text
    assert "# one round" not in program(model).text


def test_what_is_equal_but_for_the_numbers_of_its_tensors_is_one_class() -> None:
    text = program("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16").text
    assert text.count("class NemotronHMamba2Mixer") == 1
    assert "# [B, (T + 127) // 128 + 1, 64, 64, 128]" in text  # states between chunks, the first one before them


def test_a_body_says_for_how_many_tokens_it_holds_and_which_loop_went_once() -> None:
    positions = program("mosaicml/mpt-7b-instruct").text  # slopes for so many positions as the configuration allows
    assert "# for T <= 2048: " in positions
    assert "for T <= 2048 where a body says so" in positions.partition("def ")[0]
    assert "# one round of `for i in range(num_blocks)`" in program("transformers:minimax").text
    assert "# for T <=" not in program("Qwen/Qwen3-0.6B").text
    assert "# one round" not in program("Qwen/Qwen3-0.6B").text


def test_modules_that_the_pass_does_not_enter_are_named() -> None:
    assert "# built, but not called in this pass: model.model.visual\n" in body("Qwen/Qwen3.5-397B-A17B", "run")
    assert "not called" not in program("Qwen/Qwen3-0.6B").text
