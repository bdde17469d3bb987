from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archviz.emit import svg
from archviz.errors import UsageError
from archviz.figure.diagram_config import DiagramConfig, load_diagram_config
from archviz.figure.diagram_layout import draw_diagram
from archviz.figure.display import DisplayList, Group, Rect, Text
from archviz.figure.display import Path as Line
from tests.figure.diagram_samples import load, small, spoilt

EXAMPLE = Path(__file__).parents[2] / "assets" / "example_config.json"


def hard(config: DiagramConfig, theme: str = "light") -> list[str]:
    _, findings = draw_diagram(config, theme)
    return [f"{finding.rule}: {finding.message} {finding.ids}" for finding in findings if finding.severity == "hard"]


def group(display: DisplayList, name: str) -> Group:
    return next(found for found in display.groups() if found.id == name)


def frame(display: DisplayList, name: str) -> Rect:
    return next(item for item in group(display, name).items if isinstance(item, Rect))


def words(display: DisplayList) -> str:
    return " ".join(shape.content for shape in display.shapes() if isinstance(shape, Text))


def test_every_part_is_drawn_once() -> None:
    display, _ = draw_diagram(small())
    names = [found.id for found in display.groups()]
    assert len(names) == len(set(names))
    wanted = [address for address, _ in small().blocks()]
    wanted += ["stage1", "stage2", "stage3", "stage4", "rope", "note", "edge1", "edge2", "edge3"]
    assert set(wanted) <= set(names)
    for text in ("Tiny-1B architecture", "1,000 → 64", "θ = 10,000", "positions", "Source: https://example.org/tiny"):
        assert text in words(display)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_samples_have_no_hard_finding(theme: str) -> None:
    assert hard(small(), theme) == []
    assert hard(load_diagram_config(EXAMPLE), theme) == []


def test_blocks_stand_in_their_stage_in_order() -> None:
    display, _ = draw_diagram(small())
    panel, first, second = (frame(display, name) for name in ("stage2", "stage2.block1", "stage2.block2"))
    assert first.y + first.height < second.y
    for box in (first, second):
        assert panel.x < box.x
        assert box.x + box.width < panel.x + panel.width
        assert panel.y < box.y < box.y + box.height < panel.y + panel.height


def test_an_edge_ends_on_the_border_of_its_boxes() -> None:
    display, _ = draw_diagram(small())
    arrow = next(item for item in group(display, "edge1").items if isinstance(item, Line))
    rope, attention = frame(display, "rope"), frame(display, "stage2.block2")
    (x, y), (end_x, end_y) = arrow.points[0], arrow.points[-1]
    assert x == pytest.approx(rope.x, abs=0.1)
    assert rope.y <= y <= rope.y + rope.height
    assert end_x == pytest.approx(attention.x + attention.width, abs=0.1)
    assert attention.y <= end_y <= attention.y + attention.height
    assert arrow.arrow_end


def test_stages_follow_one_another_but_details_stand_apart() -> None:
    names = [found.id for found in draw_diagram(small())[0].groups()]
    assert {"flow-stage1-stage2", "flow-stage2-stage4"} <= set(names)
    assert not any(name.startswith("flow-") and name.endswith("stage3") for name in names)
    assert "leader-stage2.block2-stage3" in names


def test_a_new_flow_gets_no_arrow_from_the_stage_before() -> None:
    config = load(spoilt(lambda raw: raw["stages"][3].update(new_flow=True)))
    assert not any(found.id == "flow-stage2-stage4" for found in draw_diagram(config)[0].groups())


def test_unverified_is_dashed_and_explained() -> None:
    display, _ = draw_diagram(small())
    assert frame(display, "stage2.block2").dash
    assert not frame(display, "stage2.block1").dash
    assert frame(display, "note").stroke != frame(display, "rope").stroke
    assert "not verified" in words(display)
    assert group(display, "stage2.block2").description == "status: unverified\nsource: card"


