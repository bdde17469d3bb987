from __future__ import annotations

import pytest

from archviz.errors import UsageError
from archviz.numbers.dtypes import BITS, SHORT, dtype_of, short_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("bf16", "bfloat16"), ("torch.float16", "float16"), ("FP8", "float8_e4m3fn"), ("int4", "int4")],
)
def test_names_of_types_are_known(name: str, expected: str) -> None:
    assert dtype_of(name) == expected
    assert dtype_of(short_name(expected)) == expected


def test_every_short_name_has_bits() -> None:
    assert set(SHORT.values()) <= set(BITS)


def test_an_unknown_type_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError) as refused:
        dtype_of("bf17")
    assert "bf16" in (refused.value.hint or "")
