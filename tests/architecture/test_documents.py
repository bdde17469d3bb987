from __future__ import annotations

from typing import Any

import pytest

from archviz.architecture.documents import read_architecture
from archviz.errors import UsageError
from tests.conftest import make_architecture


def test_a_document_is_read_back_equal() -> None:
    architecture = make_architecture()
    assert read_architecture(architecture.as_dict(), "a.json") == architecture


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identify": {}}, "at /identify: Extra inputs are not permitted"),
        ({"identity": {"id": "a/b"}}, "at /identity/class_name: Field required"),
        ({"facts": [{"key": "a", "value": 1, "stauts": "config"}]}, "at /facts/0/stauts: Extra inputs are not permitted"),
        ({"facts": [7]}, "at /facts/0: Input should be an object"),
        ({"parameters": {"total": "many"}}, "at /parameters/total: Input should be a valid integer"),
        ({"layers": [{"path": "a", "count": 1, "kinds": [], "pattern": [{"times": 1, "items": [{}]}]}]},
         "at /layers/0/pattern/0/items/0/times: Field required"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_architecture({**make_architecture().as_dict(), **change}, "a.json")
    assert message in str(caught.value)
    assert caught.value.where == "a.json"


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(UsageError, match="Input should be an object"):
        read_architecture([], "a.json")
