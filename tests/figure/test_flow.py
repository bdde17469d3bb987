from __future__ import annotations

from archviz.figure.flow import layer_diagram, make_box, module_diagram
from tests.figure.samples import graph, node


def test_experts_are_numbered_and_end_with_the_last() -> None:
    assert make_box(node("e:experts:512 experts"), "e").cells == ("1", "2", "3", "…", "512")
    assert make_box(node("e:experts:4 experts"), "e").cells == ("1", "2", "3", "4")
    assert make_box(node("e:moe:512 experts"), "e").cells == ()


def test_a_box_of_a_module_leads_to_the_inset_of_its_inside() -> None:
    moe = graph("moe", "MoE", "x:input:x\nexperts:experts:8 experts\ny:output:y", "x>experts experts>y")
    moe.nodes[1].zoom = "moe/expert"
    zooms = [box.zoom for box in module_diagram(moe, {"moe/expert": "inset/moe/expert"}.get).boxes]
    assert zooms == [None, "inset/moe/expert", None]


def test_numbers_on_wires_are_written_as_in_boxes() -> None:
    parts = graph("m", "M", "x:input:x\ns:split:split:8192 + 10240\na:add:+\ny:output:y", "x>s s>a s>y a>y")
    parts.edges[1].label, parts.edges[2].label = "8192", "10240"
    diagram = module_diagram(parts)
    assert [arrow.label for arrow in diagram.arrows][1:3] == ["8192", "10,240"]


def test_a_norm_of_a_layer_tells_that_it_has_no_weights_but_not_the_width_of_the_stream() -> None:
    layer = graph(
        "l", "Layer", "x:input:x\na:norm:RMSNorm|without weights\nb:norm:RMSNorm|768\ny:output:y", "x>a a>b b>y"
    )
    details = [box.details for box in layer_diagram(layer, 0, lambda node: None).boxes if box.role == "norm"]
    assert details == [("without weights",), ()]
