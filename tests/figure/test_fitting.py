from __future__ import annotations

import pytest

from archviz.descriptions import describe
from archviz.figure import columns, draw_overview, fitting
from archviz.figure.columns import MAX_BOXES
from archviz.figure.display import Rect
from archviz.figure.insets import Known
from archviz.figure.model import Figure
from archviz.figure.overview import boxes_of, build_overview, count_boxes
from archviz.figure.page import Page
from archviz.figure.quantities import plain
from archviz.figure.savings import LADDER
from archviz.figure.theme import LIGHT, Theme
from archviz.settings import Settings
from tests.figure.zoo import ZOO


def test_boxes_are_counted_before_a_figure_is_made() -> None:
    for name in ("qwen35", "t5", "gemma3", "nemotron"):
        model, known = ZOO[name](), Known()
        for savings in LADDER[::4]:
            assert boxes_of(model, savings, known) == count_boxes(build_overview(model, savings)), (name, savings)


def test_what_was_made_for_other_savings_changes_no_figure() -> None:
    for name in ("qwen35", "t5", "gemma3", "llama"):
        model, known = ZOO[name](), Known()
        for savings in LADDER[::4]:
            assert build_overview(model, savings, known) == build_overview(model, savings), (name, savings)


def test_few_pages_are_laid_out_for_the_densest_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound on the work, which time on a busy machine could not be: 37 figures and 10 pages were tried."""
    model = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True))
    tried = {"figures": 0, "pages": 0, "columns": 0}

    class Counted(Page):
        def __init__(self, *given: object, **named: object) -> None:
            tried["pages"] += 1
            super().__init__(*given, **named)  # type: ignore[arg-type]

    class Columns(columns.Drafted):
        def __init__(self, *given: object) -> None:
            tried["columns"] += 1
            super().__init__(*given)  # type: ignore[arg-type]

    def built(*given: object) -> object:
        tried["figures"] += 1
        return build_overview(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "Page", Counted)
    monkeypatch.setattr(columns, "Drafted", Columns)
    monkeypatch.setattr(fitting, "build_overview", built)
    page = fitting.fitted_page(model, LIGHT)
    assert count_boxes(page.figure) <= MAX_BOXES
    assert page.badness <= 0
    assert tried["figures"] <= 4
    assert tried["pages"] <= 13
    assert tried["columns"] <= 16


def test_savings_that_change_nothing_lay_no_page_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[tuple[object, ...]] = []

    class Recorded(Page):
        def __init__(self, figure: Figure, theme: Theme, density: float = 1.0, *given: object, **named: object) -> None:
            laid.append((figure, density, repr(given), repr(sorted(named.items() - {("like", named.get("like"))}))))
            super().__init__(figure, theme, density, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "Page", Recorded)
    fitting.fitted_page(describe("google/gemma-4-26B-A4B", settings=Settings(offline=True)), LIGHT)
    assert len(laid) > 5
    assert all(one != other for place, one in enumerate(laid) for other in laid[:place])


def test_a_cross_attention_says_whose_output_it_reads_and_which_wire_is_which() -> None:
    for name, giver in (
        ("openai/whisper-tiny", "Encoder output"),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", "Vision encoder output"),
    ):
        page = fitting.fitted_page(describe(name, settings=Settings(offline=True)), LIGHT)
        inset = next(inset for inset in page.figure.insets if inset.title == "Cross attention")
        assert [box.label for box in inset.diagram.boxes if box.role == "input"] == ["Input", giver]
        core = next(box.id for box in inset.diagram.boxes if box.role == "attention_core")
        named = {arrow.label: f"{arrow.id}/label" for arrow in inset.diagram.arrows if arrow.target == core}
        assert sorted(named) == ["k", "q", "v"]
        drawn = {group.id for group in page.display().groups() if group.role == "label"}
        assert set(named.values()) <= drawn or page.density < 1


def test_where_insets_are_few_one_layer_of_each_build_is_opened_and_then_its_mixers() -> None:
    architecture = describe("moonshotai/Kimi-Linear-48B-A3B-Instruct", settings=Settings(offline=True))
    few = next(savings for savings in LADDER if savings.layers and savings.insets == 4 and not savings.small)
    insets = build_overview(architecture, few).insets
    assert [inset.role for inset in insets].count("layer") == 1
    assert {"Kimi Delta Attention", "Multi-head latent attention", "MoE"} <= {inset.title for inset in insets}


def test_a_page_that_almost_fits_is_drawn_closer_rather_than_with_less() -> None:
    """DeepSeek-V4's compressed sparse attention, of 21 layers, not the plain sliding one of 2."""
    model = describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True))
    titles = [inset.title for inset in fitting.fitted_page(model, LIGHT).figure.insets]
    assert any(title.startswith("Compressed sparse attention") for title in titles)
    assert "Sliding attention" not in titles


def test_towers_that_feed_each_other_are_boxes_of_their_own() -> None:
    figure = fitting.fitted_page(describe("transformers:idefics2", settings=Settings(offline=True)), LIGHT).figure
    assert [box.label for box in figure.columns[-1].feeders] == ["Connector", "Vision encoder"]
    display, findings = draw_overview(describe("transformers:idefics2", settings=Settings(offline=True)))
    assert findings == []
    boxes = {
        group.id: group.items[0] for group in display.groups() if group.id.startswith("tower/") and group.role == "node"
    }
    tops = [box.y for box in boxes.values() if isinstance(box, Rect)]
    assert tops == sorted(tops)  # the one that joins the stream stands above the one that it reads


def test_a_further_input_is_called_by_the_tower_that_gives_it_where_that_feeds_its_column() -> None:
    funnel = fitting.fitted_page(describe("transformers:funnel", settings=Settings(offline=True)), LIGHT).figure
    read = [side.box.label for side in funnel.sides if side.box.role == "input"]
    assert read == ["Second input"]


def test_an_inset_tells_of_another_the_arrow_that_it_lacks() -> None:
    figure = fitting.fitted_page(
        describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True)), LIGHT
    ).figure
    notes = [plain(note) for inset in figure.insets for note in inset.notes]
    assert any(note.endswith("compressor does not read RMSNorm") for note in notes)