def test_a_verified_diagram_has_no_legend() -> None:
    raw = spoilt(lambda raw: (raw["stages"][1]["blocks"][1].pop("status"), raw["custom_nodes"][1].pop("status")))
    assert not any(found.role == "legend" for found in draw_diagram(load(raw))[0].groups())


def test_colours_are_the_config_s_own_or_follow_from_the_type() -> None:
    display, _ = draw_diagram(small())
    assert frame(display, "stage2.block1").fill == "#f08080"
    assert frame(display, "stage2.block2").fill == "#90ee90"
    assert frame(display, "rope").fill == "#ffe4b5"


def test_the_drawing_is_the_same_to_the_byte() -> None:
    assert svg.emit(draw_diagram(small())[0]) == svg.emit(draw_diagram(small())[0])


def test_hostile_labels_stay_text() -> None:
    hostile = '<script>alert(1)</script> "]; } digraph \\N &amp; $x$ %'
    config = load(spoilt(lambda raw: raw["stages"][0]["blocks"][0].update(type=hostile, details=hostile * 300)))
    display, findings = draw_diagram(config)
    assert "<script" not in svg.emit(display).decode()
    assert any(finding.rule == "text-shortened" for finding in findings)
    assert hostile[:8] in group(display, "stage1.block1").description
    assert hard(config) == []


def test_a_tall_diagram_is_spread_over_columns() -> None:
    blocks = [{"type": f"Layer {number}: attention", "details": "one\ntwo"} for number in range(120)]
    config = load({"model_name": "tall", "stages": [{"name": "Layers", "blocks": blocks}]})
    display, _ = draw_diagram(config)
    assert 0.5 < display.width / display.height < 2.2
    assert "Layers (continued)" in words(display)
    assert hard(config) == []


def test_a_thousand_blocks_are_laid_out_in_seconds() -> None:
    stages = [
        {"name": f"S{s}", "blocks": [{"type": f"b{b}", "details": "x y z"} for b in range(25)]} for s in range(40)
    ]
    edges = [{"from": f"stage{s}.block1", "to": f"stage{41 - s}.block20"} for s in range(1, 20)]
    config = load({"model_name": "large", "stages": stages, "custom_edges": edges})
    start = time.perf_counter()
    draw_diagram(config)
    assert time.perf_counter() - start < 20


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(UsageError, match="no theme"):
        draw_diagram(small(), "sepia")


LABELS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60).map(
    lambda text: f"x{text}"
)
DETAILS = st.lists(LABELS, max_size=4).map("\n".join)


@st.composite
def configs(draw: st.DrawFn) -> DiagramConfig:
    """Diagrams of any shape: stages of blocks, nodes, edges between any two of them."""
    block = st.fixed_dictionaries({"type": LABELS, "details": DETAILS})
    stage = st.fixed_dictionaries({"name": LABELS, "blocks": st.lists(block, min_size=1, max_size=7)})
    stages = draw(st.lists(stage, min_size=1, max_size=6))
    nodes = [{"id": f"n{number}", "label": label} for number, label in enumerate(draw(st.lists(LABELS, max_size=6)))]
    ends = [f"stage{s}" for s in range(1, len(stages) + 1)] + [str(node["id"]) for node in nodes]
    ends += [f"stage{s}.block{b}" for s, made in enumerate(stages, 1) for b in range(1, len(made["blocks"]) + 1)]
    edge = st.fixed_dictionaries(
        {"from": st.sampled_from(ends), "to": st.sampled_from(ends)}, optional={"label": LABELS}
    )
    return load(
        {
            "model_name": "any",
            "stages": stages,
            "custom_nodes": nodes,
            "custom_edges": draw(st.lists(edge, max_size=12)),
        }
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(configs())
def test_no_diagram_has_a_hard_finding(config: DiagramConfig) -> None:
    assert hard(config) == []
