from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.layer_parts import detect_layer_parts
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.trace import Trace
from tests.patterns.tape import attention, layer, linear, module, moe, rms_norm, swiglu

QUIET = Trace(())


def test_a_plain_layer_has_a_mixer_a_feed_forward_and_norms() -> None:
    parts = detect_layer_parts(layer("l", 64, attention("l.attn", 64, 4, 4, 16), swiglu("l.mlp", 64, 128)), QUIET)
    assert [p.paths for p in parts.mixers] == [["l.attn"]]
    assert [p.paths for p in parts.feeds] == [["l.mlp"]]
    assert list(parts.norms) == ["l.norm_0", "l.norm_1"]
    assert not parts.loose


def test_wrappers_are_looked_into_and_their_projection_belongs_to_the_mixer() -> None:
    inner = module("l.attention.self", "SelfAttention", *(linear(f"l.attention.self.{n}", 64, 64) for n in ("query", "key", "value")), num_attention_heads=4)  # fmt: skip
    output = module("l.attention.output", "SelfOutput", linear("l.attention.output.dense", 64, 64), rms_norm("l.attention.output.LayerNorm", 64))  # fmt: skip
    wrapper = module("l.attention", "Attention", inner, output)
    up = module("l.intermediate", "Intermediate", linear("l.intermediate.dense", 64, 256), module("l.intermediate.act", "GELUActivation"))  # fmt: skip
    down = module("l.output", "Output", linear("l.output.dense", 256, 64), rms_norm("l.output.LayerNorm", 64))
    parts = detect_layer_parts(module("l", "Layer", wrapper, up, down), QUIET)
    assert parts.mixers[0].paths == ["l.attention.self", "l.attention.output.dense"]
    assert set(parts.feeds[0].paths) == {"l.intermediate.dense", "l.intermediate.act", "l.output.dense"}
    assert len(parts.norms) == 2


def test_a_norm_of_the_inner_width_is_a_part_of_the_feed_forward() -> None:
    mlp = swiglu("l.mlp", 64, 128)
    mlp.children["sub_norm"] = rms_norm("l.mlp.sub_norm", 128)
    parts = detect_layer_parts(layer("l", 64, attention("l.attn", 64, 4, 4, 16), mlp), QUIET)
    assert [p.paths for p in parts.feeds] == [["l.mlp"]]
    assert list(parts.norms) == ["l.norm_0", "l.norm_1"]


def test_loose_projections_of_a_layer_are_its_feed_forward() -> None:
    record = module("l", "Layer", attention("l.self_attn", 64, 4, 4, 16), linear("l.fc1", 64, 256), module("l.activation_fn", "GELUActivation"), linear("l.fc2", 256, 64), rms_norm("l.n", 64))  # fmt: skip
    parts = detect_layer_parts(record, QUIET)
    assert parts.feeds[0].paths == ["l.fc1", "l.activation_fn", "l.fc2"]


def test_experts_that_stand_in_the_layer_itself_are_found_beside_a_dense_mlp() -> None:
    spread = moe("l", 64, 32, 8, 2)
    record = module(
        "l", "Layer", attention("l.attn", 64, 4, 4, 16), swiglu("l.mlp", 64, 128), *spread.children.values()
    )
    parts = detect_layer_parts(record, QUIET)
    assert [type(p.what) is MixtureOfExperts for p in parts.feeds] == [True, False]
    assert parts.feeds[0].paths == ["l.gate", "l.experts"]


def test_a_layer_may_have_one_mixer_and_nothing_else() -> None:
    parts = detect_layer_parts(layer("l", 64, attention("l.mixer", 64, 4, 4, 16)), QUIET)
    assert (len(parts.mixers), len(parts.feeds), len(parts.norms)) == (1, 0, 1)


def test_several_feed_forwards_beside_a_bottleneck_are_found_each() -> None:
    def pair(path: str) -> list[ModuleRecord]:
        up = module(f"{path}.up", "Up", linear(f"{path}.up.dense", 32, 64), module(f"{path}.up.act", "ReLU"))
        return [
            up,
            module(f"{path}.down", "Down", linear(f"{path}.down.dense", 64, 32), rms_norm(f"{path}.down.n", 32)),
        ]

    shrink = module("l.bottleneck", "Bottleneck", linear("l.bottleneck.dense", 128, 32), rms_norm("l.bottleneck.n", 32))
    more = module("l.ffn", "ModuleList", module("l.ffn.0", "FFN", *pair("l.ffn.0")), library="torch.nn.ModuleList")
    parts = detect_layer_parts(module("l", "Layer", *pair("l"), shrink, more), QUIET)
    assert sorted(part.paths[0] for part in parts.feeds) == ["l.ffn.0.up.dense", "l.up.dense"]
    assert [child.path for child in parts.loose] == ["l.bottleneck.dense"]
