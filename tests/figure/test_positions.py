from __future__ import annotations

from archviz.architecture.model import Architecture, Fact, Identity, ModuleNode, Parameters
from archviz.figure.model import Box, Diagram
from archviz.figure.positions import embedding_lines, logit_lines, rope_lines, with_rope_settings


def stating(**facts: object) -> Architecture:
    return Architecture(
        identity=Identity(id="acme/m", class_name="M", origin="catalog"),
        facts=[Fact(key=key, value=value) for key, value in facts.items()],
        modules=ModuleNode(path="", name="", class_name="M"),
        parameters=Parameters(total=0),
    )


THETAS = {"sliding_attention": 10000.0, "full_attention": 1000000.0}


def test_a_scaled_rotation_says_base_kind_factor_and_original_length() -> None:
    scaling = {"rope_type": "yarn", "factor": 32.0, "original_max_position_embeddings": 4096}
    assert rope_lines(stating(rope_theta=150000, rope_scaling=scaling), None) == ("θ = 150,000", "YaRN × 32 from 4,096")


def test_each_kind_of_layer_has_its_own_base() -> None:
    architecture = stating(rope_theta=THETAS, rope_type={"sliding_attention": "default", "full_attention": "linear"})
    assert rope_lines(architecture, "sliding_attention") == ("θ = 10,000",)
    assert rope_lines(architecture, "full_attention") == ("θ = 1,000,000", "linear scaling")


def test_scalings_by_kind_are_told_apart() -> None:
    scaling = {"sliding_attention": "none", "full_attention": {"rope_type": "linear", "factor": 8.0}}
    architecture = stating(rope_theta=THETAS, rope_scaling=scaling)
    assert rope_lines(architecture, "full_attention") == ("θ = 1,000,000", "linear scaling × 8")
    assert rope_lines(architecture, "sliding_attention") == ("θ = 10,000",)


def test_bases_that_no_kind_is_named_for_are_all_said() -> None:
    assert rope_lines(stating(rope_theta={"main": 10000, "compress": 160000}), "attention") == (
        "θ = 10,000 (main)",
        "θ = 160,000 (compress)",
    )


def test_a_rope_box_gets_the_lines_and_other_boxes_do_not() -> None:
    diagram = Diagram((Box("r", "rope", "RoPE", ("512 dims",)), Box("q", "projection", "q_proj", ("8 → 8",))))
    shown = with_rope_settings(diagram, stating(rope_theta=10000, rope_partial_factor=0.25), None)
    assert [box.details for box in shown.boxes] == [("512 dims", "partial factor 0.25", "θ = 10,000"), ("8 → 8",)]


def test_caps_and_scales_of_logits_and_embeddings_are_said() -> None:
    assert logit_lines(stating(logit_softcap=30.0)) == ["logits capped at ±30 (tanh)"]
    assert logit_lines(stating(logit_scale=0.0625)) == ["logits scaled × 0.0625"]
    assert embedding_lines(stating(embedding_multiplier=12.0)) == ["embeddings scaled × 12"]
    assert logit_lines(stating(logit_scale=1.0)) + embedding_lines(stating()) == []
