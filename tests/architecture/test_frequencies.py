"""The base of a rotation that no configuration states is read off the frequencies that the code computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz.architecture.frequencies import base_of
from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from tests.verify.models import SETTINGS, claim_of, verified

GPTJ: dict[str, Any] = {"n_layer": 2, "n_embd": 64, "n_head": 2, "rotary_dim": 16, "vocab_size": 50}
CODEGEN: dict[str, Any] = {**GPTJ, "n_head": 8, "rotary_dim": 8}


def described(folder: Path, model_type: str, config: dict[str, Any]) -> Architecture:
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": model_type, **config}))
    return describe(str(path), settings=SETTINGS)


@pytest.mark.parametrize(
    ("model_type", "config", "line"), [("gptj", GPTJ, "modeling_gptj.py:49"), ("codegen", CODEGEN, "modeling_codegen.py:41")]
)  # fmt: skip
def test_a_table_built_in_the_constructor_tells_its_base(
    tmp_path: Path, model_type: str, config: dict[str, Any], line: str
) -> None:
    found = described(tmp_path, model_type, config).fact("rope_theta")
    assert found is not None
    assert (found.value, found.status) == (10000, "verified")
    assert [each.where for each in found.evidence] == [f"transformers/models/{model_type}/{line}"]


def test_a_base_that_the_configuration_states_stays_its_own(tmp_path: Path) -> None:
    config = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "rope_theta": 5000.0}
    found = described(tmp_path, "llama", config).fact("rope_theta")
    assert found is not None
    assert (found.value, found.status) == (5000.0, "config")


def test_a_model_without_rotation_has_no_base(tmp_path: Path) -> None:
    config = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 64}
    assert described(tmp_path, "bert", config).fact("rope_theta") is None


def test_the_claims_name_base_and_rule_with_the_line_that_computes_them() -> None:
    theta, rule = (claim_of(verified("gptj"), key) for key in ("rope.theta", "rope.frequencies"))
    assert (theta.value, theta.status) == (10000, "verified")
    assert theta.evidence[0].where.endswith("modeling_gptj.py:49")
    assert rule.value == "θ^(−2i/64), i = 0 … 31"


@pytest.mark.parametrize("base", [100, 10000, 500000, 1_000_000])
@pytest.mark.parametrize("size", [16, 64, 128])
def test_a_base_is_found_from_rounded_numbers(base: int, size: int) -> None:
    numbers = [float(f"{base ** (-2 * i / size):.7g}") for i in range(size // 2)]
    assert base_of(numbers) == base
    assert base_of([*numbers, 0.0, 0.0]) == base


@pytest.mark.parametrize("numbers", [[1.0, 0.5, 0.1], [2.0, 0.2, 0.02], [1.0, 10.0, 100.0], [1.0], [1.0, 0.0]])
def test_other_numbers_have_no_base(numbers: list[float]) -> None:
    assert base_of(numbers) is None
