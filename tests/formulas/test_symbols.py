from __future__ import annotations

import pytest

from archviz.formulas.products import Factor
from archviz.formulas.symbols import SYMBOLS, Names, number_at

CONFIG: dict[str, object] = {
    "hidden_size": 8, "text_config": {"hidden_size": 16, "n_embd": 16, "dim": 3, "odd key": 5, "depths": [2, 6]},
    "vision_config": {"hidden_size": 4},
}  # fmt: skip


def symbol(names: Names, path: str) -> str:
    found = names(path)
    return found.text if isinstance(found, Factor) else f"number {found}"


def test_the_main_tower_has_the_plain_symbols_and_others_stand_behind_their_name() -> None:
    names = Names(CONFIG, "text_config.")
    assert [symbol(names, path) for path in ("text_config.hidden_size", "vision_config.hidden_size")] == [
        "d",
        "vision.d",
    ]
    assert [(each.symbol, each.value, each.meaning) for each in names.given] == [
        ("d", 16, "hidden width"), ("vision.d", 4, "hidden width"),
    ]  # fmt: skip


def test_a_symbol_stands_for_one_value_only() -> None:
    names = Names(CONFIG, "text_config.")
    paths = ("text_config.hidden_size", "text_config.n_embd", "text_config.dim", "hidden_size")
    assert [symbol(names, path) for path in paths] == ["d", "d", "dim", "hidden_size"]


def test_a_key_that_no_formula_can_hold_stays_a_number() -> None:
    assert symbol(Names(CONFIG, "text_config."), "text_config.odd key") == "number 5"


def test_elements_of_lists_are_named_by_their_place() -> None:
    assert symbol(Names(CONFIG, "text_config."), "text_config.depths[1]") == "depths[1]"
    with pytest.raises(KeyError):
        number_at(CONFIG, "text_config.nothing")


def test_elements_of_tables_and_keys_that_the_class_takes_are_named() -> None:
    names = Names({"rates": {"full": 128}}, "", {"global_head_dim": 64})
    assert [symbol(names, path) for path in ("rates[full]", "global_head_dim")] == ["rates[full]", "d_g"]
    assert [(each.symbol, each.value) for each in names.given] == [("d_g", 64), ("rates[full]", 128)]


def test_no_key_has_two_symbols() -> None:
    assert SYMBOLS["num_attention_heads"][0] == "H"
    assert len({symbol for symbol, _ in SYMBOLS.values()}) > 40
