"""Trees in the details of a box: the lines that draw them stand apart in a font with letters of different widths."""

from __future__ import annotations

from archviz.figure.diagram_boxes import as_list, block_box
from archviz.figure.diagram_model import DiagramBlock
from archviz.figure.fonts import missing_glyphs, with_code_points

TREE = """Sparse attention
├─ Compression
│  ├─ KV: 7168 -> 512
│  └─ Q: 7168 -> 1536
│
└── Output
    └── 16384 -> 7168"""


def test_a_tree_is_shown_as_an_indented_list() -> None:
    assert as_list(TREE).split("\n") == [
        "Sparse attention",
        "– Compression",
        "    – KV: 7168 -> 512",
        "    – Q: 7168 -> 1536",
        "– Output",
        "    – 16384 -> 7168",
    ]


def test_text_without_a_tree_stays() -> None:
    text = "a | b\n\n  indented – dash\n- item\n| cell |"
    assert as_list(text) == text


def test_a_box_with_a_tree_has_no_character_that_a_picture_cannot_show() -> None:
    box = block_box("stage1.block1", DiagramBlock(type="Attention", details=TREE), 300.0)
    assert missing_glyphs("".join(line.text for line in box.lines)) == []
    assert box.list_like
    assert "├─ Compression" in box.description  # what is read aloud is what was written


def test_characters_that_are_read_alike_stand_for_those_that_no_font_has() -> None:
    assert with_code_points("softmax(QKᵀ) ⋅ V ✔") == "softmax(QK^T) · V ✓"
    assert missing_glyphs("QKᵀ ⋅ ⟨x⟩") == []
    assert with_code_points("⊙") == "[U+2299]"
