from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path as FilePath

import pytest

from archviz.emit import tikz
from archviz.emit.tikz_text import comment, escaped, signs
from archviz.figure import draw_overview
from archviz.figure.display import DisplayList, Group, Path, Rect, Run, Text
from archviz.figure.fonts import measure
from tests.emit.hash_seeds import printed
from tests.figure.zoo import ZOO

ROOT = FilePath(__file__).parents[2]
ENGINES = ("xelatex", "lualatex", "pdflatex")
HOSTILE = [
    "\\input{/etc/passwd}", "$x$ #1 %", "a~b^c_d&", "\\end{document}", "^^M\\relax", "}{", "]; } digraph", "<<->>",
    "😀", "שלום", "注意力", "--- '' `` ,,", "A" * 10_000, "a\x00b\x1b\ud800", "θ → √ × · … ₂ ² ∞ é ß Ж", "",
]  # fmt: skip
DIGEST = (
    "import hashlib\nfrom archviz.emit import tikz\nfrom archviz.figure import draw_overview\n"
    "from tests.figure.zoo import ZOO\n"
    "print(hashlib.sha256(tikz.emit(draw_overview(ZOO['qwen35']())[0])).hexdigest())"
)


def drawing(*texts: str) -> DisplayList:
    groups = tuple(
        Group(f"g/{place}", "node", (Rect(5, 40 * place, 180, 30, "#cfeee0", "#1b2432"), line), text, text)
        for place, text in enumerate(texts)
        for line in [Text(95, 40 * place + 20, (Run(text),), "middle")]
    )
    return DisplayList(200, 40 * len(texts) + 10, title=texts[0], description=texts[0], items=groups)


def body(source: str) -> list[str]:
    return source.partition("\\begin{tikzpicture}")[2].splitlines()


