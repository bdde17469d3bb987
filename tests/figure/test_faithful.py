"""Faults that are made on the way from an Architecture to a drawing are told when a model is drawn, and in the exit status."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archviz.comparison.comparing import compare
from archviz.drawings import draw_comparison, draw_described
from archviz.figure import panels, stack
from archviz.figure.display import Group
from archviz.figure.model import Arrow
from archviz.formats import Look
from archviz.records import replace
from tests.figure.zoo import ZOO


def drawn(tmp_path: Path, view: str = "overview") -> tuple[int, set[str]]:
    result = draw_described(ZOO["qwen35"](), tmp_path / "out", ["svg"], look=Look(views=(view,)))
    return result.exit_status, {finding.rule for finding in result.findings if finding.severity == "hard"}


@pytest.mark.parametrize("view", ["overview", "detailed", "params"])
def test_a_drawing_without_a_fault_has_no_finding(tmp_path: Path, view: str) -> None:
    assert drawn(tmp_path, view) == (0, set())


def test_a_wire_that_the_layout_loses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint = panels.paint_arrow

    def lossy(arrow: Arrow, *given: Any) -> Group:
        wire = paint(arrow, *given)
        return replace(wire, role="leader") if arrow.id.endswith("gate~softmax") else wire

    monkeypatch.setattr(panels, "paint_arrow", lossy)
    assert drawn(tmp_path) == (5, {"wire-missing"})


def test_a_number_that_a_painter_changes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint: Callable[..., Group] = stack.paint_box

    def careless(box: Any, *given: Any) -> Group:
        return paint(replace(box, details=tuple(line.replace("512", "521") for line in box.details)), *given)

    monkeypatch.setattr(stack, "paint_box", careless)
    assert drawn(tmp_path) == (5, {"box-changed"})


def test_an_edge_that_the_figure_never_had_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from archviz.figure import flow

    arrows = flow._arrows
    monkeypatch.setattr(flow, "_arrows", lambda *given: arrows(*given)[:-1])
    status, rules = drawn(tmp_path)
    assert status == 5
    assert "flow-untrue" in rules
    assert "flow-untrue" in drawn(tmp_path, "detailed")[1]


def test_a_comparison_that_loses_a_wire_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = compare([ZOO["llama"](), ZOO["gemma"]()])
    assert draw_comparison(pair, tmp_path / "pair", ["svg"]).exit_status == 0
    paint: Callable[..., Group] = stack.paint_arrow
    monkeypatch.setattr(stack, "paint_arrow", lambda *given: replace(paint(*given), id="lost"))
    result = draw_comparison(pair, tmp_path / "pair", ["svg"])
    assert result.exit_status == 5
    assert {"wire-missing", "wire-added"} <= {finding.rule for finding in result.findings}
