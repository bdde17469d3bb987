"""Pages from outside as clean text: what a reader sees, in order, and hostile pages at a bounded cost."""

from __future__ import annotations

import time

import pytest

from archviz.lookup.html_text import MOST_BLOCK_CHARACTERS, parse_page


def rows(html: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in parse_page(html).blocks]


def test_headings_paragraphs_items_and_code_come_in_order() -> None:
    html = "<h2>A <em>b</em></h2><p>one<br>two</p><ul><li><p>x</p></li><li>y</li></ul>loose<div>more</div><pre>a:\n  b</pre>"
    assert rows(html) == [
        ("heading", "A b"),
        ("text", "one two"),
        ("item", "x"),
        ("item", "y"),
        ("text", "loose"),
        ("text", "more"),
        ("code", "a:\n  b"),
    ]


def test_a_table_keeps_rows_and_cells_and_its_caption() -> None:
    html = (
        '<figure class="ltx_table"><figcaption>Table 1: <span>Sizes</span></figcaption><table><tr><th>Layers</th><td>61</td></tr>'
        "<tr><td></td><td><b>12</b>8</td></tr><tr><td></td></tr></table></figure>"
    )
    assert rows(html) == [("caption", "Table 1: Sizes"), ("table", "Layers | 61\n | 128")]


def test_a_footnote_stands_in_brackets_after_its_word() -> None:
    note = (
        '<span class="ltx_note"><sup class="ltx_note_mark">1</sup><span class="ltx_note_outer"><span class="ltx_note_content">'
        '<sup class="ltx_note_mark">1</sup><span class="ltx_tag ltx_tag_note">1</span>Of <b>all</b>.</span></span></span>'
    )
    assert rows(f"<p>The size{note}, in full{note}</p>") == [("text", "The size (Of all.), in full (Of all.)")]


SPANS = (
    '<table><thead><tr><th rowspan="2">Model</th><th colspan="2">Layers</th><th rowspan="2">Heads</th></tr>'
    "<tr><th>Dense</th><th>MoE</th></tr></thead>"
    '<tr><td rowspan="2">Family A</td><td>3</td><td>58</td><td>128</td></tr><tr><td>1</td><td>26</td><td>16</td></tr>'
    '<tr><td colspan="4">Sizes of all models.</td></tr></table>'
)


def test_a_value_stands_below_its_own_headings_where_cells_span_rows_and_columns() -> None:
    (table,) = parse_page(SPANS).blocks
    assert table.text.splitlines() == [
        "Model | Layers | Layers | Heads",
        "Model | Dense | MoE | Heads",
        "Family A | 3 | 58 | 128",
        "Family A | 1 | 26 | 16",
        "Sizes of all models.",
    ]


def test_spans_of_latexml_and_spans_without_bound_are_read() -> None:
    html = (
        '<span class="ltx_tabular"><span class="ltx_tr"><span class="ltx_td ltx_rowspan ltx_rowspan_2">A</span>'
        '<span class="ltx_td ltx_colspan ltx_colspan_2">b</span></span>'
        '<span class="ltx_tr"><span class="ltx_td">1</span><span class="ltx_td">2</span></span></span>'
    )
    assert rows(html) == [("table", "A | b | b\nA | 1 | 2")]
    html = '<table><tr><td rowspan="0">A</td><td rowspan="-3" colspan="x">b</td></tr><tr><td>c</td></tr></table>'
    assert rows(html) == [("table", "A | b\nA | c")]
    wide = f'<table><tr><td colspan="9999999" rowspan="99999">{"x" * 9_000}</td><td>b</td></tr>{"<tr><td>c</td></tr>" * 99}</table>'
    assert len(rows(wide)[0][1]) <= MOST_BLOCK_CHARACTERS + 2


def test_a_table_in_a_cell_is_text_of_the_cell_and_one_that_is_all_of_its_row_is_read_by_rows() -> None:
    inner = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    assert rows(f"<table><tr><td>x</td><td>{inner}</td></tr></table>") == [("table", "x | a b c d")]
    assert rows(f"<table><tr><td>{inner}</td></tr></table>") == [("table", "a | b\nc | d")]


def test_an_item_of_latexml_is_one_item_with_its_number() -> None:
    def item(mark: str, text: str) -> str:
        tag = f'<span class="ltx_tag ltx_tag_item">{mark}</span>'
        return f'<li class="ltx_item">{tag} <div class="ltx_para"><p class="ltx_p">{text}</p></div></li>'

    html = f"<ol>{item('1.', 'pre-norm')}{item('(b)', 'RoPE')}</ol><ul>{item('•', 'SwiGLU')}{item('–', 'GQA')}</ul>"
    html += '<dl><dt class="ltx_item"><span class="ltx_tag ltx_tag_item">Heads</span></dt><dd><p>128</p></dd></dl>'
    assert rows(html) == [
        ("item", "1. pre-norm"),
        ("item", "(b) RoPE"),
        ("item", "SwiGLU"),
        ("item", "GQA"),
        ("text", "Heads"),
        ("text", "128"),
    ]


