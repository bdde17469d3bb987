from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from archviz.codesearch.text import result_text
from tests.codesearch.samples import search_text

CODE = """
    import torch
    from torch import nn

    def rotate_half(x):
        x1, x2 = x.chunk(2, dim=-1)
        return torch.cat((-x2, x1), dim=-1)

    class Mixer(nn.Module):
        def __init__(self, width):
            self.pre = nn.LayerNorm(width)

        def forward(self, x):
            a, b = torch.split(
                self.pre(x),  # both
                [3, 4],
                dim=-1,
            )
            return a
"""


def test_matches_are_shown_by_file_class_and_method_a_line_a_place(tmp_path: Path) -> None:
    text = result_text(search_text(tmp_path, CODE, "rope", "split", "norm"))
    assert text == dedent(
        """\
        model.py
          module
            rotate_half
               5  rope        def rotate_half(x)
               6  split       x1, x2 = x.chunk(2, dim=-1)
               7  rope,split  return torch.cat((-x2, x1), dim=-1)
          class Mixer
            __init__
              11  norm        self.pre = nn.LayerNorm(width)
            forward
              14  split       a, b = torch.split(self.pre(x), [3, 4], dim=-1)
              15  norm        self.pre(x),  # both  → torch.nn.LayerNorm
        """
    )


def test_nothing_found_is_no_text(tmp_path: Path) -> None:
    assert result_text(search_text(tmp_path, "x = 1\n", "rope")) == ""


def test_code_cannot_steer_the_terminal(tmp_path: Path) -> None:
    text = result_text(search_text(tmp_path, "x.chunk(2)  # \x1b]0;title\x07 \u202e\n", "split"))
    assert "\\x1b]0;title\\x07 \\u202e" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
