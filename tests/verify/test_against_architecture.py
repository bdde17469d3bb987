from __future__ import annotations

from copy import deepcopy

from archviz.architecture.model import Architecture
from archviz.verify.against_architecture import check_architecture
from archviz.verify.claims import Check
from tests.verify.models import read_model


def wrong(stated: Architecture) -> list[Check]:
    return [c for c in check_architecture(stated, read_model("llama")[1]) if c.status == "conflict"]


def copy() -> Architecture:
    return deepcopy(read_model("llama")[1])


def test_an_architecture_agrees_with_itself() -> None:
    checks = check_architecture(copy(), read_model("llama")[1])
    assert len(checks) > 10
    assert {check.status for check in checks} == {"verified"}


def test_a_changed_fact_is_found_with_its_path_and_line() -> None:
    stated = copy()
    place = next(i for i, fact in enumerate(stated.facts) if fact.key == "kv_heads")
    stated.facts[place].value = 8
    (check,) = wrong(stated)
    assert (check.path, check.stated, check.found) == (f"facts[{place}].value", 8, 32)
    assert any("modeling_llama.py:" in item.where for item in check.evidence)


def test_a_changed_count_order_total_and_shape_are_found() -> None:
    stated = copy()
    stated.layers[0].count = 80
    stated.layers[0].pattern_text = "80 × attention"
    stated.parameters.total += 1
    stated.tensors[0].shape = [1, 1]
    assert {c.key for c in wrong(stated)} == {"layers", "layer order", "total parameters", stated.tensors[0].name}


def test_missing_tensors_and_unknown_stacks_are_found() -> None:
    stated = copy()
    gone = stated.tensors.pop(0)
    stated.layers[0].path = "model.blocks"
    checks = {c.path: c for c in wrong(stated)}
    assert checks["tensors"].found == [gone.name]
    assert checks["layers[0].path"].found == ["model.layers"]
