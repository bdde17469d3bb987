from __future__ import annotations

import json
import time

import pytest

from archviz.architecture.build import build_architecture
from archviz.architecture.documents import read_architecture
from archviz.architecture.model import Architecture, Evidence, Identity
from archviz.architecture.spec import check_architecture
from archviz.interpreter.reading import Gap, ModelReading, ModuleRecord
from tests.patterns.tape import LENGTH, Tape, attention, decoder, layer, linear, moe, swiglu

WIDTH = 64


def build(reading: ModelReading, **more: object) -> Architecture:
    identity = Identity(id="acme/Toy", class_name=reading.class_name, origin="catalog")
    architecture = build_architecture(reading, identity, **more)  # type: ignore[arg-type]
    assert check_architecture(architecture) == []
    return architecture


def dense_layer(index: int, **settings: object) -> ModuleRecord:
    path = f"model.layers.{index}"
    return layer(
        path,
        WIDTH,
        attention(f"{path}.attn", WIDTH, 4, 2, 16, **settings),
        swiglu(f"{path}.mlp", WIDTH, 96),
        index=index,
    )  # type: ignore[arg-type]


def sparse_layer(index: int, **settings: object) -> ModuleRecord:
    path = f"model.layers.{index}"
    return layer(
        path,
        WIDTH,
        attention(f"{path}.attn", WIDTH, 4, 2, 16, **settings),
        moe(f"{path}.mlp", WIDTH, 32, 8, 2, shared=True),
        index=index,
    )  # type: ignore[arg-type]


def with_trace(reading: ModelReading, window_of: dict[int, int] | None = None, **rope: int) -> ModelReading:
    """The pass of a decoder of dense layers: embedding, pre-norm layers, final norm, head."""
    tape, model = Tape(), reading.root.children["model"]
    ids = tape.value(1, LENGTH, dtype="int64")
    with tape.inside("call", "", reading.class_name, ids) as logits:
        with tape.inside("call", "model.embed_tokens", "Embedding", ids) as embedded:
            embedded.append(tape.op("embedding", ids, tape.value(100, WIDTH), out=(1, LENGTH, WIDTH)))
        x = embedded[0]
        for index, record in enumerate(model.children["layers"].children.values()):
            with tape.inside("call", record.path, record.class_name, x) as results:
                c = record.children
                mixed = tape.attention(c["attn"], tape.norm(c["norm_0"], x), 4, 2, 16, window=(window_of or {}).get(index), **rope)  # fmt: skip
                x = tape.same("add", x, mixed)
                x = tape.same("add", x, tape.swiglu(c["mlp"], tape.norm(c["norm_1"], x)))
                results.append(x)
        logits.append(tape.linear(reading.root.children["lm_head"], tape.norm(model.children["norm"], x)))
    reading.events = tape.events
    return reading


def dense(count: int, **config: object) -> ModelReading:
    return decoder([dense_layer(i) for i in range(count)], WIDTH, 100, **config)


def test_equal_layers_are_one_kind_whatever_numbers_them() -> None:
    stack = build(dense(5)).layers[0]
    assert [(kind.id, kind.count) for kind in stack.kinds] == [("attention+swiglu", 5)]
    assert stack.pattern_text == "5 × attention+swiglu"


def test_alternating_windows_with_equal_tensors_are_two_kinds() -> None:
    layers = [dense_layer(i, sliding_window=None if i % 2 else 128) for i in range(8)]
    stack = build(decoder(layers, WIDTH, 100)).layers[0]
    assert stack.pattern_text == "4 × (sliding, full)"
    assert [kind.mixer_kind for kind in stack.kinds] == ["sliding_attention", "full_attention"]


def test_windows_that_only_the_trace_shows_part_layers_too() -> None:
    stack = build(with_trace(dense(6), {0: 128, 2: 128, 4: 128})).layers[0]
    assert stack.pattern_text == "3 × (sliding, full)"


def test_windows_that_only_the_configuration_states_part_layers_by_their_attribute() -> None:
    layers = [dense_layer(i, layer_type="sliding_attention" if i % 3 else "full_attention") for i in range(6)]
    architecture = build(decoder(layers, WIDTH, 100, sliding_window=512))
    assert architecture.layers[0].pattern_text == "2 × (1 × full, 2 × sliding)"
    fact = architecture.fact("sliding_window")
    assert fact is not None
    assert fact.value == 512


def test_a_dense_prefix_before_experts_is_said_so() -> None:
    layers = [dense_layer(0), *(sparse_layer(i) for i in range(1, 6))]
    stack = build(decoder(layers, WIDTH, 100)).layers[0]
    assert stack.pattern_text == "1 × dense, 5 × MoE"


def test_kinds_that_differ_in_a_submodule_only_are_named_by_it() -> None:
    layers = [dense_layer(i) for i in range(4)]
    first = layers[0].children["attn"]
    first.children["relative_bias"] = linear("model.layers.0.attn.relative_bias", 8, 4)
    ids = [kind.id for kind in build(decoder(layers, WIDTH, 100)).layers[0].kinds]
    assert ids == ["attention (with relative bias)+swiglu", "attention+swiglu"]


