from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from archviz.architecture.model import Evidence, Fact
from archviz.architecture.writing import json_data, json_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(VALUES, st.sampled_from([None, 2]))
def test_text_is_what_other_writers_give(value: object, indent: int | None) -> None:
    assert json_text(value, indent) == to_json(value, indent=indent, inf_nan_mode="null").decode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_the_same(value: float) -> None:
    assert math.copysign(1, json.loads(json_text(value))) == math.copysign(1, value)
    assert json.loads(json_text(value)) == value


def test_a_part_is_an_object_with_its_fields_in_order() -> None:
    fact = Fact(value=(1, 2), key="sizes", evidence=[Evidence(kind="config", where="sizes")])
    data = {
        "key": "sizes",
        "value": [1, 2],
        "unit": None,
        "status": "verified",
        "evidence": [{"kind": "config", "where": "sizes", "text": None}],
    }
    assert fact.as_dict() == data
    assert fact.to_json(indent=2) == json.dumps(data, indent=2)
    assert json_data({"facts": {fact.key: fact}, 1: ()}) == {"facts": {"sizes": data}, "1": []}


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="holds no object"):
        json_text({"value": object()})
