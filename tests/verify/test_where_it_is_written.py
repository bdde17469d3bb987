"""Formulas say where a write goes, which axes a cut takes, and what is joined along which axis."""

from __future__ import annotations

from tests.verify.models import values, verified


def test_a_write_and_a_cut_of_two_axes_name_their_places() -> None:
    formulas = values(verified("deepseek_v4"), "module.formula")
    told = [str(text) for scope, text in formulas.items() if scope.endswith("self_attn.compressor.indexer")]
    assert told
    assert all("a[second half], [:, :, 4:])" in text for text in told)  # this window's own entries
    assert all("a[:, :-1, :, :128], [:, 1:, :4])" in text for text in told)  # those of the window before


def test_the_axis_of_a_join_stands_behind_all_that_is_joined() -> None:
    (text,) = [v for k, v in values(verified("swinv2"), "module.formula").items() if k.endswith("0.downsample")]
    assert "x[:, 1::2, 1::2, :], −1)" in str(text)
