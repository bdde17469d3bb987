from __future__ import annotations

from archviz.architecture.text import describe_text
from archviz.descriptions import describe
from archviz.interpreter.reading import Gap
from archviz.settings import Settings
from tests.architecture.test_build import build, dense, dense_layer, sparse_layer
from tests.patterns.tape import decoder


def section(text: str, title: str) -> str:
    body = text.split(f"\n{title}\n", 1)[1].split("\n", 1)[1]
    return body.split("\n\n", 1)[0]


def test_the_tree_shows_every_module_with_shapes_and_one_line_per_repeated_kind() -> None:
    modules = section(describe_text(build(dense(6))), "Modules")
    assert "[0-5] × 6 (ToyLayer)" in modules
    assert modules.count("q_proj (Linear)  [64 → 64]") == 1
    assert "embed_tokens (Embedding)  weight [100, 64]" in modules
    assert modules.count("ToyLayer") == 1


def test_the_breakdown_goes_from_embedding_to_total() -> None:
    text = describe_text(build(decoder([dense_layer(0), sparse_layer(1), sparse_layer(2)], 64, 100)))
    rows = section(text, "Parameters")
    for label in (
        "Embedding",
        "All 3 layers",
        "Router",
        "per expert",
        "Shared expert",
        "Norms",
        "Final norm",
        "Output head",
        "Total",
    ):
        assert label in rows
    assert "8 experts, 2 per token" in rows


def test_per_layer_numbers_are_of_one_layer() -> None:
    rows = section(
        describe_text(build(decoder([sparse_layer(i) for i in range(3)], 64, 100))), "Parameters"
    ).splitlines()
    experts = next(row for row in rows if row.strip().startswith("Experts"))
    assert f"{8 * 3 * 64 * 32:,}" in experts


def test_a_tie_is_told_with_both_names() -> None:
    text = describe_text(build(decoder([dense_layer(0)], 64, 100, tied=True)))
    assert "Tied: lm_head.weight = model.embed_tokens.weight" in text


def test_a_published_total_that_differs_is_set_against_the_class() -> None:
    architecture = build(dense(1))
    architecture.parameters.published_total = architecture.parameters.total + 10
    assert "+10 against this class" in describe_text(architecture)


def test_characteristics_tell_sparsity_grouping_and_positions() -> None:
    text = section(describe_text(build(decoder([sparse_layer(0)], 64, 100, rope_theta=5e6))), "Characteristics")
    assert "2/8 (25 %)" in text
    assert "2:1 query:KV heads" in text
    assert "5,000,000" in text


def test_control_characters_of_foreign_names_are_escaped() -> None:
    reading = dense(1)
    reading.gaps = [Gap("model", "odd \x1b[31m name\nnext")]
    text = describe_text(build(reading))
    assert "\x1b" not in text
    assert "\\x1b[31m name\\nnext" in text


def test_a_model_without_gaps_has_no_section_for_them() -> None:
    assert "\nGaps\n" not in describe_text(build(dense(1)))


def test_a_long_label_is_wrapped_and_its_number_stays_in_the_column() -> None:
    architecture = build(decoder([dense_layer(0)], 64, 100))
    kind = next(row for row in architecture.parameters.breakdown if row.times is not None)
    kind.label = "Attention (with relative attention bias) + Cross attention + MLP (ReLU)"
    rows = section(describe_text(architecture), "Parameters").splitlines()
    first = next(number for number, row in enumerate(rows) if "Per layer: Attention (with" in row)
    assert rows[first + 1].strip().startswith("Cross attention + MLP (ReLU) (1 of them)")
    assert len(rows[first + 1]) == len(rows[0])


def test_a_single_layer_is_no_plural() -> None:
    structure = section(describe_text(build(dense(1))), "Structure")
    assert "layer 0 · " in structure
    assert " each" not in structure


def test_indices_without_a_rule_do_not_read_as_a_progression() -> None:
    text = describe_text(describe("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", settings=Settings(offline=True)))
    assert "Mamba-2 · layers 0, 2, 4, 7 and 19 more up to 50" in text
    assert "layers 5, 12, 19, 26, 33, 42" in text


def test_a_decoder_is_told_by_its_own_keys() -> None:
    found = describe("openai/whisper-tiny", settings=Settings(offline=True))
    rows = {row.key: row.formula or "" for row in found.parameters.breakdown}
    assert any(formula.startswith("decoder_layers·") for key, formula in rows.items() if key.startswith("decoder/"))
    assert all("encoder_layers" not in formula for key, formula in rows.items() if key.startswith("decoder/"))
    heads = found.fact("attention_heads")
    assert heads is not None
    assert [each.where for each in heads.evidence if each.kind == "config"] == ["decoder_attention_heads"]
    assert "attention mask: " in describe_text(found)
