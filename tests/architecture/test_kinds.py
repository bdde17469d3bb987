from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.kinds import find_stacks
from archviz.architecture.naming import kind_labels
from archviz.interpreter.reading import ModelReading, ModuleRecord
from tests.architecture.test_build import build, dense_layer, sparse_layer
from tests.patterns.tape import attention, decoder, layer, linear, module, moe, rms_norm, swiglu


def stacks_of(root: ModuleRecord) -> list[tuple[str, list[str]]]:
    return [(stack.path, stack.sequence) for stack in find_stacks(Context(ModelReading("Root", {}, root)))]


def blocks(path: str, width: int, count: int) -> ModuleRecord:
    layers = [
        layer(f"{path}.{i}", width, attention(f"{path}.{i}.attn", width, 2, 2, 8), swiglu(f"{path}.{i}.mlp", width, 32))
        for i in range(count)
    ]
    return module(path, "ModuleList", *layers, library="torch.nn.ModuleList")


def test_stages_are_looked_into_for_their_lists_of_layers() -> None:
    stages = [module(f"stages.{i}", "Stage", blocks(f"stages.{i}.blocks", 16, 2)) for i in range(2)]
    found = stacks_of(module("", "Root", module("stages", "ModuleList", *stages)))
    assert [path for path, _ in found] == ["stages.0.blocks", "stages.1.blocks"]


def test_a_list_of_parts_inside_a_layer_is_no_list_of_layers() -> None:
    parts = [
        module("b.0.layer.0", "SelfPart", attention("b.0.layer.0.inner", 16, 2, 2, 8), rms_norm("b.0.layer.0.n", 16)),
        module("b.0.layer.1", "FeedPart", swiglu("b.0.layer.1.inner", 16, 32), rms_norm("b.0.layer.1.n", 16)),
    ]
    block = module("b.0", "Block", module("b.0.layer", "ModuleList", *parts))
    assert stacks_of(module("", "Root", module("b", "ModuleList", block))) == [("b", ["attention+swiglu"])]


def test_lists_of_experts_and_of_projections_are_no_layers() -> None:
    experts = module("experts", "ModuleList", *(swiglu(f"experts.{i}", 16, 32) for i in range(3)))
    heads = module("heads", "ModuleList", *(linear(f"heads.{i}", 16, 4) for i in range(3)))
    assert stacks_of(module("", "Root", experts, heads)) == []


def test_drop_path_does_not_part_layers() -> None:
    stack = blocks("b", 16, 3)
    for index, record in enumerate(stack.children.values()):
        name = "Identity" if index == 0 else "DropPath"
        record.children["drop_path"] = module(f"{record.path}.drop_path", name, drop_prob=0.1 * index)
    assert stacks_of(module("", "Root", stack)) == [("b", ["attention+swiglu"] * 3)]


def test_layers_that_share_tensors_are_counted_once_and_the_rows_still_add_up() -> None:
    layers = [dense_layer(i) for i in range(3)]
    reading = decoder(layers, 64, 100)
    names = [t.name for m in layers[0].children["mlp"].walk() for t in m.parameters.values()]
    for index in (1, 2):
        prefix = f"model.layers.{index}"
        reading.tied.update({prefix + name.removeprefix("model.layers.0"): name for name in names})
    parameters = build(reading).parameters  # `build` checks that rows sum to the total
    row = next(row for row in parameters.breakdown if row.key == "layers/attention+swiglu/feed_forward")
    assert row.count == 3 * 64 * 96


def test_a_tower_inside_another_towers_module_is_not_counted_twice() -> None:
    vision = module(
        "embedder.vision", "Vision", blocks("embedder.vision.layers", 16, 2), rms_norm("embedder.vision.norm", 16)
    )
    root = module(
        "", "Root", module("embedder", "Embedder", vision, linear("embedder.proj", 16, 16)), blocks("layers", 16, 3)
    )
    architecture = build(ModelReading("Root", {}, root))
    sizes = {tower.id: tower.parameters for tower in architecture.towers}
    assert sum(sizes.values()) == architecture.parameters.total
    assert "vision" in sizes


def test_mixtures_with_named_experts_are_mixtures() -> None:
    record = sparse_layer(0)
    block = record.children["mlp"]
    experts = module(
        "model.layers.0.mlp.experts", "Experts",
        *(swiglu(f"model.layers.0.mlp.experts.expert_{i}", 64, 32) for i in range(4)),
    )  # fmt: skip
    block.children["experts"] = experts
    block.children["gate"] = linear("model.layers.0.mlp.gate", 64, 4)
    fact = build(decoder([record], 64, 100)).fact("experts")
    assert fact is not None
    assert fact.value == 4


def test_labels_keep_only_what_kinds_differ_in() -> None:
    def labels(*layers: ModuleRecord) -> list[str]:
        root = module("", "Root", module("model.layers", "ModuleList", *layers))
        return list(kind_labels(find_stacks(Context(ModelReading("Root", {}, root)))[0].kinds).values())

    assert labels(dense_layer(0), sparse_layer(1)) == ["dense", "MoE"]
    assert labels(dense_layer(0, sliding_window=8), dense_layer(1)) == ["sliding", "full"]
    assert labels(dense_layer(0, sliding_window=8), sparse_layer(1)) == [
        "sliding_attention+swiglu",
        "full_attention+moe",
    ]


def test_a_layer_of_one_mixer_or_one_feed_forward_is_named_by_it() -> None:
    layers = [
        layer("model.layers.0", 64, attention("model.layers.0.mixer", 64, 4, 2, 16)),
        layer("model.layers.1", 64, moe("model.layers.1.mixer", 64, 32, 8, 2)),
    ]
    architecture = build(decoder(layers, 64, 100))
    kinds = architecture.layers[0].kinds
    assert [(k.id, k.mixer is None, k.feed_forward is None) for k in kinds] == [
        ("attention", False, True),
        ("moe", True, False),
    ]


def test_hash_routing_and_a_bias_table_are_told_in_words() -> None:
    from tests.verify.models import read_model

    kinds = read_model("deepseek_v4")[1].layers[0].kinds
    assert [kind.feed_forward_kind for kind in kinds if 0 in kind.indices] == ["moe (hash-routed)"]
    assert {kind.feed_forward_kind for kind in kinds if 0 not in kind.indices} == {"moe"}
    encoder = next(stack for stack in read_model("t5")[1].layers if stack.path.startswith("encoder"))
    assert [kind.id for kind in encoder.kinds] == ["attention (with relative attention bias)+mlp", "attention+mlp"]


def test_names_of_kinds_have_no_marks_of_the_code() -> None:
    from tests.verify.models import MODELS, read_model

    for model_type in MODELS:
        for stack in read_model(model_type)[1].layers:
            assert not any(mark in kind.id + kind.title for kind in stack.kinds for mark in "#=:."), model_type


def test_the_steps_of_a_network_in_one_list_are_no_layers() -> None:
    """As EnCodec's decoder: a recurrent layer among convolutions and activations."""
    steps = [
        module("steps.0", "Codec", module("steps.0.lstm", "LSTM", library="torch.nn.LSTM")),
        module("steps.1", "ELU", library="torch.nn.ELU"),
        linear("steps.2", 16, 16),
    ]
    assert stacks_of(module("", "Root", module("steps", "ModuleList", *steps))) == []
