from __future__ import annotations

from archviz.service.tensor_rows import rows_of_equals


def test_equal_tensors_of_layers_and_experts_share_a_row_that_names_every_one() -> None:
    names = [f"layers.{layer}.experts.{expert}.w" for layer in (1, 2, 3) for expert in range(4)]
    assert rows_of_equals({name: [8, 2] for name in names}) == {"layers.{1-3}.experts.{0-3}.w": [8, 2]}


def test_a_row_stands_for_no_tensor_that_is_not_there() -> None:
    tensors = {"layers.0.experts.0.w": [2], "layers.0.experts.1.w": [2], "layers.1.experts.0.w": [2]}
    assert rows_of_equals(tensors) == {"layers.0.experts.{0-1}.w": [2], "layers.1.experts.0.w": [2]}


def test_another_shape_or_type_is_another_row_and_the_order_stays() -> None:
    tensors = {f"h.{index}.w": ["F8" if index % 4 else "BF16", 2] for index in range(8)} | {"w": ["F8", 2]}
    assert rows_of_equals(tensors) == {"h.{0,4}.w": ["BF16", 2], "h.{1-3,5-7}.w": ["F8", 2], "w": ["F8", 2]}
