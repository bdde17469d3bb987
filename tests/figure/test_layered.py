from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from archviz.figure.layered import Link, Placement, Spacing, Vertex, place
from archviz.figure.layering import crossings, layer
from archviz.figure.routing import Net, assign_tracks


def boxes(names: str) -> list[Vertex]:
    return [Vertex(name, 80, 30) for name in names.split()]


def links(text: str) -> list[Link]:
    return [Link(*pair.split(">")) for pair in text.split()]


def overlapping(placement: Placement) -> list[tuple[str, str]]:
    return [
        (a, b)
        for (a, one), (b, two) in combinations(placement.boxes.items(), 2)
        if one[0] + one[2] > two[0] + 0.01
        and two[0] + two[2] > one[0] + 0.01
        and one[1] + one[3] > two[1] + 0.01
        and two[1] + two[3] > one[1] + 0.01
    ]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Vertex], list[Link]]:
    count = draw(st.integers(1, 14))
    sizes = st.tuples(st.sampled_from([0.0, 22.0, 60.0, 150.0, 300.0]), st.sampled_from([0.0, 22.0, 40.0, 60.0]))
    vertices = [
        Vertex(str(index), *draw(sizes), round=draw(st.booleans()), apart=draw(st.booleans())) for index in range(count)
    ]
    names = st.integers(0, count - 1).map(str)
    joined = draw(st.lists(st.builds(Link, names, names, st.booleans()), max_size=24))
    return vertices, joined


def leaning() -> tuple[list[Vertex], list[Link]]:
    """A graph with a long link whose ports in two neighbouring layers differ by 0.1 px."""
    sizes = {3: (150.0, 0.0), 6: (150.0, 22.0)}
    vertices = [Vertex(str(i), *sizes.get(i, (0.0, 0.0)), apart=i == 3) for i in range(7)]
    return vertices, links("1>0 2>1 3>0 3>0 3>6")


@settings(max_examples=400)
@example(leaning())
@given(graphs())
def test_any_graph_is_placed_without_overlap_and_every_link_has_a_route(graph: tuple[list[Vertex], list[Link]]) -> None:
    vertices, joined = graph
    placement = place(vertices, joined)
    assert overlapping(placement) == []
    assert len(placement.routes) == len(joined)
    for route in placement.routes:
        assert len(route) >= 2
        for (x1, y1), (x2, y2) in pairwise(route):
            assert abs(x1 - x2) < 0.01 or abs(y1 - y2) < 0.01
            assert -0.01 <= x1 <= placement.width + 0.01
    assert placement.routes == place(vertices, joined).routes


@settings(max_examples=400)
@example(leaning())
@given(graphs())
def test_a_route_starts_and_ends_on_the_border_of_its_boxes(graph: tuple[list[Vertex], list[Link]]) -> None:
    vertices, joined = graph
    placement = place(vertices, joined)
    for link, route in zip(joined, placement.routes, strict=True):
        for name, (x, y) in ((link.source, route[0]), (link.target, route[-1])):
            left, top, width, height = placement.boxes[name]
            assert left - 0.01 <= x <= left + width + 0.01
            assert top - 0.01 <= y <= top + height + 0.01


def test_the_flow_goes_up() -> None:
    placement = place(boxes("a b c"), links("a>b b>c"))
    assert placement.boxes["a"][1] > placement.boxes["b"][1] > placement.boxes["c"][1]


def test_a_chain_is_straight() -> None:
    placement = place(boxes("a b c d"), links("a>b b>c c>d"))
    assert all(len(route) == 2 for route in placement.routes)


def test_a_residual_runs_beside_the_boxes_and_enters_the_sum_from_the_side() -> None:
    vertices = [Vertex("x", 0, 0), Vertex("norm", 80, 30), Vertex("mix", 80, 30), Vertex("add", 22, 22, round=True)]
    placement = place(vertices, [*links("x>norm norm>mix mix>add"), Link("x", "add", skip=True)])
    route = placement.routes[-1]
    lane = min(x for x, _ in route)
    assert lane < placement.boxes["norm"][0]
    left, top, _, height = placement.boxes["add"]
    assert route[-1] == (left, top + height / 2)


def test_parallel_branches_stand_side_by_side() -> None:
    placement = place(boxes("x attn mlp add"), links("x>attn x>mlp attn>add mlp>add"))
    assert placement.boxes["attn"][1] == placement.boxes["mlp"][1]
    assert placement.boxes["attn"][0] < placement.boxes["mlp"][0]


def test_crossings_that_can_be_avoided_are_avoided() -> None:
    pairs = [(0, 1), (0, 2), (0, 3), (1, 6), (2, 5), (3, 4)]
    assert crossings(layer(7, pairs, [False] * 7, set())) == 0


def test_more_room_between_layers_only_makes_it_higher() -> None:
    vertices, joined = boxes("x q k v core out"), links("x>q x>k x>v q>core k>core v>core core>out")
    low, high = place(vertices, joined), place(vertices, joined, Spacing(between=60))
    assert high.height > low.height
    assert high.width == low.width


def test_wires_cross_next_to_stems_rather_than_under_heads() -> None:
    across, turning = Net(0.0, [100.0]), Net(50.0, [30.0])
    assign_tracks([across, turning])
    assert (across.track, turning.track) == (0, 1)
    mirrored, other = Net(100.0, [0.0]), Net(50.0, [70.0])
    assign_tracks([other, mirrored])
    assert (mirrored.track, other.track) == (0, 1)


def test_layers_are_apart_where_words_stand_beside_a_wire() -> None:
    spacing = Spacing(between=10.0)
    plain, named = (place(boxes("a b"), [Link("a", "b", named=each)], spacing).height for each in (False, True))
    assert named == plain + 9.0


def test_the_heads_of_arrows_have_room_above_the_wires_of_a_narrow_gap() -> None:
    placement = place(boxes("a b c d"), links("a>b a>c a>d"), Spacing(across=20, between=14))
    for route in placement.routes:
        if len(route) > 2:
            assert route[-2][1] - route[-1][1] >= 9
            assert route[0][1] - route[1][1] >= 4
