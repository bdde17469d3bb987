from __future__ import annotations

import pytest

from archviz.architecture.column_joins import way_of
from archviz.architecture.model import Tower
from archviz.architecture.text import describe_text
from archviz.descriptions import describe
from archviz.emit.dot_architecture import dot_from_architecture
from archviz.figure import draw_view
from archviz.settings import Settings
from tests.patterns.tape import LENGTH, Tape

OFFLINE = Settings(offline=True)


def joins(tower: Tower) -> dict[str, str | None]:
    return {item.node.label: item.joins for item in tower.column if item.node and item.node.role != "input"}


@pytest.mark.parametrize(
    ("model", "tower", "added"),
    [
        ("openai-community/gpt2", "text", {"Position embedding"}),
        ("google-bert/bert-base-uncased", "text", {"Token-type embedding", "Position embedding"}),
        ("openai/whisper-tiny", "encoder", {"Position embedding"}),
        ("facebook/bart-large-cnn", "encoder", {"Position embedding"}),  # reads the length of the stream
        ("google-t5/t5-small", "encoder", set()),
    ],
)
def test_tables_of_positions_are_added_and_what_reads_the_stream_is_a_step(
    model: str, tower: str, added: set[str]
) -> None:
    towers = {each.id: each for each in describe(model, settings=OFFLINE).towers}
    found = joins(towers[tower])
    assert {label for label, join in found.items() if join} == added
    assert all(found[label] == "add" for label in added)


def test_a_class_token_is_concatenated_and_the_text_says_so() -> None:
    architecture = describe("meta-llama/Llama-3.2-11B-Vision-Instruct", settings=OFFLINE)
    found = joins(next(tower for tower in architecture.towers if tower.id == "vision"))
    assert found["class_embedding"] == "concat"
    assert found["gated_positional_embedding"] is None  # it reads the stream and gives it back
    assert "(concatenated with the stream)" in describe_text(architecture)


@pytest.mark.parametrize(("name", "way"), [("add", "add"), ("mul_", "multiply"), ("cat", "concat"), ("where", None)])
def test_other_steps_than_sums_products_and_concatenations_are_no_joins(name: str, way: str | None) -> None:
    tape = Tape()
    value = tape.value(1, LENGTH, 8)
    with tape.inside("call", "m", "Module", value):
        tape.op(name, value, value, out=(1, LENGTH, 8))
    assert next(way_of(event) for event in tape.events if event.kind == "op") == way


def test_a_convolution_of_positions_is_a_branch_that_is_added_to_what_it_reads() -> None:
    architecture = describe("transformers:wav2vec2", settings=OFFLINE)
    (tower,) = architecture.towers
    branch = next(item for item in tower.column if item.node and item.node.label == "pos_conv_embed")
    assert (branch.joins, branch.reads) == ("add", ["feature_projection"])
    steps = [item.node.label for item in tower.column if item.node and not item.joins and not item.taps]
    assert steps == ["Audio features", "feature_extractor", "feature_projection", "LayerNorm"]
    display, findings = draw_view(architecture)
    assert not [finding for finding in findings if finding.severity == "hard"]
    assert [group.id for group in display.groups() if group.id.endswith("/read")]
    read = [
        line
        for line in dot_from_architecture(architecture).splitlines()
        if '-> "tower1.5.encoder_pos_conv_embed"' in line
    ]
    assert len(read) == 1
    assert "feature_projection" in read[0]
