from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from archviz.architecture.model import BlockEdge, BlockGraph, BlockNode
from archviz.emit import graphviz_engine
from archviz.emit.architecture_files import architecture_files
from archviz.emit.diagram_files import diagram_files
from archviz.emit.dot_architecture import dot_from_architecture
from archviz.emit.dot_ports import ports_of
from archviz.emit.dot_text import box, opening, ports
from archviz.formats import Look
from tests.figure.diagram_samples import small
from tests.figure.zoo import ZOO

GRAPHVIZ = Look(engine="graphviz")


def fake_dot(folder: Path, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def told(found: list) -> str:  # type: ignore[type-arg]
    return next(finding.message for finding in found if finding.rule == "engine")


def test_dot_on_path_draws_with_the_bundled_fonts_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_dot(tmp_path, 'echo "$1"; /bin/cat "$FONTCONFIG_FILE"')
    monkeypatch.setenv("PATH", str(tmp_path))
    files, findings = architecture_files(ZOO["llama"](), ["svg", "dot"], GRAPHVIZ)
    assert files["svg"].startswith(b"-Tsvg\n")
    assert b"archviz/figure/fonts</dir>" in files["svg"]
    assert files["dot"] == dot_from_architecture(ZOO["llama"]()).encode()
    assert told(findings) == "drawn by Graphviz: dot on PATH"
    assert all(finding.severity == "soft" for finding in findings)


@pytest.mark.parametrize("script", ["echo syntax error >&2; exit 1", "exit 0"])
def test_a_dot_that_fails_leaves_it_to_the_own_layouter(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(graphviz_engine, "find_spec", lambda name: None)
    files, findings = diagram_files(small(), ["svg"], GRAPHVIZ)
    assert files["svg"].startswith(b"<svg")
    assert told(findings).startswith("drawn by the own layouter: dot on PATH failed (")


def test_without_graphviz_the_own_layouter_draws_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(graphviz_engine, "find_spec", lambda name: None)
    files, findings = architecture_files(ZOO["llama"](), ["png"], GRAPHVIZ)
    assert files["png"].startswith(b"\x89PNG")
    assert told(findings) == "drawn by the own layouter: there is neither dot on PATH nor the pygraphviz package"


def test_the_wheel_is_asked_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pygraphviz.py").write_text(
        "class AGraph:\n"
        "    def __init__(self, string): self.string = string\n"
        "    def draw(self, format, prog): return f'{format} {prog} {len(self.string)}'.encode()\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(graphviz_engine, "find_spec", lambda name: True)
    drawn = graphviz_engine.draw("digraph {}", ["svg"])
    assert drawn.files == {"svg": b"svg dot 10"}
    assert drawn.told == "drawn by Graphviz: the pygraphviz package"
    assert "pygraphviz" not in sys.modules


@pytest.mark.parametrize("view", ["detailed", "module"])
def test_graphviz_draws_what_is_a_graph(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_dot(tmp_path, 'echo "$1"; /bin/cat')
    monkeypatch.setenv("PATH", str(tmp_path))
    look = Look(engine="graphviz", module="attn" if view == "module" else None)
    files, findings = architecture_files(ZOO["llama"](), ["svg", "dot"], look, view)
    assert files["svg"] == b"-Tsvg\n" + files["dot"]
    assert files["dot"] != dot_from_architecture(ZOO["llama"]()).encode()
    assert [finding.message for finding in findings] == ["drawn by Graphviz: dot on PATH"]


def test_bars_are_no_graph_and_the_own_layouter_draws_them() -> None:
    files, findings = architecture_files(ZOO["llama"](), ["svg"], GRAPHVIZ, "params")
    assert files["svg"].startswith(b"<svg")
    assert told(findings) == "drawn by the own layouter: the params view is bars by size, and Graphviz draws graphs"


def test_only_formats_that_graphviz_lacks_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(graphviz_engine, "find_spec", lambda name: None)
    _, findings = architecture_files(ZOO["llama"](), ["svg", "tex"], GRAPHVIZ)
    messages = [finding.message for finding in findings if finding.message.startswith("Graphviz draws no")]
    assert messages == ["Graphviz draws no tex: the own layout did"]


def test_pictures_are_the_same_twice_and_hold_the_fonts() -> None:
    if shutil.which("dot") is None:
        pytest.skip("dot is not installed: Graphviz does not draw here")
    first, second = (graphviz_engine.draw(dot_from_architecture(ZOO["qwen35"]()), ["png", "svg", "pdf"]) for _ in "12")
    assert first == second
    assert b"Inter" in first.files["pdf"]


def test_a_split_has_a_port_for_each_piece_and_a_concatenation_too() -> None:
    nodes = [
        BlockNode(id="s", role="split", label="split", details=["64 + 128"]),
        BlockNode(id="a", role="rope", label="RoPE"),
        BlockNode(id="c", role="concat", label="concat"),
    ]
    pairs = (("s", "a"), ("s", "c"), ("a", "c"))
    graph = BlockGraph(
        id="g",
        title="g",
        module="m",
        class_name="C",
        nodes=nodes,
        edges=[BlockEdge(source=a, target=b) for a, b in pairs],
    )
    joints = ports_of(graph)
    assert joints.pieces == {"s": ("64", "128"), "c": ("1", "2")}
    assert (joints.leaving, joints.entering) == ({0: 0, 1: 1}, {1: 0, 2: 1})
    line = ports("s", "split", joints.pieces["s"], "#ffffff", on_top=True)
    assert 'label="{{<p0> 64|<p1> 128}|split}", shape=Mrecord' in line
    assert ports("c", "c", ("1", "2"), "#ffffff", on_top=False).index("c|{<p0>") > 0


@pytest.mark.parametrize("text", ["a|b", "{<x>}", "\\N \\", 'q"]; }', "a\nb", "注", "x" * 5000])
def test_a_hostile_piece_cannot_leave_its_field(text: str) -> None:
    if shutil.which("dot") is None:
        pytest.skip("dot is not installed: Graphviz does not parse here")
    line = ports("s", text, (text, "2"), "#ffffff", on_top=True)
    done = subprocess.run(
        ["dot", "-Tplain"], input=f"digraph {{ {line} }}", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    assert len([row for row in done.stdout.splitlines() if row.startswith("node ")]) == 1


@pytest.mark.parametrize("name", ["a &nbsp; b", "&lt;script&gt;", "&#x41;", "&amp;"])
def test_an_entity_in_a_name_stays_text_and_the_svg_stays_xml(name: str) -> None:
    if shutil.which("dot") is None:
        pytest.skip("dot is not installed: Graphviz does not draw here")
    text = "\n".join([*opening(name, name), box(name, name, "#ffffff"), "}"])
    drawn = graphviz_engine.draw(text, ["svg"]).files["svg"]
    texts = ["".join(node.itertext()) for node in ET.fromstring(drawn).iter() if node.tag.endswith(("title", "text"))]
    assert set(texts) == {name}
