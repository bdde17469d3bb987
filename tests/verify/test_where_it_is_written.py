"""Formulas say where a write goes, which axes a cut takes, and what is joined along which axis."""

from __future__ import annotations

from tests.verify.models import values, verified


def test_a_write_and_a_cut_of_two_axes_name_their_places() -> None:
    formulas = values(verified("deepseek_v4"), "module.formula")
    told = [str(text) for scope, text in formulas.items() if scope.endswith("self_attn.compressor.indexer")]
    assert told
    assert all("a[second half], [:, :, 4:])" in text for text in told)  # this window's own entries
    assert all("a[:, :-1, :, :128], [:, 1:, :4])" in text for text in told)  # those of the window before


def test_lengths_of_the_pass_are_symbols_also_in_what_an_indexer_chooses() -> None:
    """The compressed entries of S positions are S/4; of more than 512 the code chooses 512."""
    formulas = values(verified("deepseek_v4"), "module.formula")
    told = {scope: str(text) for scope, text in formulas.items() if ".compressor" in scope}
    chosen = [text for scope, text in told.items() if scope.endswith(".indexer")]
    assert chosen
    assert all("kv_proj(x)[:, :S − S mod 4]" in text and "topk(g, ≤ S/4, dim=-1)" in text for text in chosen)
    assert any("full_like(S/4)" in text for text in told.values())
    assert not [text for text in told.values() if ":260" in text or "65" in text]


def test_a_choice_of_all_tokens_of_a_short_pass_is_told_as_at_most_all() -> None:
    formulas = values(verified("glm_moe_dsa"), "module.formula")
    told = [str(text) for scope, text in formulas.items() if scope.endswith("self_attn.indexer")]
    assert told
    assert all("topk(" in text and ", ≤ S, dim=-1)" in text for text in told)


def test_the_axis_of_a_join_stands_behind_all_that_is_joined() -> None:
    (text,) = [v for k, v in values(verified("swinv2"), "module.formula").items() if k.endswith("0.downsample")]
    assert "x[:, 1::2, 1::2, :], −1)" in str(text)
