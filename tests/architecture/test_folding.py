from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archviz.architecture.context import Context
from archviz.architecture.folding import fold_modules, is_index, numbering, ranges, signature
from archviz.architecture.model import ModuleNode
from archviz.interpreter.reading import ModelReading
from tests.patterns.tape import linear, module


def fold(widths: list[int], **attributes: list[object]) -> ModuleNode:
    layers = [
        module(f"m.{i}", "Layer", linear(f"m.{i}.l", 8, width), layer_idx=i, **{k: v[i] for k, v in attributes.items()})
        for i, width in enumerate(widths)
    ]
    root = module("", "Root", module("m", "ModuleList", *layers))
    return fold_modules(Context(ModelReading("Root", {}, root)), lambda record: "other").children[0]


def test_equal_siblings_are_one_node_with_their_indices_in_the_path() -> None:
    node = fold([4, 4, 8, 4])
    assert [(child.path, child.count) for child in node.children] == [("m.{0-1,3}", 3), ("m.2", 1)]
    assert node.children[0].children[0].path == "m.{0-1,3}.l"


def test_a_setting_that_differs_keeps_siblings_apart() -> None:
    assert [child.count for child in fold([4] * 4, window=[1, 1, 2, 2]).children] == [2, 2]


def test_a_setting_that_numbers_every_sibling_does_not() -> None:
    assert [child.count for child in fold([4] * 4, drop_path=[0.0, 0.1, 0.2, 0.3]).children] == [4]
    assert [child.count for child in fold([4] * 4, cache_key=[f"conv.{i}" for i in range(4)]).children] == [4]


def test_index_attributes_are_known_by_name() -> None:
    assert all(map(is_index, ["layer_idx", "layer_id", "idx", "layer_number", "index"]))
    assert not any(map(is_index, ["head_dim", "num_layers", "padding", "index_topk"]))


def test_numbering_needs_three_siblings() -> None:
    pair = [module(f"m.{i}", "Layer", scale=float(i)) for i in range(2)]
    assert numbering(pair) == frozenset()
    assert signature(pair[0]) != signature(pair[1])


@given(st.lists(st.sampled_from([4, 8, 16]), min_size=1, max_size=12))
def test_folding_keeps_every_sibling_and_every_parameter(widths: list[int]) -> None:
    node = fold(widths)
    indices = sorted(i for child in node.children for i in (child.indices or [int(child.name)]))
    assert indices == list(range(len(widths)))
    assert sum(child.parameters * child.count for child in node.children) == node.parameters == 8 * sum(widths)


@given(st.sets(st.integers(0, 60), min_size=1))
def test_ranges_name_exactly_their_indices(indices: set[int]) -> None:
    named: set[int] = set()
    for part in ranges(indices).split(","):
        first, _, last = part.partition("-")
        named |= set(range(int(first), int(last or first) + 1))
    assert named == indices
