from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from archviz import cli, pipeline
from archviz.architecture.model import Architecture
from archviz.comparison.blocks import find_module
from archviz.comparison.comparing import Comparison, compare
from archviz.comparison.family import family
from archviz.comparison.text import comparison_text, family_text
from archviz.emit.comparison_markdown import markdown_from_comparison
from archviz.errors import UsageError
from archviz.settings import Settings

MINIMAX, QWEN, NEXT = "MiniMaxAI/MiniMax-M2", "Qwen/Qwen3-235B-A22B-FP8", "Qwen/Qwen3-Next-80B-A3B-Instruct"


@cache
def described(model: str) -> Architecture:
    return pipeline.describe(model, settings=Settings(offline=True))


@cache
def compared(*models: str) -> Comparison:
    return compare([described(model) for model in models])


def test_facts_stand_side_by_side_with_their_places() -> None:
    row = next(row for row in compared(MINIMAX, QWEN).facts if row.key == "router_score")
    assert row.values == ["sigmoid", "softmax"]
    assert row.differs
    assert [places[0].rpartition("/")[2].partition(":")[0] for places in row.as_dict()["evidence"]] == [  # type: ignore[attr-defined]
        "modeling_minimax_m2.py", "modeling_qwen3_moe.py",
    ]  # fmt: skip
    norm = next(row for row in compared(MINIMAX, QWEN).facts if row.key == "norm")
    assert not norm.differs


def test_a_model_is_equal_to_itself() -> None:
    same = compare([described(QWEN), described(QWEN)])
    assert same.differing_facts == []
    assert not any(plan.differs for plan in same.plans)
    assert not any(pair.differs for pair in same.pairs[0])


def test_blocks_are_paired_by_what_they_are_and_show_steps_that_only_one_has() -> None:
    pairs = {(pair.slot, pair.first.id if pair.first else None): pair for pair in compared(QWEN, NEXT).pairs[0]}
    attention = pairs["mixer", "text/attention"]
    assert attention.other is not None
    assert attention.other.id == "text/gated_attention"
    gained = [step.other for step in attention.steps if step.kind == "only_other"]
    assert any("σ" in (step or "") for step in gained)
    assert ("mixer", None) in pairs  # Gated DeltaNet has no partner
    assert pairs["mixer", None].other is not None
    assert all(step.first_at or step.other_at for step in attention.steps if step.kind != "changed")


def test_code_differences_are_about_what_is_built_not_about_sizes() -> None:
    pair = next(pair for pair in compared(MINIMAX, QWEN).pairs[0] if pair.slot == "mixer")
    assert [row.first or row.other for row in pair.code] == ["num_key_value_groups=6"]
    moe = next(pair for pair in compared(QWEN, NEXT).pairs[0] if pair.slot == "feed-forward")
    assert any("shared_expert (Qwen3NextMLP)" in (row.other or "") for row in moe.code)


def test_text_and_markdown_and_json_say_the_same() -> None:
    comparison = compared(MINIMAX, QWEN)
    text, markdown = comparison_text(comparison), markdown_from_comparison(comparison)
    for words in ("sigmoid", "modeling_minimax_m2.py:106", "over the whole projection", "62 × attention+moe"):
        assert words in text
        assert words in markdown
        assert words in json.dumps(comparison.as_dict(), ensure_ascii=False)


def test_a_family_starts_with_the_plainest_and_each_follows_its_nearest_kin() -> None:
    models = ("Qwen/Qwen3.5-397B-A17B", "Qwen/Qwen2.5-7B", NEXT, QWEN, "Qwen/Qwen3-4B")
    steps = family(compared(*models))
    since = {step.model: step.since for step in steps}
    assert steps[0].model == "Qwen/Qwen2.5-7B"
    assert since == {
        "Qwen/Qwen2.5-7B": None, "Qwen/Qwen3-4B": "Qwen/Qwen2.5-7B", QWEN: "Qwen/Qwen3-4B", NEXT: QWEN, "Qwen/Qwen3.5-397B-A17B": NEXT,
    }  # fmt: skip
    assert [row.key for row in steps[1].mechanisms][:1] == ["qk_norm"]
    assert "after Qwen/Qwen2.5-7B" in family_text(steps)


def test_folded_layers_are_found_by_their_index() -> None:
    tree = described("Qwen/Qwen3.5-397B-A17B").modules
    found = find_module(tree, "model.language_model.layers.7.self_attn")
    assert found is not None
    assert found.class_name == "Qwen3_5MoeAttention"
    assert find_module(tree, "model.language_model.layers.7.nothing") is None