def test_a_table_of_spans_is_a_table() -> None:
    html = '<span class="ltx_tabular"><span class="ltx_tr"><span class="ltx_td">a</span><span class="ltx_td">b</span></span></span>'
    assert rows(html) == [("table", "a | b")]


@pytest.mark.parametrize(
    "formula",
    [
        '<math alttext="d_{h}&lt;7" display="inline"><semantics><mi>d</mi></semantics></math>',
        '<math><semantics><mi>d</mi><annotation encoding="application/x-tex">d_{h}&lt;7</annotation></semantics></math>',
    ],
)
def test_a_formula_is_its_tex(formula: str) -> None:
    assert rows(f"<p>with {formula}.</p>") == [("text", "with $d_{h}<7$ .")]
    assert rows(f'<table class="ltx_equation"><tr><td>{formula}</td><td>(1)</td></tr></table>') == [
        ("equation", "$d_{h}<7$ (1)")
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>x</script>",
        "<style>x</style>",
        "<!-- x -->",
        "<template><p>x</p></template>",
        "<p hidden>x</p>",
        '<div aria-hidden="true">x</div>',
        '<span style="DISPLAY : none">x</span>',
        '<span style="font-size:0px">x</span>',
        '<span style="position:absolute;left:-9999px">x</span>',
        "<nav>x</nav>",
        "<svg><text>x</text></svg>",
        '<section class="ltx_bibliography">x</section>',
        '<span class="ltx_ERROR">x</span>',
        "<![CDATA[x]]>",
        "<?x ?>",
        "<iframe>x</iframe>",
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    assert rows(f"<body><p>a{hidden}</p>{hidden}<p>b</p></body>") == [("text", "a"), ("text", "b")]


def test_invisible_and_direction_changing_characters_go() -> None:
    assert rows("<p>a\u202eb\u200bc\x1b[31m\u00add</p>") == [("text", "abc[31md")]


def test_the_article_is_read_without_what_stands_around_it() -> None:
    assert rows("<body><p>menu</p><article><p>text</p></article><p>foot</p></body>") == [("text", "text")]


def test_a_block_is_cut_at_its_bound() -> None:
    (block,) = parse_page(f"<p>{'x' * 100_000}</p>").blocks
    assert len(block.text) <= MOST_BLOCK_CHARACTERS + 2


@pytest.mark.parametrize(
    "html", ["", "<", "text", "<p", "<<<p>>>", "</p></p>", "\x00", "<p>\udc80</p>", "&#x110000;&#0;"]
)
def test_broken_pages_are_read_as_far_as_they_go(html: str) -> None:
    assert isinstance(parse_page(html).blocks, tuple)


@pytest.mark.parametrize("html", ["<div>" * 5000, "<a" * 5000, "<a '" * 5000])
def test_nesting_and_broken_tags_without_end_are_refused(html: str) -> None:
    with pytest.raises(ValueError, match="page"):
        parse_page(html)


@pytest.mark.parametrize(
    "html",
    [
        part * times
        for part, times in {
            "<!--": 200_000,
            "<![CDATA[": 100_000,
            "</": 200_000,
            "<": 50_000,
            "<!a ": 100_000,
            "<script>": 50_000,
            "<p hidden>x</p>": 5_000,
            "<b></i>": 10_000,
            "&#": 100_000,
            "<td>x</td>": 5_000,
        }.items()
    ],
    ids=lambda html: html[:8],
)
def test_hostile_pages_cost_a_bounded_time(html: str) -> None:
    began = time.process_time()
    parse_page(html)
    assert time.process_time() - began < 3.0


@pytest.mark.parametrize("text", ["<" * 1_000_000, "&amp;" * 1_000_000, "<" * 150_000 + "&lt;" * 150_000])
def test_a_page_of_marks_is_read_no_further_than_a_page_of_text_has_them(text: str) -> None:
    page = parse_page(f"<article><p>before</p><p>{text}</p><p>after</p></article>")
    assert page.is_cut
    assert page.blocks[0].text == "before"
    assert all(block.text != "after" for block in page.blocks)


def test_a_page_of_many_entities_is_read_to_its_end() -> None:
    page = parse_page(f"<article>{'<p>a &amp; b &lt; c</p>' * 20_000}<p>after</p></article>")
    assert (page.blocks[0].text, page.blocks[-1].text, page.is_cut) == ("a & b < c", "after", False)


def test_text_that_stands_in_no_paragraph_is_cut_at_the_bound_of_a_block_too() -> None:
    (block,) = parse_page(f"<article>{'xy' * 2_000_000}</article>").blocks
    assert len(block.text) == MOST_BLOCK_CHARACTERS + 2