def compile_with(engine: str, source: bytes, folder: FilePath) -> str:
    """The log of an engine that compiled a source without edits."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed: its TikZ is not compiled here")
    (folder / "figure.tex").write_bytes(source)
    command = ["bash", str(ROOT / "scripts/compile.sh"), str(folder / "figure.tex"), engine]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert (folder / "figure.pdf").exists(), done.stderr
    return done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_a_source_compiles_where_the_bundled_font_is_not_at_hand(engine: str, tmp_path: FilePath) -> None:
    """As in the skill folder alone; code points with letters in them (B7, D7) stand for what the font may lack."""
    script = tmp_path / "scripts" / "compile.sh"
    script.parent.mkdir()
    shutil.copy(ROOT / "scripts/compile.sh", script)
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed: its TikZ is not compiled here")
    (tmp_path / "figure.tex").write_bytes(tikz.emit(drawing("a · b × c → θ")))
    command = ["bash", str(script), str(tmp_path / "figure.tex"), engine]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert (tmp_path / "figure.pdf").exists(), done.stderr
    assert ("the font Inter was not found" in done.stderr) == (engine != "pdflatex" and not _has_inter())


def _has_inter() -> bool:
    """Whether Inter is on this machine, beside archviz or in the system."""
    asked = (["python3", "-c", "import archviz"], ["sh", "-c", "fc-list | grep -q Inter"])
    return any(subprocess.run(command, check=False, capture_output=True, cwd="/").returncode == 0 for command in asked)


def test_every_node_of_the_figure_is_one_line_with_a_comment() -> None:
    display, _ = draw_overview(ZOO["qwen35"]())
    lines = [
        line
        for line in body(tikz.emit(display).decode())
        if line.startswith(r"\node[") and " (" in line.split(" at ")[0]
    ]
    drawn = [group for group in display.groups() if group.role == "node" and group.items]
    assert len(lines) == len(drawn)
    assert all(re.search(r"; % \S", line) for line in lines)
    names = [re.search(r"\] \(([\w-]+)\) at", line)[1] for line in lines]  # type: ignore[index]
    assert len(names) == len(set(names))


def test_styles_are_named_for_what_they_show() -> None:
    source = tikz.emit(draw_overview(ZOO["qwen35"]())[0]).decode()
    for name in ("norm", "projection", "router", "experts", "embedding", "attention"):
        assert rf"\definecolor{{{name}}}" in source, name
        assert f"  {name}/.style={{fill={name}, draw=ink" in source, name
    assert "  wire/.style={draw=ink, line width=1.25\\px" in source


def test_every_style_and_colour_that_is_used_is_defined_once() -> None:
    for name in ("qwen35", "deepseek", "hostile"):
        source = tikz.emit(draw_overview(ZOO[name](), theme="dark")[0]).decode()
        for used, defined in (
            (
                set(re.findall(r"\\words\{([\w.-]+)\}", "\n".join(body(source)))),
                re.findall(r"\\wordstyle\{([\w.-]+)\}\{\\", source),
            ),
            (
                set(re.findall(r"\\path\[([\w-]+)\]", source)),
                re.findall(r"^  ([\w-]+)/\.style=\{", source, re.MULTILINE),
            ),
        ):
            assert used <= set(defined)
            assert len(defined) == len(set(defined))


def test_the_page_has_its_colour_and_no_border() -> None:
    source = tikz.emit(draw_overview(ZOO["qwen35"]())[0]).decode()
    assert re.search(r"^\\path\[fill=background\] \(0,0\) rectangle \([\d.]+,[\d.]+\);$", source, re.MULTILINE)


def test_text_is_set_to_the_width_it_was_measured_with() -> None:
    source = tikz.emit(drawing("RMSNorm")).decode()
    assert rf"\words{{text-13-colour}}{{{measure('RMSNorm', 13):.2f}}}{{RMSNorm}}" in source


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_escaped_in_nodes_and_one_line_in_comments(text: str) -> None:
    source = tikz.emit(drawing(text)).decode()
    node = next(line for line in body(source) if line.startswith(r"\node"))
    code = node.rpartition(" % ")[0]
    assert not re.search(r"(?<!\\)[$#&~^%]", code.partition("{\\words")[2])
    assert r"\input{" not in code
    assert source.count(r"\end{document}") - source.count(r"% \end{document}") == 1


def test_a_named_character_stays_the_same_text() -> None:
    assert escaped("a_b") == r"a\_b"
    assert escaped("---") == "-{}-{}-"
    assert escaped("注") == "[U+6CE8]"
    assert comment("x\r\ny\x85z\u2028" + "w" * 500).startswith("x y z www")
    assert len(comment("w" * 10_000)) == 200


def test_each_sign_has_a_stand_in_for_fonts_that_lack_it() -> None:
    assert signs("θ→²é–Ж") == [
        ("²", r"\textsuperscript{2}"),
        ("θ", r"\ensuremath{\theta}"),
        ("Ж", "[U+0416]"),
        ("→", r"\ensuremath{\rightarrow}"),
    ]


def test_corners_are_no_rounder_than_half_of_what_joins_them() -> None:
    wire = Path(((0, 0), (0, 4), (50, 4)), "#000000", radius=6.0, arrow_end=True)
    source = tikz.emit(DisplayList(60, 10, items=(wire,))).decode()
    assert r"rounded corners=2\px" in source
    assert "Triangle[length=4.5bp, width=4.05bp]" in source


@pytest.mark.parametrize("engine", ENGINES)
def test_words_without_ink_keep_their_width(engine: str, tmp_path: FilePath) -> None:
    runs = (Run("a"), Run(" "), Run("_"), Run(" ", 700), Run("−"), Run("."))
    display = DisplayList(100, 20, items=(Text(5, 12, runs),))
    assert compile_with(engine, tikz.emit(display), tmp_path) == ""


def test_a_page_longer_than_tex_can_measure_is_drawn_smaller() -> None:
    assert r"\setlength\px{0.75bp}" in tikz.emit(DisplayList(1000, 1000)).decode()
    assert r"\setlength\px{0.375bp}" in tikz.emit(DisplayList(1000, 1000), width=500).decode()
    assert r"\setlength\px{0.35bp}" in tikz.emit(DisplayList(1000, 40_000)).decode()


def test_each_page_is_a_picture_that_begins_at_its_own_top() -> None:
    first, second = (Rect(10, y, 20, 10, fill="#ffffff") for y in (30, 20_030))
    source = tikz.emit(DisplayList(100, 40_000, items=(first, second), breaks=(20_000,))).decode()
    assert source.count(r"\useasboundingbox (0,0) rectangle (100,20000);") == 2
    assert source.count("(10,30) rectangle") == 2
    assert "20030" not in source
    assert r"\setlength\px{0.7bp}" in source  # a page has to fit, not all under each other


@pytest.mark.parametrize("engine", ENGINES)
def test_a_figure_of_several_pages_compiles_to_as_many(engine: str, tmp_path: FilePath) -> None:
    boxes = tuple(Rect(10, y, 20, 10, fill="#ffffff") for y in (30, 10_030, 20_030))
    display = DisplayList(100, 30_000, items=boxes, breaks=(10_000, 20_000))
    assert compile_with(engine, tikz.emit(display), tmp_path) == ""


def test_the_source_is_the_same_under_every_hash_seed() -> None:
    assert len(printed(DIGEST)) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_figure_compiles_without_overfull_boxes(engine: str, tmp_path: FilePath) -> None:
    assert compile_with(engine, tikz.emit(draw_overview(ZOO["deepseek"]())[0]), tmp_path) == ""


@pytest.mark.parametrize("engine", ENGINES)
def test_hostile_labels_compile_and_stay_text(engine: str, tmp_path: FilePath) -> None:
    compile_with(engine, tikz.emit(drawing(*HOSTILE)), tmp_path)
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed: the text of the PDF is not read here")
    text = subprocess.run(
        ["pdftotext", "-raw", str(tmp_path / "figure.pdf"), "-"], check=True, capture_output=True, text=True
    ).stdout
    for expected in ("\\input{/etc/passwd}", "$x$ #1 %", "a~b^c_d&", "\\end{document}", "[U+1F600]"):
        assert expected in text, text
    assert "root:" not in text
