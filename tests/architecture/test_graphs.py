from __future__ import annotations

import pytest

from archviz.descriptions import describe
from archviz.figure.captions import footers
from archviz.settings import Settings


@pytest.mark.parametrize(
    ("model", "shape_in", "shape_out"),
    [
        ("Qwen/Qwen3.5-397B-A17B", ["B", "S", 64], ["B", 64, "S", 128]),
        ("transformers:kimi_linear", ["B", 32, "S", 128], ["B", 32, "S", 128]),
        ("transformers:rwkv", ["B", "S", 4096], ["B", "S", 4096]),
    ],
)
def test_a_recurrence_in_chunks_shows_positions_heads_and_width(
    model: str, shape_in: list[int | str], shape_out: list[int | str]
) -> None:
    blocks = describe(model, settings=Settings(offline=True)).blocks
    cores = [node for block in blocks for node in block.nodes if node.role == "recurrence_core"]
    assert cores
    assert all((core.shape_in, core.shape_out) == (shape_in, shape_out) for core in cores)


def test_the_results_of_a_hyper_connection_leave_as_what_they_are_for() -> None:
    blocks = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True)).blocks
    layer = next(block for block in blocks if "/layer/" in block.id)
    given = {(edge.target, edge.label) for edge in layer.edges if edge.source == "attn_hc"}
    assert given == {("input_layernorm", "pre"), ("mul", "post"), ("matmul", "comb")}


@pytest.mark.parametrize(
    ("model", "role", "label"),
    [
        ("LiquidAI/LFM2-1.2B", "multiply", "2 × 2048"),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "recurrence_core", "4096, 2 × 1024"),
    ],
)
def test_an_edge_that_holds_several_parts_of_a_split_says_how_many(model: str, role: str, label: str) -> None:
    found = {
        edge.label
        for block in describe(model, settings=Settings(offline=True)).blocks
        for node in block.nodes if node.role == role
        for edge in block.edges if edge.target == node.id
    }  # fmt: skip
    assert label in found


def test_a_square_after_a_relu_is_said_by_its_box() -> None:
    blocks = describe("transformers:rwkv", settings=Settings(offline=True)).blocks
    mixing = next(block for block in blocks if block.id.endswith("/channel_mixing"))
    assert [node.label for node in mixing.nodes if node.role == "activation"] == ["ReLU²", "σ"]


def test_a_rotary_table_that_asks_the_data_for_its_type_alone_is_no_step_of_it() -> None:
    blocks = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True)).blocks
    inner = [block for block in blocks if block.title in ("Compressor", "Indexer")]
    assert len(inner) >= 3
    for block in inner:
        assert "rotary_emb" not in {node.label for node in block.nodes}
        rotated = {edge.source for edge in block.edges if edge.target == "apply_rotary_pos_emb"}
        assert rotated == {"kv_norm"}


def test_no_wire_of_a_compressor_tells_how_many_windows_a_traced_sequence_has() -> None:
    blocks = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True)).blocks
    inner = [block for block in blocks if block.title in ("Compressor", "Indexer")]
    assert any(node.role == "split" for block in inner for node in block.nodes)
    assert {edge.label for block in inner for edge in block.edges} <= {None, "chosen"}


def test_a_choice_holds_no_tensors_of_the_module_around_it() -> None:
    architecture = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True))
    chosen = [node for block in architecture.blocks for node in block.nodes if node.role == "top_k"]
    assert chosen
    assert not any("position_bias" in line for node in chosen for line in node.details)


@pytest.mark.parametrize(
    ("model", "title", "cut"),
    [
        ("openai/whisper-tiny", "Attention", "384 → 6 × 64"),  # queries are scaled before they are cut into heads
        ("allenai/OLMo-2-1124-7B", "Attention", "4096 → 32 × 128"),  # queries and keys pass a norm of their whole width
    ],
)
def test_projections_of_an_attention_say_their_heads_alike(model: str, title: str, cut: str) -> None:
    blocks = describe(model, settings=Settings(offline=True)).blocks
    block = next(block for block in blocks if block.title == title)
    widths = {node.label: node.details[0] for node in block.nodes if node.label in ("q_proj", "k_proj", "v_proj")}
    assert widths == dict.fromkeys(("q_proj", "k_proj", "v_proj"), cut)


def test_a_product_with_the_weight_of_a_projection_is_that_projection() -> None:
    blocks = describe("transformers:mamba", settings=Settings(offline=True)).blocks
    mixer = next(block for block in blocks if block.id == "text/mamba")
    nodes = {node.label: node for node in mixer.nodes}
    assert "Matrix product" not in nodes
    assert (nodes["dt_proj"].role, nodes["dt_proj"].details) == ("projection", ["48 → 1536", "bias"])
    assert nodes["dt_proj"].parameters == 48 * 1536 + 1536
    assert nodes["Conv1d + SiLU"].parameters == 1536 * 4 + 1536  # a bias of the same width is not its own


def test_a_latent_projection_says_the_heads_and_parts_that_its_result_is_cut_into() -> None:
    blocks = describe("zai-org/GLM-4.7-Flash", settings=Settings(offline=True)).blocks
    latent = next(block for block in blocks if block.id == "text/mla")
    assert "512 → 20 × (192 + 256)" in next(node.details for node in latent.nodes if node.label == "kv_b_proj")


