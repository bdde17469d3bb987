"""Names in which the numbers of equal layers stand together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archviz.folded_names import first_module, folded_expression, is_folded


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("model.layers.{3-59/4}.self_attn", "model.layers.3.self_attn"),
        ("model.layers.{0-2,4-6}.mlp", "model.layers.0.mlp"),
        ("model.layers.0-59", "model.layers.0"),
        ("0-59/2.mlp", "0.mlp"),
        ("experts.{0-7}.{1,3}", "experts.0.1"),
        (" .model.layers.7.mlp. ", "model.layers.7.mlp"),
        ("model.conv1-2.block", "model.conv1-2.block"),
        ("{a-b}.x", "{a-b}.x"),
    ],
)
def test_a_folded_path_stands_for_the_first_of_its_modules(path: str, first: str) -> None:
    assert first_module(path) == first


@pytest.mark.parametrize(
    ("pattern", "name", "is_in"),
    [
        ("layers.{0-2,8-16/4}.w", "layers.12.w", True),
        ("layers.{0-2,8-16/4}.w", "layers.10.w", False),
        ("layers.{1}", "layers.11", False),
        ("layers.{1}", "layers.1", True),
        ("a.{0-1}.b.{2-3}", "a.1.b.2", True),
        ("a.{0-1}.b.{2-3}", "a.2.b.1", False),
        ("a.{5-2}.b", "a.5.b", False),
        ("a.{x}", "a.{x}", True),
    ],
)
def test_numbers_in_braces_are_any_of_these(pattern: str, name: str, is_in: bool) -> None:
    assert bool(folded_expression(pattern, re.escape).search(name)) == is_in


def test_braces_with_more_numbers_than_any_model_has_are_taken_as_text() -> None:
    expression = folded_expression("a.{0-999999999}", re.escape)
    assert expression.search("a.{0-999999999}")
    assert not expression.search("a.7")
    assert is_folded("a.{0-1}")
    assert not is_folded("a.0")


def test_commands_take_a_folded_path_as_the_first_of_its_modules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from archviz.cli import main

    calls = []
    for path in ("model.layers.0.mlp", "model.layers.{0-27}.mlp", "model.layers.0-27.mlp"):
        assert main(["trace", "Qwen/Qwen3-0.6B", "--offline", "--module", path]) == 0
        calls.append(capsys.readouterr().out)
    assert calls[0].startswith("model.layers.0.mlp")
    assert calls == calls[:1] * 3
    drawn = []
    for path in ("model.layers.0.mlp", "model.layers.{0-27}.mlp"):
        out = tmp_path / f"{len(drawn)}.svg"
        draw = ["draw", "Qwen/Qwen3-0.6B", "--offline", "--view", "module", "--module", path, "-o", str(out)]
        assert main(draw) == 0
        drawn.append(out.read_bytes())
    assert drawn[0] == drawn[1]