def test_parameters_are_counted_by_part_and_experts_by_the_share_that_is_used() -> None:
    parameters = build(decoder([sparse_layer(i) for i in range(3)], WIDTH, 100)).parameters
    rows = {row.key: row for row in parameters.breakdown}
    expert = 3 * WIDTH * 32
    experts = rows["layers/attention+moe/feed_forward/experts"]
    assert (experts.count, experts.each, experts.times) == (3 * 8 * expert, expert, 24)
    assert rows["layers/attention+moe/feed_forward/router"].count == 3 * 8 * WIDTH
    assert parameters.active == parameters.total - 3 * 6 * expert
    assert rows["head"].count == rows["embedding"].count == 100 * WIDTH


def test_a_tied_head_counts_once_and_says_what_it_shares() -> None:
    tied, untied = (build(decoder([dense_layer(0)], WIDTH, 100, tied=tie)) for tie in (True, False))
    assert untied.parameters.total - tied.parameters.total == 100 * WIDTH
    fact = tied.fact("tied_embeddings")
    assert fact is not None
    assert fact.value is True
    assert fact.evidence[0].where == "lm_head.weight = model.embed_tokens.weight"
    head = next(row for row in tied.parameters.breakdown if row.key == "head")
    assert (head.count, head.note) == (0, "tied to model.embed_tokens.weight")


def test_the_layer_graph_shows_norms_and_skips_where_they_are() -> None:
    architecture = build(with_trace(dense(2), span=8))
    kind = architecture.layers[0].kinds[0]
    graph = architecture.block(kind.block)
    assert graph is not None
    assert [node.role for node in graph.nodes] == ["input", "norm", "attention", "residual_add", "norm", "feed_forward", "residual_add", "output"]  # fmt: skip
    assert [(e.source, e.target) for e in graph.edges if e.residual] == [("input", "add"), ("add", "add_2")]
    assert graph.nodes[2].zoom == kind.mixer
    assert all(node.status == "verified" for node in graph.nodes)


def test_the_mixer_graph_shows_projections_rotation_core_and_dimensions() -> None:
    layers = [dense_layer(i, gated=True) for i in range(2)]
    architecture = build(with_trace(decoder(layers, WIDTH, 100), span=8))
    graph = architecture.block(architecture.layers[0].kinds[0].mixer or "")
    assert graph is not None
    boxes = {node.id: node for node in graph.nodes}
    assert boxes["q_proj"].details == ["64 → 2 × 4 × 16"]
    assert boxes["o_proj"].details == ["4 × 16 → 64"]
    assert boxes["apply_rotary_pos_emb"].details == ["8 of 16 dims", "half-split"]
    assert {"split", "attention_core", "activation", "multiply"} <= {node.role for node in graph.nodes}
    assert graph.title == "Gated attention"


def test_without_a_trace_graphs_are_derived_and_say_so() -> None:
    architecture = build(dense(2))
    assert {block.status for block in architecture.blocks} == {"derived"}
    assert all("not traced" in block.notes[0] for block in architecture.blocks)
    graph = architecture.block(architecture.layers[0].kinds[0].block)
    assert graph is not None
    assert [node.role for node in graph.nodes] == ["input", "norm", "attention", "residual_add", "norm", "feed_forward", "residual_add", "output"]  # fmt: skip


def test_the_column_leads_from_tokens_to_the_head() -> None:
    tower = build(dense(2)).towers[0]
    assert (tower.id, tower.title) == ("text", "Text decoder")
    steps = [item.stack or (item.node.role if item.node else "") for item in tower.column]
    assert steps == ["input", "embedding", "model.layers", "norm", "head"]


def test_facts_name_the_tensor_or_key_that_supports_them() -> None:
    architecture = build(
        dense(2, vocab_size=100, max_position_embeddings=4096), cite=lambda key: [Evidence(kind="catalog", where=key)]
    )
    context, vocabulary = architecture.fact("context_length"), architecture.fact("vocabulary_size")
    assert context is not None
    assert (context.value, context.status, context.evidence[0].kind) == (4096, "config", "catalog")
    assert vocabulary is not None
    assert [e.where for e in vocabulary.evidence] == ["model.embed_tokens.weight", "vocab_size"]


def test_what_disagrees_with_the_configuration_does_not_cite_it() -> None:
    fact = build(dense(2, num_attention_heads=99)).fact("attention_heads")
    assert fact is not None
    assert fact.value == 4
    assert all(e.kind == "code" for e in fact.evidence)


def test_gaps_of_both_passes_are_carried_over() -> None:
    reading = dense(1)
    reading.gaps, reading.trace_gaps = [Gap("model", "no such op")], [Gap("", "loop over data")]
    assert [gap.reason for gap in build(reading).gaps] == ["no such op", "loop over data"]


def test_a_model_without_layers_is_still_described() -> None:
    reading = decoder([], WIDTH, 100)
    architecture = build(reading)
    assert architecture.layers == []
    assert [item.node.role for item in architecture.towers[0].column if item.node] == [
        "input",
        "embedding",
        "norm",
        "head",
    ]
    assert architecture.parameters.total == sum(t.numel for t in reading.parameters().values())


@pytest.mark.parametrize("traced", [True, False])
def test_the_document_survives_its_own_json(traced: bool) -> None:
    architecture = build(with_trace(dense(3)) if traced else dense(3))
    assert read_architecture(json.loads(architecture.to_json()), "here") == architecture


def test_sixty_layers_are_described_at_once() -> None:
    reading = with_trace(dense(60))
    start = time.perf_counter()
    build(reading)
    assert time.perf_counter() - start < 1.5