def test_a_multiplier_of_one_is_no_box_and_scores_times_one_are_told_as_not_scaled() -> None:
    h1 = describe("transformers:falcon_h1", settings=Settings(offline=True)).blocks
    assert "× 1" not in {node.label for block in h1 for node in block.nodes}
    t5 = describe("google-t5/t5-small", settings=Settings(offline=True)).blocks
    cores = [node for block in t5 for node in block.nodes if node.role == "attention_core"]
    assert cores
    assert all("scores not scaled" in node.details for node in cores)


def test_scores_of_queries_that_a_learned_tensor_scales_are_not_told_as_unscaled() -> None:
    """TimesFM 2.5 multiplies queries by softplus(scaling) / √d, and the scores by one."""
    blocks = describe("transformers:timesfm2_5", settings=Settings(offline=True)).blocks
    core = next(node for block in blocks for node in block.nodes if node.role == "attention_core")
    assert core.details == ["16 heads", "head dim 80", "scaling"]


def test_a_step_without_a_module_does_not_open_the_whole_model() -> None:
    read = describe("transformers:mistral_large4", settings=Settings(offline=True))
    assert read.parameters.total == 1_051_822_421_504
    assert all(graph.module for graph in read.blocks)


def test_tensors_that_steps_beside_a_recurrence_read_are_told_there() -> None:
    graph = describe("transformers:rwkv", settings=Settings(offline=True)).block("text/rwkv")
    assert graph is not None
    nodes = {node.id: node for node in graph.nodes}
    mixed = {edge.target: nodes[edge.source] for edge in graph.edges if edge.target in ("key", "value", "receptance")}
    assert {name: (node.details, node.parameters) for name, node in mixed.items()} == {
        name: ([f"time_mix_{name}"], 4096) for name in ("key", "value", "receptance")
    }
    core = next(node for node in graph.nodes if node.role == "recurrence_core")
    assert (core.details, core.parameters) == (["time_decay, time_first"], 2 * 4096)
    assert sum(node.parameters for node in graph.nodes) == graph.parameters
    scan = describe("transformers:mamba", settings=Settings(offline=True)).block("text/mamba")
    assert scan is not None  # D is as long as the biases of parts: nothing tells them apart
    assert next(node.details for node in scan.nodes if node.role == "recurrence_core") == ["A_log, D"]


def test_further_inputs_are_told_apart() -> None:
    architecture = describe("google/gemma-4-26B-A4B", settings=Settings(offline=True))
    for block in architecture.blocks:
        labels = [node.label for node in block.nodes if node.role == "input"]
        assert len(labels) == len(set(labels))
    assert any(len([n for n in block.nodes if n.role == "input"]) > 2 for block in architecture.blocks)


def test_the_products_of_an_attention_whose_softmax_is_a_module_are_no_recurrence() -> None:
    blocks = describe("transformers:ibert", settings=Settings(offline=True)).blocks
    attention = next(block for block in blocks if block.id == "text/attention")
    labels = [node.label for node in attention.nodes]
    assert "Recurrence" not in labels
    assert labels.index("matmul · truediv") < labels.index("softmax") < labels.index("matmul")


def test_a_part_of_a_layer_that_no_pass_calls_is_told() -> None:
    alone = describe("transformers:marian", settings=Settings(offline=True))
    layer = next(block for block in alone.blocks if "/layer/" in block.id)
    told = "Cross attention (encoder_attn) is not called by this class alone."
    assert layer.notes == [told]
    assert any(told in "".join(words.text for words in line) for line in footers(alone))
    bart = describe("facebook/bart-large-cnn", settings=Settings(offline=True))
    assert all(told not in block.notes for block in bart.blocks)


def test_a_part_whose_steps_stay_apart_is_not_told_as_uncalled() -> None:
    """Between the gate and the projection of what Gemma 4 gives to every layer stands a product with that; both are called."""
    settings = Settings(offline=True)
    gemma = describe("transformers:gemma4_text", settings=settings)
    assert not [note for block in gemma.blocks for note in block.notes if "is not called" in note]


@pytest.mark.parametrize("model", ["transformers:granite_speech", "transformers:instructblipvideo"])
def test_two_attentions_of_one_name_open_into_an_inside_of_their_own(model: str) -> None:
    """A Q-Former calls both of them `attention`: that of itself, and that of the encoder's output, which is wider."""
    architecture = describe(model, settings=Settings(offline=True))
    layer = next(block for block in architecture.blocks if "/layer/attention+cross_attention" in block.id)
    opened = {
        node.label: architecture.block(node.zoom) for node in layer.nodes if node.role == "attention" and node.zoom
    }
    assert opened.keys() == {"Attention", "Cross attention"}
    for node in layer.nodes:
        if node.label in opened:
            inside = opened[node.label]
            assert inside is not None
            assert inside.parameters == node.parameters


def test_projections_that_meet_in_a_step_of_the_layer_between_them_open_as_one_part() -> None:
    blocks = describe("transformers:gemma3n_audio", settings=Settings(offline=True)).blocks
    inside = next(block for block in blocks if block.id == "audio/mlp")
    assert not inside.notes
    assert [node.label for node in inside.nodes] == ["Input", "ffw_layer_1", "SiLU", "ffw_layer_2", "Output"]
