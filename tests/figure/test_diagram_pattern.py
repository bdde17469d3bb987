from __future__ import annotations

from dataclasses import replace

from archviz.architecture.model import LayerKind, LayerStack, PatternItem
from archviz.figure.diagram_pattern import pattern_units, zooms
from tests.figure.samples import graph


def stack(*pattern: PatternItem) -> LayerStack:
    kinds = [
        LayerKind(
            id=name, title=name, indices=[], count=1, class_name="L", block=name, parameters=1, active_parameters=1
        )
        for name in "ab"
    ]
    return LayerStack(path="layers", count=1, kinds=kinds, pattern=list(pattern), pattern_text="")


def run(kind: str, times: int) -> PatternItem:
    return PatternItem(times=times, kind=kind)


def drawn(*pattern: PatternItem) -> list[tuple[int, str]]:
    units = pattern_units(stack(*pattern))
    return [
        (unit.times, " ".join(f"{layer.kind.id}{layer.number}×{layer.times}" for layer in unit.layers))
        for unit in units
    ]


def test_a_unit_has_every_layer_of_it() -> None:
    unit = PatternItem(times=15, items=[run("a", 3), run("b", 1)])
    assert drawn(unit) == [(15, "a0×1 a1×1 a2×1 b3×1")]
    assert pattern_units(stack(unit))[0].heading == "15 × a unit of 4 layers (layers 0–59)"


def test_a_layer_is_called_by_its_index_from_0_and_in_a_repeated_unit_by_its_place() -> None:
    unit = PatternItem(times=4, items=[run("a", 10), run("b", 1)])
    names = [layer.numbers for part in pattern_units(stack(run("a", 3), unit, run("a", 1))) for layer in part.layers]
    assert names == ["Layers 0–2", "1st–10th of 11", "11th of 11", "Layer 47"]


def test_runs_are_one_entry_each() -> None:
    assert drawn(run("a", 3), run("b", 58)) == [(1, "a0×3 b3×58")]
    assert pattern_units(stack(run("a", 3), run("b", 58)))[0].heading == "Layers 0–60"


def test_a_remainder_counts_on() -> None:
    unit = PatternItem(times=4, items=[run("a", 5), run("b", 1)])
    assert drawn(unit, run("a", 2)) == [(4, "a0×1 a1×1 a2×1 a3×1 a4×1 b5×1"), (1, "a24×2")]


def test_a_long_run_inside_a_unit_stays_folded() -> None:
    assert drawn(PatternItem(times=2, items=[run("a", 23), run("b", 1)])) == [(2, "a0×23 b23×1")]


def test_units_in_units_are_spelt_out() -> None:
    inner = PatternItem(times=2, items=[run("a", 1), run("b", 1)])
    assert drawn(PatternItem(times=3, items=[inner, run("a", 1)])) == [(3, "a0×1 b1×1 a2×1 b3×1 a4×1")]


def test_nodes_name_their_insides_themselves_or_through_the_layer_kind() -> None:
    layer = graph("layer", "Layer", "attn:attention:Attention\nmlp:feed_forward:MLP\ncross:attention:Cross", "attn>mlp")
    layer.nodes[2].zoom = "cross_graph"
    kind = replace(stack(run("a", 1)).kinds[0], mixer="attn_graph", feed_forward="mlp_graph")
    assert zooms(layer, kind) == {"cross_graph": "cross", "attn_graph": "attn", "mlp_graph": "mlp"}
    assert zooms(layer) == {"cross_graph": "cross"}
