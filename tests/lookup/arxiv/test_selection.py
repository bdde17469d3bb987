"""The sections of a rendering, and which of them are about the architecture."""

from __future__ import annotations

import pytest

from archviz.lookup.arxiv.document import parse_document
from archviz.lookup.arxiv.selection import select
from archviz.lookup.arxiv.titles import normal_title

PAPER = """<!DOCTYPE html><html><body><nav class="ltx_TOC">contents</nav><article class="ltx_document">
<h1 class="ltx_title ltx_title_document">Acme-V2 Technical Report</h1>
<div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Abstract</h6><p class="ltx_p">Short.</p></div>
<section id="S1" class="ltx_section"><h2 class="ltx_title"><span class="ltx_tag">1 </span>Introduction</h2><p>Intro.</p></section>
<section id="S2" class="ltx_section"><h2 class="ltx_title"><span class="ltx_tag">2 </span>Architecture</h2><p>Overview.</p>
<section><h3 class="ltx_title"><span class="ltx_tag">2.1 </span>Multi-Head Latent Attention</h3><p>Keys are compressed.</p>
<figure class="ltx_table"><figcaption class="ltx_caption">Table 1: Sizes</figcaption><table><tr><td>Layers</td><td>61</td></tr></table></figure></section>
<section><h3 class="ltx_title"><span class="ltx_tag">2.2 </span>Training Efficiency</h3><p>Fast.</p></section></section>
<section><h2 class="ltx_title"><span class="ltx_tag">3 </span>Pre-Training</h2><p>Data.</p>
<section><h3 class="ltx_title"><span class="ltx_tag">3.1 </span>Attention Kernels</h3><p>Kernels.</p></section></section>
<section class="ltx_appendix"><h2 class="ltx_title"><span class="ltx_tag">A </span>Model Configuration</h2><p>61 layers.</p></section>
<section class="ltx_bibliography"><h2>References</h2><p>[1] Attention.</p></section>
</article></body></html>"""


def chosen(wanted: str, html: str = PAPER) -> list[str]:
    return [section.heading for section in select(parse_document(html).sections, wanted).sections]


def test_sections_keep_number_title_place_and_blocks() -> None:
    sections = {section.number: section for section in parse_document(PAPER).sections}
    assert list(sections) == ["", "1", "2", "2.1", "2.2", "3", "3.1", "A"]
    latent = sections["2.1"]
    assert (latent.title, latent.above) == ("Multi-Head Latent Attention", ("Architecture",))
    assert latent.text == "Keys are compressed.\n\nTable 1: Sizes\n\nLayers | 61"


def test_the_architecture_is_chosen_by_titles_and_their_sections() -> None:
    found = select(parse_document(PAPER).sections, "architecture")
    assert [section.heading for section in found.sections] == [
        "2 Architecture",
        "2.1 Multi-Head Latent Attention",
        "A Model Configuration",
    ]
    assert (found.chosen_by, found.left_off) == ("title", 0)


@pytest.mark.parametrize(
    ("title", "is_chosen"),
    [
        ("Model Hyper-Parameters", True),
        ("Hyperparameters", True),
        ("Technical Specifications", True),
        ("Model Specification", True),
        ("Training Hyper-Parameters", False),
        ("Technical Report", False),
    ],
)
def test_where_the_sizes_stand_is_about_the_architecture(title: str, is_chosen: bool) -> None:
    html = f"<article><h1>T</h1><h2>2 Architecture</h2><p>a</p><h2>3 Pre-Training</h2><p>b</p><h3>3.1 {title}</h3><p>c</p></article>"
    assert chosen("architecture", html) == ["2 Architecture", *([f"3.1 {title}"] if is_chosen else [])]


@pytest.mark.parametrize(
    "wanted, headings",
    [
        ("2", ["2 Architecture", "2.1 Multi-Head Latent Attention", "2.2 Training Efficiency"]),
        ("2.1", ["2.1 Multi-Head Latent Attention"]),
        ("a", ["A Model Configuration"]),
        ("pre-training", ["3 Pre-Training", "3.1 Attention Kernels"]),
        ("1, 3.1", ["1 Introduction", "3.1 Attention Kernels"]),
        ("nothing", []),
    ],
)
def test_sections_are_asked_for_by_number_or_words(wanted: str, headings: list[str]) -> None:
    assert chosen(wanted) == headings


def test_all_is_every_section() -> None:
    assert len(chosen("all")) == 9


def test_without_a_telling_title_the_words_decide_and_that_is_said() -> None:
    words = "Each layer has attention heads, experts and a router; the embedding and residual are normalised by a norm projection. "
    html = f"<h2>1 Introduction to Things</h2><p>No.</p><h2>2 What We Built</h2><p>{words * 3}</p><h2>3 Results</h2><p>{words * 9}</p>"
    found = select(parse_document(html).sections, "architecture")
    assert ([section.heading for section in found.sections], found.chosen_by) == (["2 What We Built"], "words")


def test_text_beyond_the_bound_is_counted_and_left_off() -> None:
    html = f"<h2>2 Architecture</h2><p>{'a' * 500}</p><p>{'b' * 500}</p><h2>3 Experts</h2><p>{'c' * 500}</p>"
    found = select(parse_document(html).sections, "architecture", bound=600)
    assert found.left_off == 1000
    assert sum(len(section.text) for section in found.sections) == 500


def test_headings_count_too_so_that_their_number_is_bounded() -> None:
    html = "".join(f"<h2>{number} Architecture</h2>" for number in range(1, 9_000))
    found = select(parse_document(html).sections, "architecture", bound=6_000)
    assert 200 < len(found.sections) < 500


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("Qwen3 Technical Report", "QWEN3 technical  report", True),
        ("Mamba: Linear-Time", "Mamba Linear Time", True),
        ("$\\\\mu$P", "$\\\\mu$ P", False),
        ("Qwen3", "Qwen3.5", False),
        ("Llama 3", "Llama 3.1", False),
        ("GPT-4", "GPT-4o", False),
        ("V2", "V-2", False),
    ],
)
def test_titles_are_the_same_by_their_words_and_numbers(one: str, other: str, same: bool) -> None:
    assert (normal_title(one) == normal_title(other)) is same
