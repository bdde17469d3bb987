from __future__ import annotations

import pytest

from archviz.architecture.model import BlockEdge, BlockNode
from archviz.figure.unfolding import unfold
from tests.figure.zoo import ZOO

NAMES = [name for name in ZOO if name != "hostile"]


def _reach(nodes: list[BlockNode], edges: list[BlockEdge]) -> set[str]:
    """Nodes from which the output can be reached."""
    found = {node.id for node in nodes if node.role == "output"}
    while more := {edge.source for edge in edges if edge.target in found} - found:
        found |= more
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_opened_layer_stays_one_flow_in_order_of_execution(name: str) -> None:
    model = ZOO[name]()
    for stack in model.layers:
        for kind in stack.kinds:
            layer = model.block(kind.block)
            assert layer is not None
            shown = unfold(model, layer).graph
            place = {node.id: index for index, node in enumerate(shown.nodes)}
            assert len(place) == len(shown.nodes)
            assert all(place[edge.source] < place[edge.target] for edge in shown.edges)
            assert _reach(shown.nodes, shown.edges) == set(place)


def test_the_inside_of_a_part_takes_its_place_and_keeps_its_own_numbers() -> None:
    model = ZOO["llama"]()
    layer, inside = model.blocks[0], model.block(model.layers[0].kinds[0].mixer or "")
    assert inside is not None
    layer.nodes[2].zoom = inside.id
    shown = unfold(model, layer)
    opened = [name for name, (graph, _) in shown.origin.items() if graph is inside]
    assert len(opened) == len(inside.nodes) - 2
    assert all(shown.part[name] == "attention" for name in opened)
    assert layer.nodes[2].id not in {node.id for node in shown.graph.nodes}
    assert [edge.residual for edge in shown.graph.edges].count(True) == [e.residual for e in layer.edges].count(True)


def test_a_part_whose_ends_do_not_fit_stays_closed() -> None:
    model = ZOO["llama"]()
    layer = model.blocks[0]
    mixer = layer.nodes[2]
    mixer.zoom = model.layers[0].kinds[0].mixer
    layer.edges.append(BlockEdge(source=layer.nodes[0].id, target=mixer.id))
    assert mixer.id in {node.id for node in unfold(model, layer).graph.nodes}


def test_a_part_whose_inside_holds_other_parameters_is_drawn_besides_and_not_in_its_place() -> None:
    """Canine's attention of windows runs one projection several times; opened in place, its parameters would be told as often."""
    model = ZOO["llama"]()
    layer, inside = model.blocks[0], model.block(model.layers[0].kinds[0].mixer or "")
    assert inside is not None
    layer.nodes[2].zoom, layer.nodes[2].parameters, inside.parameters = inside.id, 10, 30
    shown = unfold(model, layer)
    assert [node.zoom for node in shown.graph.nodes if node.id == layer.nodes[2].id] == [inside.id]
    assert shown.part == {}