def test_the_command_prints_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = ("Qwen/Qwen2.5-7B", "Qwen/Qwen3-4B")
    assert cli.main(["compare", *models, "--offline"]) == 0
    assert capsys.readouterr().out.startswith("1  Qwen/Qwen2.5-7B")
    target = tmp_path / "both.md"
    assert cli.main(["compare", *models, "--offline", "--family", "--markdown", str(target)]) == 0
    assert target.read_text().startswith("# Qwen2.5-7B and Qwen3-4B compared")
    assert "## Order of the family" in target.read_text()
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["Qwen/Qwen3-4B"], 2, "two different models"),
        (["Qwen/Qwen3-4B", "Qwen/Qwen3-4B"], 2, "two different models"),
        (["Qwen/Qwen3-4B", "Qwen/Qwen3-4C"], 3, "Qwen3-4C"),
        (["Qwen/Qwen3-4B", "Qwen/Qwen2.5-7B", "--markdown", "/nowhere/x.md"], 2, "does not exist"),
    ],
)
def test_bad_input_is_said(arguments: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", *arguments, "--offline"]) == status
    assert words in capsys.readouterr().err


def test_one_model_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="two models"):
        compare([described(QWEN)])


def test_a_size_that_is_left_out_because_it_is_usual_stands_beside_the_other() -> None:
    row = next(row for row in compared("deepseek-ai/DeepSeek-V3", "zai-org/GLM-5").facts if row.key == "value_head_dim")
    assert row.values == [128, 256]
    assert row.facts[1] is not None
    assert row.facts[1].status == "derived"


def test_a_dense_feed_forward_beside_experts_is_held_against_the_dense_one() -> None:
    """Gemma-4's layers have a GeGLU beside the experts, Gemma-3's a GeGLU."""
    pairs = compared("google/gemma-3-27b-it", "google/gemma-4-26B-A4B").pairs[0]
    feeds = {
        (p.first.id if p.first else None, p.other.id if p.other else None): p for p in pairs if p.slot == "feed-forward"
    }
    assert set(feeds) == {("text/geglu", "text/geglu"), (None, "text/moe")}
    assert not any(step.kind != "changed" for step in feeds["text/geglu", "text/geglu"].steps)


def test_a_decoder_stands_beside_a_decoder_with_an_encoder_before_it() -> None:
    found = compared("google-t5/t5-small", "transformers:bart")
    (plan,) = (plan for plan in found.plans if plan.tower == "decoder")
    assert plan.counts == [6, 12]
    assert not any(plan.tower == "text" for plan in found.plans)
    cross = next(
        pair for pair in found.pairs[0] if pair.first is not None and pair.first.id == "decoder/cross_attention"
    )
    assert cross.other is not None
    assert cross.other.id == "text/cross_attention"


def test_a_feed_forward_that_its_layer_computes_has_only_what_it_calls() -> None:
    """BART's layers write `fc2(act(fc1(x)))` themselves: their attention is no code of the feed-forward."""
    pairs = compared("google-t5/t5-small", "transformers:bart").pairs[0]
    feed = next(pair for pair in pairs if pair.slot == "feed-forward")
    words = " ".join(f"{row.first} {row.other}" for row in feed.code)
    assert "fc1 (Linear)" in words
    assert "self_attn" not in words
    assert "embed_dim" not in words


def test_of_blocks_with_equal_steps_the_one_of_equal_sizes_is_the_partner() -> None:
    """OLMo-3's full attention is OLMo-2's attention; the window of the others is new."""
    pairs = compared("transformers:olmo2", "transformers:olmo3").pairs[0]
    mixers = {pair.other.id: pair for pair in pairs if pair.slot == "mixer" and pair.other is not None}
    assert mixers["text/full_attention"].first is not None
    assert not mixers["text/full_attention"].steps
    assert mixers["text/sliding_attention"].first is None


def test_biases_of_projections_are_a_row_of_their_own() -> None:
    """Qwen2.5 adds biases to queries, keys and values, Qwen3 to none; GPT-2 to all."""
    models = ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen3-0.6B", "openai-community/gpt2")
    rows = {row.key: row for row in compared(*models).facts}
    assert rows["attention_biases"].values == ["q_proj, k_proj, v_proj", "none", "all"]
    assert rows["feed_forward_biases"].values == ["none", "none", "all"]
    experts = {row.key: row for row in compared("openai/gpt-oss-20b", QWEN).facts}
    assert experts["feed_forward_biases"].values == ["all", "none"]
    step = next(each for each in family(compared(*models[:2])) if each.since is not None)
    assert "attention_biases" in [row.key for row in step.mechanisms]
    assert all(row.as_dict()["evidence"] for row in (rows["attention_biases"], rows["feed_forward_biases"]))


def test_a_default_configuration_has_the_model_type_by_which_it_was_named() -> None:
    rows = {row.key: row for row in compared("google-t5/t5-small", "transformers:bart").facts}
    assert rows["model_type"].values == ["t5", "bart"]


def test_sums_are_told_in_words() -> None:
    steps = [step for pair in compared("transformers:mamba2", "transformers:bamba").pairs[0] for step in pair.steps]
    texts = {text for step in steps for text in (step.first, step.other) if text}
    assert "Add" in texts
    assert not texts & {"+", "×", "−"}
