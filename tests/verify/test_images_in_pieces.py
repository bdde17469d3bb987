"""Images whose pieces attend apart, whose shifted regions are hidden from each other, or whose padding tiles are."""

from __future__ import annotations

from tests.verify.models import mutated, read_model, values, verified

BLOCK = "encoder.layers.0.blocks"
DIFFERENCE = "mask_windows.unsqueeze(1) - mask_windows.unsqueeze(2)"


def test_windows_of_patches_attend_apart() -> None:
    found = verified("qwen2_5_vl")
    masks = values(found, "attention.mask")
    assert masks["model.visual.blocks.{0-2}.attn"] == "windows"
    assert masks["model.visual.blocks.{3}.attn"] == "none"
    assert values(found, "attention.window") == {"model.visual.blocks.{0-2}.attn": 64}
    tower = next(t for t in read_model("qwen2_5_vl")[1].layers if t.path == "model.visual.blocks")
    assert tower.pattern_text == "3 × windowed, 1 × full"


def test_a_tower_whose_every_layer_sees_all_has_no_windows() -> None:
    found = mutated("qwen2_5_vl", "cu_seqlens_now = cu_window_seqlens", "cu_seqlens_now = cu_seqlens")
    assert values(found, "attention.mask")["model.visual.blocks.{0-3}.attn"] == "none"


def test_windows_that_are_an_axis_of_the_scores_are_told() -> None:
    found = verified("hiera")
    windows = {scope[15]: window for scope, window in values(found, "attention.window").items()}
    assert windows == {"0": 64, "1": 64, "2": 16}
    spans = values(found, "attention.span")
    assert spans["encoder.stages.2.layers.{0}.attn"] == "windowed"
    assert spans["encoder.stages.2.layers.{1}.attn"] == "full"


def test_shifted_windows_hide_regions_of_the_image_from_each_other() -> None:
    masks = values(verified("swin"), "attention.mask")
    assert (masks[f"{BLOCK}.{{0}}.attention"], masks[f"{BLOCK}.{{1}}.attention"]) == ("windows", "regions")


def test_windows_that_a_layer_hands_on_as_sequences_of_their_own_are_told() -> None:
    found = verified("swin")
    assert values(found, "attention.window")[f"{BLOCK}.{{0-1}}.attention"] == 49
    assert values(found, "attention.span")[f"{BLOCK}.{{0-1}}.attention"] == "windowed"
    layers = "vision_encoder.layers"
    assert values(verified("sam_vision_model"), "attention.span") == {
        f"{layers}.{{0-1}}.attn": "windowed",
        f"{layers}.{{2}}.attn": "full",
    }
    frames = values(verified("timesformer"), "attention.window")
    assert {scope.rpartition(".")[0].rpartition(".")[2]: size for scope, size in frames.items()} == {
        "attention": 197,
        "temporal_attention": 8,
    }


def test_a_layer_that_cuts_no_windows_sees_all() -> None:
    found = mutated("swin", "self.set_shift_and_window_size(input_dimensions)", "self.window_size = 56")
    assert set(values(found, "attention.span").values()) == {"full"}


def test_a_bias_that_layers_learned_of_positions_is_no_mask_and_hides_none() -> None:
    masks = values(verified("swinv2"), "attention.mask")
    assert (masks[f"{BLOCK}.{{0}}.attention.self"], masks[f"{BLOCK}.{{1}}.attention.self"]) == ("windows", "regions")


def test_marks_that_are_not_compared_with_themselves_are_no_regions() -> None:
    masks = values(mutated("swin", DIFFERENCE, DIFFERENCE.replace("unsqueeze(2)", "unsqueeze(1)")), "attention.mask")
    assert "regions" not in masks.values()


def test_tiles_of_padding_are_hidden() -> None:
    masks = values(verified("mllama"), "attention.mask")
    assert masks["model.vision_model.transformer.layers.{0-5}.self_attn"] == "bidirectional"
